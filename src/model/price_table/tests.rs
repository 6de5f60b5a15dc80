#![expect(clippy::float_cmp, reason = "the amounts are such that binary numbers are exact")]

use serde_json::json;

use super::*;

fn litellm() -> PriceTable {
    let entry = |provider: &str, input: f64| json!({ "litellm_provider": provider, "input_cost_per_token": input });
    let table = json!({
        "sample_spec": { "max_tokens": "LEGACY parameter", "input_cost_per_token": "0.0" },
        "gpt-4o": entry("openai", 1.0),
        "azure/gpt-4o": entry("azure", 2.0),
        "azure/eu/gpt-4o": entry("azure", 3.0),
        "vertex_ai/claude": entry("vertex_ai-anthropic_models", 4.0),
        "anthropic.claude-v2": entry("bedrock", 5.0),
        "openrouter/anthropic/claude": entry("openrouter", 6.0),
        "databricks/databricks-dbrx": entry("databricks", 7.0),
        "free": { "litellm_provider": "openai", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0 },
        "dall-e": { "litellm_provider": "openai", "input_cost_per_pixel": 1.0 },
    });
    PriceTable::parse(&table.to_string(), None).unwrap()
}

/// What an input token costs.
fn price(table: &PriceTable, model: &str, provider: Option<&str>) -> Option<f64> {
    Some(table.cost(model, provider, &TokenUsage::new(1, 0))?.total())
}

#[test]
fn a_model_is_looked_up_at_its_provider_and_then_by_name() {
    let table = litellm();
    assert_eq!(table.len(), 8);
    for (model, provider, expected) in [
        ("gpt-4o", None, Some(1.0)),
        ("gpt-4o", Some("OpenAI"), Some(1.0)),
        ("gpt-4o", Some("azure"), Some(2.0)),
        ("gpt-4o", Some("azure.ai.openai"), Some(2.0)),
        ("gpt-4o", Some("a-gateway-of-our-own"), Some(1.0)),
        ("openai/gpt-4o", None, Some(1.0)),
        ("azure/gpt-4o", None, Some(2.0)),
        ("azure/eu/gpt-4o", None, Some(3.0)),
        ("eu/gpt-4o", Some("azure"), Some(3.0)),
        ("claude", Some("vertex_ai"), Some(4.0)),
        ("claude", Some("gcp.vertex_ai"), Some(4.0)),
        ("claude", None, Some(4.0)),
        ("anthropic.claude-v2", Some("aws.bedrock"), Some(5.0)),
        ("anthropic/claude", Some("openrouter"), Some(6.0)),
        ("openrouter/anthropic/claude", None, Some(6.0)),
        ("databricks-dbrx", None, Some(7.0)),
        ("databricks/databricks-dbrx", None, Some(7.0)),
        ("free", None, Some(0.0)),
        ("GPT-4o", None, None),
        ("dall-e", None, None),
        ("sample_spec", None, None),
        ("gateway:/gpt-4o", None, None),
        ("endpoints:/gpt-4o", Some("openai"), None),
    ] {
        assert_eq!(price(&table, model, provider), expected, "{model} at {provider:?}");
    }
}

#[test]
fn what_is_known_without_a_price_has_none_of_anothers() {
    let table = json!({
        "copilot/m": { "litellm_provider": "copilot" },
        "b/m": { "litellm_provider": "b", "input_cost_per_token": 1.0 },
    });
    let table = PriceTable::parse(&table.to_string(), None).unwrap();
    assert_eq!(price(&table, "m", Some("copilot")), None);
    assert_eq!(price(&table, "copilot/m", None), None);
    assert_eq!(price(&table, "m", None), Some(1.0));
}

#[test]
fn files_of_the_catalog_are_of_one_provider_each() {
    let of = |provider, input: f64| {
        let pricing = json!({ "input_per_million_tokens": input * 1e6 });
        let file = json!({ "schema_version": "1.0", "models": {
            "gpt-4o": { "pricing": pricing }, "image": { "pricing": { "modality": {} } }, "none": {} } });
        PriceTable::parse(&file.to_string(), provider).unwrap()
    };
    let both = PriceTable::merged([of(Some("openai"), 1.0), of(Some("azure"), 2.0)]);
    assert_eq!(both.len(), 2);
    assert_eq!(price(&both, "gpt-4o", Some("openai")), Some(1.0));
    assert_eq!(price(&both, "openai/gpt-4o", None), Some(1.0));
    assert_eq!(price(&both, "gpt-4o", Some("azure")), Some(2.0));
    assert_eq!(price(&both, "gpt-4o", None), Some(2.0), "the first by name");
    let alone = of(None, 3.0);
    assert_eq!(price(&alone, "gpt-4o", Some("anybody")), Some(3.0));
}

