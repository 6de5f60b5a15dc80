//! What of an outbox is on disk only: in which logs, up to which record, how many spans. Pure.

use std::collections::VecDeque;
use std::time::Instant;

use crate::transport::log::{Evicted, Log, Read, Stored};

/// Logs with records that nobody has fetched, in the order in which they are fetched.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    log: Log,
    /// Everything up to here was fetched, or is gone.
    passed: u64,
    /// Whether a part of the first run is gone because it made room.
    made_room: bool,
    runs: VecDeque<Run>,
}

/// Consecutive records of one log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) last: u64,
    pub(super) count: Count,
    pub(super) since: Instant,
}

/// What to read: the records of a log after one, of which `last` is known to be there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) log: Log,
    pub(super) after: u64,
    last: u64,
}

/// How much is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) records: u64,
    pub(super) spans: u64,
}

/// What came of reading.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    /// Records with the time since which they have waited.
    pub(super) records: Vec<(Stored, Instant)>,
    /// What should have been among them.
    pub(super) missing: Count,
    /// What would have been, had it not made room in the meantime.
    pub(super) made_room: Count,
}

impl Backlog {
    /// Takes in records that follow those of the same log.
    pub(super) fn push(&mut self, log: Log, run: Run) {
        match self.parts.iter_mut().find(|part| part.log == log) {
            Some(part) => part.runs.push_back(run),
            None => self.take_over(log, run.last + 1 - run.count.records, run),
        }
    }

    /// Takes in all that is left of a log from `first` on.
    pub(super) fn take_over(&mut self, log: Log, first: u64, run: Run) {
        let passed = first.saturating_sub(1);
        self.parts.push(Part { log, passed, made_room: false, runs: [run].into() });
    }

    /// Whether newer records of a log must wait for those that are on disk.
    pub(super) fn holds(&self, log: Log) -> bool {
        self.parts.iter().any(|part| part.log == log)
    }

    /// What is to be fetched next.
    pub(super) fn next(&self) -> Option<Wanted> {
        let part = self.parts.first()?;
        let last = part.runs.back()?.last;
        Some(Wanted { log: part.log, after: part.passed, last })
    }

    /// Since when the oldest has waited.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.parts.iter().filter_map(|part| part.runs.front()).map(|run| run.since).min()
    }

    /// Takes out what was read. Records that were given up in the meantime are left out.
    pub(super) fn fetched(&mut self, wanted: Wanted, read: Read) -> Fetched {
        let mut fetched = Fetched::default();
        let Some(part) = self.parts.iter_mut().find(|part| part.log == wanted.log) else {
            return fetched;
        };
        for stored in read.records {
            if stored.sequence <= part.passed {
                continue;
            }
            fetched.pass(part, stored.sequence - 1);
            if let Some(run) = part.runs.front_mut() {
                run.count.take(Count { records: 1, spans: stored.spans.into() });
                part.passed = stored.sequence;
                fetched.records.push((stored, run.since));
            }
        }
        // A log that ends before it should has lost the rest.
        let through = if read.end { read.through.max(wanted.last) } else { read.through };
        fetched.pass(part, through);
        self.forget_empty();
        fetched
    }

    /// Gives up what made room.
    pub(super) fn evict(&mut self, evicted: Evicted) -> Count {
        let Some(part) = self.parts.iter_mut().find(|part| part.log == evicted.log) else {
            return Count::default();
        };
        let gone = part.pass(evicted.through);
        // How much of the next run is gone shows when the rest of it was fetched.
        part.made_room = part.passed < evicted.through;
        part.passed = part.passed.max(evicted.through);
        self.forget_empty();
        gone
    }

    fn forget_empty(&mut self) {
        self.parts.retain(|part| !part.runs.is_empty());
    }
}

impl Fetched {
    fn pass(&mut self, part: &mut Part, through: u64) {
        let made_room = part.made_room;
        let missing = part.pass(through);
        if made_room { self.made_room.add(missing) } else { self.missing.add(missing) }
    }
}

impl Part {
    /// Takes out the runs that end at `through` or before; what was not fetched of them is missing.
    fn pass(&mut self, through: u64) -> Count {
        let mut missing = Count::default();
        while let Some(run) = self.runs.front().copied().filter(|run| run.last <= through) {
            self.runs.pop_front();
            self.made_room = false;
            missing.add(run.count);
            self.passed = self.passed.max(run.last);
        }
        missing
    }
}

impl Count {
    pub(super) fn add(&mut self, other: Self) {
        self.records += other.records;
        self.spans += other.spans;
    }

    fn take(&mut self, other: Self) {
        self.records = self.records.saturating_sub(other.records);
        self.spans = self.spans.saturating_sub(other.spans);
    }
}

#[cfg(test)]
mod tests;
