//! One segment, read from the front through a window that moves.

use std::fs::File;
use std::io::{Error, ErrorKind, Read as _, Result, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;

use super::disk::Disk;
use super::length_of;
use super::preamble::{self, Beginning, Preamble};
use super::record::HEADER;
use super::scan::{Scan, Step};

/// Bytes that are read at once, at least.
const CHUNK: usize = 64 * 1024;

/// A segment that was opened, with what it says of itself.
#[derive(Debug)]
pub(super) struct Reader {
    file: File,
    scan: Scan,
    /// The window: what was read and not used, from `start`.
    buffer: Vec<u8>,
    start: usize,
    /// Bytes at the start of the window that the last step was about.
    used: usize,
}

/// Reads what the segment at `path` says of itself.
pub(super) fn beginning(path: &Path, disk: &dyn Disk) -> Result<(File, Beginning)> {
    let mut file = disk.open(path)?;
    let mut bytes = Vec::new();
    (&mut file).take(length_of(preamble::MAX_LENGTH)).read_to_end(&mut bytes)?;
    Ok((file, preamble::read(&bytes)))
}

impl Reader {
    pub(super) fn open(path: &Path, disk: &dyn Disk) -> Result<Self> {
        match beginning(path, disk)? {
            (file, Beginning::Good(preamble)) => Self::new(file, &preamble),
            _ => Err(Error::new(ErrorKind::InvalidData, "not a segment of this version")),
        }
    }

    pub(super) fn new(mut file: File, preamble: &Preamble) -> Result<Self> {
        let place = preamble.length();
        file.seek(SeekFrom::Start(place))?;
        let scan = Scan::new(preamble.salt, place, preamble.first.saturating_sub(1));
        Ok(Self { file, scan, buffer: Vec::new(), start: 0, used: 0 })
    }

    /// The data record that comes next, if there is one: sequence and length of its payload.
    pub(super) fn peek(&mut self, limit: u64) -> Result<Option<(u64, u32)>> {
        self.advance();
        self.fill(HEADER, limit)?;
        Ok(self.scan.peek(self.window()))
    }

    /// What comes next in the file's first `limit` bytes.
    pub(super) fn step(&mut self, limit: u64) -> Result<Step> {
        loop {
            self.advance();
            let place = self.scan.place();
            let window = self.buffer.get(self.start..).unwrap_or_default();
            let step = self.scan.step(window, limit.saturating_sub(place));
            self.used = usize::try_from(self.scan.place() - place).unwrap_or(usize::MAX);
            let Step::More(wanted) = step else { return Ok(step) };
            self.advance();
            self.fill(wanted, limit)?;
        }
    }

    /// The payload of the record that [`Self::step`] has just found.
    pub(super) fn payload(&self, at: Range<usize>) -> &[u8] {
        self.window().get(at).unwrap_or_default()
    }

    fn window(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    fn advance(&mut self) {
        let used = std::mem::take(&mut self.used);
        self.start = self.start.saturating_add(used).min(self.buffer.len());
    }

    /// Reads until the window holds `wanted` bytes, or all up to `limit`.
    fn fill(&mut self, wanted: usize, limit: u64) -> Result<()> {
        if self.window().len() >= wanted {
            return Ok(());
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.shrink_to(2 * CHUNK);
        let held = self.scan.place() + length_of(self.buffer.len());
        let room = limit.saturating_sub(held).min(length_of(wanted.max(CHUNK)));
        let before = self.buffer.len();
        (&mut self.file).take(room).read_to_end(&mut self.buffer)?;
        let short = self.buffer.len() < wanted && length_of(self.buffer.len() - before) < room;
        if short {
            return Err(Error::new(ErrorKind::UnexpectedEof, "the file is shorter than it was"));
        }
        Ok(())
    }
}
