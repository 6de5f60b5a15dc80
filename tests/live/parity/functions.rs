//! The functions and streams of the scenario, as a program has them: traced by what is written
//! above them, or by the span that they are given.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use futures_util::{Stream, StreamExt as _, stream};
use mlflow_tracing::opentelemetry::trace::{SpanContext, TraceContextExt as _};
use mlflow_tracing::tracing_opentelemetry::OpenTelemetrySpanExt as _;
use mlflow_tracing::{MlflowFutureExt as _, MlflowSpanExt as _, MlflowStreamExt as _, trace};
use tracing::Span;

use super::content::joined;
use super::failure::{Failure, RuntimeError, ValueError};
use super::json::Json;
use super::player::start;
use super::scenario;
use super::value::Given;

/// What happens in a function beside its return.
type Body<'a> = &'a mut dyn FnMut() -> Result<(), Failure>;

/// Calls the function that is told of.
pub(super) fn call(told: &scenario::Span, body: Body<'_>) -> Result<(), Failure> {
    match told.name.as_str() {
        "agent" => drop(agent(argument(told, "question"), argument(told, "k"), told, body)),
        "retrieve" => drop(retrieve(argument(told, "q"), told, body)),
        "llm" => drop(llm(argument(told, "messages"), argument(told, "model"), told, body)),
        "outer" => return outer(argument(told, "x"), body).map_err(Failure::from),
        "inner" => return inner(argument(told, "x"), body).map_err(Failure::from),
        "add" => drop(add(argument(told, "a"), argument(told, "b"), told, body)),
        "tick" => tick(body),
        unknown => panic!("no such function: {unknown}"),
    }
    Ok(())
}

/// The same of an async one, with nothing else on the thread.
pub(super) async fn call_async(told: &scenario::Span, body: Body<'_>) -> Result<(), Failure> {
    match told.name.as_str() {
        "fetch" => drop(fetch(argument(told, "url"), told, body).await),
        unknown => panic!("no such async function: {unknown}"),
    }
    Ok(())
}

/// Calls an async function that is dropped before it returns.
pub(super) fn call_off(told: &scenario::Span, body: Body<'_>) {
    match told.name.as_str() {
        "ask" => poll_once(ask(argument(told, "question"), body)),
        "wait" => {
            let waiting = async {
                done(body());
                std::future::pending::<()>().await;
            };
            let span = start(told, mlflow_tracing::span_builder(told.name.clone()));
            poll_once(waiting.traced(span));
        }
        unknown => panic!("no such async function: {unknown}"),
    }
}

/// Reads the stream that is told of; the span that it ran in.
pub(super) fn read(told: &scenario::Span) -> SpanContext {
    let mut begun = SpanContext::NONE;
    let items = told.items.clone();
    match (told.name.as_str(), &told.error) {
        ("gen", None) => taken(told, r#gen(argument(told, "n"), items, &mut begun)),
        ("gen", Some(error)) => {
            let error = Failure::of(error).into();
            taken(told, failing::r#gen(argument(told, "n"), items, error, &mut begun));
        }
        ("chat", _) => taken(told, chat(argument(told, "prompt"), items, &mut begun)),
        ("silent", _) => taken(told, silent(argument(told, "n"), items, &mut begun)),
        ("tokens", _) => tokens(told, items, &mut begun),
        (unknown, _) => panic!("no such stream: {unknown}"),
    }
    begun
}

#[trace(span_type = Agent, skip(told, body))]
fn agent(question: Given<'_>, k: Given<'_>, told: &scenario::Span, body: Body<'_>) -> Json {
    done(body());
    outputs(told)
}

#[trace(span_type = Retriever, skip(told, body), attributes(k = attribute(told, "k")))]
fn retrieve(q: Given<'_>, told: &scenario::Span, body: Body<'_>) -> Json {
    done(body());
    outputs(told)
}

#[trace(
    span_type = ChatModel,
    skip(told, body),
    attributes(
        f = attribute(told, "f"),
        b = attribute(told, "b"),
        i = attribute(told, "i"),
        lst = attribute(told, "lst"),
        d = attribute(told, "d"),
        none = attribute(told, "none"),
        uni = attribute(told, "uni"),
    )
)]
fn llm(messages: Given<'_>, model: Given<'_>, told: &scenario::Span, body: Body<'_>) -> Json {
    done(body());
    outputs(told)
}

