//! The log of a destination on disk, as the outbox sees it: records of bytes, in sequence.

use std::path::PathBuf;
use std::time::Duration;

/// What a spool is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SpoolSettings {
    pub(crate) directory: PathBuf,
    pub(crate) max_bytes: u64,
    pub(crate) sync: SyncMode,
}

/// When what was written is brought to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SyncMode {
    /// At the latest after this time.
    Every(Duration),
    /// Before `append` returns.
    Always,
}

impl Default for SyncMode {
    fn default() -> Self {
        Self::Every(Duration::from_millis(500))
    }
}

/// Which log: the one of this process, or one taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Log {
    Own,
    Orphan(u64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewRecord {
    pub(crate) spans: u32,
    pub(crate) payload: Vec<u8>,
}

/// What became of records that were to be written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Appended {
    /// How many were written, from the first on; the others were not.
    pub(crate) written: usize,
    /// Sequence of the last that was written.
    pub(crate) last: Option<u64>,
    /// What made room.
    pub(crate) evicted: Vec<Evicted>,
}

/// Everything of `log` up to `through` is gone; that is the last record of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Evicted {
    pub(crate) log: Log,
    pub(crate) through: u64,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) records: Vec<Stored>,
    /// Everything up to here is in `records`, or cannot be read.
    pub(crate) through: u64,
    /// Nothing comes after `through` at present.
    pub(crate) end: bool,
}

impl Read {
    /// Whether something is there that cannot be read now, and can be later.
    pub(crate) fn is_stuck(&self) -> bool {
        self.records.is_empty() && !self.end
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) sequence: u64,
    pub(crate) spans: u32,
    pub(crate) payload: Vec<u8>,
}

/// A log that was taken over; with nothing in `records` there is nothing to read, only to count.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Orphan {
    pub(crate) log: Log,
    /// Sequences of what is not settled.
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) records: u64,
    pub(crate) spans: u64,
    /// Spans of records whose payload is damaged, and one for each record that is missing; not in
    /// `spans`.
    pub(crate) damaged_spans: u64,
}
