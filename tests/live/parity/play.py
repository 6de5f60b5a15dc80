"""Plays the scenario with MLflow's official Python SDK, for the tests to compare ours with.

    play.py TRACKING_URI EXPERIMENT_ID

Prints the traces it made as JSON: for each scenario's name, a list of ids.
"""

import asyncio
import contextvars
import json
import sys
import threading
from contextlib import nullcontext
from pathlib import Path

import mlflow
from mlflow.entities import Link, SpanEvent, SpanStatus, SpanStatusCode

SCENARIO = Path(__file__).with_name("scenario.json")


def main(uri, experiment_id):
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment(experiment_id=experiment_id)
    made = {}
    for trace in resolved(json.loads(SCENARIO.read_text()))["traces"]:
        if trace.get("spoils"):
            mlflow.flush_trace_async_logging()
        made[trace["name"]] = Player(made).play(trace)
        if trace.get("spoils"):
            mlflow.flush_trace_async_logging()
    mlflow.flush_trace_async_logging()
    print(json.dumps({name: [root[0] for root in roots] for name, roots in made.items()}))


def resolved(value):
    """What the scenario abbreviates, written out."""
    match value:
        case {"$repeat": [text, times]}:
            return text * times
        case {"$items": [pattern, count]}:
            return [pattern.replace("{}", str(i)) for i in range(count)]
        case {"$fields": [pattern, count]}:
            return {pattern.replace("{}", str(i)): i for i in range(count)}
        case {"$float": text}:
            return float(text)
        case dict():
            return {key: resolved(item) for key, item in value.items()}
        case list():
            return [resolved(item) for item in value]
    return value


