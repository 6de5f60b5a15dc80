//! prost, with the messages of `proto/`, is the oracle.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use prost::Message;
use serde_json::json;

use super::*;
use crate::generated::status::{self, Delay, RetryInfo};
use crate::generated::trace_service::{ExportTracePartialSuccess, ExportTraceServiceResponse};
use crate::tests::cases;

const SECOND: Duration = Duration::from_secs(1);

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn partial_success_is_read_as_prost_reads_it(answers in vec(response(), 0..3)) {
        // Messages one after the other are one: what stands in both is merged.
        let bytes = one_after_the_other(&answers);
        let read = PartialSuccess::read(&bytes).unwrap();
        let oracle = ExportTraceServiceResponse::decode(bytes.as_slice()).unwrap();
        let oracle = oracle.partial_success.unwrap_or_default();
        prop_assert_eq!(read.rejected_spans, oracle.rejected_spans);
        prop_assert_eq!(read.error_message, oracle.error_message);
    }

    #[test]
    fn a_status_is_read_as_prost_reads_it(statuses in vec(status(), 0..3)) {
        let bytes = one_after_the_other(&statuses);
        let read = Status::read(&bytes).unwrap();
        let oracle = status::Status::decode(bytes.as_slice()).unwrap();
        prop_assert_eq!(read.message, oracle.message);
        let details = read.details.iter().map(|it| (it.type_url, it.value));
        let oracle = oracle.details.iter().map(|it| (it.type_url.as_str(), it.value.as_slice()));
        prop_assert_eq!(details.collect::<Vec<_>>(), oracle.collect::<Vec<_>>());
    }

    #[test]
    fn a_delay_is_read_as_prost_reads_it(infos in vec(retry_info(), 0..3)) {
        let bytes = one_after_the_other(&infos);
        let oracle = RetryInfo::decode(bytes.as_slice()).unwrap().retry_delay;
        let oracle = oracle.map(|delay| (delay.seconds, i64::from(delay.nanos)));
        prop_assert_eq!(retry_delay(&bytes), oracle);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic_and_never_otherwise_than_prost(
        bytes in vec(prop_oneof![any::<u8>(), 0x08_u8..0x13, 0_u8..4], 0..24)
    ) {
        let _ = (readable_of(&bytes), retry_after(&bytes), retry_delay(&bytes));
        if let Some(read) = PartialSuccess::read(&bytes) {
            let oracle = ExportTraceServiceResponse::decode(bytes.as_slice()).unwrap();
            let oracle = oracle.partial_success.unwrap_or_default();
            prop_assert_eq!(read.rejected_spans, oracle.rejected_spans);
            prop_assert_eq!(read.error_message, oracle.error_message);
        }
    }
}

#[test]
fn a_refusal_in_protobuf_is_shown_by_its_words() {
    let refusal = status::Status { code: 3, message: "too old".to_owned(), details: Vec::new() };
    assert_eq!(readable_of(&refusal.encode_to_vec()), "HTTP 400: too old");
    assert_eq!(readable_of(b"bad request"), "HTTP 400: bad request");
}

#[test]
fn a_pause_that_makes_no_sense_is_none() {
    let after = |seconds, nanos| {
        let info = RetryInfo { retry_delay: Some(Delay { seconds, nanos }) };
        let type_url = "type.googleapis.com/google.rpc.RetryInfo".to_owned();
        let detail = status::Detail { type_url, value: info.encode_to_vec() };
        let refusal = status::Status { details: vec![detail], ..status::Status::default() };
        retry_after(&refusal.encode_to_vec())
    };
    assert_eq!(after(7, 5), Some(Duration::new(7, 5)));
    assert_eq!(after(-1, 0), None);
    assert_eq!(after(0, -1), None);
    assert!(after(i64::MAX, i32::MAX).is_some());
}

