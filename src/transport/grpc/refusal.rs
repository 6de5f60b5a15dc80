//! Decides what a gRPC status means. Pure: no clock, no socket.
//!
//! Source: OTLP 1.x §failures; gRPC status codes; observed: a message that is too long is
//! `OUT_OF_RANGE` (tonic) or `RESOURCE_EXHAUSTED` (others), one that cannot be read is `INTERNAL`,
//! `UNKNOWN` or `INVALID_ARGUMENT`.
//!
//! | what happens to a call | what becomes of its spans |
//! |---|---|
//! | OK | delivered; those that a partial success refuses are dropped as `rejected` |
//! | OK and a message that is junk or too long | delivered, and told |
//! | `CANCELLED`, `DEADLINE_EXCEEDED`, `ABORTED`, `OUT_OF_RANGE`, `UNAVAILABLE`, `DATA_LOSS`, `RESOURCE_EXHAUSTED` | sent again, after `RetryInfo` |
//! | `OUT_OF_RANGE`, `RESOURCE_EXHAUSTED` that speak of size | halves; a single span is dropped as `too_large` |
//! | `UNAUTHENTICATED`, `PERMISSION_DENIED`, `UNIMPLEMENTED`, `NOT_FOUND` | wait, with advice |
//! | any other code | halves; a single span is dropped as `rejected` |
//! | an answer that is not gRPC's | by its HTTP status: 408, 425, 429, 502–504 sent again; 413 halves; others wait, with advice |
//! | no connection, or the server says that it has not looked (`REFUSED_STREAM`) | sent again; nobody has them |
//! | cut off, or not answered in time, whatever code the client gives it | sent again, and counted as possible duplicates; at once where the connection was one of before |
//! | cut off in a message of more than a mebibyte | as over HTTP |

use std::fmt;
use std::time::Duration;

use tonic::Code;

use crate::stats::DropReason;
use crate::transport::{Repeat, Verdict};

/// What the server answered in place of success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    /// In the server's words, credentials masked.
    pub(crate) message: String,
    /// A `google.rpc.Status` message, or nothing.
    pub(crate) details: Vec<u8>,
}

/// How servers say that a message is too long.
const SIZE_WORDS: [&str; 5] =
    ["larger than max", "too large", "message length", "too long", "message exceeds"];
/// How the client (tonic 0.14) says that an answer is not gRPC's; the HTTP status may follow.
const FOREIGN_WORDS: [&str; 4] = [
    "mapped from HTTP status code ",
    "while receiving response with status: ",
    "Missing response message",
    "protocol error",
];
const CREDENTIALS: &str = "set the credentials in OTEL_EXPORTER_OTLP_HEADERS";
const PROTOCOL: &str = "does this address take OTLP over gRPC? OTLP over HTTP needs \
                        OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf";

impl Refusal {
    /// What it means for the spans of the request; `retry_after` is what its details say of that.
    pub(crate) fn verdict(&self, retry_after: Option<Duration>) -> Verdict {
        let problem = self.to_string();
        let advised = |advice: &str| Verdict::when_mended(&problem).advised(advice);
        let soon = retry_after.map_or(Repeat::Soon, Repeat::After);
        if let Some(status) = self.foreign_status() {
            return match status {
                408 | 425 | 429 | 502..=504 => Verdict::again(soon, problem),
                413 => Verdict::split(DropReason::TooLarge, problem),
                401 | 403 | 407 => advised(CREDENTIALS),
                404 | 405 => advised(PROTOCOL),
                _ => advised(
                    "the answer is not that of a gRPC server; check the address, and \
                     OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE if the server asks for one",
                ),
            };
        }
        match self.code {
            Code::Unauthenticated | Code::PermissionDenied => advised(CREDENTIALS),
            Code::Unimplemented | Code::NotFound => advised(PROTOCOL),
            Code::OutOfRange | Code::ResourceExhausted if self.speaks_of_size() => {
                Verdict::split(DropReason::TooLarge, problem)
            }
            Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss
            // Without `RetryInfo` the specification has such spans dropped; many servers that only
            // want less of them leave it out.
            | Code::ResourceExhausted => Verdict::again(soon, problem),
            _ => Verdict::split(DropReason::Rejected, problem),
        }
    }

    fn speaks_of_size(&self) -> bool {
        SIZE_WORDS.iter().any(|words| self.message.contains(words))
    }

    /// The HTTP status of an answer that is not gRPC's; 200 where the client does not say it.
    fn foreign_status(&self) -> Option<u16> {
        let after = |words: &&str| self.message.split_once(*words).map(|(_, after)| after);
        let after = FOREIGN_WORDS.iter().find_map(after)?;
        Some(after.get(..3).and_then(|digits| digits.parse().ok()).unwrap_or(200))
    }
}

