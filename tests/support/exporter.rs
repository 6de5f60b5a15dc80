//! An official exporter that does what it is told, and remembers what it was given.

use std::collections::VecDeque;
use std::fmt;
use std::future::{pending, poll_fn};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use mlflow_tracing::opentelemetry_sdk::Resource;
use mlflow_tracing::opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use mlflow_tracing::opentelemetry_sdk::trace::{SpanData, SpanExporter};

use super::time::{PATIENCE, spawn};

/// What is done with an export.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Does {
    AlreadyShutdown,
    Fails(&'static str),
    /// Is done once another thread says so.
    Later,
    /// Never ends.
    Never,
    Panics,
}

/// What an exporter saw.
#[derive(Default)]
pub(crate) struct Seen {
    /// The spans of each export, whatever came of it.
    pub(crate) attempts: Vec<Vec<SpanData>>,
    /// The spans of the exports that succeeded, with the resource that was set last.
    pub(crate) spans: Vec<SpanData>,
    pub(crate) resource: Option<Resource>,
    pub(crate) resources_set: usize,
    pub(crate) shutdowns: Vec<Duration>,
    script: VecDeque<Does>,
}

/// Clones are one exporter.
#[derive(Clone, Default)]
pub(crate) struct Scripted(Arc<(Mutex<Seen>, Condvar)>);

impl Scripted {
    pub(crate) fn new(script: impl IntoIterator<Item = Does>) -> Self {
        let exporter = Self::default();
        exporter.seen().script.extend(script);
        exporter
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names of the spans whose export succeeded, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.seen().spans.iter().map(|span| span.name.clone().into_owned()).collect()
    }

    /// Waits until `condition` holds of what was seen.
    pub(crate) fn wait_until(&self, what: &str, condition: impl Fn(&Seen) -> bool) {
        let seen = self.seen();
        let waited = self.0.1.wait_timeout_while(seen, PATIENCE, |seen| !condition(seen));
        let (_seen, time) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!time.timed_out(), "waited in vain until {what}");
    }

    fn note<T>(&self, note: impl FnOnce(&mut Seen) -> T) -> T {
        let noted = note(&mut self.seen());
        self.0.1.notify_all();
        noted
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}

impl SpanExporter for Scripted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let does = self.note(|seen| {
            seen.attempts.push(batch.clone());
            seen.script.pop_front()
        });
        match does {
            Some(Does::AlreadyShutdown) => return Err(OTelSdkError::AlreadyShutdown),
            Some(Does::Fails(words)) => {
                return Err(OTelSdkError::InternalFailure(words.to_owned()));
            }
            Some(Does::Later) => woken_from_another_thread().await,
            Some(Does::Never) => pending().await,
            Some(Does::Panics) => panic!("as the test wants it"),
            None => {}
        }
        self.note(|seen| seen.spans.extend(batch));
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.note(|seen| seen.shutdowns.push(timeout));
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.note(|seen| {
            seen.resource = Some(resource.clone());
            seen.resources_set += 1;
        });
    }
}

/// Ready only after a thread of its own has woken whoever waits.
async fn woken_from_another_thread() {
    let state: Arc<Mutex<(bool, Option<Waker>)>> = Arc::default();
    let mut started = false;
    poll_fn(|context| {
        let mut now = state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.0 {
            return Poll::Ready(());
        }
        now.1 = Some(context.waker().clone());
        if !started {
            started = true;
            let state = Arc::clone(&state);
            spawn("waker", move || {
                let mut now = state.lock().unwrap_or_else(PoisonError::into_inner);
                now.0 = true;
                now.1.take().unwrap().wake();
            });
        }
        Poll::Pending
    })
    .await;
}
