//! prost, with the messages of `proto/`, is the oracle.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::generated::status::{self, Delay, RetryInfo};
use crate::generated::trace_service::{ExportTracePartialSuccess, ExportTraceServiceResponse};
use crate::tests::cases;

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn partial_success_is_read_as_prost_reads_it(answers in vec(response(), 0..3)) {
        // Messages one after the other are one: what stands in both is merged.
        let bytes = one_after_the_other(&answers);
        let read = PartialSuccess::read(&bytes).map(|it| (it.rejected_spans, it.error_message));
        let oracle = ExportTraceServiceResponse::decode(bytes.as_slice()).unwrap().partial_success;
        let oracle = oracle.as_ref().map(|it| (it.rejected_spans, it.error_message.as_str()));
        prop_assert_eq!(read, oracle);
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
            let oracle = oracle.partial_success.unwrap();
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
