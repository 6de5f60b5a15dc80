//! Which spans are captured.

use mlflow_tracing::Builder;
use tracing::level_filters::LevelFilter;
use tracing::{debug, debug_span, error_span, info_span, trace_span, warn_span};

use crate::support::app::Traced;

fn names(change: impl FnOnce(Builder) -> Builder, app: impl FnOnce()) -> Vec<String> {
    let traced = Traced::otlp_with(change);
    traced.run(app);
    traced.delivered().sorted_names().into_iter().map(str::to_owned).collect()
}

fn every_level() {
    drop(error_span!("1 error"));
    drop(warn_span!("2 warn"));
    drop(info_span!("3 info"));
    drop(debug_span!("4 debug"));
    drop(trace_span!("5 trace"));
}

#[test]
fn spans_below_info_are_off_by_default() {
    assert_eq!(names(|builder| builder, every_level), ["1 error", "2 warn", "3 info"]);
}

#[test]
fn the_level_can_be_set() {
    let up_to = |level| names(|builder| builder.with_max_level(level), every_level);
    assert_eq!(up_to(LevelFilter::TRACE).len(), 5);
    assert_eq!(up_to(LevelFilter::DEBUG).len(), 4);
    assert_eq!(up_to(LevelFilter::ERROR), ["1 error"]);
    assert!(up_to(LevelFilter::OFF).is_empty());
}

#[test]
fn events_follow_the_same_level() {
    let events = |level| {
        let traced = Traced::otlp_with(|builder| builder.with_max_level(level));
        traced.run(|| info_span!("span").in_scope(|| debug!("detail")));
        traced.delivered().one("span").events().len()
    };
    assert_eq!((events(LevelFilter::INFO), events(LevelFilter::DEBUG)), (0, 1));
}

#[test]
fn a_span_below_the_level_is_skipped_and_its_children_are_not() {
    let traced = Traced::otlp();
    traced.run(|| {
        info_span!("outer").in_scope(|| {
            debug_span!("middle").in_scope(|| drop(info_span!("inner")));
        });
    });
    let spans = traced.delivered();
    assert!(spans.one("inner").is_child_of(spans.one("outer")));
}

fn every_crate() {
    drop(info_span!(target: "h2", "h2"));
    drop(info_span!(target: "hyper::proto", "hyper"));
    drop(info_span!(target: "hyper_util::client", "hyper_util"));
    drop(info_span!(target: "mlflow_tracing::process", "ours"));
    drop(info_span!(target: "opentelemetry_sdk", "sdk"));
    drop(info_span!(target: "rustls::conn", "rustls"));
    drop(info_span!(target: "tonic::transport", "tonic"));
    drop(info_span!(target: "tower::buffer::worker", "tower"));
    drop(info_span!(target: "tower_http::trace", "request"));
    drop(info_span!(target: "my_app::hyper", "mine"));
}

#[test]
fn spans_of_infrastructure_crates_are_off_by_default() {
    assert_eq!(names(|builder| builder, every_crate), ["mine", "request"]);
}

#[test]
fn spans_of_infrastructure_crates_can_be_had() {
    assert_eq!(names(|builder| builder.with_infrastructure_spans(true), every_crate).len(), 10);
}
