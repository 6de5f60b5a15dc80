//! The segments of one writer, ours or taken over: what is written, settled, removed.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::directory::Directory;
use super::disk::Disk;
use super::segment::{Segment, WriteFault, Writer};
use super::syncer::Dirty;
use super::trouble::{Kind, Trouble};
use super::{NewRecord, record};

/// A segment of ours is kept for more, when all of it is settled, up to this size.
const KEPT: u64 = 1024 * 1024;

/// What logs need from outside, and leave to be done outside of their lock.
#[derive(Debug)]
pub(super) struct Rim {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) root: PathBuf,
    pub(super) destination: String,
    pub(super) dirty: Dirty,
    pub(super) troubles: Vec<Trouble>,
}

impl Rim {
    fn trouble(&mut self, kind: Kind, doing: &str, path: &Path, error: &Error) {
        let text = format!("cannot {doing} {}: {error}", path.display());
        self.troubles.push(Trouble::new(kind, text));
    }
}

#[derive(Debug)]
pub(super) struct SegmentLog {
    /// None while nothing was written.
    directory: Option<Directory>,
    /// Oldest first.
    pub(super) segments: VecDeque<Segment>,
    /// Of the last segment.
    writer: Option<Writer>,
    next_number: u64,
    /// Sequence of the last data record.
    pub(super) last: u64,
    /// Everything up to here is settled.
    pub(super) settled: u64,
    /// Whether data is written, too, and not only what was settled.
    own: bool,
}

impl SegmentLog {
    pub(super) fn own() -> Self {
        Self {
            directory: None,
            segments: VecDeque::new(),
            writer: None,
            next_number: 1,
            last: 0,
            settled: 0,
            own: true,
        }
    }

