//! What a spool's lock covers: its own log, those taken over, and the room that they share.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::disk::Disk;
use super::log::{Rim, SegmentLog, room_for};
use super::preamble::Preamble;
use super::syncer::Dirty;
use super::trouble::{Kind, Teller, Trouble};
use super::{Appended, Evicted, Log, NewRecord, SpoolSettings, preamble};
use crate::sync::lock;

/// Segments that a full spool has, so that little goes when the oldest makes room.
const SEGMENTS: u64 = 8;
/// Pauses after a failure to write.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    /// Something became dirty, or the end has come.
    pub(super) changed: Condvar,
    /// Held by whoever syncs, so that the next one finds all of it done.
    pub(super) syncing: Mutex<()>,
    pub(super) teller: Teller,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) rim: Rim,
    pub(super) own: SegmentLog,
    /// The oldest first.
    pub(super) orphans: BTreeMap<u64, SegmentLog>,
    next_orphan: u64,
    pub(super) next_adoption: Option<Instant>,
    pub(super) closed: bool,
    max_bytes: u64,
    pause: Pause,
    /// Whose state it is: a process that was forked has a copy, and the locks are not its own.
    pub(super) process: u32,
}

/// When to write again.
#[derive(Debug, Default)]
struct Pause {
    failures: u32,
    until: Option<Instant>,
}

impl Pause {
    fn is_over(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now >= until)
    }

    fn fail(&mut self, now: Instant) {
        let factor = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        let pause = FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE);
        self.failures = (self.failures + 1).min(31);
        self.until = now.checked_add(pause);
    }
}

impl Shared {
    pub(super) fn new(settings: &SpoolSettings, destination: String, disk: Arc<dyn Disk>) -> Self {
        let rim = Rim {
            disk,
            root: settings.directory.clone(),
            destination: preamble::destination(destination),
            dirty: Dirty::default(),
            troubles: Vec::new(),
        };
        let state = State {
            rim,
            own: SegmentLog::own(),
            orphans: BTreeMap::new(),
            next_orphan: 1,
            next_adoption: None,
            closed: false,
            max_bytes: settings.max_bytes,
            pause: Pause::default(),
            process: std::process::id(),
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            syncing: Mutex::new(()),
            teller: Teller::new(),
        }
    }

    /// Does something under the lock; what went wrong is told afterwards.
    pub(super) fn with<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        let mut state = lock(&self.state);
        state.leave_to_parent();
        let was_clean = state.rim.dirty.is_empty();
        let outcome = action(&mut state);
        let troubles = std::mem::take(&mut state.rim.troubles);
        let woken = (was_clean && !state.rim.dirty.is_empty()) || state.closed;
        drop(state);
        if woken {
            self.changed.notify_all();
        }
        self.teller.tell(&troubles);
        outcome
    }

    /// Whether nothing that is not settled depends on a sync that failed.
    pub(super) fn is_safe(&self) -> Result<()> {
        let state = lock(&self.state);
        let found = state.own.segments.iter().find(|segment| segment.unsafe_on_device);
        found.map_or(Ok(()), |segment| {
            let text = format!("{} may not be on the device", segment.path.display());
            Err(Error::other(text))
        })
    }
}

impl State {
    /// Bytes that one segment may have.
    fn segment_limit(&self) -> u64 {
        self.max_bytes / SEGMENTS
    }

    /// Bytes that all records of a segment may take.
    pub(super) fn segment_room(&self) -> u64 {
        let room = self.segment_limit().saturating_sub(self.preamble_length());
        // A record says its length in four bytes.
        room.min(u64::from(u32::MAX))
    }

    fn preamble_length(&self) -> u64 {
        let destination = self.rim.destination.clone();
        Preamble { salt: 0, first: 0, destination }.length()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.own.bytes() + self.orphans.values().map(SegmentLog::bytes).sum::<u64>()
    }

