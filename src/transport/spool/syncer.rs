//! The thread that brings what was written to the device.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::state::Shared;
use super::trouble::{Kind, Trouble};
use crate::diagnostics;
use crate::sync::{lock, now, wait};

const THREAD_NAME: &str = "mlflow-tracing-sync";

/// What is written and may not be on the device.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    files: Vec<(PathBuf, Arc<File>)>,
    directories: BTreeSet<PathBuf>,
}

impl Dirty {
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.directories.is_empty()
    }

    pub(super) fn add_file(&mut self, path: PathBuf, file: Arc<File>) {
        if self.files.iter().all(|(known, _)| *known != path) {
            self.files.push((path, file));
        }
    }

    pub(super) fn add_directory(&mut self, path: &Path) {
        self.directories.insert(path.to_path_buf());
    }

    /// The file is gone, or must not be synced again.
    pub(super) fn forget(&mut self, path: &Path) {
        self.files.retain(|(known, _)| known != path);
    }

    pub(super) fn forget_directory(&mut self, path: &Path) {
        self.directories.remove(path);
    }
}

/// The thread, and the process that it is of: a fork has none.
#[derive(Debug)]
pub(super) struct Syncer {
    handle: JoinHandle<()>,
    process: u32,
}

impl Syncer {
    pub(super) fn spawn(shared: Arc<Shared>, every: Duration) -> Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "one of the places that start threads")]
        let handle = Builder::new().name(THREAD_NAME.to_owned()).spawn(move || run(&shared, every));
        Ok(Self { handle: handle?, process: std::process::id() })
    }

    pub(super) fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }

    /// Waits for its end, once the state is closed.
    pub(super) fn join(self) {
        if self.is_ours() {
            // It does not panic, and what it could not do was told.
            let _ = self.handle.join();
        }
    }
}

fn run(shared: &Shared, every: Duration) {
    let _quiet = diagnostics::quiet();
    loop {
        let mut state = lock(&shared.state);
        while state.rim.dirty.is_empty() && !state.closed {
            state = wait(&shared.changed, state, None);
        }
        let due = now() + every;
        while !state.closed && now() < due {
            state = wait(&shared.changed, state, Some(due));
        }
        let last = state.closed;
        drop(state);
        // What went wrong was told.
        let _ = sync(shared);
        if last {
            return;
        }
    }
}

/// Brings everything that was written before to the device. A file whose sync failed is not synced
/// again: what the second attempt would say, is not to be trusted.
pub(super) fn sync(shared: &Shared) -> Result<()> {
    let _turn = lock(&shared.syncing);
    let (dirty, disk) = {
        let mut state = lock(&shared.state);
        (std::mem::take(&mut state.rim.dirty), Arc::clone(&state.rim.disk))
    };
    let mut failed = None;
    for (path, file) in dirty.files {
        if let Err(error) = disk.sync(&file) {
            let mut state = lock(&shared.state);
            state.own.note_failed_sync(&path);
            state.rim.dirty.forget(&path);
            failed = Some((path, error));
        }
    }
    for path in dirty.directories {
        match disk.sync_directory(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => failed = Some((path, error)),
            _ => {}
        }
    }
    let Some((path, error)) = failed else { return shared.is_safe() };
    let text = format!("cannot bring {} to the device: {error}", path.display());
    shared.teller.tell(&[Trouble::new(Kind::Sync, text.clone())]);
    Err(Error::new(error.kind(), text))
}
