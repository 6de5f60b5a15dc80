"""nginx, which gives other servers TLS and a path prefix."""

import os
import string
from pathlib import Path

from .certificates import TLS
from .group import RUN, Group, free_ports
from .install import nginx


class Nginx(Group):
    def __init__(self, rotel, mlflow, groups):
        directory = RUN / "nginx"
        directory.mkdir()
        plain, tls, mtls = free_ports(3)
        self.plain, self.tls, self.mtls = f"127.0.0.1:{plain}", f"127.0.0.1:{tls}", f"127.0.0.1:{mtls}"
        for name in ("nginx.conf", "locations.conf"):
            template = string.Template(Path(__file__).with_name(name).read_text())
            (directory / name).write_text(template.substitute(
                # Else root's workers are those of another user, who may not see our directory.
                user="user root root;" if os.geteuid() == 0 else "",
                nginx=directory, tls=TLS, plain_port=plain, tls_port=tls, mtls_port=mtls,
                rotel_http=rotel.http, rotel_grpc=rotel.grpc, mlflow_port=mlflow.port,
            ))
        super().__init__("nginx", [nginx(), "-e", "stderr", "-c", directory / "nginx.conf"])
        groups.append(self)
        self.wait_for_ports(plain, tls, mtls)
