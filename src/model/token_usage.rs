//! Tokens that a model call took.

use serde_core::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Value};

const INPUT: &str = "input_tokens";
const OUTPUT: &str = "output_tokens";
const TOTAL: &str = "total_tokens";
const CACHE_READ: &str = "cache_read_input_tokens";
const CACHE_CREATION: &str = "cache_creation_input_tokens";
const CACHE_CREATION_ABOVE_1HR: &str = "cache_creation_input_tokens_above_1hr";

/// Tokens that a model call took (`mlflow.chat.tokenUsage`).
///
/// Set it with [`set_token_usage`](crate::MlflowSpanExt::set_token_usage). The sum over a trace
/// counts a span that has one, and none of the spans below it.
///
/// Input tokens include those of the prompt cache, as with OpenAI; where a provider counts these
/// apart, as Anthropic does, add them. Counts are at most `i64::MAX`, which is what MLflow can store.
///
/// Source: mlflow 3.17.2 `tracing/constant.py` `TokenUsageKey`.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::TokenUsage;
/// let usage = TokenUsage::new(1_000, 50).with_cache_read(800);
/// assert_eq!(usage.total_tokens(), 1_050);
/// assert_eq!(usage.cache_read_tokens(), Some(800));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use = "it says nothing until it is set on a span"]
pub struct TokenUsage {
    input: u64,
    output: u64,
    total: u64,
    cache_read: Option<u64>,
    cache_creation: Option<u64>,
    cache_creation_above_1hr: Option<u64>,
}

impl TokenUsage {
    /// Tokens that were put in, those of the cache among them, and tokens that came out; their total
    /// is the sum.
    pub fn new(input: u64, output: u64) -> Self {
        let (input, output) = (storable(input), storable(output));
        Self { input, output, total: sum(input, output), ..Self::default() }
    }

    /// Another total than the sum, where the provider counts more.
    pub fn with_total(self, total: u64) -> Self {
        Self { total: storable(total), ..self }
    }

    /// How many of the input tokens were read from the prompt cache.
    pub fn with_cache_read(self, tokens: u64) -> Self {
        Self { cache_read: Some(storable(tokens)), ..self }
    }

    /// How many of the input tokens were written to the prompt cache.
    pub fn with_cache_creation(self, tokens: u64) -> Self {
        Self { cache_creation: Some(storable(tokens)), ..self }
    }

    /// How many of those written to the prompt cache stay there for an hour, which Anthropic sells at
    /// a price of its own.
    pub fn with_cache_creation_above_1hr(self, tokens: u64) -> Self {
        Self { cache_creation_above_1hr: Some(storable(tokens)), ..self }
    }

    /// Tokens that were put in, those of the cache among them.
    #[must_use]
    pub fn input_tokens(&self) -> u64 {
        self.input
    }

    /// Whether there is anything to pay for.
    pub(crate) fn counts(&self) -> bool {
        self.input > 0 || self.output > 0
    }

    /// Tokens that came out.
    #[must_use]
    pub fn output_tokens(&self) -> u64 {
        self.output
    }

    /// All of them.
    #[must_use]
    pub fn total_tokens(&self) -> u64 {
        self.total
    }

    /// Input tokens that were read from the prompt cache, if that was said.
    #[must_use]
    pub fn cache_read_tokens(&self) -> Option<u64> {
        self.cache_read
    }

    /// Input tokens that were written to the prompt cache, if that was said.
    #[must_use]
    pub fn cache_creation_tokens(&self) -> Option<u64> {
        self.cache_creation
    }

    /// Input tokens that were written to the prompt cache for an hour, if that was said.
    #[must_use]
    pub fn cache_creation_above_1hr_tokens(&self) -> Option<u64> {
        self.cache_creation_above_1hr
    }

    /// What a span says in MLflow's words; none where it is no usage.
    ///
    /// Whoever writes it may leave counts out, and write numbers as text: the server reads both.
    pub(crate) fn from_json(text: &str) -> Option<Self> {
        let Ok(Value::Object(entries)) = serde_json::from_str(text) else { return None };
        let input = count(&entries, INPUT)?.unwrap_or(0);
        let output = count(&entries, OUTPUT)?.unwrap_or(0);
        let usage = Self {
            cache_read: count(&entries, CACHE_READ)?,
            cache_creation: count(&entries, CACHE_CREATION)?,
            cache_creation_above_1hr: count(&entries, CACHE_CREATION_ABOVE_1HR)?,
            ..Self::new(input, output)
        };
        Some(count(&entries, TOTAL)?.map_or(usage, |total| usage.with_total(total)))
    }

    /// What is not counted is nothing; none when neither input nor output is.
    pub(crate) fn of_counts(input: Option<i64>, output: Option<i64>) -> Option<Self> {
        let count = |count: Option<i64>| count.map_or(Ok(0), u64::try_from).ok();
        (input.is_some() || output.is_some())
            .then(|| Some(Self::new(count(input)?, count(output)?)))
            .flatten()
    }

