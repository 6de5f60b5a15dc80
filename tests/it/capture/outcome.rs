//! What functions return, why they fail, and what happens in between.

use mlflow_tracing::semconv;
use serde_json::{Value, json};
use tracing::{Level, error, event, info, info_span, instrument, warn};

use crate::support::app::{Traced, captured};

#[test]
fn a_returned_value_is_the_output() {
    #[instrument(ret)]
    fn debugged() -> Vec<u8> {
        vec![1, 2]
    }
    #[instrument(ret(Display))]
    fn displayed() -> &'static str {
        "plain words"
    }
    #[instrument(ret)]
    fn quoted() -> &'static str {
        "words"
    }
    let spans = captured(|| (debugged(), displayed(), quoted()));
    assert_eq!(spans.one("debugged").outputs(), Some(json!([1, 2])));
    assert_eq!(spans.one("displayed").outputs(), Some(json!("plain words")));
    assert_eq!(spans.one("quoted").outputs(), Some(json!("words")));
}

#[test]
fn a_return_value_is_no_event_and_no_attribute() {
    #[instrument(ret)]
    fn answer() -> i64 {
        42
    }
    let spans = captured(answer);
    let span = spans.one("answer");
    assert_eq!(span.attribute(semconv::span::OUTPUTS), Some(json!(42)));
    assert_eq!(span.attribute("return"), None);
    assert!(span.events().is_empty());
}

#[instrument(ret, err)]
fn divide(dividend: i64, divisor: i64) -> Result<i64, String> {
    if divisor == 0 { Err("division by zero".to_owned()) } else { Ok(dividend / divisor) }
}

#[test]
fn a_result_that_is_ok_is_the_output() {
    let spans = captured(|| divide(6, 3));
    let span = spans.one("divide");
    assert_eq!(span.outputs(), Some(json!(2)));
    assert_eq!(span.status(), ("UNSET", ""));
}

#[test]
fn an_error_is_an_exception_event_and_the_status() {
    let spans = captured(|| divide(6, 0));
    let span = spans.one("divide");
    assert_eq!(span.status(), ("ERROR", "division by zero"));
    assert_eq!(span.outputs(), None);
    let events = span.events();
    let [(name, attributes)] = events.as_slice() else { panic!("one event, not {events:?}") };
    assert_eq!(*name, "exception");
    assert_eq!(attributes["exception.message"], "division by zero");
}

#[test]
fn an_error_may_be_told_by_its_debug() {
    #[instrument(err(Debug))]
    fn fail() -> Result<(), &'static str> {
        Err("bad")
    }
    let spans = captured(fail);
    assert_eq!(spans.one("fail").status(), ("ERROR", r#""bad""#));
}

#[test]
fn an_error_told_below_error_level_is_an_error_all_the_same() {
    #[instrument(err(level = "info"))]
    fn fail() -> Result<(), &'static str> {
        Err("bad")
    }
    let spans = captured(fail);
    assert_eq!(spans.one("fail").status(), ("ERROR", "bad"));
}

#[test]
fn only_the_function_that_failed_is_an_error() {
    #[instrument]
    fn parent() {
        divide(1, 0).unwrap_err();
    }
    let spans = captured(parent);
    assert_eq!(spans.one("divide").status().0, "ERROR");
    assert_eq!(spans.one("parent").status().0, "UNSET");
}

#[tokio::test]
async fn async_functions_return_and_fail_like_others() {
    #[instrument(ret, err)]
    async fn halve(number: u64) -> Result<u64, String> {
        tokio::task::yield_now().await;
        if number.is_multiple_of(2) { Ok(number / 2) } else { Err(format!("{number} is odd")) }
    }
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    halve(4).await.unwrap();
    traced.flush();
    halve(5).await.unwrap_err();
    let spans = traced.delivered();
    let [well, failed] = spans.0.as_slice() else { panic!("two spans") };
    assert_eq!(well.inputs(), Some(json!({ "number": 4 })));
    assert_eq!(well.outputs(), Some(json!(2)));
    assert_eq!(failed.status(), ("ERROR", "5 is odd"));
}