#[test]
fn the_pause_in_the_body_of_a_refusal_counts_unless_a_header_asks_for_another() {
    let info = RetryInfo { retry_delay: Some(Delay { seconds: 7, nanos: 500_000_000 }) };
    let type_url = "type.googleapis.com/google.rpc.RetryInfo".to_owned();
    let detail = status::Detail { type_url: type_url.clone(), value: info.encode_to_vec() };
    let protobuf = status::Status { details: vec![detail], ..status::Status::default() };
    let json = |delay: &str| {
        let info = json!({ "@type": type_url, "retryDelay": delay });
        let other = json!({ "@type": "type.googleapis.com/google.rpc.DebugInfo" });
        json!({ "code": 14, "details": [other, info] }).to_string().into_bytes()
    };
    let asked = |form: Form, body: Vec<u8>, header: Option<u64>| {
        let retry_after = header.map(Duration::from_secs);
        let content_type = form.content_type().to_owned();
        let reply = Reply { status: 503, content_type, body, retry_after, ..Reply::default() };
        let Outcome::Reply(reply) = readable(Outcome::Reply(reply)) else { panic!("a reply") };
        reply.retry_after
    };
    let pause = Some(Duration::from_millis(7500));
    assert_eq!(asked(Form::Protobuf, protobuf.encode_to_vec(), None), pause);
    assert_eq!(asked(Form::Json, json("7.5s"), None), pause);
    assert_eq!(asked(Form::Protobuf, protobuf.encode_to_vec(), Some(2)), Some(2 * SECOND));
    assert_eq!(asked(Form::Json, json("7.5s"), Some(2)), Some(2 * SECOND));
    for odd in ["7.5", "-1s", "s", "1e300s", "NaNs"] {
        assert_eq!(asked(Form::Json, json(odd), None), None, "{odd}");
    }
    for odd in [&b"{"[..], b"null", b"{\"details\": 1}", b"<html>"] {
        assert_eq!(asked(Form::Json, odd.to_vec(), None), None);
    }
}

#[test]
fn refused_spans_are_counted_only_where_their_number_makes_sense() {
    let rejected = |verdict| match verdict {
        Verdict::Delivered { rejected, note } => {
            assert_eq!(note.is_some(), rejected > 0);
            rejected
        }
        other => panic!("{other:?}"),
    };
    let accepted = |form: Form, body: Vec<u8>| {
        let content_type = form.content_type().to_owned();
        let reply = Reply { status: 200, content_type, body, ..Reply::default() };
        rejected(accepted(Verdict::delivered(), &Outcome::Reply(reply)))
    };
    for (said, counted) in [(0, 0), (3, 3), (i64::MAX, i64::MAX as u64), (-1, 0), (i64::MIN, 0)] {
        let error_message = "no".to_owned();
        let partial = ExportTracePartialSuccess { rejected_spans: said, error_message };
        let response = ExportTraceServiceResponse { partial_success: Some(partial) };
        assert_eq!(accepted(Form::Protobuf, response.encode_to_vec()), counted);
        for value in [json!(said), json!(said.to_string())] {
            let body = json!({ "partialSuccess": { "rejectedSpans": value } });
            assert_eq!(accepted(Form::Json, body.to_string().into_bytes()), counted, "{body}");
        }
    }
    for odd in [json!("x"), json!(1.5), json!({}), json!(null)] {
        let body = json!({ "partialSuccess": { "rejectedSpans": odd } });
        assert_eq!(accepted(Form::Json, body.to_string().into_bytes()), 0, "{body}");
    }
}

fn readable_of(body: &[u8]) -> String {
    let content_type = Form::Protobuf.content_type().to_owned();
    let reply = Reply { status: 400, content_type, body: body.to_vec(), ..Reply::default() };
    let Outcome::Reply(reply) = readable(Outcome::Reply(reply)) else { panic!("a reply") };
    reply.to_string()
}

fn one_after_the_other(messages: &[impl Message]) -> Vec<u8> {
    messages.iter().flat_map(Message::encode_to_vec).collect()
}

fn response() -> impl Strategy<Value = ExportTraceServiceResponse> {
    let partial = (any::<i64>(), ".{0,20}").prop_map(|(rejected_spans, error_message)| {
        ExportTracePartialSuccess { rejected_spans, error_message }
    });
    option::of(partial).prop_map(|partial_success| ExportTraceServiceResponse { partial_success })
}

fn status() -> impl Strategy<Value = status::Status> {
    let detail = (".{0,20}", vec(any::<u8>(), 0..20))
        .prop_map(|(type_url, value)| status::Detail { type_url, value });
    (any::<i32>(), ".{0,20}", vec(detail, 0..3))
        .prop_map(|(code, message, details)| status::Status { code, message, details })
}

fn retry_info() -> impl Strategy<Value = RetryInfo> {
    let delay = (any::<i64>(), any::<i32>()).prop_map(|(seconds, nanos)| Delay { seconds, nanos });
    option::of(delay).prop_map(|retry_delay| RetryInfo { retry_delay })
}
