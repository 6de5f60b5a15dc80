"""MLflow servers."""

import base64
import json
import os
import time
import urllib.request

from .group import PATIENCE_SECONDS, RUN, Group
from .install import PYTHON

USER, PASSWORD = "admin", "a password of 16+"


class Mlflow(Group):
    """On SQLite unless a `store` is given; asks for USER and PASSWORD if it is to `authenticate`."""

    def __init__(self, name, port, groups, store=None, authenticate=False):
        self.port, self.uri = port, f"http://127.0.0.1:{port}"
        self.headers = {}
        directory = RUN / name
        directory.mkdir()
        command = [
            PYTHON, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", 1,
            "--backend-store-uri", store or f"sqlite:///{directory}/mlflow.db",
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
        if authenticate:
            command += ["--app-name", "basic-auth"]
            environment |= self.ask_for_password(directory)
        super().__init__(name, command, environment)
        groups.append(self)

    def ask_for_password(self, directory):
        settings = directory / "auth.ini"
        settings.write_text(
            "[mlflow]\ndefault_permission = READ\n"
            f"database_uri = sqlite:///{directory}/auth.db\n"
            f"admin_username = {USER}\nadmin_password = {PASSWORD}\n"
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        )
        secret = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        self.headers = {"authorization": f"Basic {secret}"}
        return {"MLFLOW_AUTH_CONFIG_PATH": str(settings), "MLFLOW_FLASK_SERVER_SECRET_KEY": "live tests"}

    def wait_until_warm(self):
        """The port opens before the database is made, and the first spans wait for lazy imports."""
        search = {"max_results": 1}
        self.wait_until(lambda: self.accepts("/api/2.0/mlflow/experiments/search", search))
        end = time.time_ns()
        span = {
            "traceId": os.urandom(16).hex(), "spanId": os.urandom(8).hex(), "name": "warm-up",
            "startTimeUnixNano": str(end - 1000), "endTimeUnixNano": str(end),
        }
        spans = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
        default = {"x-mlflow-experiment-id": "0"}
        self.wait_until(lambda: self.accepts("/v1/traces", spans, default))

    def accepts(self, path, body, headers={}):
        headers = {"content-type": "application/json"} | self.headers | headers
        request = urllib.request.Request(self.uri + path, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return answer.status == 200
        except OSError:
            return False
