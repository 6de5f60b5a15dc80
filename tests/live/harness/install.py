"""What the servers need, installed once: a later run finds the stamps, and downloads nothing."""

import glob
import os
import shutil
import sys

from .group import LIVE, quietly

MLFLOW = ("mlflow[auth]==3.17.2", "psycopg2-binary==2.9.13")
# The same client without the server, as a program in production has it.
CLIENT = ("mlflow-tracing==3.17.2",)
NPM = ("@streamfold/rotel-linux-x64@0.0.8-alpha", "@elastic/mockotlpserver@0.10.0")

PYTHON = LIVE / "venv" / "bin" / "python"
CLIENT_PYTHON = LIVE / "client" / "bin" / "python"
NODE_MODULES = LIVE / "npm" / "node_modules"
ROTEL = NODE_MODULES / "@streamfold" / "rotel-linux-x64" / "bin" / "rotel-agent"


def everything():
    from_debian()
    mlflow()
    client()
    once("npm", NPM, lambda directory: quietly(
        "npm", "install", "--prefix", directory, "--no-audit", "--no-fund", *NPM
    ))


def mlflow():
    once("venv", MLFLOW, lambda directory: from_pypi(directory, MLFLOW))


def client():
    once("client", CLIENT, lambda directory: from_pypi(directory, CLIENT))


def once(name, wanted, install):
    """Has `install` fill the directory of this name, unless it holds what is wanted."""
    stamp, wanted = LIVE / f"{name}.installed", "\n".join(wanted)
    if not stamp.exists() or stamp.read_text() != wanted:
        install(LIVE / name)
        stamp.write_text(wanted)


def from_pypi(directory, packages):
    quietly(sys.executable, "-m", "venv", "--clear", directory)
    python = directory / "bin" / "python"
    quietly(python, "-m", "pip", "install", "--disable-pip-version-check", *packages)


def from_debian():
    wanted = {"nginx-light": nginx(), "openssl": openssl(), "postgresql": postgres("postgres")}
    missing = [package for package, program in wanted.items() if program is None]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"the live tests need what Debian has as: {' '.join(missing)}\n"
                 f"install it: sudo apt-get install {' '.join(missing)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    quietly("apt-get", "update", env=environment)
    quietly("apt-get", "install", "--yes", "--no-install-recommends", *missing, env=environment)


def nginx():
    # A user's path may lack the directory of servers.
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def openssl():
    return shutil.which("openssl")


def postgres(program):
    """A program of PostgreSQL's server; Debian has none of them on the path."""
    found = glob.glob(f"/usr/lib/postgresql/*/bin/{program}")
    return max(found, default=None) or shutil.which(program)
