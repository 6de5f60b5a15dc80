//! What another process left → a log to read, and an account of what is in it.
//!
//! From the newest segment to the oldest, because what was settled stands behind the data, and
//! because where a segment begins says where the one before it ends: a write that failed may have
//! left records there that were written again.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{ErrorKind, Result};
use std::path::PathBuf;

use super::directory::Directory;
use super::disk::{Disk, is_shortage};
use super::log::SegmentLog;
use super::preamble::{Beginning, Preamble};
use super::reader::{self, Reader};
use super::scan::{Junk, Step};
use super::segment::Segment;

/// What is to be delivered of a log, and what is lost of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) records: u64,
    pub(super) spans: u64,
    pub(super) damaged_spans: u64,
}

/// Reads a directory that was taken over; `None` when it is another's: of another destination, or
/// of a version that is to come.
pub(super) fn recover(
    directory: Directory,
    destination: &str,
    disk: &dyn Disk,
) -> Result<Option<(SegmentLog, Account)>> {
    let mut found = Vec::new();
    for (number, path) in directory.segments()? {
        let bytes = fs::metadata(&path)?.len();
        let opened = match reader::beginning(&path, disk) {
            Ok((_, Beginning::Newer)) => return Ok(None),
            Ok((_, Beginning::Good(said))) if said.destination != destination => return Ok(None),
            // It may be good, and is left for later.
            Err(error) if error.kind() == ErrorKind::PermissionDenied || is_shortage(&error) => {
                return Err(error);
            }
            Ok((file, beginning)) => Opened::new(file, beginning),
            Err(_) => Opened::Bad,
        };
        found.push(Found { number, path, bytes, opened });
    }
    let mut recovery = Recovery::default();
    for found in found.into_iter().rev() {
        recovery.add(found);
    }
    Ok(Some(recovery.finish(directory)))
}

#[derive(Debug)]
struct Found {
    number: u64,
    path: PathBuf,
    bytes: u64,
    opened: Opened,
}

#[derive(Debug)]
enum Opened {
    Good(File, Preamble),
    Empty,
    Bad,
}

impl Opened {
    fn new(file: File, beginning: Beginning) -> Self {
        match beginning {
            Beginning::Good(preamble) => Self::Good(file, preamble),
            Beginning::Torn => Self::Empty,
            Beginning::Bad | Beginning::Newer => Self::Bad,
        }
    }
}

#[derive(Debug, Default)]
struct Recovery {
    segments: VecDeque<Segment>,
    account: Account,
    /// The last sequence that the segment looked at may hold; none for the newest.
    ceiling: Option<u64>,
    last: u64,
    settled: u64,
    /// A segment that says nothing of itself came after the one looked at.
    unknown: bool,
}

impl Recovery {
    fn add(&mut self, found: Found) {
        let Found { number, path, bytes, opened } = found;
        let (first, last, bad) = match opened {
            // Their last is made that of the segment before them in the end.
            Opened::Empty if self.ceiling.is_none() => (0, 0, false),
            Opened::Empty | Opened::Bad => {
                self.unknown = true;
                (0, 0, matches!(opened, Opened::Bad))
            }
            Opened::Good(file, preamble) => {
                let first = preamble.first.max(1);
                let (last, bad) = self.add_records(file, &preamble, first, bytes);
                self.ceiling = Some(first - 1);
                (first, last, bad)
            }
        };
        let segment = Segment { number, path, first, last, bytes, bad, unsafe_on_device: false };
        self.segments.push_front(segment);
    }

    /// Counts a segment's records; tells the last of them, and whether something is bad.
    fn add_records(
        &mut self,
        file: File,
        preamble: &Preamble,
        first: u64,
        bytes: u64,
    ) -> (u64, bool) {
        if self.ceiling.is_some_and(|ceiling| ceiling <= self.settled) {
            return (self.ceiling.unwrap_or_default(), false);
        }
        let mut records = Records::default();
        if records.read(file, preamble, bytes).is_err() {
            records.doubt = true;
            records.bad = true;
        }
        self.settled = self.settled.max(records.settled);
        let mut known = (first - 1).max(self.settled);
        let ceiling = self.ceiling.unwrap_or(u64::MAX);
        for record in records.found.iter().filter(|record| record.sequence <= ceiling) {
            if record.sequence <= self.settled {
                continue;
            }
            self.count_missing(record.sequence - known - 1);
            known = record.sequence;
            if record.good {
                self.account.records += 1;
                self.account.spans += u64::from(record.spans);
            } else {
                self.count_missing(u64::from(record.spans));
            }
        }
        let last = records.found.last().map_or(first - 1, |record| record.sequence);
        match self.ceiling {
            Some(ceiling) => self.count_missing(ceiling.saturating_sub(known)),
            None if self.settled <= last && (records.doubt || self.unknown) => {
                self.count_missing(1);
            }
            None => {}
        }
        self.unknown = false;
        let last = last.min(ceiling).max(self.ceiling.unwrap_or_default());
        self.last = self.last.max(last);
        (last, records.bad)
    }

    fn count_missing(&mut self, spans: u64) {
        self.account.damaged_spans = self.account.damaged_spans.saturating_add(spans);
    }

    fn finish(mut self, directory: Directory) -> (SegmentLog, Account) {
        if self.unknown {
            let first = self.segments.front().is_some_and(|segment| segment.number == 1);
            let missing = self.ceiling.map_or(1, |ceiling| ceiling.saturating_sub(self.settled));
            // Where segments were removed before it, nothing tells how many: at least one.
            self.count_missing(if first { missing } else { missing.min(1) });
        }
        let mut before = 0;
        for segment in &mut self.segments {
            segment.last = segment.last.max(before);
            before = segment.last;
        }
        self.settled = if self.account.records == 0 { u64::MAX } else { self.settled };
        let last = self.last;
        let settled = self.settled.min(last);
        let oldest = self.segments.iter().find(|segment| segment.first > 0);
        self.account.first =
            oldest.map_or(0, |segment| segment.first).max(settled.saturating_add(1));
        self.account.last = last;
        (SegmentLog::taken_over(directory, self.segments, last, settled), self.account)
    }
}

#[derive(Debug)]
struct Entry {
    sequence: u64,
    spans: u32,
    good: bool,
}

/// What is in one segment.
#[derive(Debug, Default)]
struct Records {
    found: Vec<Entry>,
    settled: u64,
    /// After the last record there is something that may have been one.
    doubt: bool,
    bad: bool,
}

impl Records {
    fn read(&mut self, file: File, preamble: &Preamble, bytes: u64) -> Result<()> {
        let mut reader = Reader::new(file, preamble)?;
        loop {
            match reader.step(bytes)? {
                Step::Record { sequence, spans, .. } => self.add(sequence, spans, true),
                Step::Damaged { sequence, spans } => {
                    self.bad = true;
                    self.add(sequence, spans, false);
                }
                Step::Ack(through) => self.settled = self.settled.max(through),
                Step::Junk(Junk::Zeros) | Step::More(_) => {}
                Step::Junk(junk) => {
                    self.bad = true;
                    self.doubt |= junk == Junk::Long;
                }
                Step::End => return Ok(()),
            }
        }
    }

    fn add(&mut self, sequence: u64, spans: u32, good: bool) {
        self.doubt = false;
        self.found.push(Entry { sequence, spans, good });
    }
}
