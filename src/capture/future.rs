//! Futures with a span of their own.

use std::pin::Pin;
use std::task::{Context, Poll};

use tracing::Span;

use crate::capture::scope::Scope;

/// Gives a future a span.
pub trait MlflowFutureExt: Future + Sized {
    /// Runs the future in `span`, which is entered whenever the future is polled.
    ///
    /// As [`Instrument`](tracing::Instrument) does, and beside that it knows how the future ended: one
    /// that is dropped before its end, by `select!`, a timeout, or the end of its task, makes the span
    /// an error with the description `cancelled` and the attribute
    /// [`CANCELLED`](crate::semconv::span::CANCELLED), where Python's SDK has it end well, or never. A
    /// panic makes it an error with the panic's message, and goes on.
    ///
    /// The span ends with the future, or with the last handle of it that the program keeps. What it
    /// is given and returns the program says: [`MlflowSpanExt`](crate::MlflowSpanExt). The future is
    /// put in a box.
    ///
    /// # Examples
    ///
    /// ```
    /// use mlflow_tracing::{MlflowFutureExt as _, MlflowSpanExt as _};
    /// use tracing_subscriber::prelude::*;
    ///
    /// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-future");
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
    /// let subscriber = tracing_subscriber::registry().with(tracing.layer());
    /// tracing::subscriber::with_default(subscriber, || {
    ///     let work = async {
    ///         tracing::Span::current().set_outputs("Paris");
    ///         7
    ///     };
    ///     let traced = work.traced(tracing::info_span!("ask"));
    ///     assert_eq!(runtime.block_on(traced), 7);
    ///     drop(async { 7 }.traced(tracing::info_span!("cancelled")));
    /// });
    /// assert_eq!(tracing.stats().ended, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn traced(self, span: Span) -> TracedFuture<Self> {
        TracedFuture { scope: Some(Scope::of(span)), future: Some(Box::pin(self)) }
    }
}

impl<F: Future> MlflowFutureExt for F {}

/// A future with a span of its own; made by [`MlflowFutureExt::traced`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct TracedFuture<F> {
    scope: Option<Scope>,
    future: Option<Pin<Box<F>>>,
}

impl<F: Future> Future for TracedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Self { scope, future: slot } = self.get_mut();
        let polled = Scope::advance(scope, || {
            let Some(future) = slot else { return Poll::Pending };
            let polled = future.as_mut().poll(cx);
            if polled.is_ready() {
                *slot = None;
            }
            polled
        });
        if let Some(mut ended) = scope.take_if(|_| polled.is_ready()) {
            ended.end();
        }
        polled
    }
}

impl<F> Drop for TracedFuture<F> {
    fn drop(&mut self) {
        if let Some(scope) = &self.scope {
            scope.release(|| self.future = None);
        }
    }
}
