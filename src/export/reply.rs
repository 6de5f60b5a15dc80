//! What an OTLP receiver says in the body of its answer, and what it means when it is not one's.

use std::time::Duration;

use serde_json::Value;

use crate::export::decode::fields;
use crate::export::form::Form;
use crate::transport::Verdict;
use crate::transport::http::{Outcome, Reply};

const RETRY_INFO: &str = "google.rpc.RetryInfo";

/// Replaces a protobuf refusal by its words, so that they can be shown and searched, and reads from it
/// when the server wants to be asked again, unless a header says so.
pub(crate) fn readable(outcome: Outcome) -> Outcome {
    let Outcome::Reply(mut reply) = outcome else { return outcome };
    if reply.status < 300 {
        return Outcome::Reply(reply);
    }
    if is_protobuf(&reply) {
        reply.retry_after = reply.retry_after.or_else(|| retry_after(&reply.body));
        if let Some(message) = Status::read(&reply.body).map(|it| it.message.to_owned()) {
            reply.body = message.into_bytes();
        }
    } else {
        reply.retry_after = reply.retry_after.or_else(|| retry_after_of_json(&reply.json()?));
    }
    Outcome::Reply(reply)
}

/// What becomes of the spans of an accepted request: they are delivered, whatever the answer says, but
/// for those that a partial success refuses. A body that is not OTLP's is noted.
pub(crate) fn accepted(verdict: Verdict, outcome: &Outcome) -> Verdict {
    let (Verdict::Delivered { .. }, Outcome::Reply(reply)) = (&verdict, outcome) else {
        return verdict;
    };
    let mask = |words: &str| reply.masked(words);
    let read = if reply.cut_short {
        None
    } else if reply.body.is_empty() {
        Some(Verdict::delivered())
    } else if is_protobuf(reply) {
        partial_success_of(&reply.body, mask)
    } else {
        reply.json().map(|body| partial_success_of_json(&body, mask))
    };
    read.unwrap_or_else(|| {
        odd(&if reply.cut_short {
            format!("HTTP {} and an answer that breaks off or is too long", reply.status)
        } else if is_html(reply) {
            format!(
                "HTTP {} and a page of HTML: it may be a login's, or the path may take no spans",
                reply.status
            )
        } else {
            reply.to_string()
        })
    })
}

/// Delivered, by an answer that is not OTLP's.
pub(crate) fn odd(answer: &str) -> Verdict {
    let note = format!(
        "{answer}; that is no answer of an OTLP receiver: the spans count as delivered, but check the \
         address"
    );
    Verdict::Delivered { rejected: 0, note: Some(note) }
}

/// What becomes of the spans by the message of an accepted request; `None` when it is not one.
pub(crate) fn partial_success_of(message: &[u8], mask: impl Fn(&str) -> String) -> Option<Verdict> {
    let partial = PartialSuccess::read(message)?;
    Some(refused(partial.rejected_spans, partial.error_message, mask))
}

/// When a gRPC server wants to be asked again, by the details of its status.
pub(crate) fn retry_after(details: &[u8]) -> Option<Duration> {
    let details = Status::read(details)?.details;
    let info = details.iter().find(|detail| detail.type_url.ends_with(RETRY_INFO))?;
    let (seconds, nanos) = retry_delay(info.value)?;
    Some(Duration::new(seconds.try_into().ok()?, nanos.try_into().ok()?))
}

/// The same, of a status in JSON.
fn retry_after_of_json(status: &Value) -> Option<Duration> {
    let details = status.get("details")?.as_array()?.iter();
    let of = |detail: &Value| detail.get("@type")?.as_str().map(str::to_owned);
    let mut infos = details.filter(|it| of(it).is_some_and(|name| name.ends_with(RETRY_INFO)));
    let seconds = infos.next()?.get("retryDelay")?.as_str()?.strip_suffix('s')?;
    Duration::try_from_secs_f64(seconds.parse().ok()?).ok()
}

/// Source: OTLP 1.x §JSON protobuf encoding: 64-bit integers are strings, and may be numbers.
fn partial_success_of_json(response: &Value, mask: impl Fn(&str) -> String) -> Verdict {
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

fn is_html(reply: &Reply) -> bool {
    let start = reply.text().trim_start().to_ascii_lowercase();
    reply.content_type.starts_with("text/html")
        || ["<!doctype html", "<html"].iter().any(|tag| start.starts_with(tag))
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
    /// That of an `ExportTraceServiceResponse`, which says nothing when everything was accepted; `None`
    /// when it is not such a message.
    fn read(response: &'a [u8]) -> Option<Self> {
        let mut partial = Self::default();
        for (_, value) in fields(response)?.into_iter().filter(|(number, _)| *number == 1) {
            for (number, value) in fields(value.bytes()?)? {
                match number {
                    1 => partial.rejected_spans = value.integer()?,
                    2 => partial.error_message = value.text()?,
                    _ => {}
                }
            }
        }
        Some(partial)
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
