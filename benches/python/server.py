#!/usr/bin/env python3
"""Starts an MLflow server as the live tests do, runs a command with it, and stops it.

    python3 benches/python/server.py COMMAND

Set for the command:
    MLFLOW_TEST_URI            the server, on SQLite
    MLFLOW_TEST_LOG            its log, with every request
    MLFLOW_TEST_CLIENT_PYTHON  a Python that has MLflow's tracing SDK
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "live"))

import servers  # noqa: E402
from harness import install  # noqa: E402
from harness.group import free_ports  # noqa: E402
from harness.mlflow import Mlflow  # noqa: E402


def start(groups):
    install.mlflow()
    install.client()
    server = Mlflow("mlflow", *free_ports(1), groups)
    server.wait_until_warm()
    told = {
        "MLFLOW_TEST_URI": server.uri,
        "MLFLOW_TEST_LOG": server.log,
        "MLFLOW_TEST_CLIENT_PYTHON": install.CLIENT_PYTHON,
    }
    return {name: str(value) for name, value in told.items()}


if __name__ == "__main__":
    sys.exit(servers.main(sys.argv[1:], __doc__, start))
