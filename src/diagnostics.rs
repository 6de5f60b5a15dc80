//! What the crate says about itself, and how it keeps from tracing itself.
//!
//! A line goes to the program's `tracing` subscriber when that listens to the target
//! `mlflow_tracing`, and to stderr otherwise: never both, never stdout. Callers pass text in which
//! credentials are already masked.

use std::cell::Cell;
use std::io::Write as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use opentelemetry::{Context, ContextGuard};
use tracing::{Dispatch, Level};

use crate::sync::{lock, now};

/// Target of the crate's own log events.
pub(crate) const TARGET: &str = "mlflow_tracing";

/// Tells something the user should act on.
pub(crate) fn warn(text: &str) {
    if tracing::event_enabled!(target: TARGET, Level::WARN) {
        tracing::warn!(target: TARGET, "{text}");
    } else {
        to_stderr("warning: ", text);
    }
}

/// Tells something good to know once.
pub(crate) fn info(text: &str) {
    if tracing::event_enabled!(target: TARGET, Level::INFO) {
        tracing::info!(target: TARGET, "{text}");
    } else {
        to_stderr("", text);
    }
}

/// Warnings that are remembered so as not to be repeated; what comes after them is not told.
const MAX_TOLD: usize = 64;

/// Tells something the user should act on, unless the same was told before.
pub(crate) fn warn_once(text: &str) {
    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut told = lock(&TOLD);
    if told.len() < MAX_TOLD && !told.iter().any(|line| line == text) {
        told.push(text.to_owned());
        drop(told);
        warn(text);
    }
}

/// Time between two warnings of the same kind.
pub(crate) const RARELY: Duration = Duration::from_secs(60);

/// Tells something the user should act on, as often as `throttle` lets it.
pub(crate) fn warn_rarely(throttle: &Mutex<Throttle>, text: &str) {
    let admitted = lock(throttle).admit(now());
    match admitted {
        Some(0) => warn(text),
        Some(others) => warn(&format!("{text} (and {others} times more since the last warning)")),
        None => {}
    }
}

fn to_stderr(label: &str, text: &str) {
    // A closed stderr must not end the program that is being traced.
    // In one piece, because other processes may write there, too.
    let line = format!("mlflow-tracing: {label}{text}\n");
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

thread_local! {
    static OURS: Cell<bool> = const { Cell::new(false) };
}

/// Makes this thread one of ours: spans made while the returned guard lives are not recorded, for
/// there is no telemetry about telemetry.
pub(crate) fn quiet() -> ContextGuard {
    let _ = OURS.try_with(|ours| ours.set(true));
    Context::enter_telemetry_suppressed_scope()
}

/// Whether this thread is one of ours.
pub(crate) fn is_ours() -> bool {
    OURS.try_with(Cell::get).unwrap_or(false)
}

/// Lets no subscriber hear what `action` says: h2 makes spans that have no parent on purpose, which
/// the context of [`quiet`] does not reach.
pub(crate) fn unheard<T>(action: impl FnOnce() -> T) -> T {
    tracing::dispatcher::with_default(&Dispatch::none(), action)
}

/// Lets one message through per interval, and counts the others.
#[derive(Debug)]
pub(crate) struct Throttle {
    interval: Duration,
    last: Option<Instant>,
    suppressed: u64,
}

impl Throttle {
    pub(crate) const fn new(interval: Duration) -> Self {
        Self { interval, last: None, suppressed: 0 }
    }

    /// `Some(n)` when a message may be told at `now`; `n` others were suppressed before it.
    pub(crate) fn admit(&mut self, now: Instant) -> Option<u64> {
        let due = self.last.is_none_or(|last| now.duration_since(last) >= self.interval);
        if due {
            self.last = Some(now);
            Some(std::mem::take(&mut self.suppressed))
        } else {
            self.suppressed += 1;
            None
        }
    }
}