    pub(super) fn taken_over(
        directory: Directory,
        segments: VecDeque<Segment>,
        last: u64,
        settled: u64,
    ) -> Self {
        let next_number = segments.back().map_or(1, |segment| segment.number.saturating_add(1));
        let directory = Some(directory);
        Self { directory, segments, writer: None, next_number, last, settled, own: false }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    pub(super) fn is_settled(&self) -> bool {
        self.settled >= self.last
    }

    /// Whether nothing of it is on disk, as far as we made it.
    pub(super) fn is_gone(&self) -> bool {
        self.directory.is_none()
    }

    /// Where the next record would be written in the segment that is open.
    pub(super) fn open_length(&self) -> Option<u64> {
        self.writer.as_ref().map(|writer| writer.length)
    }

    /// Writes no more to the segment that is open.
    pub(super) fn rotate(&mut self) {
        self.writer = None;
    }

    /// Leaves what somebody has removed: the segment, or the lock, without which another process
    /// takes the directory over.
    pub(super) fn leave_vanished(&mut self, rim: &mut Rim) {
        let Some(directory) = &self.directory else { return };
        let locked = directory.is_there();
        if locked && self.writer.as_ref().is_none_or(Writer::is_there) {
            return;
        }
        let text = format!("something was removed from {}", directory.path.display());
        rim.troubles.push(Trouble::new(Kind::Write, text));
        self.writer = None;
        if !locked {
            self.directory = None;
        }
    }

    /// Writes records by one write; they fit in a segment.
    pub(super) fn append(&mut self, records: &[NewRecord], rim: &mut Rim) -> Result<()> {
        self.open_writer(rim)?;
        let first = self.last.saturating_add(1);
        let Some(writer) = &mut self.writer else { return Err(ErrorKind::NotFound.into()) };
        if let Err(fault) = writer.append(records, first, rim.disk.as_ref()) {
            return Err(self.give_up_write(fault));
        }
        rim.dirty.add_file(writer.path.clone(), Arc::clone(&writer.file));
        self.last += super::length_of(records.len());
        if let Some(segment) = self.segments.back_mut() {
            segment.last = self.last;
            segment.bytes = writer.length;
        }
        Ok(())
    }

    /// Opens a segment, and a directory, when there is none.
    fn open_writer(&mut self, rim: &mut Rim) -> Result<()> {
        if self.writer.is_some() {
            return Ok(());
        }
        if self.own && self.directory.is_none() {
            let made = Directory::create(&rim.root)?;
            rim.dirty.add_directory(made.parent());
            self.directory = Some(made);
        }
        let Some(directory) = &self.directory else { return Err(ErrorKind::NotFound.into()) };
        let (number, first) = (self.next_number, self.last.saturating_add(1));
        let path = directory.segment(number);
        // A number is never tried again: what is there may be what could not be removed.
        self.next_number = self.next_number.saturating_add(1);
        let writer = Writer::create(&path, first, &rim.destination, rim.disk.as_ref())?;
        rim.dirty.add_directory(&directory.path);
        self.segments.push_back(Segment {
            number,
            path,
            first,
            last: self.last,
            bytes: writer.length,
            bad: false,
            unsafe_on_device: false,
        });
        self.writer = Some(writer);
        Ok(())
    }

    fn give_up_write(&mut self, fault: WriteFault) -> Error {
        if !fault.truncated {
            self.writer = None;
        }
        fault.source
    }

    /// Notes that everything up to `through` is settled, and removes what holds no more.
    pub(super) fn settle(&mut self, through: u64, rim: &mut Rim) {
        let through = through.min(self.last);
        if through <= self.settled {
            return;
        }
        self.settled = through;
        self.tidy(rim);
        self.acknowledge(rim);
    }

    /// Removes what is settled; the directory, too, of a log that was taken over.
    pub(super) fn tidy(&mut self, rim: &mut Rim) {
        let big = self.open_length().is_some_and(|length| length > KEPT);
        if self.is_settled() && (big || !self.own) {
            self.writer = None;
        }
        while self.segments.front().is_some_and(|front| front.last <= self.settled) {
            let in_use = self.writer.is_some() && self.segments.len() == 1;
            if in_use || self.remove_oldest(rim).is_none() {
                break;
            }
        }
        if !self.own && self.segments.is_empty() {
            self.remove_directory(rim);
        }
    }

    /// Removes the oldest segment, whatever it holds; tells its last sequence. `None` if there is
    /// none, or it cannot be removed.
    pub(super) fn remove_oldest(&mut self, rim: &mut Rim) -> Option<u64> {
        let directory = self.directory.as_ref()?;
        let segment = self.segments.front()?;
        if let Err(error) = discard(directory, segment, rim) {
            rim.trouble(Kind::Remove, "remove", &segment.path, &error);
            return None;
        }
        rim.dirty.forget(&segment.path);
        rim.dirty.add_directory(&directory.path);
        let segment = self.segments.pop_front()?;
        if self.segments.is_empty() {
            self.writer = None;
        }
        self.settled = self.settled.max(segment.last);
        Some(segment.last)
    }

    /// Removes everything that is settled, and the directory if that is all.
    pub(super) fn close(&mut self, rim: &mut Rim) {
        if self.is_settled() {
            self.writer = None;
        }
        self.tidy(rim);
        if self.segments.is_empty() {
            self.remove_directory(rim);
        }
        self.writer = None;
    }

    fn remove_directory(&mut self, rim: &mut Rim) {
        let Some(directory) = &self.directory else { return };
        rim.dirty.forget_directory(&directory.path);
        match directory.remove() {
            Ok(()) => {
                rim.dirty.add_directory(directory.parent());
                self.directory = None;
            }
            Err(error) => rim.trouble(Kind::Remove, "remove", &directory.path, &error),
        }
    }

    /// Writes down what is settled, for whoever takes this log over.
    fn acknowledge(&mut self, rim: &mut Rim) {
        // Our own log is not opened for this only: trouble with it is a matter of `append`.
        let wanted = if self.own { self.writer.is_some() } else { !self.is_settled() };
        if !wanted {
            return;
        }
        let written = self.open_writer(rim).and_then(|()| {
            let Some(writer) = &mut self.writer else { return Ok(()) };
            match writer.acknowledge(self.settled, rim.disk.as_ref()) {
                Ok(()) => Ok(()),
                Err(fault) => Err(self.give_up_write(fault)),
            }
        });
        if let Err(error) = written {
            let directory = self.directory.as_ref().map_or(rim.root.clone(), |d| d.path.clone());
            rim.trouble(Kind::Write, "note what was delivered in", &directory, &error);
        }
        if let (Some(length), Some(segment)) = (self.open_length(), self.segments.back_mut()) {
            segment.bytes = length;
        }
    }

    /// What was written to the segment may never get to the device: nothing more goes there.
    pub(super) fn note_failed_sync(&mut self, path: &Path) {
        if let Some(segment) = self.segments.iter_mut().find(|segment| segment.path == path) {
            segment.unsafe_on_device = true;
        }
        if self.writer.as_ref().is_some_and(|writer| writer.path == path) {
            self.writer = None;
        }
    }

    /// Something in the segment could not be read.
    pub(super) fn note_bad(&mut self, path: &Path) {
        if let Some(segment) = self.segments.iter_mut().find(|segment| segment.path == path) {
            segment.bad = true;
        }
    }
}

fn discard(directory: &Directory, segment: &Segment, rim: &mut Rim) -> Result<()> {
    if segment.bad {
        match directory.quarantine(&segment.path) {
            Ok(kept) => {
                rim.dirty.add_directory(kept.parent().unwrap_or(&kept));
                let text = format!("kept aside what cannot be read: {}", kept.display());
                rim.troubles.push(Trouble::new(Kind::Damage, text));
                return Ok(());
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => rim.trouble(Kind::Remove, "keep aside", &segment.path, &error),
        }
    }
    match std::fs::remove_file(&segment.path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Bytes that a payload of `length` takes in a segment.
pub(super) fn room_for(record: &NewRecord) -> u64 {
    record::room_for(record.payload.len())
}
