//! What an OTLP receiver says in the body of its answer.

use prost::Message as _;

use crate::generated::status::Status;
use crate::generated::trace_service::ExportTraceServiceResponse;
use crate::transport::Verdict;
use crate::transport::http::{Outcome, Reply};

const PROTOBUF: &str = "application/x-protobuf";

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
///
/// Source: OTLP 1.x §partial success: refused spans must not be sent again; a message with no
/// refused spans is no more than advice.
pub(crate) fn partial_success(reply: &Reply) -> Verdict {
    let partial = is_protobuf(reply)
        .then(|| ExportTraceServiceResponse::decode(reply.body.as_slice()).ok())
        .flatten()
        .and_then(|response| response.partial_success);
    let Some(partial) = partial else {
        return Verdict::delivered();
    };
    let rejected = u64::try_from(partial.rejected_spans).unwrap_or(0);
    let note = (rejected > 0)
        .then(|| reply.masked(&partial.error_message))
        .map(|words| format!("{rejected} spans of a request were refused: {words}"));
    Verdict::Delivered { rejected, note }
}

fn is_protobuf(reply: &Reply) -> bool {
    reply.content_type.starts_with(PROTOBUF)
}
