//! Records on disk until they are settled: written by this process, taken over from processes that
//! are gone.
//!
//! # Format
//!
//! ```text
//! <root>/v1/w-<pid>-<n>/lock              held while the process lives
//!                      /%016x.seg         segments, by number, oldest first
//!          /quarantine/w-…-….seg.<n>      segments that could not be read in whole; at most eight
//! ```
//!
//! A segment is a preamble, twice ([`preamble`]), and records ([`record`]): data, with sequences that
//! grow by one through all segments of a directory, and acknowledgements, which say up to where
//! everything is settled. Nothing but the process that made a segment writes to it. Numbers are
//! little-endian.
//!
//! # Promises
//!
//! - What [`Spool::append`] has told as written is with the kernel: it outlives the process. A thread
//!   brings it to the device, at the latest after the time of [`SyncMode::Every`]; with
//!   [`SyncMode::Always`] it is there when `append` returns.
//! - Together the segments take at most `max_bytes`: each takes an eighth at most, and the oldest
//!   goes, and is told, when there is no room; those that were taken over go first.
//! - After a failed write the file is cut back to its last good record, or left. After a failed sync
//!   it is left. Then there is a pause, which grows; meanwhile `append` writes nothing, and says so.
//! - What is settled is not sent again, unless the note of it is lost: at least once, not once.
//! - On a file system that knows locks between processes; one of a network may not.
//!
//! # Recovery
//!
//! 1. A directory whose lock can be had is of a process that is gone. It is taken over when its
//!    segments name this destination; those of a later version are left alone.
//! 2. Each segment is read from its front. A record counts if its header and its payload are as
//!    their checksums say, if its sequence is above that of the record before it, and below the
//!    first of the next segment (what a failed write has left is written there again).
//! 3. A header that is good leads over a payload that is not. After a header that is not, every
//!    byte may begin the next one, found by the segment's magic and a checksum that knows its place.
//! 4. A record that is cut by the end of the file, and zeros there, are what an end in the midst of
//!    a write leaves: nothing was promised. Other bytes there are a record that is lost.
//! 5. What the greatest acknowledgement covers is settled. What is missing in the sequence after
//!    it is lost, and told: a flip loses one record at most.
//! 6. When a segment is settled it is removed, or kept in quarantine if it had something unreadable.

mod cursor;
mod directory;
mod disk;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod log;
#[cfg(not(unix))]
#[path = "platform_elsewhere.rs"]
mod platform;
#[cfg(unix)]
#[path = "platform_unix.rs"]
mod platform;
mod preamble;
mod reader;
mod record;
mod recover;
mod scan;
mod segment;
mod state;
mod survey;
mod syncer;
mod trouble;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::sync::lock;
pub(crate) use crate::transport::log::{
    Appended, Evicted, Log, NewRecord, Orphan, Read, SpoolSettings, Stored, SyncMode,
};
use cursor::Cursors;
use directory::Directory;
use disk::{Disk, RealDisk};
use log::SegmentLog;
use recover::{Account, recover};
use state::Shared;
pub(crate) use survey::survey;
use syncer::Syncer;
use trouble::{Kind, Trouble};

pub(crate) const ENABLED: bool = true;

/// Time between two looks for processes that are gone.
const ADOPT_EVERY: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Spool {
    settings: SpoolSettings,
    shared: Arc<Shared>,
    /// Of the one thread that reads. Locked before the state, never while it is held.
    cursors: Mutex<Cursors>,
    syncer: Mutex<Option<Syncer>>,
}

impl Spool {
    /// For a destination, named without credentials. Touches no file yet.
    pub(crate) fn new(settings: SpoolSettings, destination: String) -> Self {
        Self::on_disk(settings, destination, Arc::new(RealDisk))
    }

    /// The same; the twin without the feature has none.
    #[expect(clippy::unnecessary_wraps, reason = "its twin without the feature makes none")]
    pub(crate) fn open(settings: SpoolSettings, destination: String) -> Option<Self> {
        Some(Self::new(settings, destination))
    }

    fn on_disk(settings: SpoolSettings, destination: String, disk: Arc<dyn Disk>) -> Self {
        let shared = Arc::new(Shared::new(&settings, destination, disk));
        Self { settings, shared, cursors: Mutex::default(), syncer: Mutex::default() }
    }

    /// The largest payload that can be written.
    pub(crate) fn max_payload(&self) -> usize {
        let room = self.shared.with(|state| state.segment_room());
        usize::try_from(room.saturating_sub(record::room_for(0))).unwrap_or(usize::MAX)
    }

    /// Writes the records, consecutive in sequence, by one write (by one per segment, when they are
    /// more than a segment takes). When that fails, or a record is larger than
    /// [`Self::max_payload`], those before it are written, and it and those after it are not.
    pub(crate) fn append(&self, records: &[NewRecord], now: Instant) -> Appended {
        let appended = self.shared.with(|state| state.append(records, now));
        if appended.last.is_some() {
            self.bring_to_device();
        }
        appended
    }

