//! Every kind of function that can be traced.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use async_trait::async_trait;
use mlflow_tracing::trace;
use serde_json::json;

use crate::support::app::{Traced, captured};

#[trace]
fn add(left: i64, right: i64) -> i64 {
    left + right
}

#[trace]
async fn slow_add(left: i64, right: i64) -> i64 {
    tokio::task::yield_now().await;
    add(left, right)
}

#[test]
fn a_function_has_a_span_with_inputs_and_outputs() {
    let spans = captured(|| assert_eq!(add(1, 2), 3));
    let span = spans.one("add");
    assert_eq!(span.inputs(), Some(json!({ "left": 1, "right": 2 })));
    assert_eq!(span.outputs(), Some(json!(3)));
    assert_eq!(span.attribute("mlflow.spanFunctionName"), Some(json!("add")));
    assert_eq!(span.status(), ("UNSET", ""));
    assert!(span.is_root());
}

#[tokio::test]
async fn an_async_function_has_one_and_what_it_calls_is_its_child() {
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    assert_eq!(slow_add(1, 2).await, 3);
    let spans = traced.delivered();
    let outer = spans.one("slow_add");
    assert_eq!(outer.inputs(), Some(json!({ "left": 1, "right": 2 })));
    assert_eq!(outer.outputs(), Some(json!(3)));
    assert!(spans.one("add").is_child_of(outer));
}

#[test]
fn on_two_threads_a_task_keeps_its_span() {
    let traced = Traced::otlp();
    let runtime = traced.multi_thread();
    let tasks: Vec<_> = (0..16).map(|number| runtime.spawn(slow_add(number, 1))).collect();
    for (number, task) in tasks.into_iter().enumerate() {
        assert_eq!(runtime.block_on(task).unwrap(), i64::try_from(number).unwrap() + 1);
    }
    drop(runtime);
    let spans = traced.delivered();
    assert_eq!(spans.0.len(), 32);
    for outer in spans.0.iter().filter(|span| span.span.name == "slow_add") {
        let inner = spans.0.iter().find(|span| span.is_child_of(outer)).unwrap();
        assert_eq!(inner.inputs(), outer.inputs());
    }
}

#[test]
fn no_span_is_made_of_an_async_function_that_is_never_polled() {
    let spans = captured(|| slow_add(1, 2));
    assert!(spans.0.is_empty());
}

struct Counter {
    count: u64,
    text: String,
}

impl Counter {
    #[trace]
    fn new(start: u64) -> Self {
        Self { count: start, text: String::new() }
    }

    #[trace]
    fn add(&mut self, more: u64) -> &mut u64 {
        self.count += more;
        &mut self.count
    }

    #[trace]
    fn text(&self) -> &str {
        &self.text
    }

    #[trace]
    async fn add_later(&mut self, more: u64) -> &mut u64 {
        tokio::task::yield_now().await;
        self.add(more)
    }

    #[trace]
    fn into_text(self) -> String {
        self.text
    }

    #[trace]
    async fn shared(self: Arc<Self>) -> u64 {
        self.count
    }
}

#[tokio::test]
async fn methods_are_functions_whose_self_is_no_input() {
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    let mut counter = Counter::new(1);
    *counter.add(2) += 1;
    *counter.add_later(3).await += 1;
    assert_eq!((counter.count, counter.text()), (8, ""));
    assert_eq!(counter.into_text(), "");
    assert_eq!(Arc::new(Counter::new(7)).shared().await, 7);
    let spans = traced.delivered();
    let later = spans.one("add_later");
    assert_eq!(later.inputs(), Some(json!({ "more": 3 })));
    assert_eq!(later.outputs(), Some(json!(7)));
    assert_eq!(spans.one("text").inputs(), Some(json!({})));
    assert_eq!(spans.one("shared").outputs(), Some(json!(7)));
}

#[async_trait]
trait Tool {
    async fn call(&mut self, question: &str, many: (u8, u8)) -> Result<String, String>;
}

struct Echo;

#[async_trait]
impl Tool for Echo {
    #[trace(span_type = Tool)]
    async fn call(&mut self, question: &str, (first, _): (u8, u8)) -> Result<String, String> {
        slow_add(1, i64::from(first)).await;
        if question.is_empty() {
            return Err("nothing was asked".to_owned());
        }
        let words = question.parse::<String>().map_err(|error| error.to_string())?;
        Ok(words)
    }
}

