//! What differs between platforms: files of a spool on Unix.

use std::fs::{self, File, OpenOptions};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// A file that did not exist, for its owner only.
pub(super) fn create_file(path: &Path) -> Result<File> {
    OpenOptions::new().create_new(true).read(true).append(true).mode(0o600).open(path)
}

/// Brings the entries of a directory to the device.
pub(super) fn sync_directory(path: &Path) -> Result<()> {
    File::open(path)?.sync_all()
}

/// Whether it is the process, or the machine, that has no room for another file: the file is none the
/// worse for it.
pub(super) fn is_shortage(error: &Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    matches!(error.raw_os_error(), Some(ENFILE | EMFILE)) || error.kind() == ErrorKind::OutOfMemory
}

/// Whether `path` still leads to `file`.
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(there)) => (held.dev(), held.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}
