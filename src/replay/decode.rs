//! One line of OTLP/JSON → spans with their resource. Pure, and without a panic whatever it reads.

use std::str::FromStr as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::InstrumentationScope;
use opentelemetry::KeyValue;
use opentelemetry::trace::{
    Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use serde_json::Value as Json;

use super::field::{self, Result};
use super::value::{Attributes, attributes};
use crate::export::encode::FLAG_IS_REMOTE;
use crate::semconv::private;

/// How our own lines begin. No JSON string can hold this: its quotes would be escaped.
const START: &[u8] = b"{\"resourceSpans\":[";

/// Spans of one resource, in the order they were written.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) resource: Resource,
    pub(super) spans: Vec<SpanData>,
}

/// What could be read of a line, and what was wrong with the rest.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub(super) groups: Vec<Group>,
    pub(super) faults: Vec<String>,
}

pub(super) fn line(bytes: &[u8]) -> Decoded {
    let mut decoded = Decoded::default();
    if bytes.trim_ascii().is_empty() {
        return decoded;
    }
    let request = serde_json::from_slice(bytes).or_else(|error| {
        decoded.faults.push(format!("no JSON: {error}"));
        // A writer that was killed leaves half a line, and the next line is appended to it.
        last_start(bytes).and_then(|rest| serde_json::from_slice(rest).ok()).ok_or(())
    });
    let Ok(request) = request else {
        return decoded;
    };
    if let Err(fault) = decoded.request(&request) {
        decoded.faults.push(fault);
    }
    decoded
}

/// The line that begins inside another.
fn last_start(bytes: &[u8]) -> Option<&[u8]> {
    let at = bytes.windows(START.len()).rposition(|window| window == START)?;
    bytes.get(at..).filter(|_| at > 0)
}

impl Decoded {
    fn request(&mut self, request: &Json) -> Result<()> {
        if !request.is_object() {
            return Err("no OTLP request".to_owned());
        }
        for resource_spans in field::list(request, "resourceSpans")? {
            let resource = resource(resource_spans)?;
            let mut spans = Vec::new();
            for scope_spans in field::list(resource_spans, "scopeSpans")? {
                if let Err(fault) = self.scope_spans(scope_spans, &mut spans) {
                    self.faults.push(fault);
                }
            }
            match self.groups.last_mut() {
                _ if spans.is_empty() => {}
                Some(last) if last.resource == resource => last.spans.append(&mut spans),
                _ => self.groups.push(Group { resource, spans }),
            }
        }
        Ok(())
    }

    /// A span that cannot be read does not cost its neighbours.
    fn scope_spans(&mut self, scope_spans: &Json, spans: &mut Vec<SpanData>) -> Result<()> {
        let scope = scope(scope_spans)?;
        for json in field::list(scope_spans, "spans")? {
            match span(json, &scope) {
                Ok(span) => spans.push(span),
                Err(fault) => self.faults.push(format!("a span: {fault}")),
            }
        }
        Ok(())
    }
}

fn resource(parent: &Json) -> Result<Resource> {
    let attributes = match field::object(parent, "resource")? {
        Some(resource) => attributes(resource)?.all,
        None => Vec::new(),
    };
    let builder = Resource::builder_empty();
    Ok(match field::text(parent, "schemaUrl")? {
        "" => builder.with_attributes(attributes).build(),
        url => builder.with_schema_url(attributes, url.to_owned()).build(),
    })
}

fn scope(parent: &Json) -> Result<InstrumentationScope> {
    let none = Json::Null;
    let json = field::object(parent, "scope")?.unwrap_or(&none);
    let mut scope = InstrumentationScope::builder(field::text(json, "name")?.to_owned())
        .with_attributes(attributes(json)?.all);
    let version = field::text(json, "version")?;
    if !version.is_empty() {
        scope = scope.with_version(version.to_owned());
    }
    let url = field::text(parent, "schemaUrl")?;
    if !url.is_empty() {
        scope = scope.with_schema_url(url.to_owned());
    }
    Ok(scope.build())
}

