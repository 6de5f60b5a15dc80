//! Traces that were kept in files, sent to a server.
//!
//! `MLFLOW_TRACKING_URI=http://127.0.0.1:5000 cargo run --example replay -- [directory]` sends what
//! `./mlflow-traces`, or the directory, holds. Ctrl-C and SIGTERM end it after the batch under way;
//! run it again and it goes on there, as it does after any other end.

use std::io::{self, IsTerminal as _, Stderr, Write as _};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mlflow_tracing::{Replay, ReplayProgress, Replayed};
use tokio::signal::unix::{SignalKind, signal};

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    let directory = std::env::args_os().nth(1).unwrap_or_else(|| "./mlflow-traces".into());
    // A guard of its own: nothing of this program is traced.
    let tracing = mlflow_tracing::builder().build()?;
    // The runtime is there for the signals only; it lives as long as the replay.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let stop = Arc::new(AtomicBool::new(false));
    runtime.spawn(stop_on_signal(Arc::clone(&stop)));

    let mut out = io::stderr();
    let result = Replay::from_directory(directory).run(&tracing, |progress| {
        let drawn = draw(&mut out, progress);
        let stopped = stop.load(Ordering::Relaxed) || drawn.is_err();
        if stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    summarise(&mut out, result.as_ref().unwrap_or_else(|error| error.replayed()))?;
    result?;
    Ok(())
}

async fn stop_on_signal(stop: Arc<AtomicBool>) {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    stop.store(true, Ordering::Relaxed);
}

fn draw(out: &mut Stderr, progress: &ReplayProgress) -> io::Result<()> {
    let ReplayProgress { bytes, total_bytes, spans, traces, .. } = progress;
    let percent = bytes * 100 / (*total_bytes).max(1);
    let end = if out.is_terminal() { '\r' } else { '\n' };
    write!(out, "{percent:3} % of {total_bytes} bytes · {traces} traces · {spans} spans{end}")
}

fn summarise(out: &mut Stderr, replayed: &Replayed) -> io::Result<()> {
    let Replayed { spans, traces, duplicates, refused, unreadable, unfinished_bytes, .. } =
        replayed;
    writeln!(out, "\n{spans} spans of {traces} traces sent")?;
    for (count, what) in [
        (duplicates, "spans were there twice"),
        (refused, "spans were refused by the server"),
        (unreadable, "lines or spans could not be read"),
        (unfinished_bytes, "bytes at the end are being written, and left for the next run"),
    ] {
        if *count > 0 {
            writeln!(out, "{count} {what}")?;
        }
    }
    if let Some(fault) = &replayed.first_fault {
        writeln!(out, "the first of these: {fault}")?;
    }
    if !replayed.complete {
        writeln!(out, "not everything is sent; the next run goes on there")?;
    }
    Ok(())
}
