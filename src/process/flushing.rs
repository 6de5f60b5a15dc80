//! A flush for `async` code: the wait is a thread's, whose end wakes the task.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use crate::diagnostics;
use crate::process::flush::FlushError;
use crate::process::pipeline::Pipeline;
use crate::sync::lock;

const THREAD_NAME: &str = "mlflow-tracing-flush";

type Outcome = Result<(), Box<FlushError>>;

/// A flush under way; made by [`TracingGuard::flush_async`](crate::TracingGuard::flush_async).
///
/// Goes on when it is dropped, until its patience is over. Needs no runtime.
#[must_use = "await it to know whether everything was delivered"]
pub struct FlushFuture(Arc<Mutex<Progress>>);

#[derive(Default)]
struct Progress {
    outcome: Option<Outcome>,
    task: Option<Waker>,
}

impl FlushFuture {
    /// Begins a flush. Where no thread can be had, this one waits.
    pub(crate) fn start(pipeline: &Arc<Pipeline>, patience: Duration) -> Self {
        let progress = Arc::new(Mutex::new(Progress::default()));
        let body = {
            let (pipeline, progress) = (Arc::clone(pipeline), Arc::clone(&progress));
            move || {
                let _quiet = diagnostics::quiet();
                finish(&progress, pipeline.flush(patience));
            }
        };
        #[expect(clippy::disallowed_methods, reason = "a task may not wait, so a thread does")]
        if thread::Builder::new().name(THREAD_NAME.to_owned()).spawn(body).is_err() {
            finish(&progress, pipeline.flush(patience));
        }
        Self(progress)
    }
}

fn finish(progress: &Mutex<Progress>, outcome: Outcome) {
    let mut progress = lock(progress);
    progress.outcome = Some(outcome);
    let task = progress.task.take();
    drop(progress);
    task.into_iter().for_each(Waker::wake);
}

impl Future for FlushFuture {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let mut progress = lock(&self.0);
        if let Some(outcome) = progress.outcome.take() {
            return Poll::Ready(outcome);
        }
        progress.task = Some(context.waker().clone());
        Poll::Pending
    }
}

impl fmt::Debug for FlushFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlushFuture").finish_non_exhaustive()
    }
}
