use opentelemetry::KeyValue;
use opentelemetry::trace::TraceId;

use super::*;
use crate::transport::Body;

#[test]
fn spans_are_grouped_by_what_surrounds_them_in_the_order_of_their_first() {
    // `a` twice: equal envelopes count as one, whoever made them.
    let [a, b, again] = ["a", "b", "a"].map(|name| Arc::new(envelope(name)));
    let spans = [(&a, 1), (&b, 2), (&again, 3), (&a, 4), (&b, 5)]
        .map(|(envelope, byte)| payload(envelope, byte));

    let groups = by_envelope(&spans);
    let groups: Vec<_> = groups
        .iter()
        .map(|(envelope, spans)| {
            (*envelope, spans.iter().map(|span| span.bytes()[0]).collect::<Vec<_>>())
        })
        .collect();
    assert_eq!(groups, [(&*a, vec![1, 3, 4]), (&*b, vec![2, 5])]);
}

#[test]
fn an_envelope_is_made_again_only_when_the_scope_or_the_resource_is_another() {
    let resource = || Arc::new(Resource::builder_empty().build());
    let (one, other) = (resource(), resource());
    let scope = |version| InstrumentationScope::builder("s").with_version(version).build();
    let mut envelopes = Envelopes::default();
    let mut made = 0;
    let mut get = |resource: &Arc<Resource>, version: &'static str| {
        envelopes.get(resource, &scope(version), |_, scope| {
            made += 1;
            envelope(scope.version().unwrap())
        })
    };

    let first = get(&one, "1");
    assert!(Arc::ptr_eq(&first, &get(&one, "1")));
    assert_eq!(get(&one, "2").scope, b"2");
    assert_eq!(get(&other, "2").scope, b"2");
    assert_eq!(get(&other, "2").scope, b"2");
    assert_eq!(made, 3);
}

#[test]
fn a_request_is_exactly_as_long_as_its_parts_say() {
    let resource = Resource::builder_empty().with_attribute(KeyValue::new("k", "v")).build();
    let scope = InstrumentationScope::builder("s").with_schema_url("http://schema").build();
    let envelope = Arc::new(protobuf(&resource, &scope));
    // Lengths on both sides of where a length takes one byte more.
    for length in (90..140).chain(16_300..16_400) {
        let span = Payload { body: Body::Bytes(vec![0; length].into()), ..payload(&envelope, 0) };
        let body = request(&[span]).to_vec();
        let (inner, prefix) = length_prefix(&body);
        assert_eq!(inner + prefix, body.len(), "{length}");
    }
}

/// The length that a message says after its tag, and the bytes that takes.
fn length_prefix(body: &[u8]) -> (usize, usize) {
    let mut rest = &body[1..];
    let length = prost::encoding::decode_varint(&mut rest).unwrap();
    (usize::try_from(length).unwrap(), body.len() - rest.len())
}

fn envelope(scope: &str) -> Envelope {
    Envelope { scope: scope.as_bytes().to_vec(), ..Envelope::default() }
}

fn payload(envelope: &Arc<Envelope>, byte: u8) -> Payload {
    let trace_id = TraceId::from(1_u128);
    Payload {
        trace_id,
        envelope: Arc::clone(envelope),
        body: Body::Bytes(vec![byte].into()),
        counted: true,
    }
}