    /// Both together; what is said of one only is that one's.
    pub(crate) fn plus(self, other: Self) -> Self {
        let both = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(sum(one, other)),
            (one, other) => one.or(other),
        };
        Self {
            input: sum(self.input, other.input),
            output: sum(self.output, other.output),
            total: sum(self.total, other.total),
            cache_read: both(self.cache_read, other.cache_read),
            cache_creation: both(self.cache_creation, other.cache_creation),
            cache_creation_above_1hr: both(
                self.cache_creation_above_1hr,
                other.cache_creation_above_1hr,
            ),
        }
    }
}

/// As MLflow stores it.
impl Serialize for TokenUsage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(INPUT, &self.input)?;
        map.serialize_entry(OUTPUT, &self.output)?;
        map.serialize_entry(TOTAL, &self.total)?;
        for (key, count) in [
            (CACHE_READ, self.cache_read),
            (CACHE_CREATION, self.cache_creation),
            (CACHE_CREATION_ABOVE_1HR, self.cache_creation_above_1hr),
        ] {
            if let Some(count) = count {
                map.serialize_entry(key, &count)?;
            }
        }
        map.end()
    }
}

/// A count, `Some(None)` where there is none, and none where it is something else.
#[expect(clippy::option_option, reason = "not said is not the same as not to be understood")]
fn count(entries: &Map<String, Value>, key: &str) -> Option<Option<u64>> {
    match entries.get(key) {
        None | Some(Value::Null) => Some(None),
        Some(Value::Number(number)) => whole(number).map(Some),
        Some(Value::String(text)) => text.trim().parse().ok().map(Some),
        Some(_) => None,
    }
}

/// Some providers count in floating point.
fn whole(number: &serde_json::Number) -> Option<u64> {
    number.as_u64().or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
        format!("{float}").parse().ok()
    })
}

fn storable(count: u64) -> u64 {
    count.min(i64::MAX.unsigned_abs())
}

fn sum(one: u64, other: u64) -> u64 {
    storable(one.saturating_add(other))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(value: &Value) -> Option<TokenUsage> {
        TokenUsage::from_json(&value.to_string())
    }

    #[test]
    fn it_is_written_in_mlflows_words_and_read_again() {
        let plain = TokenUsage::new(7, 5);
        let whole = plain.with_total(20).with_cache_read(3).with_cache_creation(2);
        let whole = whole.with_cache_creation_above_1hr(1);
        let json = |usage| serde_json::to_string(&usage).unwrap();
        assert_eq!(json(plain), r#"{"input_tokens":7,"output_tokens":5,"total_tokens":12}"#);
        assert_eq!(
            json(whole),
            r#"{"input_tokens":7,"output_tokens":5,"total_tokens":20,"cache_read_input_tokens":3,"cache_creation_input_tokens":2,"cache_creation_input_tokens_above_1hr":1}"#
        );
        for usage in [plain, whole] {
            assert_eq!(TokenUsage::from_json(&json(usage)), Some(usage));
        }
    }

    #[test]
    fn counts_may_be_missing_or_floats_or_text() {
        assert_eq!(parsed(&json!({})), Some(TokenUsage::new(0, 0)));
        assert_eq!(parsed(&json!({ "input_tokens": 7, "x": 1 })), Some(TokenUsage::new(7, 0)));
        assert_eq!(
            parsed(&json!({ "input_tokens": 7.0, "output_tokens": "5", "total_tokens": null })),
            Some(TokenUsage::new(7, 5))
        );
    }

    #[test]
    fn what_is_no_usage_is_none() {
        for value in [json!(null), json!(7), json!([1]), json!({ "input_tokens": "many" })] {
            assert_eq!(parsed(&value), None, "{value}");
        }
        for count in [json!(-1), json!(1.5), json!([1]), json!(1e300), json!(true)] {
            assert_eq!(parsed(&json!({ "output_tokens": count })), None, "{count}");
        }
        assert_eq!(TokenUsage::from_json("{"), None);
        assert_eq!(TokenUsage::of_counts(Some(-1), Some(2)), None);
    }

    #[test]
    fn counts_are_never_more_than_can_be_stored() {
        let most = i64::MAX.unsigned_abs();
        let usage = TokenUsage::new(u64::MAX, 1).with_cache_read(u64::MAX);
        assert_eq!((usage.input_tokens(), usage.total_tokens()), (most, most));
        assert_eq!(usage.plus(usage).cache_read_tokens(), Some(most));
    }

    #[test]
    fn what_only_one_says_is_in_the_sum() {
        let sum = TokenUsage::new(1, 2).with_cache_read(1).plus(TokenUsage::new(3, 4));
        assert_eq!(sum, TokenUsage::new(4, 6).with_cache_read(1));
        let sum = sum.plus(TokenUsage::new(0, 0).with_cache_read(2).with_cache_creation(5));
        assert_eq!(sum, TokenUsage::new(4, 6).with_cache_read(3).with_cache_creation(5));
    }
}
