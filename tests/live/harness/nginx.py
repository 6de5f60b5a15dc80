"""nginx, which gives other servers TLS and a path prefix, and the certificates for it."""

import os
import string
from pathlib import Path

from .group import RUN, Group, free_ports, quietly
from .install import nginx, openssl

TLS = RUN / "tls"
AUTHORITY = TLS / "ca.pem"
CLIENT, CLIENT_KEY = TLS / "client.pem", TLS / "client.key"

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
DAYS = ("-days", "30")


class Nginx(Group):
    def __init__(self, rotel, mlflow, groups):
        make_certificates()
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


def make_certificates():
    TLS.mkdir()
    quietly(
        openssl(), "req", "-x509", *KEY, "-keyout", TLS / "ca.key", "-out", AUTHORITY, *DAYS,
        "-subj", "/CN=live tests", "-addext", "basicConstraints=critical,CA:TRUE",
        "-addext", "keyUsage=critical,keyCertSign",
    )
    make_certificate("server", "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth")
    make_certificate("client", "extendedKeyUsage=clientAuth")


def make_certificate(name, extensions):
    """Signed by our authority."""
    request, extra = TLS / f"{name}.csr", TLS / f"{name}.ext"
    extra.write_text(extensions)
    quietly(
        openssl(), "req", *KEY, "-keyout", TLS / f"{name}.key", "-out", request,
        "-subj", f"/CN={name}",
    )
    quietly(
        openssl(), "x509", "-req", "-in", request, "-CA", AUTHORITY, "-CAkey", TLS / "ca.key",
        "-CAcreateserial", "-out", TLS / f"{name}.pem", *DAYS, "-extfile", extra,
    )
