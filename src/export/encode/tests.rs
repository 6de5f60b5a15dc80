//! The official exporter is the oracle: what it would send is what we send.

mod official;
mod round_trip;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::StringValue;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_sdk::trace::SpanData;
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::export::form::Form;
use crate::export::frame;
use crate::export::span_encoder::SpanEncoder;
use crate::tests::{cases, context, encoded, random, span_data};

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn spans_of_one_scope_are_the_official_exporters_bytes((resource, spans) in random::batch(1)) {
        prop_assert_eq!(ours(&resource, &spans), official::body(&resource, spans));
    }

    #[test]
    fn spans_of_several_scopes_say_what_the_official_exporter_says(
        (resource, spans) in random::batch(4)
    ) {
        let (ours, theirs) = (ours(&resource, &spans), official::body(&resource, spans));
        prop_assert_eq!(by_scope(&ours), by_scope(&theirs));
    }
}

/// Where a text can stand in a message of unknown length.
const PLACES: [fn(&mut SpanData, String); 9] = [
    |span, text| span.name = text.into(),
    |span, text| span.status = Status::error(text),
    |span, text| span.attributes = vec![KeyValue::new("key", text)],
    |span, text| span.attributes = vec![KeyValue::new(text, 1)],
    |span, text| span.attributes = vec![KeyValue::new(text, "value")],
    |span, text| span.attributes = vec![KeyValue::new(text, "x".repeat(128))],
    |span, text| {
        let items = vec![StringValue::from(text), StringValue::from("second")];
        span.attributes = vec![KeyValue::new("key", Value::Array(Array::String(items)))];
    },
    |span, text| {
        let event = Event::new(text, UNIX_EPOCH, vec![KeyValue::new("key", 1)], 0);
        span.events.events = vec![event.clone(), event];
    },
    |span, text| {
        let link = Link::new(context(1, 2, true), vec![KeyValue::new("key", text)], 0);
        span.links.links = vec![link.clone(), link];
    },
];

#[test]
fn lengths_grow_by_a_byte_where_the_official_exporters_do() {
    let resource = Resource::builder_empty().build();
    // Whatever surrounds the text in a message takes less than 140 bytes.
    for length in (0..=128).chain(16_384 - 140..=16_384) {
        for (place, put) in PLACES.iter().enumerate() {
            let mut span = span_data("span", 1, 2);
            put(&mut span, "x".repeat(length));
            let spans = vec![span];
            assert_eq!(
                ours(&resource, &spans),
                official::body(&resource, spans),
                "{length} characters in place {place}"
            );
        }
    }
}

#[test]
fn a_time_that_does_not_fit_becomes_the_nearest_that_does() {
    assert_eq!(nanos(UNIX_EPOCH - Duration::from_nanos(1)), 0);
    assert_eq!(nanos(UNIX_EPOCH + Duration::from_nanos(u64::MAX)), u64::MAX);
    assert_eq!(nanos(UNIX_EPOCH + Duration::from_secs(1 << 40)), u64::MAX);
}

fn ours(resource: &Resource, spans: &[SpanData]) -> Vec<u8> {
    let mut encoder = SpanEncoder::own(Form::Protobuf);
    frame::request(&encoded(&mut encoder, &Arc::new(resource.clone()), spans)).to_vec()
}

/// Resource and scope, each with its schema.
type Surroundings = (Vec<u8>, String, Vec<u8>, String);

/// The spans under what surrounds them, as bytes: NaN is equal to itself there.
fn by_scope(body: &[u8]) -> BTreeMap<Surroundings, Vec<Vec<u8>>> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut groups = BTreeMap::new();
    for resource_spans in request.resource_spans {
        let resource = resource_spans.resource.unwrap().encode_to_vec();
        for scope_spans in resource_spans.scope_spans {
            let key = (
                resource.clone(),
                resource_spans.schema_url.clone(),
                scope_spans.scope.unwrap().encode_to_vec(),
                scope_spans.schema_url,
            );
            let spans = scope_spans.spans.iter().map(prost::Message::encode_to_vec).collect();
            assert_eq!(groups.insert(key, spans), None, "a scope stands in one place");
        }
    }
    groups
}
