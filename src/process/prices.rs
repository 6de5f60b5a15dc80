//! Gives spans what they cost. Pure.

use opentelemetry::KeyValue;

use crate::model::price_table::PriceTable;
use crate::model::span::Span;
use crate::semconv::span as keys;

/// Adds the cost of a span that says model and tokens. What a span says of its cost itself, were it
/// that there is none to say, stays.
pub(crate) fn apply(prices: &PriceTable, span: &mut Span) {
    if span.attribute(keys::COST).is_some() {
        return;
    }
    let (Some(model), Some(usage)) = (span.model(), span.token_usage()) else { return };
    let cost = prices.cost(model, span.provider(), &usage);
    if let Some(cost) = cost.and_then(|cost| serde_json::to_string(&cost).ok()) {
        span.data.attributes.push(KeyValue::new(keys::COST, cost));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{plain, root_data};

    const USAGE: &str = r#"{"input_tokens":2,"output_tokens":0}"#;

    /// What is said of the cost of a span with these attributes, where a token costs a dollar.
    fn cost(attributes: &[(&'static str, &'static str)]) -> Option<String> {
        let prices = r#"{"gpt-4o":{"input_cost_per_token":1.0,"litellm_provider":"openai"}}"#;
        let prices = PriceTable::parse(prices, None).unwrap();
        let attributes = attributes.iter().map(|(key, value)| KeyValue::new(*key, *value));
        let mut span = plain(root_data(attributes));
        apply(&prices, &mut span);
        span.text(keys::COST).map(str::to_owned)
    }

    #[test]
    fn a_span_with_model_and_usage_gets_its_cost() {
        let cost = cost(&[("mlflow.llm.model", "gpt-4o"), ("mlflow.chat.tokenUsage", USAGE)]);
        let expected = r#"{"input_cost":2.0,"output_cost":0.0,"total_cost":2.0}"#;
        assert_eq!(cost.as_deref(), Some(expected));
    }

    #[test]
    fn the_model_that_answered_counts_before_the_one_that_was_asked() {
        for (models, known) in [
            ([("gen_ai.request.model", "x"), ("gen_ai.response.model", "gpt-4o")], true),
            ([("gen_ai.request.model", "gpt-4o"), ("gen_ai.response.model", "x")], false),
            ([("mlflow.llm.model", "gpt-4o"), ("gen_ai.response.model", "x")], true),
        ] {
            let [one, other] = models;
            let cost = cost(&[one, other, ("mlflow.chat.tokenUsage", USAGE)]);
            assert_eq!(cost.is_some(), known, "{models:?}");
        }
    }

    #[test]
    fn a_cost_of_its_own_stays_even_none() {
        for own in [r#"{"input_cost":7}"#, "null"] {
            let attributes = [
                ("mlflow.llm.model", "gpt-4o"),
                ("mlflow.chat.tokenUsage", USAGE),
                ("mlflow.llm.cost", own),
            ];
            assert_eq!(cost(&attributes).as_deref(), Some(own));
        }
    }

    #[test]
    fn without_model_usage_or_price_there_is_none() {
        assert_eq!(cost(&[("mlflow.llm.model", "gpt-4o")]), None);
        assert_eq!(cost(&[("mlflow.chat.tokenUsage", USAGE)]), None);
        assert_eq!(cost(&[("mlflow.llm.model", "x"), ("mlflow.chat.tokenUsage", USAGE)]), None);
    }
}
