//! Files and directories that only their owner can read (Unix).

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Result;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

pub(crate) fn create_directory(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

pub(crate) fn open_for_append(path: &Path) -> Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}
