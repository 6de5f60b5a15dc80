//! Our encoder is the oracle: it is proven against the official exporter as a whole.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::export::frame;
use crate::export::span_encoder::SpanEncoder;
use crate::model::otlp_encoder::OtlpEncoder;
use crate::tests::{cases, encoded, random, span_data};
use crate::transport::Payload;

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_request_says_what_that_of_our_encoder_says((resource, spans) in random::batch(4)) {
        let resource = Arc::new(resource);
        let official = payloads(OtlpEncoder::Official, &resource, &spans);
        let own = payloads(OtlpEncoder::Own, &resource, &spans);
        prop_assert_eq!(said(&official), said(&own));
    }
}

#[test]
fn spans_of_a_scope_share_what_surrounds_them() {
    let resource = Arc::new(Resource::builder().with_service_name("api").build());
    let spans = [span_data("one", 1, 0), span_data("two", 2, 1)];
    let official = payloads(OtlpEncoder::Official, &resource, &spans);
    let [one, two] = official.as_slice() else { panic!("two payloads") };
    assert!(Arc::ptr_eq(&one.envelope, &two.envelope));
}

#[test]
fn a_resource_that_changes_is_that_of_the_spans_after_it() {
    let mut encoder = SpanEncoder::protobuf(OtlpEncoder::Official).unwrap();
    let span = span_data("span", 1, 0);
    for name in ["one", "two"] {
        let resource = Arc::new(Resource::builder_empty().with_service_name(name).build());
        let payloads = encoded(&mut encoder, &resource, std::slice::from_ref(&span));
        let own = self::payloads(OtlpEncoder::Own, &resource, std::slice::from_ref(&span));
        assert_eq!(said(&payloads), said(&own), "{name}");
    }
}

#[test]
fn what_is_not_a_request_of_one_span_is_not_taken_apart() {
    let request = frame::request(&payloads(
        OtlpEncoder::Own,
        &Arc::new(Resource::builder().build()),
        &[span_data("span", 1, 0)],
    ))
    .to_vec();
    assert!(take_apart(&request).is_some());
    for length in 0..request.len() {
        assert!(take_apart(&request[..length]).is_none(), "{length} of {} bytes", request.len());
    }
}

fn payloads(encoder: OtlpEncoder, resource: &Arc<Resource>, spans: &[SpanData]) -> Vec<Payload> {
    encoded(&mut SpanEncoder::protobuf(encoder).unwrap(), resource, spans)
}

/// What a receiver reads, as bytes: NaN is equal to itself there.
fn said(payloads: &[Payload]) -> Vec<u8> {
    let body = frame::request(payloads).to_vec();
    ExportTraceServiceRequest::decode(body.as_slice()).unwrap().encode_to_vec()
}