#[test]
fn an_event_has_its_message_as_name_and_its_fields_as_attributes() {
    let spans = captured(|| {
        info_span!("step")
            .in_scope(|| warn!(attempt = 2_u64, ratio = 0.5, why = ?Some(1), "tried again"));
    });
    let step = spans.one("step");
    let events = step.events();
    let [(name, attributes)] = events.as_slice() else { panic!("one event, not {events:?}") };
    assert_eq!(*name, "tried again");
    assert_eq!(
        Value::Object(attributes.clone()),
        json!({ "attempt": 2, "ratio": 0.5, "why": "Some(1)", "level": "WARN", "target": module_path!() })
    );
}

#[test]
fn a_plain_error_event_leaves_the_status_alone() {
    let spans = captured(|| info_span!("step").in_scope(|| error!("something is off")));
    let step = spans.one("step");
    assert_eq!(step.status(), ("UNSET", ""));
    assert_eq!(step.events()[0].0, "something is off");
}

#[test]
fn an_event_of_ones_own_is_not_taken_for_that_of_instrument() {
    #[instrument(ret, err)]
    fn work() -> Result<i64, String> {
        info!(return = 7);
        error!(error = "mine");
        Ok(1)
    }
    let spans = captured(work);
    let span = spans.one("work");
    assert_eq!(span.outputs(), Some(json!(1)));
    assert_eq!(span.status(), ("UNSET", ""));
    let events = span.events();
    assert_eq!(events.len(), 2);
    assert_eq!((&events[0].1["return"], &events[1].1["error"]), (&json!(7), &json!("mine")));
}

#[test]
fn an_event_belongs_to_the_span_it_happens_in() {
    let spans = captured(|| {
        let outer = info_span!("outer");
        let _in_outer = outer.enter();
        info_span!("inner").in_scope(|| {
            info!("in inner");
            info!(parent: &outer, "in outer");
        });
    });
    assert_eq!(spans.one("inner").events()[0].0, "in inner");
    assert_eq!(spans.one("outer").events()[0].0, "in outer");
}

#[test]
fn events_of_infrastructure_crates_are_left_out() {
    let spans = captured(|| {
        info_span!("step").in_scope(|| {
            info!(target: "hyper::client", "pooled");
            info!(target: "hyperbole", "kept");
        });
    });
    let step = spans.one("step");
    let names: Vec<&str> = step.events().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["kept"]);
}

#[test]
fn a_record_of_the_log_crate_has_the_target_it_was_logged_with() {
    // As `tracing-log` hands them on.
    let spans = captured(|| {
        info_span!("step").in_scope(|| {
            event!(target: "log", Level::INFO, { log.target = "hyper::client", log.line = 7 }, "pooled");
            event!(target: "log", Level::INFO, { log.target = "my_app::db", log.line = 8 }, "kept");
        });
    });
    let step = spans.one("step");
    let events = step.events();
    let [(name, attributes)] = events.as_slice() else { panic!("one event, not {events:?}") };
    assert_eq!(*name, "kept");
    let expected = json!({ "level": "INFO", "target": "my_app::db" });
    assert_eq!(Value::Object(attributes.clone()), expected);
}

#[test]
fn an_event_without_a_span_is_not_kept() {
    let spans = captured(|| {
        info!("nowhere");
        info_span!("step").in_scope(|| ());
    });
    assert!(spans.one("step").events().is_empty());
}

#[test]
fn the_output_survives_more_events_than_the_sdk_keeps() {
    #[instrument(ret, err)]
    fn chatty(fails: bool) -> Result<u64, String> {
        for number in 0..300 {
            info!(number, "progress");
        }
        if fails { Err("tired".to_owned()) } else { Ok(300) }
    }
    let spans = captured(|| chatty(false));
    let well = spans.one("chatty");
    assert_eq!(well.outputs(), Some(json!(300)));
    assert_eq!(well.events().len(), 300);
    let spans = captured(|| chatty(true));
    let failed = spans.one("chatty");
    assert_eq!(failed.status(), ("ERROR", "tired"));
    assert_eq!(failed.events().last().unwrap().0, "exception");
}

#[test]
fn mlflow_is_told_ok_where_nothing_failed() {
    let traced = Traced::mlflow();
    traced.run(|| divide(1, 1)).unwrap();
    traced.flush();
    traced.run(|| divide(1, 0)).unwrap_err();
    let spans = traced.delivered();
    let statuses: Vec<_> = spans.0.iter().map(|span| span.status().0).collect();
    assert_eq!(statuses, ["OK", "ERROR"]);
}