#[tokio::test]
async fn a_method_of_an_async_trait_is_like_an_async_function() {
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    drop(Echo.call("never polled", (0, 0)));
    assert_eq!(Echo.call("why?", (1, 2)).await.unwrap(), "why?");
    traced.flush();
    Echo.call("", (1, 2)).await.unwrap_err();
    let spans = traced.delivered();
    let calls: Vec<_> = spans.0.iter().filter(|span| span.span.name == "call").collect();
    let [well, failed] = calls.as_slice() else { panic!("two calls, not {:?}", spans.names()) };
    assert_eq!(well.inputs(), Some(json!({ "question": "why?", "first": 1 })));
    assert_eq!(well.outputs(), Some(json!("why?")));
    assert_eq!(well.attribute("mlflow.spanType"), Some(json!("TOOL")));
    assert_eq!(failed.status(), ("ERROR", "nothing was asked"));
    assert!(spans.0.iter().any(|span| span.is_child_of(well)));
}

#[tokio::test]
async fn a_function_that_returns_a_future_lasts_as_long_as_that() {
    #[trace]
    fn opaque(number: u8) -> impl Future<Output = Result<u8, String>> + Send {
        let next = number + 1;
        async move {
            tokio::task::yield_now().await;
            Ok(next)
        }
    }
    #[trace]
    fn boxed<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = usize> + Send + 'a>> {
        let future = async move { text.len() };
        Box::pin(future)
    }
    #[trace]
    fn aliased(number: u8) -> Boxed {
        let future = async move { Ok(number) };
        Box::pin(future)
    }
    #[trace(returns = future)]
    fn told(number: u8) -> Boxed {
        let future = async move { Ok(number) };
        Box::pin(future)
    }
    type Boxed = Pin<Box<dyn Future<Output = Result<u8, String>> + Send>>;
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    assert_eq!(opaque(1).await, Ok(2));
    assert_eq!(boxed("four").await, 4);
    assert_eq!(aliased(1).await, Ok(1));
    assert_eq!(told(1).await, Ok(1));
    let spans = traced.delivered();
    assert_eq!(spans.one("opaque").outputs(), Some(json!(2)));
    assert_eq!(spans.one("opaque").inputs(), Some(json!({ "number": 1 })));
    assert_eq!(spans.one("boxed").outputs(), Some(json!(4)));
    // What is behind a name the macro cannot know.
    assert!(spans.one("aliased").outputs().unwrap().as_str().unwrap().contains("Future"));
    assert_eq!(spans.one("told").outputs(), Some(json!(1)));
}

#[test]
fn a_span_is_a_child_of_the_one_it_is_in_and_ends_before_it_returns() {
    #[trace]
    fn outer() -> tracing::Span {
        tracing::Span::current()
    }
    let traced = Traced::otlp();
    traced.run(|| {
        let parent = tracing::info_span!("parent");
        let kept = parent.in_scope(outer);
        // One handle is still there: the function has returned all the same.
        assert_eq!(traced.guard.stats().ended, 1);
        drop(kept);
    });
    let spans = traced.delivered();
    assert!(spans.one("outer").is_child_of(spans.one("parent")));
}

#[test]
fn a_function_may_be_documented_have_attributes_and_return_nothing() {
    /// Adds one.
    #[trace]
    #[must_use]
    extern "C" fn next(number: u32) -> u32 {
        #![expect(clippy::let_and_return, reason = "an attribute inside of the function stays")]
        let answer = number + 1;
        answer
    }
    #[trace]
    fn nothing() {}
    let spans = captured(|| {
        nothing();
        assert_eq!(next(1), 2);
    });
    assert_eq!(spans.one("next").outputs(), Some(json!(2)));
    assert_eq!(spans.one("nothing").outputs(), None);
    assert_eq!(spans.one("nothing").inputs(), Some(json!({})));
}

#[test]
fn a_function_that_never_returns_may_be_traced() {
    #[trace]
    fn give_up(reason: &str) -> ! {
        panic!("{reason}")
    }
    let spans = captured(|| std::panic::catch_unwind(|| give_up("tired")).map_err(|_| ()));
    assert_eq!(spans.one("give_up").status(), ("ERROR", "panic: tired"));
}

#[tokio::test]
async fn an_async_function_that_never_returns_may_be_traced() {
    #[trace]
    async fn serve(port: u16) -> ! {
        loop {
            std::future::pending::<u16>().await;
            let _ = port;
        }
    }
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    let mut serve = Box::pin(serve(1));
    assert!(std::future::poll_fn(|cx| Poll::Ready(serve.as_mut().poll(cx).is_pending())).await);
    drop(serve);
    assert_eq!(traced.delivered().one("serve").status(), ("ERROR", "cancelled"));
}
