"""Makes a trace with MLflow's Python SDK, for the tests to compare ours with; prints its id as JSON.

    reference.py TRACKING_URI EXPERIMENT_ID
"""

import json
import sys

import mlflow
from mlflow.entities import SpanType


def main(uri, experiment_id):
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment(experiment_id=experiment_id)
    with mlflow.start_span("agent", span_type=SpanType.AGENT) as agent:
        agent.set_inputs({"question": "what?", "k": 3})
        mlflow.update_current_trace(
            tags={"team": "blue"},
            metadata={"mlflow.trace.session": "s-1", "mlflow.trace.user": "anna", "build": "42"},
            client_request_id="request-1",
        )
        with mlflow.start_span("chat", span_type=SpanType.CHAT_MODEL) as chat:
            chat.set_inputs({"messages": [{"role": "user", "content": "what?"}]})
            chat.set_attribute("mlflow.llm.model", "stand-in")
            usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
            chat.set_attribute("mlflow.chat.tokenUsage", usage)
            chat.set_outputs("that")
        agent.set_outputs({"answer": "that"})
    mlflow.flush_trace_async_logging()
    print(json.dumps(agent.trace_id))


if __name__ == "__main__":
    main(*sys.argv[1:])
