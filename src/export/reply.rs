//! What an OTLP receiver says in the body of its answer.

use std::time::Duration;

use serde_json::Value;

use crate::export::decode::fields;
use crate::export::form::Form;
use crate::transport::Verdict;
use crate::transport::http::{Outcome, Reply};

/// Replaces a protobuf refusal by its words, so that they can be shown and searched.
pub(crate) fn readable(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Reply(mut reply) if reply.status >= 300 && is_protobuf(&reply) => {
            if let Some(message) = Status::read(&reply.body).map(|it| it.message.to_owned()) {
                reply.body = message.into_bytes();
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
        partial_success_of_json(reply.json(), mask)
    }
}

/// The same, of a protobuf message.
pub(crate) fn partial_success_of(message: &[u8], mask: impl Fn(&str) -> String) -> Verdict {
    match PartialSuccess::read(message) {
        Some(partial) => refused(partial.rejected_spans, partial.error_message, mask),
        None => Verdict::delivered(),
    }
}

/// When a gRPC server wants to be asked again, by the details of its status.
pub(crate) fn retry_after(details: &[u8]) -> Option<Duration> {
    let details = Status::read(details)?.details;
    let info = details.iter().find(|detail| detail.type_url.ends_with("google.rpc.RetryInfo"))?;
    let (seconds, nanos) = retry_delay(info.value)?;
    Some(Duration::new(seconds.try_into().ok()?, nanos.try_into().ok()?))
}

/// Source: OTLP 1.x §JSON protobuf encoding: 64-bit integers are strings, and may be numbers.
fn partial_success_of_json(body: Option<Value>, mask: impl Fn(&str) -> String) -> Verdict {
    let Some(response) = body else { return Verdict::delivered() };
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

/// `ExportTracePartialSuccess`
#[derive(Debug, Default, PartialEq)]
struct PartialSuccess<'a> {
    rejected_spans: i64,
    error_message: &'a str,
}

impl<'a> PartialSuccess<'a> {
    /// That of an `ExportTraceServiceResponse`, which has none when everything was accepted.
    fn read(response: &'a [u8]) -> Option<Self> {
        let mut found = None;
        for (_, value) in fields(response)?.into_iter().filter(|(number, _)| *number == 1) {
            let partial = found.get_or_insert_with(Self::default);
            for (number, value) in fields(value.bytes()?)? {
                match number {
                    1 => partial.rejected_spans = value.integer()?,
                    2 => partial.error_message = value.text()?,
                    _ => {}
                }
            }
        }
        found
    }
}

/// `google.rpc.Status`, without its code.
#[derive(Debug, Default, PartialEq)]
struct Status<'a> {
    message: &'a str,
    details: Vec<Detail<'a>>,
}

/// `google.protobuf.Any`
#[derive(Debug, Default, PartialEq)]
struct Detail<'a> {
    type_url: &'a str,
    value: &'a [u8],
}

impl<'a> Status<'a> {
    fn read(message: &'a [u8]) -> Option<Self> {
        let mut status = Self::default();
        for (number, value) in fields(message)? {
            match number {
                2 => status.message = value.text()?,
                3 => status.details.push(Detail::read(value.bytes()?)?),
                _ => {}
            }
        }
        Some(status)
    }
}

impl<'a> Detail<'a> {
    fn read(message: &'a [u8]) -> Option<Self> {
        let mut detail = Self::default();
        for (number, value) in fields(message)? {
            match number {
                1 => detail.type_url = value.text()?,
                2 => detail.value = value.bytes()?,
                _ => {}
            }
        }
        Some(detail)
    }
}

/// Seconds and nanoseconds of a `google.rpc.RetryInfo`.
fn retry_delay(info: &[u8]) -> Option<(i64, i64)> {
    let mut found = None;
    for (_, value) in fields(info)?.into_iter().filter(|(number, _)| *number == 1) {
        let (seconds, nanos) = found.get_or_insert((0, 0));
        for (number, value) in fields(value.bytes()?)? {
            match number {
                1 => *seconds = value.integer()?,
                2 => *nanos = value.integer()?,
                _ => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