fn span(json: &Json, scope: &InstrumentationScope) -> Result<SpanData> {
    let span_context = context(json)?;
    if !span_context.is_valid() {
        return Err("traceId or spanId is missing".to_owned());
    }
    let flags = field::small(json, "flags")?;
    let Attributes { all, json_keys } = attributes(json)?;
    let notes = json_keys.into_iter().map(|key| KeyValue::new(private::JSON, key));
    let attributes = notes.chain(all).collect();
    let mut events = SpanEvents::default();
    events.events = field::list(json, "events")?.iter().map(event).collect::<Result<_>>()?;
    events.dropped_count = field::small(json, "droppedEventsCount")?;
    let mut links = SpanLinks::default();
    links.links = field::list(json, "links")?.iter().map(link).collect::<Result<_>>()?;
    links.dropped_count = field::small(json, "droppedLinksCount")?;
    Ok(SpanData {
        // Whether a span itself is remote is nothing that OTLP says.
        span_context,
        parent_span_id: SpanId::from_bytes(field::id(json, "parentSpanId")?),
        parent_span_is_remote: flags & FLAG_IS_REMOTE != 0,
        span_kind: kind(json)?,
        name: field::text(json, "name")?.to_owned().into(),
        start_time: time(json, "startTimeUnixNano")?,
        end_time: time(json, "endTimeUnixNano")?,
        attributes,
        dropped_attributes_count: field::small(json, "droppedAttributesCount")?,
        events,
        links,
        status: status(json)?,
        instrumentation_scope: scope.clone(),
    })
}

fn event(json: &Json) -> Result<Event> {
    let name = field::text(json, "name")?.to_owned();
    let dropped = field::small(json, "droppedAttributesCount")?;
    Ok(Event::new(name, time(json, "timeUnixNano")?, attributes(json)?.all, dropped))
}

fn link(json: &Json) -> Result<Link> {
    let context = context(json)?;
    let is_remote = field::small(json, "flags")? & FLAG_IS_REMOTE != 0;
    let context = SpanContext::new(
        context.trace_id(),
        context.span_id(),
        context.trace_flags(),
        is_remote,
        context.trace_state().clone(),
    );
    let dropped = field::small(json, "droppedAttributesCount")?;
    Ok(Link::new(context, attributes(json)?.all, dropped))
}

/// The ids, flags and state of a span or a link.
fn context(json: &Json) -> Result<SpanContext> {
    let [flags, ..] = field::small(json, "flags")?.to_le_bytes();
    Ok(SpanContext::new(
        TraceId::from_bytes(field::id(json, "traceId")?),
        SpanId::from_bytes(field::id(json, "spanId")?),
        TraceFlags::new(flags),
        false,
        // A state that is none must not cost the span.
        TraceState::from_str(field::text(json, "traceState")?).unwrap_or_default(),
    ))
}

fn kind(json: &Json) -> Result<SpanKind> {
    let names = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
    Ok(match field::choice(json, "kind", "SPAN_KIND_", &names)? {
        2 => SpanKind::Server,
        3 => SpanKind::Client,
        4 => SpanKind::Producer,
        5 => SpanKind::Consumer,
        _ => SpanKind::Internal,
    })
}

fn status(json: &Json) -> Result<Status> {
    let Some(json) = field::object(json, "status")? else {
        return Ok(Status::Unset);
    };
    Ok(match field::choice(json, "code", "STATUS_CODE_", &["UNSET", "OK", "ERROR"])? {
        1 => Status::Ok,
        2 => Status::error(field::text(json, "message")?.to_owned()),
        _ => Status::Unset,
    })
}

fn time(json: &Json, name: &str) -> Result<SystemTime> {
    let since = Duration::from_nanos(field::unsigned(json, name)?);
    UNIX_EPOCH.checked_add(since).ok_or_else(|| format!("{name} is too late"))
}

#[cfg(test)]
mod tests;
