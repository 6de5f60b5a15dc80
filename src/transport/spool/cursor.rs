//! Where the sender stands in the logs that it reads.

use std::collections::HashMap;
use std::io::Result;
use std::path::PathBuf;

use super::disk::{Disk, is_shortage};
use super::reader::Reader;
use super::scan::{Junk, Step};
use super::segment::Segment;
use super::{Log, Read, Stored, length_of};

/// Places of reading, so that the next read goes on where the last has ended.
#[derive(Debug, Default)]
pub(super) struct Cursors(HashMap<Log, Cursor>);

#[derive(Debug)]
struct Cursor {
    number: u64,
    after: u64,
    reader: Reader,
}

/// What was read, and which segments could not be read in whole.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) read: Read,
    pub(super) bad: Vec<PathBuf>,
    pub(super) problem: Option<String>,
}

impl Cursors {
    pub(super) fn forget(&mut self, log: Log) {
        self.0.remove(&log);
    }

    /// Reads records after sequence `after` from the segments of `log`, which ends at `last`.
    pub(super) fn read(
        &mut self,
        disk: &dyn Disk,
        log: Log,
        segments: &[Segment],
        after: u64,
        last: u64,
        max_bytes: usize,
    ) -> Outcome {
        let mut cursor = self.0.remove(&log).filter(|cursor| cursor.after == after);
        let mut outcome = Outcome::default();
        outcome.read.through = after;
        for segment in segments.iter().filter(|segment| segment.last > after) {
            let known = cursor.take().filter(|cursor| cursor.number == segment.number);
            let reader =
                known.map_or_else(|| Reader::open(&segment.path, disk), |known| Ok(known.reader));
            let filled = reader.and_then(|mut reader| {
                let full = outcome.fill(&mut reader, segment, max_bytes)?;
                Ok((reader, full))
            });
            let full = match filled {
                Ok((reader, full)) => {
                    let after = outcome.read.through;
                    cursor = Some(Cursor { number: segment.number, after, reader });
                    full
                }
                Err(error) => {
                    let text = format!("cannot read {}: {error}", segment.path.display());
                    outcome.problem = Some(text);
                    if is_shortage(&error) {
                        return outcome;
                    }
                    outcome.read.through = segment.last;
                    outcome.bad.push(segment.path.clone());
                    false
                }
            };
            if full {
                self.0.extend(cursor.map(|cursor| (log, cursor)));
                return outcome;
            }
        }
        outcome.read.through = outcome.read.through.max(last);
        outcome.read.end = true;
        let through = outcome.read.through;
        self.0.extend(cursor.map(|cursor| (log, Cursor { after: through, ..cursor })));
        outcome
    }
}

impl Outcome {
    /// Reads a segment to its end, or until `max_bytes` are read; tells whether it stopped for that.
    fn fill(&mut self, reader: &mut Reader, segment: &Segment, max_bytes: usize) -> Result<bool> {
        let after = self.read.through;
        let mut held: u64 = self.read.records.iter().map(|r| length_of(r.payload.len())).sum();
        loop {
            if let Some((sequence, length)) = reader.peek(segment.bytes)? {
                let wanted = sequence > after && sequence <= segment.last;
                let size = held.saturating_add(u64::from(length));
                if wanted && !self.read.records.is_empty() && size > length_of(max_bytes) {
                    // What is between was not readable.
                    self.read.through = sequence - 1;
                    return Ok(true);
                }
            }
            match reader.step(segment.bytes)? {
                Step::Record { sequence, spans, payload } => {
                    if sequence > after && sequence <= segment.last {
                        held += length_of(payload.len());
                        let payload = reader.payload(payload).to_vec();
                        self.read.records.push(Stored { sequence, spans, payload });
                    }
                }
                Step::Damaged { .. } | Step::Junk(Junk::Short | Junk::Long) => {
                    self.note_bad(segment);
                }
                Step::Ack(_) | Step::Junk(Junk::Zeros) | Step::More(_) => {}
                Step::End => {
                    self.read.through = segment.last;
                    return Ok(false);
                }
            }
        }
    }

    fn note_bad(&mut self, segment: &Segment) {
        if self.bad.last() != Some(&segment.path) {
            self.bad.push(segment.path.clone());
            self.problem = Some(format!("{} is damaged", segment.path.display()));
        }
    }
}
