//! What is kept of the items of a stream or an iterator.

use std::collections::VecDeque;
use std::time::{Instant, SystemTime};

use opentelemetry::trace::SpanRef;
use opentelemetry::{KeyValue, time};

use crate::capture::exception::Exception;
use crate::capture::json::Json;
use crate::semconv::span as keys;
use crate::sync::now;

/// Chunk events at the beginning, and as many at the end: enough to see how a stream set in and how
/// it ended. One for each token of a long answer would weigh more than the answer.
pub(crate) const EVENTS_AT_EACH_END: usize = 64;

/// Bytes of JSON up to which a chunk stands in its event; it is in the outputs anyway.
pub(crate) const MAX_EVENT_BYTES: usize = 16 * 1024;

/// Bytes of JSON up to which items are kept for the outputs: what one request can carry.
pub(crate) const MAX_OUTPUT_BYTES: usize = 4 * 1024 * 1024;

/// The items so far.
#[derive(Debug)]
pub(crate) struct Items {
    began: Instant,
    /// An array without its end.
    outputs: Json,
    kept: u64,
    missing: u64,
    missing_bytes: usize,
    last: VecDeque<Chunk>,
}

/// An event that is not written down yet.
#[derive(Debug)]
struct Chunk {
    index: u64,
    time: SystemTime,
    json: String,
}

impl Items {
    pub(crate) fn new() -> Self {
        Self {
            began: now(),
            outputs: Json::default(),
            kept: 0,
            missing: 0,
            missing_bytes: 0,
            last: VecDeque::new(),
        }
    }

    fn count(&self) -> u64 {
        self.kept + self.missing
    }

    /// Adds the item that `write` writes, unless that finds a failure. Whether it is kept.
    pub(crate) fn add(
        &mut self,
        span: &SpanRef<'_>,
        write: impl FnOnce(&mut Json) -> Result<(), Exception>,
    ) -> Result<bool, Exception> {
        let before = self.outputs.len();
        self.outputs.raw(if before == 0 { "[" } else { "," });
        let start = self.outputs.len();
        if let Err(exception) = write(&mut self.outputs) {
            self.outputs.truncate(before);
            return Err(exception);
        }
        let json = self.outputs.since(start);
        let bytes = json.len();
        let chunk = Chunk { index: self.count(), time: time::now(), json: shown(json) };
        if self.count() == 0 {
            let waited = now().duration_since(self.began).as_secs_f64() * 1_000.0;
            span.set_attribute(KeyValue::new(keys::TIME_TO_FIRST_CHUNK, waited));
        }
        self.tell(span, chunk);
        // What comes after something that is missing is missing, too: the rest, not a gap.
        let is_kept = self.missing == 0 && self.outputs.len() <= MAX_OUTPUT_BYTES;
        if is_kept {
            self.kept += 1;
        } else {
            self.outputs.truncate(before);
            self.missing += 1;
            self.missing_bytes = self.missing_bytes.saturating_add(bytes);
        }
        Ok(is_kept)
    }

    /// The first ones at once, the last ones when it is known that they are.
    fn tell(&mut self, span: &SpanRef<'_>, chunk: Chunk) {
        if usize::try_from(chunk.index).is_ok_and(|index| index < EVENTS_AT_EACH_END) {
            return chunk.record(span);
        }
        if self.last.len() == EVENTS_AT_EACH_END {
            self.last.pop_front();
        }
        self.last.push_back(chunk);
    }

    /// Writes down what was waiting for the end; returns the outputs.
    pub(crate) fn finish(self, span: &SpanRef<'_>) -> String {
        span.set_attribute(KeyValue::new(keys::CHUNKS, number(self.count())));
        if self.missing > 0 {
            span.set_attribute(KeyValue::new(keys::MISSING_CHUNKS, number(self.missing)));
        }
        for chunk in self.last {
            chunk.record(span);
        }
        let mut outputs = self.outputs;
        if outputs.len() == 0 {
            outputs.raw("[");
        }
        if self.missing > 0 {
            outputs.raw(if self.kept == 0 { "" } else { "," });
            let (items, bytes) = (self.missing, self.missing_bytes);
            outputs.value(&format!("<{items} more items of {bytes} bytes>"));
        }
        outputs.raw("]");
        outputs.into_text()
    }
}

impl Chunk {
    fn record(self, span: &SpanRef<'_>) {
        let name = format!("{}{}", keys::CHUNK_EVENT_PREFIX, self.index);
        let attributes = vec![KeyValue::new(keys::CHUNK_VALUE, self.json)];
        span.add_event_with_timestamp(name, self.time, attributes);
    }
}

/// A chunk's text in an event, which stays JSON.
fn shown(json: &str) -> String {
    if json.len() <= MAX_EVENT_BYTES {
        return json.to_owned();
    }
    format!("\"<chunk of {} bytes>\"", json.len())
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
