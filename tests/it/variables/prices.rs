//! What spans cost, by a table.

use mlflow_tracing::{Cost, MlflowSpanExt as _, PriceTable, TokenUsage};
use serde_json::{Value, json};
use tracing::info_span;

use super::with;
use crate::support::app::Traced;
use crate::support::scratch::Scratch;
use crate::support::server::Server;

const PRICES: &str = r#"{"gpt-4o":{"input_cost_per_token":0.5,"output_cost_per_token":2.0}}"#;

/// A call of a model, and what is said of its cost.
fn told(traced: &Traced) -> Option<Value> {
    traced.run(|| {
        info_span!("call").set_model("gpt-4o").set_token_usage(&TokenUsage::new(4, 1));
    });
    let cost = traced.delivered().one("call").attribute("mlflow.llm.cost")?;
    Some(serde_json::from_str(cost.as_str().unwrap()).unwrap())
}

fn four_dollars() -> Value {
    json!({ "input_cost": 2.0, "output_cost": 2.0, "total_cost": 4.0 })
}

#[test]
fn a_file_says_what_calls_cost() {
    let scratch = Scratch::new();
    std::fs::create_dir_all(scratch.path()).unwrap();
    let path = scratch.path().join("prices.json");
    std::fs::write(&path, PRICES).unwrap();
    let variables = [("MLFLOW_TRACING_PRICE_TABLE", path.to_str().unwrap())];
    for server in [Server::collector(), Server::mlflow()] {
        assert_eq!(told(&with(server, &variables)), Some(four_dollars()));
    }
    assert_eq!(told(&with(Server::collector(), &[])), None);
}

#[test]
fn the_program_says_it_too_and_a_span_says_it_best() {
    let prices = PriceTable::from_json(PRICES).unwrap();
    let traced = Traced::otlp_with(|builder| builder.with_price_table(prices));
    assert_eq!(told(&traced), Some(four_dollars()));
    traced.run(|| {
        let call = info_span!("own");
        call.set_model("gpt-4o")
            .set_token_usage(&TokenUsage::new(4, 1))
            .set_cost(&Cost::new(0.0, 0.25));
    });
    let own = traced.delivered().one("own").attribute("mlflow.llm.cost");
    assert_eq!(own, Some(json!(r#"{"input_cost":0.0,"output_cost":0.25,"total_cost":0.25}"#)));
}

#[test]
fn a_directory_is_a_catalog() {
    let scratch = Scratch::new();
    std::fs::create_dir_all(scratch.path()).unwrap();
    let catalog = |input: f64| json!({ "models": { "gpt-4o": { "pricing": { "input_per_million_tokens": input } } } });
    for (name, text) in [
        ("openai.json", catalog(1e6).to_string()),
        ("azure.json", catalog(2e6).to_string()),
        ("broken.json", "{".to_owned()),
        ("notes.txt", "no prices".to_owned()),
    ] {
        std::fs::write(scratch.path().join(name), text).unwrap();
    }
    let table = PriceTable::from_file(scratch.path()).unwrap();
    let price =
        |provider| table.cost("gpt-4o", Some(provider), &TokenUsage::new(1, 0)).unwrap().total();
    assert_eq!((price("openai"), price("azure")), (1.0, 2.0));
}
