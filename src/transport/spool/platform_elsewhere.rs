//! What differs between platforms: files of a spool elsewhere than on Unix.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Result};
use std::path::Path;

/// A file that did not exist, with the platform's own permissions.
pub(super) fn create_file(path: &Path) -> Result<File> {
    OpenOptions::new().create_new(true).read(true).append(true).open(path)
}

/// Directories cannot be synced by themselves.
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
pub(super) fn sync_directory(_path: &Path) -> Result<()> {
    Ok(())
}

/// Whether it is the process, or the machine, that has no room for another file: the file is none the
/// worse for it.
pub(super) fn is_shortage(error: &Error) -> bool {
    const ERROR_TOO_MANY_OPEN_FILES: i32 = 4;
    error.raw_os_error() == Some(ERROR_TOO_MANY_OPEN_FILES)
        || error.kind() == ErrorKind::OutOfMemory
}

/// Whether there is a file at `path`; that it is this one, the platform does not tell.
pub(super) fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}
