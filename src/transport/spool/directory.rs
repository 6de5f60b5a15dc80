//! Directories of writers: their names, their locks, and what is kept aside.
//!
//! A writer's directory is its own while it holds the lock on the file `lock` in it *and* that file
//! is still there: whoever removes a directory removes the file while holding its lock, so that a
//! lock that was got on a file which is gone, or on one whose name is another's by now, is known
//! to be worth nothing. A directory is made before its lock, and is lost to whoever locks first; the
//! loser takes the next name. So a directory that is being made holds no segment, and a directory
//! that holds one is locked, or its process is gone.

use std::fs::{self, File, OpenOptions};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::platform;
use crate::transport::owner_only;

pub(super) const VERSION: &str = "v1";
const WRITER: &str = "w-";
const LOCK: &str = "lock";
const SEGMENT: &str = "seg";
pub(super) const QUARANTINE: &str = "quarantine";
/// Files that are kept aside; the oldest go.
const MAX_QUARANTINED: usize = 8;
/// Names that are tried for a new directory.
const MAX_NAMES: u32 = 10_000;

/// A writer's directory whose lock is held.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) path: PathBuf,
    lock: File,
}

impl Directory {
    /// A new one.
    pub(super) fn create(root: &Path) -> Result<Self> {
        let all = root.join(VERSION);
        owner_only::create_directory(&all)?;
        for n in 0..MAX_NAMES {
            let path = all.join(format!("{WRITER}{}-{n}", std::process::id()));
            match fs::exists(&path) {
                Ok(false) => owner_only::create_directory(&path)?,
                Ok(true) => continue,
                Err(error) => return Err(error),
            }
            match platform::create_file(&path.join(LOCK)) {
                Ok(lock) => {
                    if let Some(made) = Self::hold(path, lock)? {
                        return Ok(made);
                    }
                }
                // Another was faster, or took it for one that was left behind.
                Err(error) if is_race(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::AlreadyExists, "too many directories of writers"))
    }

    /// Takes over a directory whose process is gone; `None` if it is not.
    pub(super) fn take_over(path: PathBuf) -> Result<Option<Self>> {
        let name = path.join(LOCK);
        let lock = match OpenOptions::new().read(true).write(true).open(&name) {
            Err(error) if error.kind() == ErrorKind::NotFound => platform::create_file(&name),
            // Where nothing can be written, reading is enough for the lock, and for delivery.
            Err(_) => File::open(&name),
            opened => opened,
        };
        match lock {
            Ok(lock) => Self::hold(path, lock),
            Err(error) if is_race(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn hold(path: PathBuf, lock: File) -> Result<Option<Self>> {
        match lock.try_lock() {
            Ok(()) => {
                let ours = platform::is_at(&lock, &path.join(LOCK));
                Ok(ours.then_some(Self { path, lock }))
            }
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether the directory is still where it was made.
    pub(super) fn is_there(&self) -> bool {
        platform::is_at(&self.lock, &self.path.join(LOCK))
    }

    /// The directory that it is in.
    pub(super) fn parent(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    pub(super) fn segment(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:016x}.{SEGMENT}"))
    }

    /// Numbers and files of the segments, oldest first.
    pub(super) fn segments(&self) -> Result<Vec<(u64, PathBuf)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            let number = path.file_stem().and_then(|stem| stem.to_str());
            let number = number.and_then(|stem| u64::from_str_radix(stem, 16).ok());
            if let Some(number) = number.filter(|_| path.extension().is_some_and(|e| e == SEGMENT))
            {
                found.push((number, path));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Removes it, when no segment is left in it. The lock goes first, and is held until the end.
    pub(super) fn remove(&self) -> Result<()> {
        if !self.is_there() {
            return Ok(());
        }
        fs::remove_file(self.path.join(LOCK))?;
        // What somebody else has put there stays.
        let _ = fs::remove_dir(&self.path);
        Ok(())
    }

    /// Moves a segment to where at most eight such files are kept.
    pub(super) fn quarantine(&self, segment: &Path) -> Result<PathBuf> {
        let to = self.parent().join(QUARANTINE);
        owner_only::create_directory(&to)?;
        let part =
            |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = format!("{}-{}", part(&self.path), part(segment));
        // Names come again; what is there stays.
        let free = (0..MAX_NAMES).map(|n| to.join(format!("{name}.{n}")));
        let mut free = free.filter(|path| !path.exists());
        let target = free.next().unwrap_or_else(|| to.join(&name));
        fs::rename(segment, &target)?;
        let mut kept: Vec<(SystemTime, PathBuf)> = fs::read_dir(&to)?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .map(|path| (age_of(&path), path))
            .filter(|(_, path)| *path != target)
            .collect();
        kept.sort();
        let surplus = (kept.len() + 1).saturating_sub(MAX_QUARANTINED);
        for (_, path) in kept.into_iter().take(surplus) {
            fs::remove_file(path)?;
        }
        Ok(target)
    }
}

/// Every writer's directory, the oldest first.
pub(super) fn writers(root: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(root.join(VERSION)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(WRITER) && path.is_dir() {
            found.push((age_of(&path.join(LOCK)), path));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// When a file was last changed.
fn age_of(path: &Path) -> SystemTime {
    let changed = fs::metadata(path).and_then(|metadata| metadata.modified());
    changed.unwrap_or(SystemTime::UNIX_EPOCH)
}

fn is_race(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound)
}
