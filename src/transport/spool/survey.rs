//! What is in a spool's directory, for the doctor: looked at, and left as it is.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::directory::{self, Directory, QUARANTINE, VERSION};
use super::disk::RealDisk;
use super::preamble::Beginning;
use super::reader;
use crate::finding::Finding;
use crate::transport::log::SpoolSettings;
use crate::transport::owner_only;

/// What is found; `destinations` are those that take spans from it.
pub(crate) fn survey(settings: &SpoolSettings, destinations: &[String]) -> Vec<Finding> {
    let root = &settings.directory;
    let mut findings = vec![match try_out(root) {
        Ok(()) => Finding::ok("can be written"),
        Err(error) => Finding::error(format!(
            "cannot be written: {error}. Spans are in memory only; make it writable, or name another"
        )),
    }];
    match directory::writers(root) {
        Ok(writers) => findings.extend(writers.iter().filter_map(|it| left(it, destinations))),
        Err(error) => findings.push(Finding::error(format!("cannot be read: {error}"))),
    }
    let quarantine = root.join(VERSION).join(QUARANTINE);
    let damaged = fs::read_dir(&quarantine).map_or(0, Iterator::count);
    if damaged > 0 {
        findings.push(Finding::warning(format!(
            "{damaged} files could not be read in whole, and are kept in {}; what could be read of \
             them was delivered. Delete them when you need them no more",
            quarantine.display()
        )));
    }
    findings
}

/// What a process has left that is no more.
fn left(writer: &Path, destinations: &[String]) -> Option<Finding> {
    // Taken over for as long as this takes: nobody else does then.
    let directory = match Directory::take_over(writer.to_owned()) {
        Ok(directory) => directory?,
        Err(error) => {
            let path = writer.display();
            return Some(Finding::error(format!("{path} cannot be read: {error}")));
        }
    };
    let segments = directory.segments().ok()?;
    let size = |path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    let bytes: u64 = segments.iter().map(|(_, path)| size(path)).sum();
    let of = segments.iter().find_map(|(_, path)| match reader::beginning(path, &RealDisk) {
        Ok((_, Beginning::Good(said))) => Some(Ok(said.destination)),
        Ok((_, Beginning::Newer)) => Some(Err(())),
        _ => None,
    });
    Some(match of? {
        Ok(known) if destinations.contains(&known) => Finding::ok(format!(
            "{bytes} bytes of a process that is no more wait for {known}: the next start sends them"
        )),
        Ok(unknown) => Finding::warning(format!(
            "{bytes} bytes of a process that is no more wait for {unknown}, which is not configured: \
             start a program that sends there with this directory, or delete {}",
            writer.display()
        )),
        Err(()) => Finding::warning(format!(
            "{} is of a newer version of mlflow-tracing, which alone can send what is in it",
            writer.display()
        )),
    })
}

/// Whether files can be made there, also where the directory itself is yet to be made.
fn try_out(root: &Path) -> io::Result<()> {
    let exists = root.try_exists()?;
    owner_only::create_directory(root)?;
    let probe = root.join(format!("probe-{}", std::process::id()));
    let written = owner_only::open_for_append(&probe).map(drop);
    let removed = match fs::remove_file(&probe) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    if !exists {
        // Directories above it that had to be made stay.
        fs::remove_dir(root)?;
    }
    written.and(removed)
}
