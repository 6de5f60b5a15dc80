//! The limits on attributes that an environment may ask for. Pure.
//!
//! Source: OpenTelemetry specification, common, attribute limits. The SDK does not cut values, and
//! counts without knowing what matters: MLflow's and the GenAI conventions' attributes are few,
//! and what a trace is read by, so they are never cut off, and only text of the user's is cut.

use opentelemetry::{Array, KeyValue, StringValue, Value};

use crate::model::span::Span;
use crate::model::text::{Content, cut};

/// How much of a span is kept; all of it by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SpanTrim {
    /// Attributes of a span beside the reserved ones.
    pub(crate) max_attributes: Option<usize>,
    /// Characters of a text.
    pub(crate) max_chars: Option<usize>,
}

/// What the attributes of a span are never cut off for.
const RESERVED: [&str; 5] = ["mlflow.", "gen_ai.", "session.id", "user.id", "mlflow_tracing."];

impl SpanTrim {
    /// Cuts off what is too much, and counts it.
    pub(crate) fn apply(self, span: &mut Span) {
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
                    *content = Content::Text(cut(content.as_str(), max).to_owned());
                }
            }
        }
    }
}

fn is_reserved(kv: &KeyValue) -> bool {
    RESERVED.iter().any(|prefix| kv.key.as_str().starts_with(prefix))
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
        SpanTrim::default().apply(&mut trimmed);
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
        SpanTrim { max_attributes: Some(1), max_chars: None }.apply(&mut trimmed);
        assert_eq!(keys(&trimmed), ["a", "mlflow.spanType", "gen_ai.x"]);
        assert_eq!(trimmed.data.dropped_attributes_count, 2);
    }

    #[test]
    fn arguments_count_before_other_attributes() {
        let mut trimmed = span(&[("a", "1"), ("b", "2")]);
        trimmed.arguments = vec![KeyValue::new("x", 1), KeyValue::new("y", 2)];
        SpanTrim { max_attributes: Some(3), max_chars: None }.apply(&mut trimmed);
        assert_eq!((trimmed.arguments.len(), keys(&trimmed)), (2, vec!["a"]));
        SpanTrim { max_attributes: Some(1), max_chars: None }.apply(&mut trimmed);
        assert_eq!((trimmed.arguments.len(), keys(&trimmed)), (1, vec![]));
        assert_eq!(trimmed.data.dropped_attributes_count, 3);
    }

    #[test]
    fn text_is_cut_by_characters_and_reserved_text_is_not() {
        let mut trimmed = span(&[("a", "äöüß"), ("mlflow.spanType", "CHAT_MODEL")]);
        trimmed.inputs = Some(Content::Json("{\"a\":1}".to_owned()));
        trimmed.outputs = Some(Content::Text("ab".to_owned()));
        SpanTrim { max_attributes: None, max_chars: Some(3) }.apply(&mut trimmed);
        assert_eq!(trimmed.text("a"), Some("äöü"));
        assert_eq!(trimmed.text("mlflow.spanType"), Some("CHAT_MODEL"));
        // What is cut is no JSON any more.
        assert_eq!(trimmed.inputs, Some(Content::Text("{\"a".to_owned())));
        assert_eq!(trimmed.outputs, Some(Content::Text("ab".to_owned())));
    }
}
