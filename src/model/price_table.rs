//! What models cost, by token.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::model::cost::Cost;
use crate::model::rates::Rates;
use crate::model::token_usage::TokenUsage;

/// What models cost, by token: gives spans that say model and tokens their cost.
///
/// Set it with [`Builder::with_price_table`](crate::Builder::with_price_table), or name its file in
/// `MLFLOW_TRACING_PRICE_TABLE`. Nothing is ever fetched. Every destination then gets
/// `mlflow.llm.cost` of each span that says a model, its tokens, and no cost of its own.
///
/// Two formats are read: litellm's `model_prices_and_context_window.json`, and the files of MLflow's
/// model catalog, one per provider.
///
/// A model is looked up at its provider first (`mlflow.llm.provider`, `gen_ai.provider.name`, or what
/// stands before the `/` of its name), then by its name alone, as Python's SDK does. One that is known
/// without a price by token has no cost; Python's SDK says that it costs nothing. Input tokens that
/// were read from the prompt cache or written to it have prices of their own; where the table has none,
/// that of input. Where it has other prices for long inputs, those count for them, which Python's SDK
/// does not know of.
///
/// Source: mlflow 3.17.2 `utils/providers.py` `cost_per_token`.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::{PriceTable, TokenUsage};
/// let prices = PriceTable::from_json(r#"{
///     "gpt-4o": {
///         "litellm_provider": "openai",
///         "input_cost_per_token": 2.5e-06,
///         "output_cost_per_token": 1e-05,
///         "cache_read_input_token_cost": 1.25e-06
///     }
/// }"#)?;
/// let usage = TokenUsage::new(1_000_000, 100_000).with_cache_read(400_000);
/// let cost = prices.cost("openai/gpt-4o", None, &usage).unwrap();
/// assert_eq!((cost.input(), cost.output(), cost.total()), (2.0, 1.0, 3.0));
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "it has no effect until it is given to a builder"]
pub struct PriceTable {
    /// Models by name, without what names the provider.
    models: Arc<HashMap<String, Vec<Priced>>>,
}

/// What a model costs at one provider.
#[derive(Clone, Debug)]
struct Priced {
    /// None where the file does not say.
    provider: Option<String>,
    /// Whether the table names the model without a provider: it is who is meant by the bare name.
    is_bare: bool,
    /// None where the table knows the model without a price by token: it is nobody else's then.
    rates: Option<Rates>,
}

/// Names that are no models, but ways to one.
const ROUTES: [&str; 2] = ["gateway:/", "endpoints:/"];

/// Providers in the GenAI conventions and as the tables call them.
const ALIASES: [(&str, &str); 8] = [
    ("aws.bedrock", "bedrock"),
    ("azure.ai.inference", "azure_ai"),
    ("azure.ai.openai", "azure"),
    ("gcp.gemini", "gemini"),
    ("gcp.vertex_ai", "vertex_ai"),
    ("ibm.watsonx.ai", "watsonx"),
    ("mistral_ai", "mistral"),
    ("x_ai", "xai"),
];

impl PriceTable {
    /// What these tokens of a model cost; none where the table does not know it.
    ///
    /// `provider` is who runs the model, such as `openai`.
    #[must_use]
    pub fn cost(&self, model: &str, provider: Option<&str>, usage: &TokenUsage) -> Option<Cost> {
        if !usage.counts() || ROUTES.iter().any(|route| model.starts_with(route)) {
            return None;
        }
        self.find(model, provider)?.rates.as_ref().map(|rates| rates.cost(usage))
    }

    fn find(&self, model: &str, provider: Option<&str>) -> Option<&Priced> {
        let (prefix, bare) = model.split_once('/').unzip();
        let bare = bare.unwrap_or(model);
        let databricks = || model.starts_with("databricks-").then_some("databricks");
        let provider = provider.or_else(databricks).map(provider_name);
        let prefix = prefix.map(provider_name);
        let at = |name: &str, provider: &Option<String>| {
            let provider = provider.as_deref()?;
            self.at(name, |priced| priced.provider.as_deref().is_none_or(|of| of == provider))
        };
        at(model, &provider)
            .or_else(|| at(bare, &provider))
            .or_else(|| at(bare, &prefix))
            .or_else(|| self.anywhere(model))
            .or_else(|| self.anywhere(bare))
    }

