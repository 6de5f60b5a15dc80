//! Files and directories with the platform's own permissions (not Unix).

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Result;
use std::path::Path;

pub(crate) fn create_directory(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).create(path)
}

pub(crate) fn open_for_append(path: &Path) -> Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}
