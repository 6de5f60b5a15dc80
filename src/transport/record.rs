//! A parcel as the bytes of a record on disk, and back.
//!
//! ```text
//!  version 1 · flags · epilogue? (trace id, text) · envelopes (four texts each) · spans
//!  span: trace id · number of its envelope · flags · bytes
//! ```
//! Numbers are 32 bits, little-endian; a text or bytes come after their length. Only what is encoded
//! can be kept: a parcel for an exporter of somebody else's is not.

use std::sync::Arc;

use opentelemetry::trace::TraceId;

use crate::transport::log::NewRecord;
use crate::transport::outbox::counted;
use crate::transport::{Body, Envelope, Epilogue, Parcel, Payload};

const VERSION: u8 = 1;
const FINISHED: u8 = 1;
const EPILOGUE: u8 = 2;
const COUNTED: u8 = 1;

/// A parcel that is larger goes into several records.
const MAX_BYTES: usize = 1024 * 1024;

/// Cuts a parcel into those that make a record each, in order; what follows the trace stays last.
pub(crate) fn pieces(parcel: Parcel) -> Vec<Parcel> {
    let mut pieces = Vec::new();
    let Parcel { spans, epilogue, filtered, finished } = parcel;
    let mut piece = Parcel { filtered, ..Parcel::default() };
    let mut bytes = 0;
    for span in spans {
        bytes += span.weight();
        if bytes > MAX_BYTES && !piece.spans.is_empty() {
            pieces.push(std::mem::take(&mut piece));
            bytes = span.weight();
        }
        piece.spans.push(span);
    }
    pieces.push(Parcel { epilogue, finished, ..piece });
    pieces
}

/// The record of a parcel; none when there is nothing in it to deliver.
pub(crate) fn encode(parcel: &Parcel) -> Option<NewRecord> {
    if parcel.is_empty() {
        return None;
    }
    let mut envelopes: Vec<&Arc<Envelope>> = Vec::new();
    let mut spans = Writer::default();
    for span in &parcel.spans {
        // Spans of one scope come together.
        let known = envelopes.iter().rposition(|it| Arc::ptr_eq(it, &span.envelope));
        let envelope = known.unwrap_or_else(|| {
            envelopes.push(&span.envelope);
            envelopes.len() - 1
        });
        spans.bytes.extend_from_slice(&span.trace_id.to_bytes());
        spans.number(envelope);
        spans.bytes.push(if span.counted { COUNTED } else { 0 });
        spans.text(span.bytes());
    }
    let mut record = Writer::default();
    let finished = if parcel.finished { FINISHED } else { 0 };
    let has_epilogue = if parcel.epilogue.is_some() { EPILOGUE } else { 0 };
    record.bytes.extend_from_slice(&[VERSION, finished | has_epilogue]);
    if let Some(Epilogue { trace_id, text }) = &parcel.epilogue {
        record.bytes.extend_from_slice(&trace_id.to_bytes());
        record.text(text.as_bytes());
    }
    record.number(envelopes.len());
    for envelope in envelopes {
        record.text(&envelope.resource);
        record.text(envelope.resource_schema_url.as_bytes());
        record.text(&envelope.scope);
        record.text(envelope.scope_schema_url.as_bytes());
    }
    record.number(parcel.spans.len());
    record.bytes.append(&mut spans.bytes);
    let spans = u32::try_from(counted(&parcel.spans)).unwrap_or(u32::MAX);
    Some(NewRecord { spans, payload: record.bytes })
}

/// The parcel of a record; none when this version did not write it.
pub(crate) fn decode(payload: &[u8]) -> Option<Parcel> {
    let mut reader = Reader(payload);
    let [version, flags] = reader.array()?;
    if version != VERSION {
        return None;
    }
    let epilogue = if flags & EPILOGUE == 0 { None } else { Some(reader.epilogue()?) };
    let mut envelopes = Vec::new();
    for _ in 0..reader.number()? {
        envelopes.push(Arc::new(Envelope {
            resource: reader.bytes()?.to_vec(),
            resource_schema_url: reader.text()?,
            scope: reader.bytes()?.to_vec(),
            scope_schema_url: reader.text()?,
        }));
    }
    let mut spans = Vec::new();
    for _ in 0..reader.number()? {
        let trace_id = TraceId::from_bytes(reader.array()?);
        let envelope = Arc::clone(envelopes.get(reader.number()?)?);
        let [flags] = reader.array()?;
        let body = Body::Bytes(reader.bytes()?.to_vec().into());
        spans.push(Payload { trace_id, envelope, body, counted: flags & COUNTED != 0 });
    }
    let finished = flags & FINISHED != 0;
    reader.0.is_empty().then_some(Parcel { spans, epilogue, filtered: 0, finished })
}

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// What does not fit was cut to the limit of a request long before.
    fn number(&mut self, number: usize) {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    fn text(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn number(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.array()?)).ok()
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    fn epilogue(&mut self) -> Option<Epilogue> {
        Some(Epilogue { trace_id: TraceId::from_bytes(self.array()?), text: self.text()? })
    }
}

#[cfg(test)]
mod tests;
