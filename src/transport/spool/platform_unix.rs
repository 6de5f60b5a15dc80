//! What differs between platforms: files of a spool on Unix.

use std::fs::{self, File, OpenOptions};
use std::io::Result;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// What the system says when the machine, or the process, may open no more files: ENFILE, EMFILE.
pub(super) const TOO_MANY_FILES: [i32; 2] = [23, 24];

/// A file that did not exist, for its owner only.
pub(super) fn create_file(path: &Path) -> Result<File> {
    OpenOptions::new().create_new(true).read(true).append(true).mode(0o600).open(path)
}

/// Brings the entries of a directory to the device.
pub(super) fn sync_directory(path: &Path) -> Result<()> {
    File::open(path)?.sync_all()
}

/// Whether `path` still leads to `file`.
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(there)) => (held.dev(), held.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}
