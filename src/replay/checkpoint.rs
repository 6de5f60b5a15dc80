//! How far a directory has been sent to a set of destinations, kept in a file beside the traces.
//!
//! Files are known by how they begin, not by their names: the writer renames them. The file is
//! replaced as a whole, so that it is never half written.

use std::fs;
use std::io::{Error, ErrorKind, Result, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::fingerprint::Fingerprint;
use crate::diagnostics;
use crate::transport::owner_only;

/// Far more than a directory holds.
const MAX_FILES: usize = 64;

/// The start of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) bytes: u64,
    /// Lines before it.
    pub(super) lines: u64,
}

#[derive(Debug)]
pub(super) struct Checkpoint {
    path: PathBuf,
    /// What was sent last comes last.
    positions: Vec<(Fingerprint, Position)>,
}

impl Checkpoint {
    /// The checkpoint in `directory` for what `destinations` says, or an empty one.
    pub(super) fn load(directory: &Path, destinations: &str) -> Result<Self> {
        let name = format!("replay-{}.json", Fingerprint::of(destinations.as_bytes()));
        let path = directory.join(name);
        let positions = match fs::read(&path) {
            Ok(bytes) => read(&bytes).unwrap_or_else(|| {
                let told = format!("cannot read {}: everything is sent again", path.display());
                diagnostics::warn(&told);
                Vec::new()
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { path, positions })
    }

    pub(super) fn forget(&mut self) {
        self.positions.clear();
    }

    pub(super) fn position(&self, file: Fingerprint) -> Position {
        let known = self.positions.iter().find(|(known, _)| *known == file);
        known.map(|(_, position)| *position).unwrap_or_default()
    }

    /// Notes that everything before `position` was acknowledged.
    pub(super) fn note(&mut self, file: Fingerprint, position: Position) {
        self.positions.retain(|(known, _)| *known != file);
        self.positions.push((file, position));
        let surplus = self.positions.len().saturating_sub(MAX_FILES);
        self.positions.drain(..surplus);
    }

    pub(super) fn save(&self) -> Result<()> {
        self.replace().map_err(|error| {
            let told = format!("cannot write {}: {error}", self.path.display());
            Error::new(error.kind(), told)
        })
    }

    fn replace(&self) -> Result<()> {
        let files = self.positions.iter().map(|(file, position)| {
            json!({
                "begins": file.to_string(),
                "bytes": position.bytes,
                "lines": position.lines,
            })
        });
        let text = json!({ "version": 1, "files": files.collect::<Json>() }).to_string();
        let new = self.path.with_extension("json.new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = owner_only::open_for_append(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(new, &self.path)
    }
}

fn read(bytes: &[u8]) -> Option<Vec<(Fingerprint, Position)>> {
    let json: Json = serde_json::from_slice(bytes).ok()?;
    let files = json.get("files")?.as_array()?.iter().map(|file| {
        let number = |name: &str| file.get(name).and_then(Json::as_u64);
        let position = Position { bytes: number("bytes")?, lines: number("lines")? };
        Some((Fingerprint::from_hex(file.get("begins")?.as_str()?)?, position))
    });
    files.collect()
}

#[cfg(test)]
mod tests;
