"""Tells traces as MLflow's official Python client reads them: a line of JSON for each that it is asked.

Asked, on stdin: {"uri", "trace_id", "credentials": [user, password] or null}.
"""

import json
import math
import os
import sys
import traceback
from datetime import datetime, timezone

from mlflow import MlflowClient


def main():
    answers = sys.stdout
    # Whatever the client has to say is no answer.
    sys.stdout = sys.stderr
    for question in sys.stdin:
        try:
            answer = read(**json.loads(question))
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(plain(answer)), file=answers, flush=True)


def read(uri, trace_id, credentials):
    user, password = credentials or ("", "")
    os.environ.update(MLFLOW_TRACKING_USERNAME=user, MLFLOW_TRACKING_PASSWORD=password)
    # Spans that are in a file are asked for at this one.
    os.environ.update(MLFLOW_TRACKING_URI=uri)
    return describe(MlflowClient(tracking_uri=uri).get_trace(trace_id))


def describe(trace):
    info = trace.info
    return {
        "id": info.trace_id,
        "experiment_id": info.experiment_id,
        "client_request_id": info.client_request_id,
        "state": info.state.value,
        "request_time": written(info.request_time),
        "duration_ms": info.execution_duration,
        "request_preview": info.request_preview,
        "response_preview": info.response_preview,
        "tags": info.tags,
        "metadata": info.trace_metadata,
        "spans": [describe_span(span) for span in trace.data.spans],
    }


def plain(value):
    """Without the floats that JSON does not know."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"(the float {value})"
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def written(milliseconds):
    """As MLflow's REST answers have it."""
    time = datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z").replace(".000Z", "Z")


def describe_span(span):
    return {
        "id": span.span_id,
        "parent_id": span.parent_id,
        "name": span.name,
        "kind": span.span_type,
        "inputs": span.inputs,
        "outputs": span.outputs,
        "status": span.status.status_code.value,
        "message": span.status.description or "",
        "start": span.start_time_ns,
        "end": span.end_time_ns,
        "attributes": span.attributes,
        "events": [
            {"name": event.name, "time": event.timestamp, "attributes": event.attributes or {}}
            for event in span.events
        ],
        "links": [
            {"trace_id": link.trace_id, "span_id": link.span_id, "attributes": link.attributes or {}}
            for link in span.links
        ],
    }


if __name__ == "__main__":
    main()
