//! Functions over types: there the bounds say how a value is told.

use std::fmt::{Debug, Display};
use std::future::Future;

use mlflow_tracing::trace;
use serde::Serialize;
use serde_json::json;

use crate::support::app::captured;

#[trace]
fn serialised<T: Serialize>(value: T) -> T {
    value
}

#[trace]
fn debugged<T>(value: T) -> Vec<T>
where
    T: Debug,
{
    vec![value]
}

#[trace]
fn named<T>(value: T) -> T {
    value
}

#[test]
fn a_bound_decides_how_a_value_is_told() {
    let spans = captured(|| {
        serialised(vec![1, 2]);
        debugged("word");
        named(1_u8);
    });
    assert_eq!(spans.one("serialised").inputs(), Some(json!({ "value": [1, 2] })));
    assert_eq!(spans.one("serialised").outputs(), Some(json!([1, 2])));
    assert_eq!(spans.one("debugged").inputs(), Some(json!({ "value": "\"word\"" })));
    let text = spans.one("debugged").attribute("mlflow.spanOutputs");
    assert_eq!(text, Some(json!("[\"word\"]")));
    assert_eq!(spans.one("named").outputs(), Some(json!("u8")));
}

#[test]
fn impl_trait_is_a_bound_too() {
    #[trace]
    fn shown(value: impl Display + Serialize, times: impl Fn() -> usize) -> impl Serialize {
        value.to_string().repeat(times())
    }
    let spans = captured(|| drop(serde_json::to_string(&shown("ab", || 2))));
    let inputs = spans.one("shown").inputs().unwrap();
    assert_eq!(inputs["value"], "ab");
    assert!(inputs["times"].as_str().unwrap().contains("closure"), "{inputs}");
    assert_eq!(spans.one("shown").outputs(), Some(json!("abab")));
}

#[test]
fn lifetimes_constants_and_closures_pass() {
    #[trace]
    fn longest<'a, const N: usize>(texts: &'a [String; N]) -> Option<&'a str> {
        texts.iter().map(String::as_str).max_by_key(|text| text.len())
    }
    #[trace(skip(found))]
    fn adder(found: &'static str) -> Box<dyn Fn(&str) -> usize> {
        Box::new(move |text| text.len() + found.len())
    }
    let spans = captured(|| {
        let texts = ["a".to_owned(), "bcd".to_owned()];
        assert_eq!(longest(&texts), Some("bcd"));
        assert_eq!(adder("xy")("z"), 3);
    });
    assert_eq!(spans.one("longest").outputs(), Some(json!("bcd")));
    assert_eq!(spans.one("adder").inputs(), Some(json!({})));
}

#[trace]
async fn shared<T: Serialize + Send, F: Future<Output = T> + Send>(future: F) -> T {
    future.await
}

#[trace]
async fn borrowing(text: &str, numbers: &mut Vec<u8>) -> Result<usize, std::num::ParseIntError> {
    tokio::task::yield_now().await;
    numbers.push(text.parse()?);
    Ok(numbers.len())
}

#[test]
fn a_future_can_be_sent_if_it_could_be_without() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let mut numbers = Vec::new();
    drop(is_send(shared(async { 1 })));
    drop(is_send(borrowing("1", &mut numbers)));
    let alone = async {
        let not_sent = std::rc::Rc::new(2);
        tokio::task::yield_now().await;
        local(not_sent).await
    };
    #[trace(skip_all)]
    async fn local(number: std::rc::Rc<i32>) -> i32 {
        tokio::task::yield_now().await;
        *number
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let spans = captured(|| {
        assert_eq!(runtime.block_on(alone), 2);
        assert_eq!(runtime.block_on(borrowing("5", &mut numbers)), Ok(1));
    });
    assert_eq!(spans.one("local").inputs(), None);
    assert_eq!(spans.one("borrowing").inputs(), Some(json!({ "text": "5", "numbers": [] })));
}
