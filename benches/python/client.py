"""Makes the traces of the standard work with MLflow's Python SDK, and prints what they cost as JSON.

    client.py TRACKING_URI EXPERIMENT_ID TURNS

`TURNS` is JSON: `warm_up` traces, then `timed` ones. The figures are named as in `src/measure.rs`, and
are per span.
"""

import json
import sys
import time

import mlflow
from mlflow.entities import SpanType
from mlflow.tracing.processor.base_mlflow import _batch_processor_registry
from mlflow.tracing.provider import _get_trace_exporter

CHILDREN = 4
MODEL = "gpt-4.1-mini"


def main(uri, experiment_id, turns):
    mlflow.set_tracking_uri(uri)
    # `MLFLOW_EXPERIMENT_ID` makes spans that do nothing: a name is missing in mlflow-tracing 3.17.2.
    mlflow.set_experiment(experiment_id=experiment_id)
    make(turns["warm_up"])
    wait_until_stored()
    start, cpu = time.monotonic_ns(), time.process_time_ns()
    make(turns["timed"])
    caller = time.monotonic_ns() - start
    wait_until_stored()
    wall, cpu = time.monotonic_ns() - start, time.process_time_ns() - cpu
    mlflow.flush_trace_async_logging(terminate=True)
    spans = turns["timed"] * (1 + CHILDREN)
    sample = {"CallerWall": caller / spans, "ProcessCpu": cpu / spans, "ProcessWall": wall / spans}
    ended = (turns["warm_up"] + turns["timed"]) * (1 + CHILDREN)
    print(json.dumps({"sample": sample, "ended": ended}))


def make(traces):
    for _ in range(traces):
        with mlflow.start_span("agent", span_type=SpanType.AGENT) as agent:
            agent.set_inputs(INPUTS)
            for _ in range(CHILDREN):
                with mlflow.start_span("chat", span_type=SpanType.CHAT_MODEL) as chat:
                    chat.set_inputs(INPUTS)
                    chat.set_attribute("gen_ai.request.model", MODEL)
                    chat.set_attribute("gen_ai.usage.input_tokens", 412)
                    chat.set_attribute("gen_ai.usage.output_tokens", 38)
                    chat.set_outputs(OUTPUTS)
            agent.set_outputs(OUTPUTS)


def wait_until_stored():
    """What `flush_trace_async_logging` does, without the second that it may wait for an empty queue."""
    for processor in list(_batch_processor_registry):
        processor._batch_delegate.force_flush()
    _get_trace_exporter()._async_queue._queue.join()


# The content of `src/work/content.rs`.
INPUTS = {
    "model": MODEL,
    "temperature": 0.2,
    "messages": [
        {
            "role": "system",
            "content": "You answer questions about the orders of a shop, in one or two short sentences.",
        },
        {
            "role": "user",
            "content": "My parcel should have been here on Monday. Where is it now, and can I still "
            "change the address it goes to?",
        },
    ],
}
OUTPUTS = {
    "id": "chatcmpl-8fd1",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "It left the depot in Lyon this morning and should arrive tomorrow before noon. "
                "The address can be changed until eight tonight, on the carrier's page.",
            },
        }
    ],
    "usage": {"prompt_tokens": 412, "completion_tokens": 38, "total_tokens": 450},
}

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
