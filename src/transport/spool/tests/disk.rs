//! A disk that breaks when it is told to, and never waits for a device.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Error, ErrorKind, Result, Write as _};
use std::path::Path;
use std::sync::Mutex;

use super::super::disk::Disk;
use super::super::platform;
use crate::sync::lock;

#[derive(Debug, Default)]
pub(crate) struct TestDisk(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Bytes that can be written until the disk is full.
    room: Option<usize>,
    truncates: bool,
    /// Whether the process has as many files open as it may.
    shortage: bool,
    /// What the next syncs say; good afterwards.
    syncs: VecDeque<bool>,
    synced: Vec<u64>,
}

impl TestDisk {
    /// After so many bytes, writes fail; files can be cut back or not.
    pub(super) fn fill_after(&self, bytes: usize, truncates: bool) {
        let mut state = lock(&self.0);
        (state.room, state.truncates) = (Some(bytes), truncates);
    }

    pub(super) fn mend(&self) {
        *lock(&self.0) = State::default();
    }

    /// Whether files can be opened for reading.
    pub(crate) fn lack_descriptors(&self, shortage: bool) {
        lock(&self.0).shortage = shortage;
    }

    pub(super) fn lacks_descriptors(&self) -> bool {
        lock(&self.0).shortage
    }

    /// What the next syncs of files say.
    pub(super) fn say_of_syncs(&self, good: &[bool]) {
        lock(&self.0).syncs.extend(good);
    }

    /// The length of each file when it was synced.
    pub(super) fn synced(&self) -> Vec<u64> {
        lock(&self.0).synced.clone()
    }
}

impl Disk for TestDisk {
    fn open(&self, path: &Path) -> Result<File> {
        if self.lacks_descriptors() {
            return Err(Error::from_raw_os_error(platform::TOO_MANY_FILES[0]));
        }
        File::open(path)
    }

    fn create(&self, path: &Path) -> Result<File> {
        match lock(&self.0).room {
            Some(0) => Err(ErrorKind::StorageFull.into()),
            _ => platform::create_file(path),
        }
    }

    fn write(&self, mut file: &File, bytes: &[u8]) -> Result<()> {
        let mut state = lock(&self.0);
        let Some(room) = state.room else { return file.write_all(bytes) };
        file.write_all(&bytes[..room.min(bytes.len())])?;
        state.room = Some(room.saturating_sub(bytes.len()));
        if room < bytes.len() { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn truncate(&self, file: &File, length: u64) -> Result<()> {
        let state = lock(&self.0);
        if state.room.is_some() && !state.truncates {
            return Err(Error::other("broken"));
        }
        file.set_len(length)
    }

    fn sync(&self, file: &File) -> Result<()> {
        let mut state = lock(&self.0);
        state.synced.push(file.metadata()?.len());
        match state.syncs.pop_front() {
            Some(false) => Err(Error::other("broken")),
            _ => Ok(()),
        }
    }

    fn sync_directory(&self, _path: &Path) -> Result<()> {
        Ok(())
    }
}
