//! Bytes of a segment → records. Pure: whoever calls has the file, and brings the bytes.

use std::ops::Range;

use super::length_of;
use super::record::{HEADER, Header, Kind, magic};

/// What stands at a place of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Everything up to the sequence is settled.
    Ack(u64),
    /// A record; `payload` in the window.
    Record { sequence: u64, spans: u32, payload: Range<usize> },
    /// A record whose header is good and whose payload is not.
    Damaged { sequence: u64, spans: u32 },
    /// Bytes that are no record.
    Junk(Junk),
    /// The window must hold this many bytes.
    More(usize),
    /// Nothing more, but perhaps the beginning of a record.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Junk {
    /// Zeros, as a file has after a loss of power.
    Zeros,
    /// As short as an acknowledgement.
    Short,
    Long,
}

/// How far a segment was read.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    salt: u64,
    magic: [u8; 4],
    /// Where the window begins in the file.
    place: u64,
    /// Of the last data record.
    last: u64,
    junk: Option<Junk>,
}

impl Scan {
    /// From `place`, the end of the preamble; records after sequence `last`.
    pub(super) fn new(salt: u64, place: u64, last: u64) -> Self {
        Self { salt, magic: magic(salt).to_le_bytes(), place, last, junk: None }
    }

    /// Where the next window has to begin.
    pub(super) fn place(&self) -> u64 {
        self.place
    }

    /// The record that comes next, if its header is in the window: sequence and length.
    pub(super) fn peek(&self, window: &[u8]) -> Option<(u64, u32)> {
        let header = Header::read(window, self.salt, self.place).filter(|header| self.next(header));
        let header = header.filter(|header| header.kind == Kind::Data);
        header.map(|header| (header.sequence, header.length))
    }

    /// Looks at `window`, which begins at [`Self::place`]; `left` bytes are between there and the
    /// end of the file. Moves on, unless more is needed or nothing is left.
    pub(super) fn step(&mut self, window: &[u8], left: u64) -> Step {
        if let Some(header) = self.header(window) {
            return self.record(header, window, left);
        }
        if left < length_of(HEADER) && self.junk.is_none() {
            return Step::End;
        }
        if left == 0 {
            return self.junk.take().map_or(Step::End, Step::Junk);
        }
        if window.len() < HEADER && length_of(window.len()) < left {
            return Step::More(HEADER);
        }
        self.resync(window, left)
    }

    /// A header that may stand here.
    fn header(&self, window: &[u8]) -> Option<Header> {
        Header::read(window, self.salt, self.place).filter(|header| self.next(header))
    }

    /// Sequences of data only grow.
    fn next(&self, header: &Header) -> bool {
        header.kind == Kind::Ack || header.sequence > self.last
    }

    fn record(&mut self, header: Header, window: &[u8], left: u64) -> Step {
        if let Some(junk) = self.junk.take() {
            return Step::Junk(junk);
        }
        if header.record_length() > left {
            return Step::End;
        }
        let Ok(end) = usize::try_from(header.record_length()) else { return Step::End };
        let Some(payload) = window.get(HEADER..end) else { return Step::More(end) };
        self.place += header.record_length();
        let Header { kind, sequence, spans, .. } = header;
        if kind == Kind::Ack {
            return Step::Ack(sequence);
        }
        self.last = sequence;
        if header.fits(payload) {
            Step::Record { sequence, spans, payload: HEADER..end }
        } else {
            Step::Damaged { sequence, spans }
        }
    }

    /// Moves to the next header, or as far as the window tells that there is none.
    fn resync(&mut self, window: &[u8], left: u64) -> Step {
        let whole = length_of(window.len()) >= left;
        let last = if whole { window.len() } else { window.len() - (HEADER - 1) };
        let found = (1..last).find(|at| self.header_at(window, *at));
        let skip = found.unwrap_or(last);
        self.note_junk(window.get(..skip).unwrap_or_default());
        self.place += length_of(skip);
        Step::More(HEADER)
    }

    fn header_at(&self, window: &[u8], at: usize) -> bool {
        let Some(bytes) = window.get(at..).filter(|bytes| bytes.starts_with(&self.magic)) else {
            return false;
        };
        let header = Header::read(bytes, self.salt, self.place + length_of(at));
        header.is_some_and(|header| self.next(&header))
    }

    fn note_junk(&mut self, bytes: &[u8]) {
        let junk = match (self.junk, bytes.len()) {
            (None | Some(Junk::Zeros), _) if bytes.iter().all(|byte| *byte == 0) => Junk::Zeros,
            (None, length) if length <= HEADER => Junk::Short,
            _ => Junk::Long,
        };
        self.junk = Some(junk);
    }
}

#[cfg(test)]
mod tests;
