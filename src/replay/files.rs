//! The files of a directory, oldest first, and their lines.
//!
//! A program may be writing them: files are opened before the first is read, so that it does not
//! matter what they are called later, and each is read as far as it went then.

use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Result, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::checkpoint::Position;
use super::fingerprint::Fingerprint;
use crate::export::local;

/// What of a first line tells files apart.
const MAX_FIRST_LINE: u64 = 64 * 1024;
/// The longest span that the writer keeps makes a line of about its memory limit.
const MAX_LINE: u64 = 80 * 1024 * 1024;

/// A file as it was when it was opened.
#[derive(Debug)]
pub(super) struct TraceFile {
    pub(super) name: String,
    pub(super) fingerprint: Fingerprint,
    pub(super) length: u64,
    file: File,
}

/// One line, and where the next begins.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    /// Without its content when it is too long to be read.
    pub(super) bytes: std::result::Result<Vec<u8>, String>,
    pub(super) end: Position,
}

#[derive(Debug)]
pub(super) struct Lines {
    reader: BufReader<std::io::Take<File>>,
    next: Position,
    length: u64,
    max_line: u64,
}

/// The trace files of `directory`, oldest first.
pub(super) fn of_directory(directory: &Path) -> Result<Vec<TraceFile>> {
    let mut named: Vec<(usize, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        named
            .extend(entry.file_name().to_str().and_then(local::age).map(|age| (age, entry.path())));
    }
    named.sort();
    let mut files: Vec<TraceFile> = Vec::new();
    // Newest first: a file that is renamed meanwhile comes twice, and none is missed.
    for (_, path) in named {
        match TraceFile::open(&path) {
            Ok(file) if files.iter().any(|known| known.fingerprint == file.fingerprint) => {}
            Ok(file) => files.push(file),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    files.reverse();
    Ok(files)
}

impl TraceFile {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut first = Vec::new();
        BufReader::new((&mut file).take(MAX_FIRST_LINE)).read_until(b'\n', &mut first)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, fingerprint: Fingerprint::of(&first), length, file })
    }

    /// Where to go on: at `known` if that is the start of a line of this file, or else at its start.
    pub(super) fn resume(&mut self, known: Position) -> Result<Position> {
        let Some(before) = known.bytes.checked_sub(1).filter(|_| known.bytes <= self.length) else {
            return Ok(Position::default());
        };
        let mut byte = [0];
        self.file.seek(SeekFrom::Start(before))?;
        self.file.read_exact(&mut byte)?;
        Ok(if byte == *b"\n" { known } else { Position::default() })
    }

    pub(super) fn lines(mut self, start: Position) -> Result<Lines> {
        self.file.seek(SeekFrom::Start(start.bytes))?;
        let rest = self.file.take(self.length.saturating_sub(start.bytes));
        Ok(Lines {
            reader: BufReader::new(rest),
            next: start,
            length: self.length,
            max_line: MAX_LINE,
        })
    }
}

impl Lines {
    /// The next whole line. What a writer has not finished is no line.
    pub(super) fn next(&mut self) -> Result<Option<Line>> {
        let mut bytes = Vec::new();
        let mut read = (&mut self.reader).take(self.max_line).read_until(b'\n', &mut bytes)?;
        let whole = bytes.ends_with(b"\n");
        let too_long = !whole && bytes.len() as u64 == self.max_line;
        if too_long {
            bytes = Vec::new();
            read += self.reader.skip_until(b'\n')?;
        }
        let end = Position { bytes: self.next.bytes + read as u64, lines: self.next.lines + 1 };
        if !whole && (!too_long || end.bytes >= self.length) {
            return Ok(None);
        }
        self.next = end;
        let too_long = || format!("longer than {} bytes", self.max_line);
        Ok(Some(Line { bytes: if whole { Ok(bytes) } else { Err(too_long()) }, end }))
    }

    /// Bytes of a line that a writer had not finished.
    pub(super) fn unfinished(&self) -> u64 {
        self.length - self.next.bytes
    }
}

#[cfg(test)]
mod tests;
