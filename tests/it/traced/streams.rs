//! Streams: by `#[trace]` and by `MlflowStreamExt`.

use std::pin::Pin;

use async_trait::async_trait;
use futures_util::stream::{BoxStream, LocalBoxStream};
use futures_util::{Stream, StreamExt as _, stream};
use mlflow_tracing::{MlflowSpanExt as _, MlflowStreamExt as _, TracedStream, trace};
use serde::Serialize;
use serde_json::json;
use tracing::{Span, info_span};

use crate::support::app::Traced;
use crate::support::spans::Got;

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Chunk {
    text: &'static str,
}

type Chunks = Pin<Box<dyn Stream<Item = Result<Chunk, String>> + Send>>;

const WORDS: [Chunk; 3] = [Chunk { text: "Pa" }, Chunk { text: "r" }, Chunk { text: "is" }];

fn joined(chunks: &[Chunk]) -> String {
    chunks.iter().map(|chunk| chunk.text).collect()
}

fn results() -> impl Stream<Item = Result<Chunk, String>> {
    stream::iter(WORDS.map(Ok))
}

#[trace]
fn opaque(question: &str) -> impl Stream<Item = Result<Chunk, String>> + use<> {
    drop(info_span!("in the call"));
    let _ = question;
    stream::iter(WORDS).map(|chunk| {
        drop(info_span!("in a poll"));
        Ok(chunk)
    })
}

#[tokio::test]
async fn a_stream_lasts_until_it_is_drained_and_its_items_are_the_output() {
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    let mut stream = Box::pin(opaque("why?"));
    for chunk in WORDS {
        assert_eq!(stream.next().await, Some(Ok(chunk)));
        drop(info_span!("between polls"));
    }
    let before = traced.guard.stats().ended;
    assert_eq!(stream.next().await, None);
    assert_eq!(traced.guard.stats().ended, before + 1);
    let spans = traced.delivered();
    let span = spans.one("opaque");
    assert_eq!(span.inputs(), Some(json!({ "question": "why?" })));
    assert_eq!(span.outputs(), Some(json!([{ "text": "Pa" }, { "text": "r" }, { "text": "is" }])));
    assert_eq!(span.status(), ("UNSET", ""));
    // As in Python, for a generator.
    assert_eq!(span.attribute("mlflow.spanFunctionName"), None);
    assert!(spans.one("in the call").is_child_of(span));
    let of = |name| spans.0.iter().filter(move |it| it.span.name == name);
    assert!(of("in a poll").all(|it| it.is_child_of(span)));
    assert!(of("between polls").all(Got::is_root));
}

#[tokio::test]
async fn a_streams_items_are_events_named_as_mlflow_does() {
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    assert_eq!(opaque("why?").count().await, 3);
    let spans = traced.delivered();
    let span = spans.one("opaque");
    let events = span.events();
    let names: Vec<&str> = events.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["mlflow.chunk.item.0", "mlflow.chunk.item.1", "mlflow.chunk.item.2"]);
    assert_eq!(events[0].1["mlflow.chunk.value"], r#"{"text":"Pa"}"#);
    assert_eq!(span.attribute("mlflow_tracing.chunks"), Some(json!(3)));
    assert_eq!(span.attribute("mlflow_tracing.missing_chunks"), None);
    let waited = span.attribute("mlflow_tracing.time_to_first_chunk_ms").unwrap();
    assert!(waited.is_f64() && waited.as_f64().unwrap() >= 0.0, "{waited}");
}

struct Model;

#[async_trait]
trait Chat {
    async fn stream(&self, question: String) -> Result<BoxStream<'static, Chunk>, String>;
}

#[async_trait]
impl Chat for Model {
    #[trace(span_type = ChatModel, outputs = joined)]
    async fn stream(&self, question: String) -> Result<BoxStream<'static, Chunk>, String> {
        tokio::task::yield_now().await;
        if question.is_empty() { Err("no question".to_owned()) } else { Ok(words()) }
    }
}

