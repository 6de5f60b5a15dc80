"""OTLP receivers that are not MLflow."""

import os
from pathlib import Path

from .group import RUN, Group, free_ports, loopback_with
from .install import NODE_MODULES, ROTEL

# The port of OTLP/gRPC.
GRPC_PORT = 4317


class Rotel(Group):
    """Throws spans away, after writing each of them to its log."""

    arguments = ("--exporter", "blackhole", "--debug-log", "traces", "--debug-log-verbosity", "detailed")

    def __init__(self, name, groups, grpc=None):
        http, any_grpc = free_ports(2)
        address, grpc = grpc or ("127.0.0.1", any_grpc)
        self.http, self.grpc = f"127.0.0.1:{http}", f"{address}:{grpc}"
        super().__init__(name, [
            ROTEL, "start", "--otlp-grpc-endpoint", self.grpc, "--otlp-http-endpoint", self.http,
            *self.arguments,
        ])
        groups.append(self)
        self.wait_for_ports(http, (address, grpc))


def collector(groups):
    return Rotel("rotel", groups, grpc=(loopback_with(GRPC_PORT), GRPC_PORT))


class Gateway(Rotel):
    """Passes spans on to the default experiment of an MLflow server, which has no gRPC itself."""

    def __init__(self, mlflow_uri, groups):
        self.arguments = (
            "--exporter", "otlp", "--otlp-exporter-protocol", "http",
            "--otlp-exporter-endpoint", mlflow_uri,
            "--otlp-exporter-custom-headers", "x-mlflow-experiment-id=0",
        )
        super().__init__("gateway", groups)


class Elastic(Group):
    """Not written in Rust, as ours and rotel are: shares no decoder, and no mistake, with us."""

    def __init__(self, groups):
        http, grpc = free_ports(2)
        self.http, self.grpc = f"127.0.0.1:{http}", f"127.0.0.1:{grpc}"
        self.received = RUN / "elastic.jsonl"
        self.received.touch()
        script = Path(__file__).with_name("elastic.js")
        super().__init__(
            "elastic", ["node", script, self.received, grpc, http],
            environment=os.environ | {"NODE_PATH": str(NODE_MODULES)},
        )
        groups.append(self)
        self.wait_for_ports(http, grpc)
