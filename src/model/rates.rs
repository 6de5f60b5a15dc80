//! Prices of one model's tokens, in US dollars each.

use serde_json::Value;

use crate::model::cost::Cost;
use crate::model::token_usage::TokenUsage;

/// Prices that may be unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Prices {
    input: Option<f64>,
    output: Option<f64>,
    cache_read: Option<f64>,
    cache_creation: Option<f64>,
    cache_creation_above_1hr: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rates {
    usual: Prices,
    /// Those of inputs of more tokens than the first says, the longest first.
    long: Vec<(u64, Prices)>,
}

/// Inputs from which litellm may have other prices, the longest first.
const LONG_INPUTS: [(u64, &str); 4] = [
    (512_000, "_above_512k_tokens"),
    (256_000, "_above_256k_tokens"),
    (200_000, "_above_200k_tokens"),
    (128_000, "_above_128k_tokens"),
];

const PER_MILLION: f64 = 1e6;

impl Rates {
    /// Of an entry in litellm's list; none where it has no price by token.
    pub(crate) fn of_litellm(entry: &Value) -> Option<Self> {
        let at = |suffix: &str| {
            let price = |key: &str| entry.get(format!("{key}{suffix}"))?.as_f64();
            Prices {
                input: price("input_cost_per_token"),
                output: price("output_cost_per_token"),
                cache_read: price("cache_read_input_token_cost"),
                cache_creation: price("cache_creation_input_token_cost"),
                cache_creation_above_1hr: price("cache_creation_input_token_cost_above_1hr"),
            }
        };
        let long = LONG_INPUTS.iter().map(|(tokens, suffix)| (*tokens, at(suffix)));
        Self::known(at(""), long.collect())
    }

    /// Of a `pricing` in MLflow's catalog; none where it has no price by token.
    pub(crate) fn of_catalog(pricing: &Value) -> Option<Self> {
        let tiers = pricing.get("long_context").and_then(Value::as_array).into_iter().flatten();
        let long =
            tiers.filter_map(|tier| Some((tier.get("threshold_tokens")?.as_u64()?, million(tier))));
        let mut long: Vec<_> = long.collect();
        long.sort_by_key(|(tokens, _)| std::cmp::Reverse(*tokens));
        Self::known(million(pricing), long)
    }

    fn known(usual: Prices, mut long: Vec<(u64, Prices)>) -> Option<Self> {
        long.retain(|(_, prices)| *prices != Prices::default());
        (usual.input.is_some() || usual.output.is_some()).then_some(Self { usual, long })
    }

    pub(crate) fn has_input(&self) -> bool {
        self.usual.input.is_some_and(|price| price > 0.0)
    }

    /// Source: mlflow 3.17.2 `utils/providers.py` `cost_per_token`.
    pub(crate) fn cost(&self, usage: &TokenUsage) -> Cost {
        let prices = self.prices(usage.input_tokens());
        let input = prices.input.unwrap_or(0.0);
        let read = usage.cache_read_tokens().unwrap_or(0);
        let created = usage.cache_creation_tokens().unwrap_or(0);
        let hour = usage.cache_creation_above_1hr_tokens().unwrap_or(0).min(created);
        let regular = usage.input_tokens().saturating_sub(read).saturating_sub(created);
        let creation = prices.cache_creation.unwrap_or(input);
        let input = float(regular) * input
            + float(read) * prices.cache_read.unwrap_or(input)
            + float(created - hour) * creation
            + float(hour) * prices.cache_creation_above_1hr.unwrap_or(creation);
        Cost::new(input, float(usage.output_tokens()) * prices.output.unwrap_or(0.0))
    }

    /// The prices for an input of so many tokens.
    fn prices(&self, input: u64) -> Prices {
        let Some((_, long)) = self.long.iter().find(|(above, _)| input > *above) else {
            return self.usual;
        };
        Prices {
            input: long.input.or(self.usual.input),
            output: long.output.or(self.usual.output),
            cache_read: long.cache_read.or(self.usual.cache_read),
            cache_creation: long.cache_creation.or(self.usual.cache_creation),
            cache_creation_above_1hr: long
                .cache_creation_above_1hr
                .or(self.usual.cache_creation_above_1hr),
        }
    }
}

/// Prices of a million tokens.
fn million(prices: &Value) -> Prices {
    let price = |key: &str| Some(prices.get(key)?.as_f64()? / PER_MILLION);
    Prices {
        input: price("input_per_million_tokens"),
        output: price("output_per_million_tokens"),
        cache_read: price("cache_read_per_million_tokens"),
        cache_creation: price("cache_write_per_million_tokens"),
        cache_creation_above_1hr: price("cache_write_1hr_per_million_tokens"),
    }
}

/// Exact up to 2^53 tokens.
#[expect(clippy::cast_precision_loss, reason = "nobody buys more tokens than that at once")]
fn float(tokens: u64) -> f64 {
    tokens as f64
}