    fn at(&self, name: &str, is_meant: impl Fn(&Priced) -> bool) -> Option<&Priced> {
        self.models.get(name)?.iter().find(|priced| is_meant(priced))
    }

    /// Whoever is meant by the name alone, or else the first provider that has a price for input.
    fn anywhere(&self, name: &str) -> Option<&Priced> {
        self.at(name, |priced| priced.is_bare)
            .or_else(|| self.at(name, |priced| priced.rates.as_ref().is_some_and(Rates::has_input)))
            .or_else(|| self.at(name, |priced| priced.rates.is_some()))
    }

    /// Reads either format; `provider` is whose models a file of the catalog is about. The error says
    /// what is wrong with the text.
    pub(crate) fn parse(text: &str, provider: Option<&str>) -> Result<Self, String> {
        let table: Value =
            serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
        let priced = match table.get("models") {
            Some(Value::Object(models)) => of_catalog(models, provider),
            _ => table.as_object().map(of_litellm).unwrap_or_default(),
        };
        if priced.iter().all(|(_, priced)| priced.rates.is_none()) {
            return Err("it has no model with a price by token; give litellm's \
                        model_prices_and_context_window.json, or a file of MLflow's model catalog"
                .to_owned());
        }
        Ok(Self::of(priced))
    }

    fn of(priced: impl IntoIterator<Item = (String, Priced)>) -> Self {
        let mut models: HashMap<String, Vec<Priced>> = HashMap::new();
        for (name, priced) in priced {
            models.entry(name).or_default().push(priced);
        }
        for priced in models.values_mut() {
            priced.sort_by(|one, other| one.provider.cmp(&other.provider));
        }
        Self { models: Arc::new(models) }
    }

    /// Both tables together.
    pub(crate) fn merged(tables: impl IntoIterator<Item = Self>) -> Self {
        Self::of(tables.into_iter().flat_map(|table| {
            let models = Arc::unwrap_or_clone(table.models);
            models.into_iter().flat_map(|(name, priced)| {
                priced.into_iter().map(move |priced| (name.clone(), priced))
            })
        }))
    }

    /// How many models it has prices for, each counted at every provider.
    pub(crate) fn len(&self) -> usize {
        self.models.values().flatten().filter(|priced| priced.rates.is_some()).count()
    }
}

/// litellm calls a model `provider/model` where the name alone would be another's.
fn of_litellm(models: &Map<String, Value>) -> Vec<(String, Priced)> {
    let priced = models.iter().map(|(key, entry)| {
        let rates = Rates::of_litellm(entry);
        let whole = entry.get("litellm_provider").and_then(Value::as_str);
        let provider = whole.map(provider_name);
        let prefixed = key.split_once('/').filter(|(prefix, _)| {
            Some(*prefix) == whole || provider.as_deref() == Some(&provider_name(prefix))
        });
        let name = prefixed.map_or(key.as_str(), |(_, name)| name);
        (name.to_owned(), Priced { provider, is_bare: prefixed.is_none(), rates })
    });
    priced.collect()
}

fn of_catalog(models: &Map<String, Value>, provider: Option<&str>) -> Vec<(String, Priced)> {
    let priced = models.iter().map(|(name, entry)| {
        let rates = entry.get("pricing").and_then(Rates::of_catalog);
        let provider = provider.map(provider_name);
        (name.clone(), Priced { provider, is_bare: false, rates })
    });
    priced.collect()
}

/// A provider's name as the tables have it. litellm divides one by the makers of its models.
fn provider_name(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("vertex_ai-") {
        return "vertex_ai".to_owned();
    }
    let alias = ALIASES.iter().find(|(convention, _)| *convention == lower);
    alias.map_or(lower, |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests;