fn words() -> BoxStream<'static, Chunk> {
    stream::iter(WORDS).boxed()
}

#[tokio::test]
async fn streams_are_found_in_boxes_and_results_and_behind_async_functions() {
    #[trace(outputs = |chunks: &[Chunk]| joined(chunks))]
    fn boxed() -> BoxStream<'static, Chunk> {
        words()
    }
    #[trace(outputs = joined)]
    fn local() -> LocalBoxStream<'static, Chunk> {
        words()
    }
    #[trace(outputs = joined)]
    fn pinned() -> Pin<Box<dyn Stream<Item = Chunk> + Send>> {
        words()
    }
    #[trace(outputs = joined)]
    fn unpinned() -> Box<dyn Stream<Item = Chunk> + Unpin> {
        Box::new(stream::iter(WORDS))
    }
    #[trace(outputs = joined)]
    async fn in_result() -> Result<impl Stream<Item = Result<Chunk, String>>, std::io::Error> {
        tokio::task::yield_now().await;
        Ok(results())
    }
    #[trace(outputs = joined)]
    async fn in_async() -> impl Stream<Item = Chunk> {
        stream::iter(WORDS)
    }
    #[trace(outputs = joined, returns = stream)]
    fn aliased() -> Chunks {
        Box::pin(results())
    }
    #[trace(outputs = joined, returns = stream)]
    async fn alias_in_result() -> Result<Chunks, std::io::Error> {
        Ok(Box::pin(results()))
    }
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    alias_in_result().await.unwrap().count().await;
    boxed().count().await;
    local().count().await;
    pinned().count().await;
    unpinned().count().await;
    in_result().await.unwrap().count().await;
    in_async().await.count().await;
    aliased().count().await;
    Model.stream("why?".to_owned()).await.unwrap().count().await;
    traced.flush();
    let Err(_) = Model.stream(String::new()).await else { panic!("there was no question") };
    let spans = traced.delivered();
    let names = ["boxed", "local", "pinned", "unpinned", "in_result", "in_async", "aliased"];
    for name in names.into_iter().chain(["alias_in_result"]) {
        assert_eq!(spans.one(name).outputs(), Some(json!("Paris")), "{name}");
        assert_eq!(spans.one(name).attribute("mlflow_tracing.chunks"), Some(json!(3)), "{name}");
    }
    let asked: Vec<_> = spans.0.iter().filter(|it| it.span.name == "stream").collect();
    assert_eq!(asked[0].outputs(), Some(json!("Paris")));
    assert_eq!(asked[0].attribute("mlflow.spanType"), Some(json!("CHAT_MODEL")));
    assert_eq!(asked[1].status(), ("ERROR", "no question"));
}

#[tokio::test]
async fn an_err_ends_the_span_and_the_stream_goes_on_outside_of_it() {
    #[trace(outputs = joined)]
    fn failing() -> impl Stream<Item = Result<Chunk, String>> {
        let [first, _, last] = WORDS;
        stream::iter([Ok(first), Err("overloaded".to_owned()), Ok(last)])
    }
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    let mut stream = Box::pin(failing());
    assert!(stream.next().await.unwrap().is_ok());
    assert!(stream.next().await.unwrap().is_err());
    assert_eq!(traced.guard.stats().ended, 1);
    assert!(stream.next().await.unwrap().is_ok());
    assert_eq!(stream.next().await, None);
    let spans = traced.delivered();
    let span = spans.one("failing");
    assert_eq!(span.status(), ("ERROR", "overloaded"));
    assert_eq!(span.outputs(), Some(json!("Pa")));
    assert_eq!(span.attribute("mlflow_tracing.chunks"), Some(json!(1)));
    let names: Vec<_> = span.events().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["mlflow.chunk.item.0", "exception"]);
}

