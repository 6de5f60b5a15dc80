//! What an OTLP receiver says in the body of its answer.

use std::time::Duration;

use prost::Message as _;
use serde_json::Value;

use crate::export::form::Form;
use crate::generated::status::{RetryInfo, Status};
use crate::generated::trace_service::ExportTraceServiceResponse;
use crate::transport::Verdict;
use crate::transport::http::{Outcome, Reply};

/// Replaces a protobuf refusal by its words, so that they can be shown and searched.
pub(crate) fn readable(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Reply(mut reply) if reply.status >= 300 && is_protobuf(&reply) => {
            if let Ok(status) = Status::decode(reply.body.as_slice()) {
                reply.body = status.message.into_bytes();
            }
            Outcome::Reply(reply)
        }
        other => other,
    }
}

/// Reads partial success from an accepted request. A body that cannot be read changes nothing.
pub(crate) fn partial_success(reply: &Reply) -> Verdict {
    let mask = |words: &str| reply.masked(words);
    if is_protobuf(reply) {
        partial_success_of(&reply.body, mask)
    } else {
        partial_success_of_json(&reply.body, mask)
    }
}

/// The same, of a protobuf message.
pub(crate) fn partial_success_of(message: &[u8], mask: impl Fn(&str) -> String) -> Verdict {
    let response = ExportTraceServiceResponse::decode(message).ok();
    match response.and_then(|response| response.partial_success) {
        Some(partial) => refused(partial.rejected_spans, &partial.error_message, mask),
        None => Verdict::delivered(),
    }
}

/// When a gRPC server wants to be asked again, by the details of its status.
pub(crate) fn retry_after(details: &[u8]) -> Option<Duration> {
    let details = Status::decode(details).ok()?.details;
    let info = details.iter().find(|detail| detail.type_url.ends_with("google.rpc.RetryInfo"))?;
    let delay = RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay?;
    Some(Duration::new(delay.seconds.try_into().ok()?, delay.nanos.try_into().ok()?))
}

/// Source: OTLP 1.x §JSON protobuf encoding: 64-bit integers are strings, and may be numbers.
fn partial_success_of_json(message: &[u8], mask: impl Fn(&str) -> String) -> Verdict {
    let Ok(response) = serde_json::from_slice::<Value>(message) else {
        return Verdict::delivered();
    };
    let rejected = match response.pointer("/partialSuccess/rejectedSpans") {
        Some(Value::String(text)) => text.parse().unwrap_or(0),
        Some(number) => number.as_i64().unwrap_or(0),
        None => 0,
    };
    let words = response.pointer("/partialSuccess/errorMessage").and_then(Value::as_str);
    refused(rejected, words.unwrap_or_default(), mask)
}

/// Source: OTLP 1.x §partial success: refused spans must not be sent again; a message with no
/// refused spans is no more than advice.
fn refused(rejected: i64, words: &str, mask: impl Fn(&str) -> String) -> Verdict {
    let rejected = u64::try_from(rejected).unwrap_or(0);
    let note = (rejected > 0)
        .then(|| format!("{rejected} spans of a request were refused: {}", mask(words)));
    Verdict::Delivered { rejected, note }
}

fn is_protobuf(reply: &Reply) -> bool {
    reply.content_type.starts_with(Form::Protobuf.content_type())
}
