//! What differs between platforms: files of a spool elsewhere than on Unix.

use std::fs::{File, OpenOptions};
use std::io::Result;
use std::path::Path;

/// What the system says when the process may open no more files: ERROR_TOO_MANY_OPEN_FILES.
pub(super) const TOO_MANY_FILES: [i32; 1] = [4];

/// A file that did not exist, with the platform's own permissions.
pub(super) fn create_file(path: &Path) -> Result<File> {
    OpenOptions::new().create_new(true).read(true).append(true).open(path)
}

/// Directories cannot be synced by themselves.
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
pub(super) fn sync_directory(_path: &Path) -> Result<()> {
    Ok(())
}

/// Whether there is a file at `path`; that it is this one, the platform does not tell.
pub(super) fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}
