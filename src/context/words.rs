//! What a program says of a trace, as attributes of its root.

use std::borrow::Cow;

use opentelemetry::KeyValue;

use crate::diagnostics;
use crate::semconv::{metadata, tag, trace};

pub(super) fn session(id: impl Into<String>) -> KeyValue {
    KeyValue::new(trace::SESSION, id.into())
}

pub(super) fn user(id: impl Into<String>) -> KeyValue {
    KeyValue::new(trace::USER, id.into())
}

pub(super) fn client_request_id(id: impl Into<String>) -> KeyValue {
    KeyValue::new(trace::CLIENT_REQUEST_ID, id.into())
}

pub(super) fn model_id(id: impl Into<String>) -> KeyValue {
    KeyValue::new(trace::MODEL_ID, id.into())
}

pub(super) fn source_run(id: impl Into<String>) -> KeyValue {
    KeyValue::new(trace::SOURCE_RUN, id.into())
}

/// `None`, and a warning, when the name is not the program's to give.
pub(super) fn tag(key: &str, value: impl Into<String>) -> Option<KeyValue> {
    let taken = tag::is_reserved(key).then_some("it belongs to the server");
    accept("tag", key, taken)?;
    Some(KeyValue::new(format!("{}{key}", trace::TAG_PREFIX), value.into()))
}

/// The same for metadata. The names under which the server keeps what there are words for are
/// taken for those words.
pub(super) fn metadata(key: &str, value: impl Into<String>) -> Option<KeyValue> {
    let taken = metadata::is_reserved(key).then_some("it is worked out when the trace is stored");
    accept("metadata", key, taken)?;
    let name = match key {
        metadata::SESSION => Cow::Borrowed(trace::SESSION),
        metadata::USER => trace::USER.into(),
        trace::MODEL_ID | trace::SOURCE_RUN => key.to_owned().into(),
        _ => format!("{}{key}", trace::METADATA_PREFIX).into(),
    };
    Some(KeyValue::new(name, value.into()))
}

fn accept(kind: &str, key: &str, taken: Option<&str>) -> Option<()> {
    let reason = if key.is_empty() { Some("a name is needed") } else { taken };
    let Some(reason) = reason else { return Some(()) };
    diagnostics::warn_once(&format!("the trace's {kind} `{key}` was not set: {reason}"));
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(said: Option<KeyValue>) -> Option<String> {
        said.map(|kv| kv.key.as_str().to_owned())
    }

    #[test]
    fn tags_of_the_server_are_refused_but_for_the_two_that_a_client_may_set() {
        for refused in ["mlflow.trace.spansLocation", "mlflow.artifactLocation", "mlflow.user", ""]
        {
            assert_eq!(key_of(tag(refused, "x")), None, "{refused}");
        }
        for accepted in ["mlflow.traceName", "mlflow.linkedPrompts", "team", "mlflowish"] {
            let key = format!("mlflow.traceTag.{accepted}");
            assert_eq!(key_of(tag(accepted, "x")), Some(key));
        }
    }

    #[test]
    fn metadata_that_the_trace_comes_to_is_refused_and_other_names_of_mlflow_are_not() {
        for refused in [
            "mlflow.trace.infoFinalized",
            "mlflow.trace.sizeStats",
            "mlflow.trace.tokenUsage",
            "mlflow.trace_schema.version",
            "mlflow.traceInputs",
            "",
        ] {
            assert_eq!(key_of(metadata(refused, "x")), None, "{refused}");
        }
        for accepted in ["tenant", "mlflow.source.git.commit", "mlflow.user"] {
            let key = format!("mlflow.traceMetadata.{accepted}");
            assert_eq!(key_of(metadata(accepted, "x")), Some(key));
        }
    }

    #[test]
    fn metadata_that_there_is_a_word_for_is_that_word() {
        for (key, word) in [
            ("mlflow.trace.session", session("x")),
            ("mlflow.trace.user", user("x")),
            ("mlflow.modelId", model_id("x")),
            ("mlflow.sourceRun", source_run("x")),
        ] {
            assert_eq!(metadata(key, "x"), Some(word));
        }
    }
}
