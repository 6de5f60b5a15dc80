//! The limits on attributes that an environment may ask for. Pure.
//!
//! Source: OpenTelemetry specification, common, attribute limits. The SDK does not cut values, and
//! counts without knowing what matters: MLflow's and the GenAI conventions' attributes are few,
//! and what a trace is read by, so they are never cut off, and only text of the user's is cut.
//!
//! Beside that, a limit of our own in bytes, for values that no UI shows and no receiver takes.

use opentelemetry::{Array, KeyValue, StringValue, Value};

use crate::model::budget;
use crate::model::span::Span;
use crate::model::text::{Content, cut};

/// How much of a span is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SpanTrim {
    /// Attributes of a span beside the reserved ones.
    pub(crate) max_attributes: Option<usize>,
    /// Characters of a text.
    pub(crate) max_chars: Option<usize>,
    /// Bytes of one value.
    pub(crate) content_bytes: Option<usize>,
}

impl SpanTrim {
    /// Cuts off what is too much of a span that weighs `weight`, and counts it.
    pub(crate) fn apply(self, span: &mut Span, weight: usize) {
        if let Some(max) = self.max_attributes {
            let given = span.arguments.len();
            span.arguments.truncate(max);
            let dropped = given - span.arguments.len();
            let dropped =
                dropped + drop_attributes(&mut span.data.attributes, max - span.arguments.len());
            let dropped = u32::try_from(dropped).unwrap_or(u32::MAX);
            span.data.dropped_attributes_count =
                span.data.dropped_attributes_count.saturating_add(dropped);
        }
        if let Some(max) = self.max_chars {
            let events = span.data.events.events.iter_mut().flat_map(|event| &mut event.attributes);
            let links = span.data.links.links.iter_mut().flat_map(|link| &mut link.attributes);
            let own = span.data.attributes.iter_mut().filter(|kv| !is_reserved(kv));
            span.arguments.iter_mut().chain(own).chain(events).chain(links).for_each(|kv| {
                shorten(&mut kv.value, max);
            });
            for content in [&mut span.inputs, &mut span.outputs].into_iter().flatten() {
                if content.as_str().chars().nth(max).is_some() {
                    shorten_content(content, max);
                }
            }
        }
        if let Some(max) = self.content_bytes {
            // No value is longer than all of them.
            if weight > max || budget::has_long_content(span, max) {
                budget::limit_values(span, max);
            }
        }
    }
}

fn is_reserved(kv: &KeyValue) -> bool {
    budget::is_reserved(kv.key.as_str())
}

/// JSON stays JSON; other text is cut as the specification has it, without a mark.
fn shorten_content(content: &mut Content, max: usize) {
    match content {
        Content::Json(_) => content.shorten(max),
        Content::Text(text) => *text = cut(text, max).to_owned(),
    }
}

/// Keeps the first `max` of those that are not reserved; returns how many went.
fn drop_attributes(attributes: &mut Vec<KeyValue>, max: usize) -> usize {
    let before = attributes.len();
    let mut left = max;
    attributes.retain(|kv| {
        let reserved = is_reserved(kv);
        let keep = reserved || left > 0;
        left -= usize::from(keep && !reserved);
        keep
    });
    before - attributes.len()
}

fn shorten(value: &mut Value, max: usize) {
    let short = |text: &StringValue| StringValue::from(cut(text.as_str(), max).to_owned());
    match value {
        Value::String(text) => *text = short(text),
        Value::Array(Array::String(items)) => {
            for text in items {
                *text = short(text);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{plain, root_data};

    fn span(attributes: &[(&'static str, &'static str)]) -> Span {
        let mut span = plain(root_data([]));
        span.data.attributes =
            attributes.iter().map(|(key, value)| KeyValue::new(*key, *value)).collect();
        span
    }

    fn keys(span: &Span) -> Vec<&str> {
        span.data.attributes.iter().map(|kv| kv.key.as_str()).collect()
    }

    #[test]
    fn without_a_limit_nothing_is_touched() {
        let mut trimmed = span(&[("a", "long text"), ("b", "2")]);
        let before = format!("{trimmed:?}");
        SpanTrim::default().apply(&mut trimmed, 0);
        assert_eq!(format!("{trimmed:?}"), before);
    }

    #[test]
    fn reserved_attributes_do_not_count_and_what_goes_is_counted() {
        let mut trimmed = span(&[
            ("a", "1"),
            ("mlflow.spanType", "TOOL"),
            ("b", "2"),
            ("c", "3"),
            ("gen_ai.x", "4"),
        ]);
        SpanTrim { max_attributes: Some(1), max_chars: None, content_bytes: None }
            .apply(&mut trimmed, 0);
        assert_eq!(keys(&trimmed), ["a", "mlflow.spanType", "gen_ai.x"]);
        assert_eq!(trimmed.data.dropped_attributes_count, 2);
    }

    #[test]
    fn arguments_count_before_other_attributes() {
        let mut trimmed = span(&[("a", "1"), ("b", "2")]);
        trimmed.arguments = vec![KeyValue::new("x", 1), KeyValue::new("y", 2)];
        SpanTrim { max_attributes: Some(3), max_chars: None, content_bytes: None }
            .apply(&mut trimmed, 0);
        assert_eq!((trimmed.arguments.len(), keys(&trimmed)), (2, vec!["a"]));
        SpanTrim { max_attributes: Some(1), max_chars: None, content_bytes: None }
            .apply(&mut trimmed, 0);
        assert_eq!((trimmed.arguments.len(), keys(&trimmed)), (1, vec![]));
        assert_eq!(trimmed.data.dropped_attributes_count, 3);
    }

    #[test]
    fn text_is_cut_by_characters_and_reserved_text_is_not() {
        let mut trimmed = span(&[("a", "äöüß"), ("mlflow.spanType", "CHAT_MODEL")]);
        trimmed.inputs = Some(Content::Json("{\"a\":1}".to_owned()));
        trimmed.outputs = Some(Content::Text("ab".to_owned()));
        SpanTrim { max_attributes: None, max_chars: Some(3), content_bytes: None }
            .apply(&mut trimmed, 0);
        assert_eq!(trimmed.text("a"), Some("äöü"));
        assert_eq!(trimmed.text("mlflow.spanType"), Some("CHAT_MODEL"));
        assert_eq!(trimmed.inputs, Some(Content::Json("{}".to_owned())));
        assert_eq!(trimmed.outputs, Some(Content::Text("ab".to_owned())));
    }

    #[test]
    fn a_value_that_is_too_long_is_cut_and_named_by_whichever_it_is_seen() {
        let long = "x".repeat(2000);
        let trim = SpanTrim { max_attributes: None, max_chars: None, content_bytes: Some(1000) };
        for weight in [1, 2001] {
            let mut trimmed = span(&[("a", "short")]);
            trimmed.inputs = Some(Content::Text(long.clone()));
            trim.apply(&mut trimmed, weight);
            assert!(trimmed.inputs.unwrap().as_str().ends_with("… [2000 bytes in all]"));
        }
        let mut trimmed = plain(root_data([KeyValue::new("a", long)]));
        trim.apply(&mut trimmed, 2001);
        assert_eq!(trimmed.text("a").unwrap().len(), 1000);
        assert_eq!(trimmed.text("mlflow_tracing.truncated"), Some("{\"a\":2000}"));
    }
}
