//! MLflow's way of writing `OpenTelemetry` ids.

use opentelemetry::trace::{SpanId, TraceId};

const PREFIX: &str = "tr-";

/// `tr-` and 32 lowercase hexadecimal digits.
///
/// Source: mlflow 3.17.2 `tracing/utils/__init__.py` `generate_mlflow_trace_id_from_otel_trace_id`.
pub(crate) fn mlflow_trace_id(id: TraceId) -> String {
    format!("{PREFIX}{id}")
}

/// A trace's id as MLflow writes it, or the digits alone; none where it is none.
pub(crate) fn parse_trace_id(text: &str) -> Option<TraceId> {
    let digits = text.strip_prefix(PREFIX).unwrap_or(text);
    let id = hexadecimal(digits, 32).and_then(|digits| TraceId::from_hex(digits).ok())?;
    (id != TraceId::INVALID).then_some(id)
}

/// 16 hexadecimal digits; none where they are no span's id.
pub(crate) fn parse_span_id(text: &str) -> Option<SpanId> {
    let id = hexadecimal(text, 16).and_then(|digits| SpanId::from_hex(digits).ok())?;
    (id != SpanId::INVALID).then_some(id)
}

fn hexadecimal(text: &str, len: usize) -> Option<&str> {
    (text.len() == len && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_id_is_read_as_it_is_written() {
        let id = TraceId::from(0xabc);
        assert_eq!(parse_trace_id(&mlflow_trace_id(id)), Some(id));
        assert_eq!(parse_trace_id(&id.to_string().to_uppercase()), Some(id));
        let zeros = "0".repeat(32);
        let short = format!("tr-{}", "1".repeat(31));
        let signed = format!("+{}", "1".repeat(31));
        for wrong in ["", "tr-", "MLFLOW_NO_OP_SPAN_TRACE_ID", &zeros, &short, &signed] {
            assert_eq!(parse_trace_id(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_span_id_is_sixteen_digits() {
        let id = SpanId::from(0xabc);
        assert_eq!(parse_span_id(&id.to_string()), Some(id));
        for wrong in ["", "abc", "0000000000000000", "+000000000000abc", "é00000000000000"] {
            assert_eq!(parse_span_id(wrong), None, "{wrong}");
        }
    }
}
