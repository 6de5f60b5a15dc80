"""A PostgreSQL cluster that lives as long as the run."""

import os
import shutil
import signal
import tempfile

from .group import Group, as_user, quietly
from .install import postgres

NAME = "mlflow"


class Postgres(Group):
    # SIGTERM would make it wait for its clients.
    ending = signal.SIGINT

    def __init__(self, port, groups):
        # The server refuses to run as root, and its user may not see our directory.
        user = "postgres" if os.geteuid() == 0 else None
        self.identity = as_user(user)
        self.directory = tempfile.mkdtemp(prefix="mlflow-tracing-postgres-")
        if user:
            shutil.chown(self.directory, user, user)
        quietly(
            postgres("initdb"), "--pgdata", self.directory, "--username", NAME,
            "--auth", "trust", "--no-sync", "--encoding", "UTF8", "--locale", "C.UTF-8",
            **self.identity,
        )
        self.port, self.uri = port, uri(port, "postgres")
        command = [postgres("postgres"), "-D", self.directory, "-p", port]
        settings = {
            "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
            # What it holds is thrown away.
            "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
        }
        for setting in settings.items():
            command += ["-c", "=".join(setting)]
        super().__init__("postgres", command)
        groups.append(self)
        self.wait_for_ports(port)

    def database(self, name):
        """A further database; returns its URI."""
        quietly(
            postgres("createdb"), "--host", "127.0.0.1", "--port", self.port, "--username", NAME, name,
            **self.identity,
        )
        return uri(self.port, name)

    def make_end(self):
        super().make_end()
        shutil.rmtree(self.directory, ignore_errors=True)


def uri(port, database):
    return f"postgresql+psycopg2://{NAME}@127.0.0.1:{port}/{database}"