#[test]
fn a_provider_without_a_price_for_input_is_passed_over() {
    let table = json!({
        "a/m": { "litellm_provider": "a", "output_cost_per_token": 9.0 },
        "b/m": { "litellm_provider": "b", "input_cost_per_token": 1.0 },
    });
    let table = PriceTable::parse(&table.to_string(), None).unwrap();
    assert_eq!(price(&table, "m", None), Some(1.0));
    assert_eq!(price(&table, "m", Some("a")), Some(0.0));
}

/// A model with a price of its own for everything.
fn full() -> PriceTable {
    let table = json!({ "m": {
        "input_cost_per_token": 1.0,
        "output_cost_per_token": 1000.0,
        "cache_read_input_token_cost": 0.125,
        "cache_creation_input_token_cost": 2.0,
        "cache_creation_input_token_cost_above_1hr": 4.0,
        "input_cost_per_token_above_200k_tokens": 3.0,
    } });
    PriceTable::parse(&table.to_string(), None).unwrap()
}

#[test]
fn each_kind_of_token_has_its_price() {
    let usage = TokenUsage::new(100, 3).with_cache_read(16).with_cache_creation(10);
    let cost = full().cost("m", None, &usage).unwrap();
    assert_eq!((cost.input(), cost.output()), (74.0 + 2.0 + 20.0, 3000.0));
    let hour = usage.with_cache_creation_above_1hr(4);
    assert_eq!(full().cost("m", None, &hour).unwrap().input(), 74.0 + 2.0 + 12.0 + 16.0);
    let too_many = usage.with_cache_creation_above_1hr(99);
    assert_eq!(full().cost("m", None, &too_many).unwrap().input(), 74.0 + 2.0 + 40.0);
}

#[test]
fn what_has_no_price_of_its_own_costs_what_input_does() {
    let table = json!({ "m": { "input_cost_per_token": 1.0 } });
    let table = PriceTable::parse(&table.to_string(), None).unwrap();
    let usage = TokenUsage::new(100, 3).with_cache_read(20).with_cache_creation(10);
    let cost = table.cost("m", None, &usage.with_cache_creation_above_1hr(5)).unwrap();
    assert_eq!((cost.input(), cost.output()), (100.0, 0.0));
    // A provider that counts the cache apart.
    let apart = TokenUsage::new(10, 0).with_cache_read(20);
    assert_eq!(table.cost("m", None, &apart).unwrap().input(), 20.0);
}

#[test]
fn a_long_input_has_its_price() {
    let cost = |input| full().cost("m", None, &TokenUsage::new(input, 1)).unwrap();
    assert_eq!(cost(200_000).input(), 200_000.0);
    assert_eq!((cost(200_001).input(), cost(200_001).output()), (600_003.0, 1000.0));
    let tiers = json!([
        { "threshold_tokens": 10, "input_per_million_tokens": 2e6 },
        { "threshold_tokens": 20, "input_per_million_tokens": 3e6 },
    ]);
    let pricing = json!({ "input_per_million_tokens": 1e6, "long_context": tiers });
    let table = json!({ "models": { "m": { "pricing": pricing } } });
    let table = PriceTable::parse(&table.to_string(), None).unwrap();
    let cost = |input| table.cost("m", None, &TokenUsage::new(input, 0)).unwrap().input();
    assert_eq!([cost(10), cost(11), cost(21)], [10.0, 22.0, 63.0]);
}

#[test]
fn no_tokens_cost_nothing_that_is_told() {
    let none = TokenUsage::new(0, 0).with_total(5);
    assert_eq!(full().cost("m", None, &none), None);
}

#[test]
fn what_is_no_table_is_told() {
    assert!(PriceTable::parse("{", None).unwrap_err().starts_with("it is no JSON: "));
    for text in ["[]", "{}", "7", r#"{"models":{}}"#, r#"{"m":{"mode":"chat"}}"#] {
        assert!(PriceTable::parse(text, None).unwrap_err().contains("litellm"), "{text}");
    }
}
