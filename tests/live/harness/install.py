"""What the servers need, installed once: a later run finds the stamp, and downloads nothing."""

import glob
import os
import shutil
import sys

from .group import LIVE, quietly

PYPI = ("mlflow[auth]==3.17.2", "psycopg2-binary==2.9.13")
NPM = ("@streamfold/rotel-linux-x64@0.0.8-alpha", "@elastic/mockotlpserver@0.10.0")

PYTHON = LIVE / "venv" / "bin" / "python"
NODE_MODULES = LIVE / "npm" / "node_modules"
ROTEL = NODE_MODULES / "@streamfold" / "rotel-linux-x64" / "bin" / "rotel-agent"


def install():
    from_debian()
    stamp = LIVE / "installed"
    wanted = "\n".join(PYPI + NPM)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    quietly(sys.executable, "-m", "venv", "--clear", LIVE / "venv")
    quietly(PYTHON, "-m", "pip", "install", "--disable-pip-version-check", *PYPI)
    quietly("npm", "install", "--prefix", LIVE / "npm", "--no-audit", "--no-fund", *NPM)
    stamp.write_text(wanted)


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
