//! The trace that the program is in.

use std::sync::Mutex;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use tracing::{Span, dispatcher};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::capture::link::Link;
use crate::context::update::{Tell, TraceUpdate};
use crate::diagnostics::{self, Throttle};
use crate::model::id::mlflow_trace_id;

/// The id of the trace that the program is in here, `tr-` and 32 hexadecimal digits.
///
/// It is that of the innermost span that is entered on this thread, `tracing` span or OpenTelemetry
/// context, and in a task that of the span that the task is instrumented with. `None` outside of
/// traces, and in one that is not recorded.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::{MlflowSpanExt as _, current_trace_id};
/// use tracing_subscriber::prelude::*;
/// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-current");
/// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
/// let subscriber = tracing_subscriber::registry().with(tracing.layer());
/// tracing::subscriber::with_default(subscriber, || {
///     let span = tracing::info_span!("work");
///     assert_eq!(span.in_scope(current_trace_id), span.trace_id());
///     assert_eq!(current_trace_id(), None);
/// });
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
#[must_use]
pub fn current_trace_id() -> Option<String> {
    let current = current()?;
    current.is_sampled().then(|| mlflow_trace_id(current.trace_id()))
}

/// Changes the trace that the program is in here, from any span of it: session, user, tags,
/// metadata, previews, state.
///
/// Which trace that is, [`current_trace_id`] says. Where there is none, or no layer of this crate
/// in the current `tracing` subscriber, it does nothing, and warns of that at most once a minute: a
/// program that has no layer uses [`TracingGuard::update_trace`](crate::TracingGuard::update_trace).
/// Tasks and threads that were started inside of a span are outside of its trace unless they carry
/// it, as with [`Instrument::in_current_span`](tracing::Instrument::in_current_span).
///
/// # Examples
///
/// ```
/// use mlflow_tracing::{TraceState, update_current_trace};
/// use tracing::instrument;
/// use tracing_subscriber::prelude::*;
///
/// #[instrument]
/// fn answer() {
///     look_up();
/// }
///
/// #[instrument]
/// fn look_up() {
///     update_current_trace().session("chat-7").tag("cache", "miss").state(TraceState::Error);
/// }
/// # let directory = std::env::temp_dir().join(format!("mlflow-tracing-doc-update-{}", std::process::id()));
/// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
/// let subscriber = tracing_subscriber::registry().with(tracing.layer());
/// tracing::subscriber::with_default(subscriber, answer);
/// tracing.flush(std::time::Duration::from_secs(5))?;
/// let written = std::fs::read_dir(&directory)?.next().unwrap()?.path();
/// assert!(std::fs::read_to_string(written)?.contains("chat-7"));
/// # std::fs::remove_dir_all(directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn update_current_trace() -> TraceUpdate {
    // Asked by itself: inside of `get_default` there is no current span.
    let link = dispatcher::get_default(|current| {
        Link::of(current).map(|link| (link.tell().clone(), link.is_on()))
    });
    match (current(), link) {
        (Some(trace), Some((tell, _))) => update(&trace, &tell),
        (Some(trace), None) if !trace.is_sampled() => TraceUpdate::of_nothing(),
        (Some(_), None) => in_vain("no layer of mlflow-tracing in the current subscriber"),
        // That there is no span is as the program wants it.
        (None, Some((_, false))) => TraceUpdate::of_nothing(),
        (None, Some((_, true))) => in_vain("no span of a trace here"),
        (None, None) => in_vain("no span of a trace here, and no layer of mlflow-tracing"),
    }
}

/// The same for the trace of a span.
pub(super) fn update_of(span: &Span) -> TraceUpdate {
    let tell = span.with_subscriber(|(_, dispatch)| Link::of(dispatch).map(|it| it.tell().clone()));
    let context = span.context();
    let trace = context.span().span_context().clone();
    tell.flatten().map_or_else(TraceUpdate::of_nothing, |tell| update(&trace, &tell))
}

/// The same for a trace that is known by the context of a span.
pub(crate) fn update(trace: &SpanContext, tell: &Tell) -> TraceUpdate {
    if trace.is_valid() && trace.is_sampled() {
        TraceUpdate::of(trace.trace_id(), tell.clone())
    } else {
        TraceUpdate::of_nothing()
    }
}

/// The OpenTelemetry context is the one that was entered last: every layer of ours enters it with
/// its spans. Another OTel layer may not.
fn current() -> Option<SpanContext> {
    let valid =
        |context: &Context| Some(context.span().span_context()).filter(|it| it.is_valid()).cloned();
    Context::map_current(valid).or_else(|| valid(&Span::current().context()))
}

fn in_vain(reason: &str) -> TraceUpdate {
    static NO_TRACE: Mutex<Throttle> = Mutex::new(Throttle::new(diagnostics::RARELY));
    diagnostics::warn_rarely(
        &NO_TRACE,
        &format!("update_current_trace() does nothing: there is {reason}"),
    );
    TraceUpdate::of_nothing()
}