class Player:
    """Plays one scenario."""

    def __init__(self, made):
        self.made = made
        self.roots = []
        self.unfinished = []

    def play(self, trace):
        for span in trace["spans"]:
            # Those of a detached root are given to the span itself.
            around = {} if span.get("how") == "detached" else trace.get("context", {})
            with mlflow.tracing.context(**around) if around else nullcontext():
                try:
                    self.span(span, given=trace.get("context", {}))
                except Raised:
                    pass
            for child in self.unfinished:
                child.end()
            self.unfinished = []
        return self.roots

    def span(self, span, parent=None, given=None):
        """Makes a span in the way that it asks for."""
        how = span.get("how", "scope")
        return getattr(self, how.replace(" ", "_"))(span, parent, given)

    def scope(self, span, _parent, _given):
        with mlflow.start_span(span["name"], **described(span)) as live:
            self.fill(live, span)

    def detached(self, span, parent, given):
        own = {key: given[key] for key in ("tags", "metadata") if given and key in given}
        begins = {"start_time_ns": span["start_time"]} if "start_time" in span else {}
        live = mlflow.start_span_no_context(
            span["name"], parent_span=parent, **described(span), **own, **begins
        )
        self.fill(live, span)
        live.end(end_time_ns=span.get("end_time"))

    def root(self, span, _parent, _given):
        """The SDK has no way to say so: this one says that it has no parent."""
        self.detached(span, None, None)

    def late(self, span, _parent, _given):
        live = mlflow.start_span_no_context(
            span["name"], parent_span=mlflow.get_current_active_span(), **described(span)
        )
        self.fill(live, span)
        self.unfinished.append(live)

    def remote(self, span, _parent, _given):
        headers = mlflow.tracing.get_tracing_context_headers_for_http_request()
        with mlflow.tracing.set_tracing_context_from_http_request_headers(headers):
            self.scope(span, None, None)

    def thread(self, span, _parent, _given):
        context = contextvars.copy_context()
        thread = threading.Thread(target=lambda: context.run(self.scope, span, None, None))
        thread.start()
        thread.join()

    def function(self, span, _parent, _given):
        self.traced(span, lambda live: self.body(live, span))(**span["arguments"])

    def async_function(self, span, _parent, _given):
        async def body(live):
            return self.body(live, span)

        function = self.traced(span, body, "async def", "return await ")
        asyncio.run(function(**span["arguments"]))

    def cancelled(self, span, _parent, _given):
        async def body(live):
            self.body(live, span)
            waits.set()
            await asyncio.Event().wait()

        async def block():
            with mlflow.start_span(span["name"], **described(span)) as live:
                await body(live)

        async def main():
            task = asyncio.create_task(function(**span.get("arguments", {})))
            await waits.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        waits = asyncio.Event()
        is_function = "arguments" in span
        function = self.traced(span, body, "async def", "return await ") if is_function else block
        asyncio.run(main())

    def stream(self, span, _parent, _given):
        def body(live):
            self.note(live)
            yield from span["items"]
            fail(span)

        options = {"output_reducer": "".join} if span.get("reducer") == "join" else {}
        stream = self.traced(span, body, "def", "yield from ", **options)(**span["arguments"])
        for count, _ in enumerate(stream, 1):
            if count == span.get("taken"):
                break

    def traced(self, span, body, define="def", give="return ", **options):
        """A decorated function of this name and these arguments."""
        name, arguments = span["name"], ", ".join(span["arguments"])
        known = {"body": body, "current": mlflow.get_current_active_span}
        exec(f"{define} {name}({arguments}): {give}body(current())", known)
        return mlflow.trace(known[name], **described(span, with_attributes=True), **options)

    def body(self, live, span):
        self.fill(live, span, of_function=True)
        return span.get("outputs")

    def note(self, live):
        # One that is not traced has no id.
        if live.span_id and live.parent_id is None:
            self.roots.append((live.trace_id, live.span_id))

    def fill(self, live, span, of_function=False):
        """Everything that a span carries beside its name, and its children."""
        self.note(live)
        if "inputs" in span:
            live.set_inputs(span["inputs"])
        if not of_function:
            live.set_attributes(span.get("attributes", {}))
        if "trace" in span:
            mlflow.update_current_trace(**span["trace"])
        self.fill_model(live, span)
        self.fill_links_and_events(live, span)
        for child in span.get("children", []):
            try:
                self.span(child, live)
            except Raised:
                if not child.get("caught"):
                    raise
        if "outputs" in span and not of_function:
            live.set_outputs(span["outputs"])
        if "status" in span:
            code = SpanStatusCode(span["status"]["code"])
            live.set_status(SpanStatus(code, span["status"].get("message", "")))
        if "exception" in span:
            live.record_exception(error(span["exception"]))
        fail(span)

    def fill_model(self, live, span):
        for word, key in KEYS.items():
            if word in span:
                live.set_attribute(key, span[word])
        if "tools" in span:
            mlflow.tracing.set_span_chat_tools(live, span["tools"])

    def fill_links_and_events(self, live, span):
        for link in span.get("links", []):
            to = self.made[link["to"]][0] if "to" in link else ("tr-" + link["trace_id"], link["span_id"])
            live.add_link(Link(*to, attributes=link.get("attributes")))
        for event in span.get("events", []):
            time = {"timestamp": event["time"]} if "time" in event else {}
            live.add_event(SpanEvent(event["name"], attributes=event.get("attributes", {}), **time))


KEYS = {
    "model": "mlflow.llm.model",
    "provider": "mlflow.llm.provider",
    "message_format": "mlflow.message.format",
    "usage": "mlflow.chat.tokenUsage",
    "cost": "mlflow.llm.cost",
}


def described(span, with_attributes=False):
    names = {"type": "span_type", "description": "description", "log_level": "log_level"}
    if with_attributes:
        names["attributes"] = "attributes"
    return {names[word]: span[word] for word in names if word in span}


class Raised(Exception):
    pass


def error(told):
    kind = type(told["type"], (Raised,), {})
    raised = kind(told["message"])
    if "cause" in told:
        raised.__cause__ = error(told["cause"])
    return raised


def fail(span):
    if "error" in span:
        raise error(span["error"])


if __name__ == "__main__":
    main(*sys.argv[1:])
