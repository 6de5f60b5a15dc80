//! How functions end: well, or with an error of some type.

use std::error::Error;
use std::fmt;

use mlflow_tracing::trace;
use serde::Serialize;
use serde_json::{Value, json};

use crate::support::app::captured;
use crate::support::spans::{Got, Spans};

#[derive(Debug)]
struct Offline {
    cause: std::num::ParseIntError,
}

impl fmt::Display for Offline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the model is offline")
    }
}

impl Error for Offline {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

fn offline() -> Offline {
    Offline { cause: "x".parse::<u8>().unwrap_err() }
}

/// The attributes of the one event, an exception.
fn exception(span: &Got) -> serde_json::Map<String, Value> {
    let events = span.events();
    let [(name, attributes)] = events.as_slice() else { panic!("one event, not {events:?}") };
    assert_eq!(*name, "exception");
    attributes.clone()
}

#[test]
fn what_is_in_ok_is_the_output() {
    #[trace]
    fn fine() -> Result<Vec<u8>, Offline> {
        Ok(vec![1, 2])
    }
    let spans = captured(fine);
    assert_eq!(spans.one("fine").outputs(), Some(json!([1, 2])));
    assert_eq!(spans.one("fine").status(), ("UNSET", ""));
    assert!(spans.one("fine").events().is_empty());
}

#[test]
fn an_error_is_an_exception_with_its_type_and_its_causes() {
    #[trace]
    fn ask() -> Result<u8, Offline> {
        Err(offline())
    }
    let spans = captured(ask);
    let span = spans.one("ask");
    assert_eq!(span.status(), ("ERROR", "Offline: the model is offline"));
    assert_eq!(span.outputs(), None);
    let exception = exception(span);
    assert_eq!(exception["exception.message"], "the model is offline");
    assert!(exception["exception.type"].as_str().unwrap().ends_with("::Offline"));
    assert_eq!(
        exception["exception.stacktrace"],
        "Offline: the model is offline\nCaused by: invalid digit found in string"
    );
}

#[test]
fn an_error_that_is_passed_on_by_a_question_mark_is_one_of_every_function() {
    #[trace]
    fn inner() -> Result<u8, Offline> {
        Err(offline())
    }
    #[trace]
    fn outer() -> Result<u8, Box<dyn Error + Send + Sync>> {
        Ok(inner()? + 1)
    }
    let spans = captured(outer);
    // Of what is boxed the type is not known.
    for (name, said) in
        [("inner", "Offline: the model is offline"), ("outer", "the model is offline")]
    {
        assert_eq!(spans.one(name).status(), ("ERROR", said), "{name}");
        let causes = &exception(spans.one(name))["exception.stacktrace"];
        assert_eq!(*causes, format!("{said}\nCaused by: invalid digit found in string"), "{name}");
    }
}

fn status_of<T>(app: impl FnOnce() -> T, name: &str) -> String {
    let spans: Spans = captured(app);
    let (status, message) = spans.one(name).status();
    assert_eq!(status, "ERROR");
    let exception = exception(spans.one(name));
    let told = exception["exception.message"].as_str().unwrap();
    assert!(message.ends_with(told) || told.ends_with(message), "{message}, {told}");
    message.to_owned()
}

#[test]
fn an_error_is_told_by_what_it_can_do() {
    #[derive(Debug, Serialize)]
    struct Debugged;
    struct Bare;
    #[trace]
    fn displayed() -> Result<(), String> {
        Err("a text".to_owned())
    }
    #[trace]
    fn debugged() -> Result<(), Debugged> {
        Err(Debugged)
    }
    #[trace]
    fn bare() -> Result<(), Bare> {
        Err(Bare)
    }
    #[trace]
    fn held() -> Result<(), Box<dyn Error>> {
        Err("boxed".into())
    }
    #[trace]
    fn generic<E: fmt::Display>(error: E) -> Result<(), E> {
        Err(error)
    }
    assert_eq!(status_of(displayed, "displayed"), "a text");
    assert_eq!(status_of(debugged, "debugged"), "Debugged");
    assert_eq!(status_of(bare, "bare"), "Bare");
    assert_eq!(status_of(held, "held"), "boxed");
    assert_eq!(status_of(|| generic(7), "generic"), "i32: 7");
}

#[test]
fn err_debug_tells_an_error_by_its_debug_form_and_keeps_the_causes() {
    #[trace(err(Debug))]
    fn ask() -> Result<u8, Offline> {
        Err(offline())
    }
    let spans = captured(ask);
    let span = spans.one("ask");
    assert!(span.status().1.starts_with("Offline { cause: ParseIntError"), "{:?}", span.status());
    let causes = exception(span)["exception.stacktrace"].as_str().unwrap().to_owned();
    assert!(causes.ends_with("}\nCaused by: invalid digit found in string"), "{causes}");
}

#[test]
fn err_ignore_makes_an_error_an_output() {
    #[trace(err(ignore))]
    fn find(name: &str) -> Result<u8, String> {
        if name.is_empty() { Err("no name".to_owned()) } else { Ok(1) }
    }
    for (name, output) in [("", json!("no name")), ("a", json!(1))] {
        let spans = captured(|| find(name));
        assert_eq!(spans.one("find").outputs(), Some(output));
        assert_eq!(spans.one("find").status().0, "UNSET");
        assert!(spans.one("find").events().is_empty());
    }
}

#[test]
fn a_result_behind_an_alias_is_a_result() {
    type Answer = Result<u8, String>;
    #[trace]
    fn well() -> Answer {
        Ok(1)
    }
    #[trace]
    fn badly() -> Answer {
        Err("no".to_owned())
    }
    let spans = captured(|| (well(), badly()));
    assert_eq!(spans.one("well").outputs(), Some(json!(1)));
    assert_eq!(spans.one("badly").status(), ("ERROR", "no"));
}

#[tokio::test]
async fn an_async_function_fails_like_any_other() {
    #[trace]
    async fn halve(number: i32) -> Result<i32, String> {
        tokio::task::yield_now().await;
        if number % 2 != 0 {
            return Err(format!("{number} is odd"));
        }
        let half = "2".parse::<i32>().map_err(|error| error.to_string())?;
        Ok(number / half)
    }
    let traced = crate::support::app::Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    assert_eq!(halve(4).await, Ok(2));
    traced.flush();
    halve(5).await.unwrap_err();
    let spans = traced.delivered();
    let [well, failed] = spans.0.as_slice() else { panic!("two spans") };
    assert_eq!(well.outputs(), Some(json!(2)));
    assert_eq!(failed.status(), ("ERROR", "5 is odd"));
}
