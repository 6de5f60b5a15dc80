//! Plays the scenario with this crate, as `play.py` plays it with the Python SDK.

use std::collections::BTreeMap;
use std::thread;

use mlflow_tracing::opentelemetry::KeyValue;
use mlflow_tracing::opentelemetry::trace::{SpanContext, TraceContextExt as _};
use mlflow_tracing::tracing_opentelemetry::OpenTelemetrySpanExt as _;
use mlflow_tracing::{MlflowSpanExt as _, SpanBuilder, semconv, span_builder};
use tracing::subscriber::NoSubscriber;
use tracing::{Instrument as _, Span};

use super::content::{self, at};
use super::failure::Failure;
use super::scenario::{self, How, Reducer, Trace};
use super::value::Given;
use crate::support::time::wall_clock;

/// The roots that were made of each trace of the scenario.
pub(crate) type Made = BTreeMap<String, Vec<SpanContext>>;

/// Plays one trace of the scenario, in the current subscriber.
pub(crate) fn play(trace: &Trace, made: &mut Made) {
    let mut player = Player { trace, made, roots: Vec::new(), unfinished: Vec::new() };
    let mut play = || {
        for span in &trace.spans {
            // What a root lets through has ended it.
            let _ = player.span(span, None);
        }
    };
    if trace.context.enabled == Some(false) {
        tracing::subscriber::with_default(NoSubscriber::new(), play);
    } else {
        play();
    }
    let roots = player.roots;
    made.insert(trace.name.clone(), roots);
}

struct Player<'a> {
    trace: &'a Trace,
    made: &'a Made,
    roots: Vec<SpanContext>,
    /// Spans that end after their root.
    unfinished: Vec<Span>,
}

/// Where a span is made.
#[derive(Clone, Copy)]
struct Place<'a> {
    root: &'a Span,
    parent: &'a Span,
}

impl Player<'_> {
    /// Makes a span in the way that it asks for.
    fn span(&mut self, told: &scenario::Span, place: Option<Place<'_>>) -> Result<(), Failure> {
        let builder = span_builder(told.name.clone());
        let parent = place.map_or_else(Span::none, |place| place.parent.clone());
        match told.how {
            How::Scope => self.current(told, builder, place),
            How::Function => self.function(told, builder, place),
            How::AsyncFunction => tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap()
                .block_on(async { self.function(told, builder, place) }.in_current_span()),
            How::Stream => self.stream(told, builder, place),
            How::Thread => {
                let dispatch = tracing::dispatcher::get_default(Clone::clone);
                let work = || parent.in_scope(|| self.current(told, builder, place));
                thread::scope(|scope| {
                    let thread = || tracing::dispatcher::with_default(&dispatch, work);
                    scope.spawn(thread).join().unwrap()
                })
            }
            How::Remote => {
                let parent = parent.context().span().span_context().clone();
                self.current(told, builder.remote_parent(parent), place)
            }
            How::Root => self.detached(told, builder.root(), None),
            How::Detached => self.detached(told, builder.parent(&parent), place),
            How::Late => {
                let span = start(told, builder.parent(&parent));
                let result = self.fill(told, &span, place);
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
        place: Option<Place<'_>>,
    ) -> Result<(), Failure> {
        let span = start(told, builder);
        let result = span.in_scope(|| self.fill(told, &span, place));
        if !self.unfinished.is_empty() && place.is_none() {
            span.end_at(wall_clock());
            self.unfinished.clear();
        }
        result
    }

    fn function(
        &mut self,
        told: &scenario::Span,
        builder: SpanBuilder,
        place: Option<Place<'_>>,
    ) -> Result<(), Failure> {
        let span = start(told, builder);
        span.set_attribute(semconv::span::FUNCTION_NAME, told.name.clone());
        span.set_inputs(&Given(&told.arguments));
        span.in_scope(|| self.fill(told, &span, place))
    }

    fn stream(
        &mut self,
        told: &scenario::Span,
        builder: SpanBuilder,
        place: Option<Place<'_>>,
    ) -> Result<(), Failure> {
        let span = start(told, builder);
        span.set_inputs(&Given(&told.arguments));
        let taken = &told.items[..told.taken.unwrap_or(told.items.len())];
        for (index, item) in taken.iter().enumerate() {
            let item = KeyValue::new("mlflow.chunk.value", serde_json::to_string(item).unwrap());
            span.add_event(format!("mlflow.chunk.item.{index}"), vec![item]);
        }
        self.fill(told, &span, place)?;
        match told.reducer {
            Some(Reducer::Join) => span.set_outputs(&content::joined(taken)),
            None => span.set_outputs(taken),
        };
        Ok(())
    }

    fn detached(
        &mut self,
        told: &scenario::Span,
        builder: SpanBuilder,
        place: Option<Place<'_>>,
    ) -> Result<(), Failure> {
        let builder = match told.start_time {
            Some(nanos) => builder.start_time(at(nanos)),
            None => builder,
        };
        let span = start(told, builder);
        let result = self.fill(told, &span, place);
        if let Some(nanos) = told.end_time {
            span.end_at(at(nanos));
        }
        result
    }

    /// Everything that a span carries, and its children.
    fn fill(
        &mut self,
        told: &scenario::Span,
        span: &Span,
        place: Option<Place<'_>>,
    ) -> Result<(), Failure> {
        let root = place.map_or(span, |place| place.root);
        if place.is_none() && !span.is_disabled() {
            self.roots.push(span.context().span().span_context().clone());
            content::update(span, &self.trace.context);
        }
        content::begin(span, told, self.made);
        if let Some(update) = &told.trace {
            content::update(root, update);
        }
        let inside = Some(Place { root, parent: span });
        let children = told.children.iter();
        let mut failed = children.map(|child| (child.caught, self.span(child, inside)));
        let passed_on = failed.find_map(|(caught, result)| result.err().filter(|_| !caught));
        let raised = passed_on.map_or_else(
            || {
                content::end(span, told);
                if let Some(noted) = &told.exception {
                    Failure::of(noted).record(span);
                }
                told.error.as_ref().map(Failure::of)
            },
            Some,
        );
        raised.map_or(Ok(()), |failure| {
            failure.record(span);
            Err(failure)
        })
    }
}

fn start(told: &scenario::Span, builder: SpanBuilder) -> Span {
    match &told.kind {
        Some(kind) => builder.span_type(kind.as_str()).start(),
        None => builder.start(),
    }
}
