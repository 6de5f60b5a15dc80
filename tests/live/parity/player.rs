//! Plays the scenario with this crate, as `play.py` plays it with the Python SDK.

use std::collections::BTreeMap;
use std::thread;

use mlflow_tracing::opentelemetry::trace::{SpanContext, TraceContextExt as _};
use mlflow_tracing::tracing_opentelemetry::OpenTelemetrySpanExt as _;
use mlflow_tracing::{MlflowSpanExt as _, SpanBuilder, span_builder};
use tracing::Span;

use super::content::{self, at};
use super::failure::Failure;
use super::functions;
use super::scenario::{self, How, Trace};
use crate::support::time::wall_clock;

/// The roots that were made of each trace of the scenario.
pub(crate) type Made = BTreeMap<String, Vec<SpanContext>>;

/// Plays one trace of the scenario, in the current subscriber.
pub(crate) fn play(trace: &Trace, made: &mut Made) {
    let mut player = Player { made, roots: Vec::new(), unfinished: Vec::new() };
    for span in &trace.spans {
        // What a root lets through has ended it.
        let _ = content::context(&trace.context).in_scope(|| player.span(span, None));
    }
    let roots = player.roots;
    made.insert(trace.name.clone(), roots);
}

struct Player<'a> {
    made: &'a Made,
    roots: Vec<SpanContext>,
    /// Spans that end after their root.
    unfinished: Vec<Span>,
}

impl Player<'_> {
    /// Makes a span in the way that it asks for.
    fn span(&mut self, told: &scenario::Span, parent: Option<&Span>) -> Result<(), Failure> {
        let builder = span_builder(told.name.clone());
        let is_root = parent.is_none();
        let none = Span::none();
        let parent = parent.unwrap_or(&none);
        match told.how {
            How::Scope => self.current(told, builder, is_root),
            How::Function => functions::call(told, &mut || self.body(told, is_root)),
            How::AsyncFunction => tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap()
                .block_on(functions::call_async(told, &mut || self.body(told, is_root))),
            How::Cancelled => {
                functions::call_off(told, &mut || self.body(told, is_root));
                Ok(())
            }
            How::Stream => {
                let begun = functions::read(told);
                self.note(begun, is_root);
                Ok(())
            }
            How::Thread => {
                let dispatch = tracing::dispatcher::get_default(Clone::clone);
                let work = || parent.in_scope(|| self.current(told, builder, is_root));
                thread::scope(|scope| {
                    let thread = || tracing::dispatcher::with_default(&dispatch, work);
                    scope.spawn(thread).join().unwrap()
                })
            }
            How::Remote => {
                let parent = parent.context().span().span_context().clone();
                self.current(told, builder.remote_parent(parent), is_root)
            }
            How::Root => self.detached(told, builder.root(), true),
            How::Detached => self.detached(told, builder.parent(parent), is_root),
            How::Late => {
                let span = start(told, builder.parent(parent));
                let result = self.recorded(told, &span, is_root);
                self.unfinished.push(span);
                result
            }
        }
    }

    /// The current span while its content happens.
    fn current(
        &mut self,
        told: &scenario::Span,
        builder: SpanBuilder,
        is_root: bool,
    ) -> Result<(), Failure> {
        let span = start(told, builder);
        let result = span.in_scope(|| self.recorded(told, &span, is_root));
        if !self.unfinished.is_empty() && is_root {
            span.end_at(wall_clock());
            self.unfinished.clear();
        }
        result
    }

    fn detached(
        &mut self,
        told: &scenario::Span,
        builder: SpanBuilder,
        is_root: bool,
    ) -> Result<(), Failure> {
        let builder = match told.start_time {
            Some(nanos) => builder.start_time(at(nanos)),
            None => builder,
        };
        let span = start(told, builder);
        let result = self.recorded(told, &span, is_root);
        if let Some(nanos) = told.end_time {
            span.end_at(at(nanos));
        }
        result
    }

    /// What happens in a function; the span is told by what traces it how that ended.
    fn body(&mut self, told: &scenario::Span, is_root: bool) -> Result<(), Failure> {
        self.fill(told, &Span::current(), is_root)
    }

    /// What happens in a span that is told of a failure by the program.
    fn recorded(
        &mut self,
        told: &scenario::Span,
        span: &Span,
        is_root: bool,
    ) -> Result<(), Failure> {
        self.fill(told, span, is_root).inspect_err(|failure| failure.record(span))
    }

    /// Everything that a span carries, and its children.
    fn fill(&mut self, told: &scenario::Span, span: &Span, is_root: bool) -> Result<(), Failure> {
        self.note(span.context().span().span_context().clone(), is_root);
        content::begin(span, told, self.made);
        if let Some(update) = &told.trace {
            content::update(update);
        }
        for child in &told.children {
            let result = self.span(child, Some(span));
            if !child.caught {
                result?;
            }
        }
        content::end(span, told);
        if let Some(noted) = &told.exception {
            Failure::of(noted).record(span);
        }
        told.error.as_ref().map_or(Ok(()), |error| Err(Failure::of(error)))
    }

    /// Remembers a root; one that is not recorded is none.
    fn note(&mut self, span: SpanContext, is_root: bool) {
        if is_root && span.is_sampled() {
            self.roots.push(span);
        }
    }
}

pub(super) fn start(told: &scenario::Span, builder: SpanBuilder) -> Span {
    match &told.kind {
        Some(kind) => builder.span_type(kind.as_str()).start(),
        None => builder.start(),
    }
}
