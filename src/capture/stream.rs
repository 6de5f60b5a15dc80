//! Streams with a span of their own.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use serde_core::Serialize;
use tracing::Span;

use crate::capture::course::Course;
use crate::capture::record::{Record, Reduce, SerializedItems, TriedItems};
use crate::capture::scope::Scope;

/// Gives a stream a span.
///
/// The span is entered whenever the stream is polled, and ends with the stream's last item. A stream
/// that is dropped before its end makes it an error with the description `cancelled` and the attribute
/// [`CANCELLED`](crate::semconv::span::CANCELLED), with the outputs so far; Python's SDK never ends
/// the span of a generator that was left early. A panic makes it an error with the panic's message,
/// and goes on.
///
/// # What is kept
///
/// - Outputs: a JSON array of the items; of more than 4 MiB the first, and how many are missing;
///   [`with_content_limit`](crate::Builder::with_content_limit) holds for that, too. What
///   [`set_outputs`](crate::MlflowSpanExt::set_outputs) says wins.
/// - Events as MLflow's SDK names them, `mlflow.chunk.item.0` and so on with the item's JSON in
///   `mlflow.chunk.value`: of the first 64 items and of the last 64 (Python keeps the last 128). An
///   item of more than 16 KiB is only told by its size there.
/// - [`CHUNKS`](crate::semconv::span::CHUNKS),
///   [`MISSING_CHUNKS`](crate::semconv::span::MISSING_CHUNKS) and
///   [`TIME_TO_FIRST_CHUNK`](crate::semconv::span::TIME_TO_FIRST_CHUNK).
///
/// The span ends with the stream, or with the last handle of it that the program keeps. The stream
/// is put in a box. Nothing is serialised when the span is not recorded.
pub trait MlflowStreamExt: Stream + Sized {
    /// Runs the stream in `span`; its items are the outputs.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::{StreamExt as _, stream};
    /// use mlflow_tracing::MlflowStreamExt as _;
    /// use tracing_subscriber::prelude::*;
    ///
    /// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-stream");
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
    /// let subscriber = tracing_subscriber::registry().with(tracing.layer());
    /// tracing::subscriber::with_default(subscriber, || {
    ///     let words = stream::iter(["Pa", "ris"]).traced(tracing::info_span!("chat"));
    ///     let answer: String = runtime.block_on(words.collect());
    ///     assert_eq!(answer, "Paris");
    /// });
    /// assert_eq!(tracing.stats().ended, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn traced(self, span: Span) -> TracedStream<Self>
    where
        Self::Item: Serialize,
    {
        TracedStream::new(Scope::of(span), Box::pin(self), SerializedItems)
    }

    /// The same for a stream of results: what is in `Ok` is an output, and the first `Err` makes the
    /// span an error and ends it. The stream can be polled on; what it yields then is in no span.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::{StreamExt as _, stream};
    /// use mlflow_tracing::MlflowStreamExt as _;
    /// use tracing_subscriber::prelude::*;
    ///
    /// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-try-stream");
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
    /// let subscriber = tracing_subscriber::registry().with(tracing.layer());
    /// tracing::subscriber::with_default(subscriber, || {
    ///     let failing = stream::iter([Ok("Pa"), Err(std::fmt::Error), Ok("ris")]);
    ///     let mut failing = failing.try_traced(tracing::info_span!("chat"));
    ///     runtime.block_on(async {
    ///         assert_eq!(failing.next().await, Some(Ok("Pa")));
    ///         assert_eq!(failing.next().await, Some(Err(std::fmt::Error)));
    ///         assert_eq!(tracing.stats().ended, 1);
    ///         assert_eq!(failing.next().await, Some(Ok("ris")));
    ///     });
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn try_traced<T, E>(self, span: Span) -> TracedStream<Self, TriedItems>
    where
        Self: Stream<Item = Result<T, E>>,
        T: Serialize,
        E: Error,
    {
        TracedStream::new(Scope::of(span), Box::pin(self), TriedItems)
    }
}

impl<S: Stream> MlflowStreamExt for S {}

/// A stream with a span of its own; made by [`MlflowStreamExt`].
///
/// `R` says how items are told: [`SerializedItems`] or [`TriedItems`].
#[must_use = "streams do nothing unless polled"]
pub struct TracedStream<S: ?Sized, R: Reduce = SerializedItems> {
    stream: Option<Pin<Box<S>>>,
    course: Option<Course<R>>,
}

impl<S: ?Sized, R: Reduce> TracedStream<S, R> {
    pub(crate) fn new(scope: Scope, stream: Pin<Box<S>>, record: R) -> Self {
        Self { stream: Some(stream), course: Some(Course::new(scope, record)) }
    }
}

impl<S, R> Stream for TracedStream<S, R>
where
    S: Stream + ?Sized,
    R: Record<S::Item>,
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let Self { stream: Some(stream), course } = self.get_mut() else {
            return Poll::Ready(None);
        };
        let polled = Course::produce(course, || stream.as_mut().poll_next(cx));
        if let Poll::Ready(item) = &polled {
            Course::tell(course, item.as_ref());
        }
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}

/// The stream is in a box, and nothing else is ever pinned.
impl<S: ?Sized, R: Reduce> Unpin for TracedStream<S, R> {}

impl<S: ?Sized, R: Reduce> Drop for TracedStream<S, R> {
    fn drop(&mut self) {
        if let Some(course) = &self.course {
            course.scope.release(|| self.stream = None);
        }
    }
}

impl<S: ?Sized, R: Reduce> fmt::Debug for TracedStream<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = self.course.as_ref().map(|course| &course.scope);
        f.debug_struct("TracedStream").field("scope", &scope).finish_non_exhaustive()
    }
}
