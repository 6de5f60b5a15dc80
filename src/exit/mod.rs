//! Ends of the program that no guard sees: a panic that ends it, a signal.
//!
//! Whatever the thread that meets such an end holds, it must not wait for ever: it only waits for
//! threads that do the work, and for no longer than it has patience.

pub(crate) mod panic;
#[cfg(all(feature = "signal", unix))]
pub(crate) mod signal;
#[cfg(not(all(feature = "signal", unix)))]
#[path = "signal_disabled.rs"]
pub(crate) mod signal;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::thread::Builder;
use std::time::Duration;

use crate::diagnostics;
use crate::process::pipeline::Pipeline;
use crate::sync::{after, lock, now};

const THREAD_NAME: &str = "mlflow-tracing-end";
/// Beyond the patience: time to say what is missing.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// The pipes that are seen to at one kind of end, and how long each may take.
struct Pipes(Mutex<Vec<(Weak<Pipeline>, Duration)>>);

impl Pipes {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Adds a pipe, and forgets those that are gone.
    fn add(&self, pipeline: &Arc<Pipeline>, patience: Duration) {
        let mut pipes = lock(&self.0);
        pipes.retain(|(pipeline, _)| pipeline.strong_count() > 0);
        pipes.push((Arc::downgrade(pipeline), patience));
    }

    /// Does `act` with every pipe at once, and waits until it is done or patience is over.
    fn each(&self, act: fn(&Pipeline, Duration)) {
        let (working, done) = mpsc::channel::<Infallible>();
        let start = now();
        let mut until = start;
        for (pipeline, patience) in lock(&self.0).clone() {
            let Some(pipeline) = pipeline.upgrade() else { continue };
            let working = working.clone();
            let body = move || {
                let _quiet = diagnostics::quiet();
                act(&pipeline, patience);
                drop(working);
            };
            #[expect(clippy::disallowed_methods, reason = "the thread may hold any lock of ours")]
            let started = Builder::new().name(THREAD_NAME.to_owned()).spawn(body);
            // Without a thread there is nobody who could be waited for.
            if started.is_ok() {
                until = until.max(after(start, patience.saturating_add(LAST_WORDS)));
            }
        }
        drop(working);
        // Nothing is ever sent: it ends when the last of them does.
        let _ = done.recv_timeout(until.saturating_duration_since(now()));
    }
}

#[cfg(test)]
mod tests;
