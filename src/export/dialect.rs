//! The seam between what a span is and what a destination is told of it.

use std::borrow::Cow;

use opentelemetry::trace::{SpanId, Status};
use opentelemetry_sdk::trace::SpanData;

use crate::model::said::Said;
use crate::model::span::Span;

/// The words of a destination. Whatever is not named here is said as the span has it.
pub(crate) trait Dialect {
    /// What is said differently of a span, beside its attributes.
    fn head<'a>(&self, span: &'a Span) -> Head<'a> {
        Head::of(&span.data)
    }

    /// Says each attribute of the span, in order, each key once.
    fn attributes(&self, span: &Span, say: &mut Say<'_>);

    /// The same as a span of the SDK.
    fn data(&self, span: &Span) -> SpanData {
        let Head { name, status, parent, parent_is_remote } = self.head(span);
        let mut attributes = Vec::new();
        self.attributes(span, &mut |key, said| attributes.push(said.to_key_value(key)));
        SpanData {
            parent_span_id: parent,
            parent_span_is_remote: parent_is_remote,
            name: Cow::Owned(name.into_owned()),
            attributes,
            status: status.into_owned(),
            ..without_attributes(&span.data)
        }
    }
}

/// Takes a key and its value.
pub(crate) type Say<'s> = dyn FnMut(&str, Said<'_>) + 's;

#[derive(Clone, Debug)]
pub(crate) struct Head<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) status: Cow<'a, Status>,
    pub(crate) parent: SpanId,
    pub(crate) parent_is_remote: bool,
}

impl<'a> Head<'a> {
    pub(crate) fn of(data: &'a SpanData) -> Self {
        Self {
            name: Cow::Borrowed(&data.name),
            status: Cow::Borrowed(&data.status),
            parent: data.parent_span_id,
            parent_is_remote: data.parent_span_is_remote,
        }
    }
}

fn without_attributes(data: &SpanData) -> SpanData {
    SpanData {
        span_context: data.span_context.clone(),
        parent_span_id: data.parent_span_id,
        parent_span_is_remote: data.parent_span_is_remote,
        span_kind: data.span_kind.clone(),
        name: data.name.clone(),
        start_time: data.start_time,
        end_time: data.end_time,
        attributes: Vec::new(),
        dropped_attributes_count: data.dropped_attributes_count,
        events: data.events.clone(),
        links: data.links.clone(),
        status: data.status.clone(),
        instrumentation_scope: data.instrumentation_scope.clone(),
    }
}
