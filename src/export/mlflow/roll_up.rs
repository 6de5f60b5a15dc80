//! What the spans of a trace took and cost together, and how large they are.
//!
//! A trace may leave in many chunks, so of each span its size and its place in the tree are kept
//! until the root has come: 32 bytes, and more for those that report something. [`MAX_SPANS`] bounds
//! that for a trace; of a larger one nothing is told, and the server's own sums stand.

use opentelemetry::trace::SpanId;
use serde_json::{Map, Value};

use super::sizes;
use crate::model::cost::Cost;
use crate::model::roll_up::{Node, total};
use crate::model::span::Span;
use crate::model::token_usage::TokenUsage;
use crate::semconv::{metadata, span as keys};

/// Spans of one trace that are remembered.
const MAX_SPANS: usize = 100_000;

#[derive(Debug, Default)]
pub(super) struct RollUp {
    places: Vec<Place>,
    is_too_large: bool,
}

#[derive(Debug)]
struct Place {
    id: SpanId,
    parent: SpanId,
    /// Of the span as it is sent.
    bytes: usize,
    report: Option<Box<Report>>,
}

/// What a span reports itself.
#[derive(Clone, Copy, Debug)]
struct Report {
    usage: Option<TokenUsage>,
    price: Option<Price>,
}

#[derive(Clone, Copy, Debug)]
enum Price {
    Known(Cost),
    /// The server may know one for the model.
    Open,
}

impl RollUp {
    /// Adds a span that is sent in so many bytes.
    pub(super) fn add(&mut self, span: &Span, bytes: usize) {
        if self.places.len() >= MAX_SPANS {
            self.give_up();
        }
        if !self.is_too_large {
            self.places.push(Place {
                id: span.data.span_context.span_id(),
                parent: span.data.parent_span_id,
                bytes,
                report: Report::of(span).map(Box::new),
            });
        }
    }

    /// Spans that are remembered.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Remembers nothing of the trace, for ever.
    pub(super) fn give_up(&mut self) {
        *self = Self { places: Vec::new(), is_too_large: true };
    }

    /// Writes down what is known.
    pub(super) fn describe(&self, entries: &mut Map<String, Value>) {
        if self.is_too_large {
            return;
        }
        sizes::describe(self.places.iter().map(|place| place.bytes).collect(), entries);
        let mut put = |key: &str, json: serde_json::Result<String>| {
            if let Ok(json) = json {
                entries.insert(key.to_owned(), json.into());
            }
        };
        if let Some(usage) = self.usage() {
            put(metadata::TOKEN_USAGE, serde_json::to_string(&usage));
        }
        if let Some(cost) = self.cost() {
            put(metadata::COST, serde_json::to_string(&cost));
        }
    }

    fn usage(&self) -> Option<TokenUsage> {
        total(&self.nodes(|report| report.usage), TokenUsage::plus)
    }

    /// None when a part of it is the server's to say: it would keep our sum for the whole.
    fn cost(&self) -> Option<Cost> {
        let sum = total(&self.nodes(|report| report.price), |one, other| match (one, other) {
            (Price::Known(one), Price::Known(other)) => Price::Known(one.plus(other)),
            _ => Price::Open,
        });
        match sum {
            Some(Price::Known(cost)) => Some(cost),
            _ => None,
        }
    }

    fn nodes<T>(&self, own: impl Fn(&Report) -> Option<T>) -> Vec<Node<T>> {
        if self.places.iter().all(|place| place.report.is_none()) {
            return Vec::new();
        }
        let node = |place: &Place| Node {
            id: place.id,
            parent: place.parent,
            own: place.report.as_deref().and_then(&own),
        };
        self.places.iter().map(node).collect()
    }
}

impl Report {
    fn of(span: &Span) -> Option<Self> {
        let usage = span.token_usage();
        let price = match span.cost() {
            Some(cost) => Some(Price::Known(cost)),
            None => is_open(span, usage).then_some(Price::Open),
        };
        (usage.is_some() || price.is_some()).then_some(Self { usage, price })
    }
}

/// Whether the server looks for the price: nobody has said it, but of what, and how much.
fn is_open(span: &Span, usage: Option<TokenUsage>) -> bool {
    usage.is_some_and(|usage| usage.counts())
        && span.model().is_some()
        && span.attribute(keys::COST).is_none()
}

#[cfg(test)]
mod tests;
