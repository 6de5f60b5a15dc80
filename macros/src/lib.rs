//! `#[trace]`, which `mlflow-tracing` re-exports. Use it from there.

mod args;
mod entry;
mod expand;
mod inputs;
mod level;
mod outcome;
mod pinned;
mod ratio;
mod shape;
mod span_type;
mod wrong_place;

use proc_macro::TokenStream;

/// Gives a function a span with its arguments as inputs and what it returns as outputs.
///
/// ```
/// use mlflow_tracing::trace;
/// use tracing_subscriber::prelude::*;
///
/// #[trace(span_type = Retriever)]
/// fn search(query: &str, limit: usize) -> Result<Vec<String>, std::io::Error> {
///     Ok(vec![format!("{limit} pages about {query}")])
/// }
///
/// # let directory = std::env::temp_dir().join(format!("mlflow-tracing-doc-trace-{}", std::process::id()));
/// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
/// let subscriber = tracing_subscriber::registry().with(tracing.layer());
/// tracing::subscriber::with_default(subscriber, || search("rust", 3))?;
/// tracing.flush(std::time::Duration::from_secs(5))?;
/// let written = std::fs::read_to_string(directory.join("traces.jsonl"))?;
/// assert!(written.contains(r#"{\"query\":\"rust\",\"limit\":3}"#));
/// assert!(written.contains(r#"[\"3 pages about rust\"]"#));
/// # std::fs::remove_dir_all(directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It stands on functions and methods of every kind: sync and `async`, generic, in an `async_trait`, with
/// `impl Trait` arguments and returns, and on those that return futures, streams and iterators.
///
/// # What is told
///
/// | of | is told |
/// |---|---|
/// | arguments | inputs, one JSON object: every name that the patterns bind, without `self` |
/// | what is returned | outputs; the value in `Ok` of a `Result`. What [`set_outputs`] says in the body wins |
/// | an `Err` | status ERROR and an exception event: message, type, and the chain of causes |
/// | a panic | the same, with the panic's message and the type `panic`; the panic goes on |
/// | a future, stream or iterator that is dropped half-way | status ERROR, `cancelled`, `mlflow_tracing.cancelled = true` |
/// | the function | its name: `mlflow.spanFunctionName`, but not for streams and iterators, as in Python |
///
/// A value is told by `Serialize`, else, as a string, by its `Debug`, else by its type's name; an error by
/// [`Error`], also one in `Box<dyn Error>` or `anyhow::Error`, else by `Display`, `Debug`, its type's name. In a
/// generic function the bounds decide. Values are serialised once, on the caller's thread, and not at all
/// when the span is not recorded: hidden by a filter, not sampled, or without a layer. One that cannot be
/// serialised is replaced by the reason.
///
/// # When the span begins and ends
///
/// - Of a function: from the call to the return. Children that go on do not hold it open.
/// - Of an `async` function, and of one that is nothing but `Box::pin(async move { … })`, as in an
///   `async_trait`: from the first poll on. It is entered only while it is polled.
/// - Of one that returns a future: from the call until that is done.
/// - Of one that returns a stream or an iterator: from the call until that is drained, until an item is an
///   `Err`, which makes the span an error, or until it is dropped, which is cancelling it. After an `Err` the
///   stream may be polled on, outside of the span. What is kept of the items:
///   [`MlflowStreamExt`](https://docs.rs/mlflow-tracing/latest/mlflow_tracing/trait.MlflowStreamExt.html).
///   Python's SDK never ends the span of a generator that was left early.
///
/// They are found by how the return type is written: `impl` or boxed `dyn` [`Future`], `Stream` and
/// [`Iterator`], `BoxFuture`, `BoxStream`, also in a `Result`, and as the output of futures. For a type with a
/// name of its own there is `returns`.
///
/// # Options
///
/// ## `name`, `span_type`, `attributes`
///
/// A name other than the function's; a variant of `SpanType`, a word of your own, or any expression (a
/// variable in braces); attributes: scalars typed, anything else as a structure.
///
/// ```
/// use mlflow_tracing::{SpanType, semconv, trace};
///
/// #[trace(name = "look it up", span_type = Tool)]
/// fn search(query: &str) {}
///
/// #[trace(span_type = "PLANNER")]
/// fn plan() {}
///
/// #[trace(span_type = if deep { SpanType::Agent } else { SpanType::Chain })]
/// fn work(deep: bool) {}
///
/// #[trace(attributes(
///     app.attempt = attempt,
///     "app-version" = env!("CARGO_PKG_VERSION"),
///     { semconv::span::MODEL } = "gpt-4o",
/// ))]
/// fn chat(attempt: u32) {}
/// # search("rust"); plan(); work(true); chat(1);
/// ```
///
/// ## `skip`, `skip_all`, `inputs`
///
/// Arguments that are no inputs; or an expression in their place, evaluated at the beginning.
///
/// ```
/// use mlflow_tracing::trace;
/// use serde_json::json;
///
/// #[trace(skip(key))]
/// fn call(question: &str, key: &str) {}
///
/// #[trace(skip_all)]
/// fn quiet(secret: &str) {}
///
/// #[trace(inputs = json!({ "messages": [{ "role": "user", "content": question }] }))]
/// fn chat(question: &str, temperature: f32) {}
/// # call("why?", "key"); quiet("secret"); chat("why?", 0.5);
/// ```
///
/// ## `outputs`
///
/// A closure or the path of a function, called with a reference to the value, the one in `Ok` of a `Result`;
/// or any other expression, evaluated at the end, when arguments that were moved are gone. Of a stream or an
/// iterator it reduces the items, `&[Item]`, the good ones where they are results; `Item` must be `Clone`
/// then.
///
/// ```
/// use futures_util::{Stream, stream};
/// use mlflow_tracing::trace;
///
/// #[trace(outputs = |pages| pages.len())]
/// fn search(query: &str) -> Result<Vec<String>, std::fmt::Error> {
///     Ok(vec![query.to_owned()])
/// }
///
/// #[trace(outputs = |tokens| tokens.concat())]
/// fn chat() -> impl Stream<Item = Result<String, std::fmt::Error>> {
///     stream::iter(["Pa", "ris"].map(|token| Ok(token.to_owned())))
/// }
///
/// #[trace(outputs = "redacted")]
/// fn secret() -> u64 {
///     7
/// }
/// # assert_eq!((search("a").unwrap().len(), secret()), (1, 7)); drop(chat());
/// ```
///
/// ## `err`
///
/// `err(Debug)` tells an `Err` by its `Debug`; with `err(ignore)` it is an output like any other.
///
/// ```
/// use mlflow_tracing::trace;
///
/// #[trace(err(Debug))]
/// fn call() -> Result<u8, std::num::ParseIntError> {
///     "seven".parse()
/// }
///
/// #[trace(err(ignore))]
/// fn find(name: &str) -> Result<u8, String> {
///     Err(format!("no {name}"))
/// }
/// # assert!(call().is_err() && find("a").is_err());
/// ```
///
/// ## `sampling_ratio`
///
/// Part of the calls that are recorded, from 0 to 1, when the span is the root of its trace.
///
/// ```
/// use mlflow_tracing::trace;
///
/// #[trace(sampling_ratio = 0.01)]
/// fn health() {}
/// # health();
/// ```
///
/// ## `parent`, `level`, `target`
///
/// As in `tracing`: a span or its id, `None` for a root; a level in words, as a number from 1 (trace) to 5
/// (error), or a constant (INFO, if it is not said); a target (the module).
///
/// ```
/// use mlflow_tracing::trace;
/// use tracing::{Level, Span};
///
/// #[trace(parent = request, skip(request))]
/// fn in_background(request: &Span) {}
///
/// #[trace(parent = None)]
/// fn root() {}
///
/// #[trace(level = "debug", target = "app::details")]
/// fn detail() {}
///
/// #[trace(level = Level::TRACE)]
/// fn finest() {}
/// # in_background(&Span::none()); root(); detail(); finest();
/// ```
///
/// ## `returns`
///
/// `stream`, `iterator` or `future`, for a boxed one behind a name of its own; `value` takes one of them for a
/// value like any other.
///
/// ```
/// use std::pin::Pin;
/// use futures_util::{Stream, stream};
/// use mlflow_tracing::trace;
///
/// type Tokens = Pin<Box<dyn Stream<Item = String> + Send>>;
///
/// #[trace(returns = stream)]
/// async fn chat() -> Result<Tokens, std::fmt::Error> {
///     Ok(Box::pin(stream::iter(["Paris".to_owned()])))
/// }
///
/// #[trace(returns = value)]
/// fn range() -> impl Iterator<Item = u8> {
///     0..3
/// }
/// # drop((chat(), range()));
/// ```
///
/// ## `crate`
///
/// Where `mlflow_tracing` is found, when that is not its name.
///
/// ```
/// use mlflow_tracing as telemetry;
///
/// #[telemetry::trace(crate = telemetry)]
/// fn work() {}
/// # work();
/// ```
///
/// # What it expands to
///
/// With other names, and the traits that choose how a value is told left out, `async fn ask(question: String) ->
/// Result<u8, Offline>` becomes
///
/// ```text
/// async fn ask(question: String) -> Result<u8, Offline> {
///     let mut scope = Scope::open(tracing::span!(Level::INFO, "ask"));
///     if scope.is_recording() {
///         scope.function("ask");
///         scope.arguments(|arguments| arguments.add("question", |json| /* &question */));
///     }
///     let mut future = pin!(Some(async move { /* the body */ }));
///     // Enters the span, and looks out for panics, in each poll; dropped before the end it is cancelled.
///     let (mut scope, value) = Driver::new(scope, future.as_mut()).await;
///     if scope.is_recording() {
///         match &value {
///             Ok(ok) => scope.returned(|json| /* ok */),
///             Err(err) => scope.failed(/* err */),
///         }
///     }
///     scope.end();
///     value
/// }
/// ```
///
/// A function that is not `async` has `scope.run(move || { /* the body */ })` in place of the future. Whether a
/// future can be sent is not changed. Arguments are evaluated, dropped and borrowed as without the attribute;
/// those that the body does not use are dropped after it.
///
/// [`set_outputs`]: https://docs.rs/mlflow-tracing/latest/mlflow_tracing/trait.MlflowSpanExt.html
/// [`Error`]: std::error::Error
#[proc_macro_attribute]
pub fn trace(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::trace(args.into(), &item.into()).into()
}
