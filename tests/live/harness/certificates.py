"""Certificates of the run, and a server that is strict about them."""

from .group import RUN, Group, free_ports, quietly
from .install import openssl

TLS = RUN / "tls"
AUTHORITY = TLS / "ca.pem"
CLIENT, CLIENT_KEY = TLS / "client.pem", TLS / "client.key"

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
DAYS = ("-days", "30")


class Strict(Group):
    """Ends the handshake with those who have no client certificate; nginx answers them over HTTP."""

    def __init__(self, groups):
        [port] = free_ports(1)
        self.address = f"127.0.0.1:{port}"
        super().__init__("strict", [
            openssl(), "s_server", "-accept", self.address, "-www", "-alpn", "h2,http/1.1",
            "-cert", TLS / "server.pem", "-key", TLS / "server.key",
            "-CAfile", AUTHORITY, "-Verify", 1, "-verify_return_error",
        ])
        groups.append(self)
        self.wait_for_ports(port)


def make():
    TLS.mkdir()
    quietly(
        openssl(), "req", "-x509", *KEY, "-keyout", TLS / "ca.key", "-out", AUTHORITY, *DAYS,
        "-subj", "/CN=live tests", "-addext", "basicConstraints=critical,CA:TRUE",
        "-addext", "keyUsage=critical,keyCertSign",
    )
    make_one("server", "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth")
    make_one("client", "extendedKeyUsage=clientAuth")


def make_one(name, extensions):
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
