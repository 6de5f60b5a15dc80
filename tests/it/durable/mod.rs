//! With a spool, spans outlive the process and whatever memory has no room for.

mod outage;
mod restart;
mod shared;
mod trouble;

use std::fs;
use std::path::{Path, PathBuf};

use mlflow_tracing::{Builder, Stats, TracingGuard};

use crate::support::app::{builder, conserved};
use crate::support::scratch::Scratch;
use crate::support::time::until;

/// A program with a spool in this directory that sends to an MLflow server.
fn program(spool: &Scratch, url: &str) -> Builder {
    builder().with_tracking_uri(url).with_spool(spool.path())
}

/// The account of the first destination, once it is as it should be.
fn when(guard: &TracingGuard, what: &str, is_so: impl Fn(&Stats) -> bool) -> Stats {
    until(what, || is_so(&conserved(guard)));
    conserved(guard)
}

/// The files with spans.
fn segments(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(segments(&path));
        } else if path.extension().is_some_and(|extension| extension == "seg") {
            found.push(path);
        }
    }
    found
}