#[trace(span_type = Chain, skip(body))]
fn outer(x: Given<'_>, body: Body<'_>) -> Result<(), ValueError> {
    Ok(body()?)
}

#[trace(skip(body))]
fn inner(x: Given<'_>, body: Body<'_>) -> Result<(), ValueError> {
    Ok(body()?)
}

#[trace(span_type = Tool, skip(told, body))]
fn add(a: Given<'_>, b: Given<'_>, told: &scenario::Span, body: Body<'_>) -> Json {
    done(body());
    outputs(told)
}

#[trace(skip(body))]
fn tick(body: Body<'_>) {
    done(body());
}

#[trace(span_type = Retriever, skip(told, body))]
async fn fetch(url: Given<'_>, told: &scenario::Span, body: Body<'_>) -> Json {
    done(body());
    tokio::task::yield_now().await;
    outputs(told)
}

#[trace(span_type = Llm, skip(body))]
async fn ask(question: Given<'_>, body: Body<'_>) -> Json {
    done(body());
    std::future::pending().await
}

#[trace(span_type = Llm, skip(items, begun), outputs = joined)]
fn r#gen(
    n: Given<'_>,
    items: Vec<Json>,
    begun: &mut SpanContext,
) -> impl Stream<Item = Json> + use<> {
    *begun = current();
    stream::iter(items)
}

mod failing {
    use super::{Given, Json, RuntimeError, SpanContext, Stream, current, stream, trace};

    #[trace(span_type = Llm, skip(items, error, begun))]
    pub(super) fn r#gen(
        n: Given<'_>,
        items: Vec<Json>,
        error: RuntimeError,
        begun: &mut SpanContext,
    ) -> impl Stream<Item = Result<Json, RuntimeError>> + use<> {
        *begun = current();
        stream::iter(items.into_iter().map(Ok).chain([Err(error)]))
    }
}

#[trace(span_type = ChatModel, skip(items, begun))]
fn chat(
    prompt: Given<'_>,
    items: Vec<Json>,
    begun: &mut SpanContext,
) -> impl Stream<Item = Json> + use<> {
    *begun = current();
    stream::iter(items)
}

#[trace(span_type = Llm, skip(items, begun))]
fn silent(
    n: Given<'_>,
    items: Vec<Json>,
    begun: &mut SpanContext,
) -> impl Stream<Item = Json> + use<> {
    *begun = current();
    stream::iter(items)
}

/// By a span that the program makes itself.
fn tokens(told: &scenario::Span, items: Vec<Json>, begun: &mut SpanContext) {
    let span = start(told, mlflow_tracing::span_builder(told.name.clone()));
    span.set_inputs(&Given(&told.arguments));
    *begun = span.context().span().span_context().clone();
    if told.reducer.is_some() {
        span.set_outputs(&joined(&items));
    }
    taken(told, stream::iter(items).traced(span));
}

/// Reads as many items as the scenario says; then the stream is dropped.
fn taken(told: &scenario::Span, stream: impl Stream) {
    let count = told.taken.unwrap_or(usize::MAX);
    let mut stream = pin!(stream);
    poll_once(poll_fn(|context| {
        for _ in 0..count {
            match stream.poll_next_unpin(context) {
                Poll::Ready(Some(_)) => {}
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => panic!("these streams never wait"),
            }
        }
        Poll::Ready(())
    }));
}

fn poll_once<F: Future>(future: F) {
    let mut context = Context::from_waker(Waker::noop());
    let _ = pin!(future).poll(&mut context);
}

fn current() -> SpanContext {
    Span::current().context().span().span_context().clone()
}

fn argument<'a>(told: &'a scenario::Span, name: &str) -> Given<'a> {
    Given(field(&told.arguments, name))
}

fn attribute<'a>(told: &'a scenario::Span, name: &str) -> Given<'a> {
    Given(field(&told.attributes, name))
}

fn field<'a>(of: &'a Json, name: &str) -> &'a Json {
    let found = of.fields().iter().find(|(key, _)| key == name);
    found.map_or_else(|| panic!("no {name} in the scenario"), |(_, value)| value)
}

fn outputs(told: &scenario::Span) -> Json {
    told.outputs.clone().unwrap_or_default()
}

/// Of functions that cannot fail.
fn done(result: Result<(), Failure>) {
    if let Err(failure) = result {
        panic!("this function has no way to say so: {failure:?}");
    }
}
