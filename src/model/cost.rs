//! What a model call cost.

use serde_core::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::Value;

const INPUT: &str = "input_cost";
const OUTPUT: &str = "output_cost";
const TOTAL: &str = "total_cost";

/// What a model call cost, in US dollars (`mlflow.llm.cost`).
///
/// Set it with [`set_cost`](crate::MlflowSpanExt::set_cost); a [`PriceTable`](crate::PriceTable) does
/// it for every span that says model and usage and no cost. The sum over a trace counts a span that
/// has one, and none of the spans below it.
///
/// Source: mlflow 3.17.2 `tracing/constant.py` `CostKey`.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::Cost;
/// let cost = Cost::new(0.25, 0.5);
/// assert_eq!(cost.total(), 0.75);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[must_use = "it says nothing until it is set on a span"]
pub struct Cost {
    input: f64,
    output: f64,
    total: f64,
}

impl Cost {
    /// What the input cost and what the output cost, in US dollars; the total is the sum.
    pub fn new(input: f64, output: f64) -> Self {
        Self { input, output, total: input + output }
    }

    /// Another total than the sum, where there were fees beside.
    pub fn with_total(self, total: f64) -> Self {
        Self { total, ..self }
    }

    /// US dollars for the input.
    #[must_use]
    pub fn input(&self) -> f64 {
        self.input
    }

    /// US dollars for the output.
    #[must_use]
    pub fn output(&self) -> f64 {
        self.output
    }

    /// US dollars for all of it.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.total
    }

    /// Whether these are amounts: JSON has no other numbers.
    pub(crate) fn is_finite(&self) -> bool {
        [self.input, self.output, self.total].iter().all(|amount| amount.is_finite())
    }

    /// What a span says in MLflow's words; none where it is no cost.
    pub(crate) fn from_json(text: &str) -> Option<Self> {
        let Ok(Value::Object(entries)) = serde_json::from_str(text) else { return None };
        let amount = |key| match entries.get(key) {
            None | Some(Value::Null) => Some(None),
            Some(amount) => amount.as_f64().map(Some),
        };
        let (input, output) = (amount(INPUT)?, amount(OUTPUT)?);
        let cost = Self::new(input.unwrap_or(0.0), output.unwrap_or(0.0));
        Some(amount(TOTAL)?.map_or(cost, |total| cost.with_total(total)))
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            input: self.input + other.input,
            output: self.output + other.output,
            total: self.total + other.total,
        }
    }
}

/// As MLflow stores it.
impl Serialize for Cost {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry(INPUT, &self.input)?;
        map.serialize_entry(OUTPUT, &self.output)?;
        map.serialize_entry(TOTAL, &self.total)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_in_mlflows_words_and_read_again() {
        for cost in [Cost::new(0.25, 0.5), Cost::new(1e-7, 0.0).with_total(3.0)] {
            let json = serde_json::to_string(&cost).unwrap();
            assert_eq!(Cost::from_json(&json), Some(cost), "{json}");
        }
        let json = serde_json::to_string(&Cost::new(0.25, 0.5)).unwrap();
        assert_eq!(json, r#"{"input_cost":0.25,"output_cost":0.5,"total_cost":0.75}"#);
    }

    #[test]
    fn amounts_may_be_missing_and_must_be_numbers() {
        assert_eq!(Cost::from_json(r#"{"output_cost":2}"#), Some(Cost::new(0.0, 2.0)));
        for text in ["null", "0.5", "{", r#"{"input_cost":"a"}"#] {
            assert_eq!(Cost::from_json(text), None, "{text}");
        }
    }
}
