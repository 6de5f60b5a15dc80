//! The few operations that fail when a disk is full or broken, as a seam: tests break them.

use std::fs::File;
use std::io::{Error, ErrorKind, Result, Write as _};
use std::path::Path;

use super::platform;

pub(super) trait Disk: Send + Sync + std::fmt::Debug {
    /// Opens a file for reading.
    fn open(&self, path: &Path) -> Result<File>;
    /// Makes a file that did not exist.
    fn create(&self, path: &Path) -> Result<File>;
    /// Appends all of `bytes`.
    fn write(&self, file: &File, bytes: &[u8]) -> Result<()>;
    fn truncate(&self, file: &File, length: u64) -> Result<()>;
    fn sync(&self, file: &File) -> Result<()>;
    fn sync_directory(&self, path: &Path) -> Result<()>;
}

/// Whether it is the process, or the machine, that has no room for another file: the file is none the
/// worse for it.
pub(super) fn is_shortage(error: &Error) -> bool {
    error.raw_os_error().is_some_and(|code| platform::TOO_MANY_FILES.contains(&code))
        || error.kind() == ErrorKind::OutOfMemory
}

#[derive(Debug)]
pub(super) struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path) -> Result<File> {
        File::open(path)
    }

    fn create(&self, path: &Path) -> Result<File> {
        platform::create_file(path)
    }

    fn write(&self, mut file: &File, bytes: &[u8]) -> Result<()> {
        file.write_all(bytes)
    }

    fn truncate(&self, file: &File, length: u64) -> Result<()> {
        file.set_len(length)
    }

    fn sync(&self, file: &File) -> Result<()> {
        file.sync_data()
    }

    fn sync_directory(&self, path: &Path) -> Result<()> {
        platform::sync_directory(path)
    }
}
