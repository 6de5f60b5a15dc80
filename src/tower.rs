//! A tower layer for serverless functions: what a call has traced leaves before the call ends.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tower_layer::Layer;
use tower_service::Service;

use crate::diagnostics::{self, Throttle};
use crate::guard::TracingGuard;
use crate::process::flushing::FlushFuture;
use crate::process::pipeline::Pipeline;

/// Flushes after every call of a service, before its response is given (feature `tower`).
///
/// For functions that are frozen, or ended, as soon as they have answered: AWS Lambda, Cloud Run, and
/// the like. A server that runs on delivers behind its callers' back, and should not wait.
///
/// The response waits until everything that has ended is acknowledged, for at most `patience`; it is
/// never changed. What was not delivered is told, kept, and sent by a later call. A call that is
/// dropped half-way is flushed all the same, without a wait. Tasks on the same thread go on
/// meanwhile: another thread waits.
///
/// Put it outermost, around layers that make spans. Spans that end later, in a body that is streamed,
/// leave with the next call.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::FlushLayer;
/// use std::time::Duration;
/// use tower_layer::Layer as _;
/// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-tower");
/// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
/// # let handler = ();
/// let service = FlushLayer::new(&tracing, Duration::from_secs(2)).layer(handler);
/// assert!(format!("{service:?}").contains("patience: 2s"));
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
#[derive(Clone)]
pub struct FlushLayer {
    pipeline: Weak<Pipeline>,
    patience: Duration,
}

impl FlushLayer {
    /// A layer that waits for at most `patience` after each call. When the guard is gone it waits for
    /// nothing.
    #[must_use]
    pub fn new(tracing: &TracingGuard, patience: Duration) -> Self {
        Self { pipeline: Arc::downgrade(&tracing.pipeline), patience }
    }

    fn flush(&self) -> Option<FlushFuture> {
        Some(FlushFuture::start(&self.pipeline.upgrade()?, self.patience))
    }
}

impl fmt::Debug for FlushLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlushLayer").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for FlushLayer {
    type Service = FlushService<S>;

    fn layer(&self, inner: S) -> FlushService<S> {
        FlushService { inner, layer: self.clone() }
    }
}

/// A service with a [`FlushLayer`] around it.
#[derive(Clone, Debug)]
pub struct FlushService<S> {
    inner: S,
    layer: FlushLayer,
}

impl<S: Service<Request>, Request> Service<Request> for FlushService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = FlushResponse<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let call = self.inner.call(request);
        FlushResponse { layer: self.layer.clone(), state: State::Called(Box::pin(call)) }
    }
}

/// The response of a [`FlushService`], given when what its call has traced is delivered.
pub struct FlushResponse<F: Future> {
    layer: FlushLayer,
    state: State<F>,
}

enum State<F: Future> {
    Called(Pin<Box<F>>),
    Flushing(FlushFuture, Option<F::Output>),
    Done,
}

/// Nothing of it is pinned in place: the call is in a box.
impl<F: Future> Unpin for FlushResponse<F> {}

impl<F: Future> Future for FlushResponse<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        if let State::Called(call) = &mut self.state {
            let response = ready!(call.as_mut().poll(context));
            // Spans that the call holds end with it.
            self.state = State::Done;
            match self.layer.flush() {
                Some(flush) => self.state = State::Flushing(flush, Some(response)),
                None => return Poll::Ready(response),
            }
        }
        let State::Flushing(flush, response) = &mut self.state else { return Poll::Pending };
        let outcome = ready!(Pin::new(flush).poll(context));
        let response = response.take();
        self.state = State::Done;
        if let Err(error) = outcome {
            static IN_VAIN: Mutex<Throttle> = Mutex::new(Throttle::new(diagnostics::RARELY));
            diagnostics::warn_rarely(&IN_VAIN, &format!("flushed after a call: {error}"));
        }
        response.map_or(Poll::Pending, Poll::Ready)
    }
}

/// A call that is given up has its spans delivered, too; nobody waits for it.
impl<F: Future> Drop for FlushResponse<F> {
    fn drop(&mut self) {
        if matches!(self.state, State::Called(_)) {
            self.state = State::Done;
            drop(self.layer.flush());
        }
    }
}

impl<F: Future> fmt::Debug for FlushResponse<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlushResponse").field("layer", &self.layer).finish_non_exhaustive()
    }
}