    pub(super) fn log(&mut self, log: Log) -> Option<(&mut SegmentLog, &mut Rim)> {
        let found = match log {
            Log::Own => Some(&mut self.own),
            Log::Orphan(number) => self.orphans.get_mut(&number),
        };
        found.map(|found| (found, &mut self.rim))
    }

    /// Logs that were taken over and are done with.
    pub(super) fn forget_gone(&mut self) {
        self.orphans.retain(|_, log| !log.is_gone());
    }

    /// In a process that was forked: the logs are the parent's, which lives; this one begins anew.
    fn leave_to_parent(&mut self) {
        let process = std::process::id();
        if self.process != process {
            self.process = process;
            self.own = SegmentLog::own();
            self.orphans.clear();
            self.rim.dirty = Dirty::default();
            self.next_adoption = None;
        }
    }

    /// Takes in a log that was taken over.
    pub(super) fn add_orphan(&mut self, log: SegmentLog) -> Log {
        let number = self.next_orphan;
        self.next_orphan += 1;
        self.orphans.insert(number, log);
        Log::Orphan(number)
    }

    pub(super) fn append(&mut self, records: &[NewRecord], now: Instant) -> Appended {
        let mut appended = Appended::default();
        if self.closed || !self.pause.is_over(now) {
            return appended;
        }
        self.own.leave_vanished(&mut self.rim);
        let mut rest = records;
        while !rest.is_empty() {
            match self.append_some(rest, &mut appended.evicted) {
                Ok(written) => {
                    appended.written += written;
                    appended.last = Some(self.own.last);
                    rest = rest.get(written..).unwrap_or_default();
                    self.pause = Pause::default();
                }
                Err(error) => {
                    // A record that is too large says nothing of the disk.
                    if error.kind() != ErrorKind::FileTooLarge {
                        self.pause.fail(now);
                    }
                    let root = self.rim.root.display();
                    let text = format!("cannot write to {root}: {error}");
                    self.rim.troubles.push(Trouble::new(Kind::Write, text));
                    break;
                }
            }
        }
        appended
    }

    /// Writes as many records as a segment takes, at least one; tells how many.
    fn append_some(&mut self, records: &[NewRecord], evicted: &mut Vec<Evicted>) -> Result<usize> {
        let room = self.segment_room();
        let mut size = 0;
        let fitting = records.iter().take_while(|record| {
            size += room_for(record);
            size <= room
        });
        let count = fitting.count();
        let (fitting, _) = records.split_at_checked(count).unwrap_or_default();
        if fitting.is_empty() {
            let text = format!("a record is larger than the {room} bytes of a segment");
            return Err(Error::new(ErrorKind::FileTooLarge, text));
        }
        let size: u64 = fitting.iter().map(room_for).sum();
        if self.own.open_length().is_some_and(|length| length + size > self.segment_limit()) {
            self.own.rotate();
        }
        let header = if self.own.open_length().is_some() { 0 } else { self.preamble_length() };
        self.make_room(size + header, evicted)?;
        self.own.append(fitting, &mut self.rim)?;
        Ok(count)
    }

    /// Removes the oldest segments, of logs that were taken over first, until `size` bytes fit.
    fn make_room(&mut self, size: u64, evicted: &mut Vec<Evicted>) -> Result<()> {
        while self.bytes() + size > self.max_bytes {
            let rim = &mut self.rim;
            let orphans = self.orphans.iter_mut();
            let oldest = orphans.map(|(number, log)| (Log::Orphan(*number), log));
            let gone = oldest.chain([(Log::Own, &mut self.own)]).find_map(|(log, segments)| {
                let settled = segments.settled;
                let last = segments.remove_oldest(rim)?;
                segments.tidy(rim);
                Some((log, last, settled))
            });
            let Some((log, through, settled)) = gone else {
                return Err(Error::new(ErrorKind::StorageFull, "nothing can be removed for room"));
            };
            if through > settled {
                evicted.push(Evicted { log, through });
            }
            self.forget_gone();
        }
        Ok(())
    }
}
