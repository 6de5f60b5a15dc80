//! One file of a log: what is known of it, and the hand that writes it.

use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::Disk;
use super::preamble::Preamble;
use super::record;
use super::{NewRecord, length_of, platform};

/// What is known of a segment, whoever wrote it.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// Its number in its log, which is its name.
    pub(super) number: u64,
    pub(super) path: PathBuf,
    /// Of its data records; `last` is before `first` when there is none.
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) bytes: u64,
    /// Something in it cannot be read: it is kept aside when it is settled.
    pub(super) bad: bool,
    /// Some of it may never get to the device.
    pub(super) unsafe_on_device: bool,
}

/// Why a write failed, and whether the segment can be written again.
#[derive(Debug)]
pub(super) struct WriteFault {
    pub(super) source: Error,
    pub(super) truncated: bool,
}

/// The end of a segment of our own.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    pub(super) file: Arc<File>,
    pub(super) path: PathBuf,
    salt: u64,
    /// Where the last good record ends.
    pub(super) length: u64,
}

impl Writer {
    /// Makes the segment; a file that cannot be written in whole is removed.
    pub(super) fn create(
        path: &Path,
        first: u64,
        destination: &str,
        disk: &dyn Disk,
    ) -> Result<Self> {
        let salt = RandomState::new().hash_one(path);
        let preamble = Preamble { salt, first, destination: destination.to_owned() };
        let file = Arc::new(disk.create(path)?);
        if let Err(error) = disk.write(&file, &preamble.write()) {
            let _ = std::fs::remove_file(path);
            return Err(error);
        }
        Ok(Self { file, path: path.to_path_buf(), salt, length: preamble.length() })
    }

    /// Writes records from sequence `first` by one write.
    pub(super) fn append(
        &mut self,
        records: &[NewRecord],
        first: u64,
        disk: &dyn Disk,
    ) -> std::result::Result<(), WriteFault> {
        let sizes = records.iter().map(|record| record.payload.len() + record::HEADER);
        let mut bytes = Vec::with_capacity(sizes.sum());
        for (sequence, record) in (first..).zip(records) {
            record::write_data(record, sequence, self.salt, self.length, &mut bytes);
        }
        self.write(&bytes, disk)
    }

    pub(super) fn acknowledge(
        &mut self,
        through: u64,
        disk: &dyn Disk,
    ) -> std::result::Result<(), WriteFault> {
        self.write(&record::ack(through, self.salt, self.length), disk)
    }

    /// Whether the file is still where it was made.
    pub(super) fn is_there(&self) -> bool {
        platform::is_at(&self.file, &self.path)
    }

    fn write(&mut self, bytes: &[u8], disk: &dyn Disk) -> std::result::Result<(), WriteFault> {
        match disk.write(&self.file, bytes) {
            Ok(()) => {
                self.length += length_of(bytes.len());
                Ok(())
            }
            Err(source) => {
                let truncated = disk.truncate(&self.file, self.length).is_ok();
                Err(WriteFault { source, truncated })
            }
        }
    }
}