    /// Reads whole records after sequence `after`, oldest first, until `max_bytes` of payload, at
    /// least one; none, without an end, when there is no room for another open file. `through` runs
    /// past what cannot be read.
    pub(crate) fn read(&self, log: Log, after: u64, max_bytes: usize) -> Read {
        let mut cursors = lock(&self.cursors);
        let known = self.shared.with(|state| {
            let (log, _) = state.log(log)?;
            let segments = log.segments.iter().cloned().collect::<Vec<_>>();
            let (settled, last) = (log.settled, log.last);
            Some((segments, settled, last, Arc::clone(&state.rim.disk)))
        });
        let Some((segments, settled, last, disk)) = known else {
            cursors.forget(log);
            return Read { records: Vec::new(), through: after, end: true };
        };
        let outcome =
            cursors.read(disk.as_ref(), log, &segments, after.max(settled), last, max_bytes);
        drop(cursors);
        if let Some(problem) = outcome.problem {
            self.shared.with(|state| {
                if let Some((log, rim)) = state.log(log) {
                    outcome.bad.iter().for_each(|path| log.note_bad(path));
                    rim.troubles.push(Trouble::new(Kind::Read, problem));
                }
            });
        }
        outcome.read
    }

    /// Everything up to `through` is settled: it is not read again, here or by the next process, and
    /// segments that hold nothing else are removed.
    pub(crate) fn settled(&self, log: Log, through: u64) {
        self.shared.with(|state| {
            if let Some((log, rim)) = state.log(log) {
                log.settle(through, rim);
            }
            state.forget_gone();
        });
        self.bring_to_device();
    }

    /// Takes over the logs of this destination whose process is gone; looks for them once a minute.
    pub(crate) fn adopt(&self, now: Instant) -> Vec<Orphan> {
        let due = self.shared.with(|state| {
            let due = state.next_adoption.is_none_or(|next| now >= next) && !state.closed;
            if due {
                state.next_adoption = now.checked_add(ADOPT_EVERY);
                // What could not be removed then, may be by now.
                state.orphans.values_mut().for_each(|log| log.tidy(&mut state.rim));
                state.forget_gone();
            }
            due.then(|| (state.rim.destination.clone(), Arc::clone(&state.rim.disk)))
        });
        let Some((destination, disk)) = due else { return Vec::new() };
        let writers = directory::writers(&self.settings.directory);
        let writers = writers.unwrap_or_else(|error| {
            self.tell_take_over(&self.settings.directory, &error);
            Vec::new()
        });
        let mut orphans = Vec::new();
        for path in writers {
            let taken = Directory::take_over(path.clone()).and_then(|held| {
                held.map_or(Ok(None), |held| recover(held, &destination, disk.as_ref()))
            });
            match taken {
                Ok(Some((log, account))) => orphans.extend(self.take_in(log, &account)),
                Ok(None) => {}
                Err(error) => self.tell_take_over(&path, &error),
            }
        }
        orphans
    }

    fn take_in(&self, mut log: SegmentLog, account: &Account) -> Option<Orphan> {
        let log = self.shared.with(|state| {
            log.tidy(&mut state.rim);
            let log = (!state.closed).then(|| state.add_orphan(log));
            state.forget_gone();
            log
        })?;
        let Account { first, last, records, spans, damaged_spans } = *account;
        let told = records > 0 || damaged_spans > 0;
        told.then_some(Orphan { log, first, last, records, spans, damaged_spans })
    }

    fn tell_take_over(&self, path: &Path, error: &io::Error) {
        let text = format!("cannot look for spans in {}: {error}", path.display());
        self.shared.teller.tell(&[Trouble::new(Kind::TakeOver, text)]);
    }

    /// Bytes on disk, own and taken over.
    pub(crate) fn bytes(&self) -> u64 {
        self.shared.with(|state| state.bytes())
    }

    /// Everything written so far is on the device when this returns `Ok`.
    pub(crate) fn sync(&self) -> io::Result<()> {
        syncer::sync(&self.shared)
    }

    /// Has what was written brought to the device, as the settings say.
    fn bring_to_device(&self) {
        match self.settings.sync {
            // What went wrong was told.
            SyncMode::Always => drop(self.sync()),
            SyncMode::Every(every) => self.start_syncer(every),
        }
    }

    fn start_syncer(&self, every: Duration) {
        let wanted = self.shared.with(|state| !state.closed && !state.rim.dirty.is_empty());
        let mut syncer = lock(&self.syncer);
        if !wanted || syncer.as_ref().is_some_and(Syncer::is_ours) {
            return;
        }
        match Syncer::spawn(Arc::clone(&self.shared), every) {
            Ok(started) => *syncer = Some(started),
            Err(error) => {
                drop(syncer);
                let text = format!("cannot start a thread: {error}");
                self.shared.teller.tell(&[Trouble::new(Kind::Sync, text)]);
            }
        }
    }

    /// Brings what is not settled to the device, removes the rest (the directory, too, when that is
    /// all), ends the thread, releases the locks. Nothing is written or read afterwards.
    pub(crate) fn close(&self) {
        self.shared.with(|state| {
            state.closed = true;
            state.own.close(&mut state.rim);
            state.orphans.values_mut().for_each(|log| log.close(&mut state.rim));
        });
        let syncer = lock(&self.syncer).take();
        if let Some(syncer) = syncer {
            syncer.join();
        }
        *lock(&self.cursors) = Cursors::default();
        self.shared.with(|state| {
            state.own = SegmentLog::own();
            state.orphans.clear();
        });
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.close();
    }
}

/// A length as files have it.
fn length_of(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(crate) mod tests;