/// The status and the server's words.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gRPC {:?}", self.code)?;
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_specification_lists_is_sent_again() {
        for code in [
            Code::Cancelled,
            Code::DeadlineExceeded,
            Code::Aborted,
            Code::OutOfRange,
            Code::Unavailable,
            Code::DataLoss,
            Code::ResourceExhausted,
        ] {
            assert_eq!(repeat(code, "later"), Some(Repeat::Soon), "{code:?}");
        }
    }

    #[test]
    fn the_pause_that_the_server_asks_for_is_kept() {
        let pause = Duration::from_secs(7);
        let verdict = refusal(Code::Unavailable, "later").verdict(Some(pause));
        let Verdict::Failed { repeat, .. } = verdict else { panic!() };
        assert_eq!(repeat, Repeat::After(pause));
    }

    #[test]
    fn a_message_that_is_too_long_is_halved() {
        for (code, words) in [
            (
                Code::OutOfRange,
                "Error, decoded message length too large: found 5 bytes, the limit is: 4 bytes",
            ),
            (Code::ResourceExhausted, "grpc: received message larger than max (5 vs. 4)"),
            (Code::ResourceExhausted, "gRPC message exceeds maximum size 4: 5"),
        ] {
            let Verdict::Split { reason, .. } = refusal(code, words).verdict(None) else {
                panic!()
            };
            assert_eq!(reason, DropReason::TooLarge);
        }
    }

    #[test]
    fn what_a_person_must_mend_is_waited_for_with_advice() {
        for (code, advice) in [
            (Code::Unauthenticated, "OTEL_EXPORTER_OTLP_HEADERS"),
            (Code::PermissionDenied, "OTEL_EXPORTER_OTLP_HEADERS"),
            (Code::Unimplemented, "http/protobuf"),
        ] {
            let Verdict::Failed { repeat, problem, .. } = refusal(code, "no").verdict(None) else {
                panic!()
            };
            assert_eq!(repeat, Repeat::WhenMended);
            assert!(problem.contains(advice), "{problem}");
        }
    }

    #[test]
    fn a_payload_that_cannot_be_read_is_looked_for_by_halves() {
        for code in [Code::Internal, Code::Unknown, Code::InvalidArgument, Code::FailedPrecondition]
        {
            let Verdict::Split { reason, .. } = refusal(code, "bad").verdict(None) else {
                panic!()
            };
            assert_eq!(reason, DropReason::Rejected);
        }
    }

    #[test]
    fn an_answer_that_is_not_grpcs_costs_no_span() {
        for (code, words) in [
            (Code::Internal, "grpc-status header missing, mapped from HTTP status code 400"),
            (Code::Internal, "Missing response message."),
            (
                Code::Internal,
                "protocol error: received message with invalid compression flag: 60 (valid flags \
                 are 0 and 1) while receiving response with status: 200 OK",
            ),
        ] {
            assert_eq!(repeat(code, words), Some(Repeat::WhenMended), "{words}");
        }
    }

    #[test]
    fn the_http_status_of_such_an_answer_counts() {
        for words in [
            "grpc-status header missing, mapped from HTTP status code ",
            "protocol error: received message with invalid compression flag: 60 (valid flags are \
             0 and 1) while receiving response with status: ",
        ] {
            let refusal = |status: &str| refusal(Code::Internal, &format!("{words}{status}"));
            let soon = refusal("503 Service Unavailable").verdict(None);
            assert!(matches!(soon, Verdict::Failed { repeat: Repeat::Soon, .. }), "{soon:?}");
            let halved = refusal("413 Payload Too Large").verdict(None);
            let too_large = DropReason::TooLarge;
            assert!(matches!(halved, Verdict::Split { reason, .. } if reason == too_large));
            let Verdict::Failed { repeat, problem, .. } = refusal("401 Unauthorized").verdict(None)
            else {
                panic!()
            };
            assert_eq!(repeat, Repeat::WhenMended);
            assert!(problem.contains(CREDENTIALS), "{problem}");
        }
    }

    fn refusal(code: Code, message: &str) -> Refusal {
        Refusal { code, message: message.to_owned(), details: Vec::new() }
    }

    fn repeat(code: Code, message: &str) -> Option<Repeat> {
        match refusal(code, message).verdict(None) {
            Verdict::Failed { repeat, .. } => Some(repeat),
            _ => None,
        }
    }
}