#[tokio::test]
async fn err_ignore_makes_errors_items_like_any_other() {
    #[trace(err(ignore))]
    fn mixed() -> impl Stream<Item = Result<u8, String>> {
        stream::iter([Ok(1), Err("two".to_owned()), Ok(3)])
    }
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    assert_eq!(mixed().count().await, 3);
    let spans = traced.delivered();
    assert_eq!(spans.one("mixed").outputs(), Some(json!([1, "two", 3])));
    assert_eq!(spans.one("mixed").status(), ("UNSET", ""));
}

#[tokio::test]
async fn outputs_may_be_anything_and_what_the_program_sets_wins() {
    #[trace(outputs = "said")]
    fn said() -> impl Stream<Item = u8> {
        stream::iter([1])
    }
    #[trace]
    fn set() -> impl Stream<Item = u8> {
        stream::iter([1]).inspect(|_| {
            Span::current().set_outputs("set");
        })
    }
    #[trace(outputs = |_| -> u8 { panic!("on purpose") })]
    fn panics() -> impl Stream<Item = u8> {
        stream::iter([1])
    }
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    said().count().await;
    set().count().await;
    panics().count().await;
    let spans = traced.delivered();
    assert_eq!(spans.one("said").outputs(), Some(json!("said")));
    assert_eq!(spans.one("set").outputs(), Some(json!("set")));
    assert_eq!(spans.one("panics").outputs(), Some(json!([1])));
}

#[tokio::test]
async fn items_need_no_serialize_and_no_clone() {
    struct Bare;
    #[derive(Debug)]
    struct Debugged;
    #[trace]
    fn bare() -> impl Stream<Item = Bare> {
        stream::iter([Bare])
    }
    #[trace]
    fn debugged<T: std::fmt::Debug + Send + 'static>(item: T) -> BoxStream<'static, T> {
        stream::iter([item]).boxed()
    }
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    bare().count().await;
    debugged(Debugged).count().await;
    let spans = traced.delivered();
    assert_eq!(spans.one("bare").outputs(), Some(json!([std::any::type_name::<Bare>()])));
    assert_eq!(spans.one("debugged").outputs(), Some(json!(["Debugged"])));
}

#[tokio::test]
async fn the_extension_traces_any_stream() {
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    stream::iter(WORDS).traced(info_span!("plain")).count().await;
    let failing = stream::iter([Ok(1), Err("x".parse::<u8>().unwrap_err()), Ok(2)]);
    let failing = failing.try_traced(info_span!("tried")).collect::<Vec<_>>().await;
    assert_eq!(failing.len(), 3);
    let spans = traced.delivered();
    assert_eq!(spans.one("plain").attribute("mlflow_tracing.chunks"), Some(json!(3)));
    assert_eq!(spans.one("tried").outputs(), Some(json!([1])));
    assert_eq!(
        spans.one("tried").status(),
        ("ERROR", "ParseIntError: invalid digit found in string")
    );
}

#[test]
fn a_stream_can_be_sent_if_it_could_be_without_and_says_its_size() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    fn is_unpin<S>(_: &TracedStream<S>)
    where
        TracedStream<S>: Unpin,
    {
    }
    let traced = is_send(stream::iter(WORDS).traced(Span::none()));
    is_unpin(&traced);
    assert_eq!(traced.size_hint(), (3, Some(3)));
    drop(is_send(opaque("why?")));
    #[trace(outputs = <[_]>::len)]
    fn not_sent() -> impl Stream<Item = std::rc::Rc<u8>> {
        stream::iter([std::rc::Rc::new(1)])
    }
    drop(not_sent());
}

#[test]
fn a_stream_may_end_on_another_thread() {
    let traced = Traced::otlp();
    let runtime = traced.multi_thread();
    let stream = traced.run(|| opaque("why?"));
    assert_eq!(runtime.block_on(runtime.spawn(stream.count())).unwrap(), 3);
    drop(runtime);
    let spans = traced.delivered();
    assert_eq!(spans.one("opaque").status(), ("UNSET", ""));
    assert_eq!(spans.one("opaque").attribute("mlflow_tracing.chunks"), Some(json!(3)));
}
