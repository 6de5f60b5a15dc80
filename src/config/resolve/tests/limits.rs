//! Limits in bytes: a destination, then the builder, then the environment, then the default.

use super::*;
use crate::config::destination::{Destination, Mlflow, Otlp};

const REQUEST: Pair = ("MLFLOW_TRACING_MAX_REQUEST_BYTES", "200000");
const CONTENT: Pair = ("MLFLOW_TRACING_MAX_CONTENT_BYTES", "5000");

#[test]
fn the_request_limit_is_the_destinations_then_the_builders_then_the_environments() {
    let of_mlflow = |builder: Builder| mlflow(builder).limits.max_bytes;
    assert_eq!(of_mlflow(env([MLFLOW])), 4_194_304);
    assert_eq!(of_mlflow(env([MLFLOW, REQUEST])), 200_000);
    assert_eq!(of_mlflow(env([MLFLOW, REQUEST]).with_request_limit(300_000)), 300_000);
    let listed = || env([REQUEST]).with_request_limit(300_000);
    let plain = Destination::from(Mlflow::new("http://listed"));
    assert_eq!(of_mlflow(listed().with_destination(plain)), 300_000);
    let own = Mlflow::new("http://listed").with_request_limit(400_000);
    assert_eq!(of_mlflow(listed().with_destination(own)), 400_000);
}

#[test]
fn grpc_takes_less_unless_told_otherwise() {
    let grpc = || Otlp::new("http://listed:4317");
    let limit = |destination: Otlp| otlp(env([]).with_destination(destination)).limits.max_bytes;
    assert_eq!(limit(grpc()), 3_670_016);
    assert_eq!(limit(grpc().with_request_limit(9_000_000)), 9_000_000);
}

#[test]
fn the_content_limit_is_the_builders_then_the_environments() {
    let limit = |builder: Builder| resolved(builder).pipeline.trim.content_bytes;
    assert_eq!(limit(env([CONTENT])), Some(5000));
    assert_eq!(limit(env([CONTENT]).with_content_limit(6000)), Some(6000));
    let text = error(env([]).with_content_limit(10));
    assert!(text.starts_with("with_content_limit is `10`: "), "{text}");
}
