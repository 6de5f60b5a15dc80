//! What the model can have done: look a variable up, convert a quantity.

use mlflow_tracing::{MlflowSpanExt as _, VARIABLES, Variable};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;
use tracing::{Span, instrument};

use crate::chat::ToolCall;

/// Why a tool gave no result; the model is told, and may try again.
#[derive(Debug, Error)]
pub enum ToolError {
    #[error("there is no tool {0}")]
    UnknownTool(String),
    #[error("the arguments cannot be read: {0}")]
    Arguments(#[from] serde_json::Error),
    #[error("there is no variable {name}; did you mean {similar}?")]
    UnknownVariable { name: String, similar: &'static str },
    #[error("there is no unit {0}")]
    UnknownUnit(String),
    #[error("{from} cannot be converted to {to}")]
    OtherDimension { from: String, to: String },
}

/// The tools in OpenAI's format.
pub fn definitions() -> Value {
    json!([
        {
            "type": "function",
            "function": {
                "name": "variable",
                "description": "Looks up an environment variable of mlflow-tracing.",
                "parameters": {
                    "type": "object",
                    "properties": { "name": { "type": "string" } },
                    "required": ["name"],
                },
            },
        },
        {
            "type": "function",
            "function": {
                "name": "convert",
                "description": "Converts a quantity of bytes or of time to another unit.",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "quantity": { "type": "number" },
                        "from": { "type": "string" },
                        "to": { "type": "string" },
                    },
                    "required": ["quantity", "from", "to"],
                },
            },
        },
    ])
}

/// Does what the model asks for. The span has the tool's name, whichever it is.
#[instrument(
    name = "tool",
    skip_all,
    fields(
        otel.name = call.function.name,
        mlflow.spanType = "TOOL",
        gen_ai.tool.name = call.function.name,
        gen_ai.tool.call.id = call.id,
    ),
    err
)]
pub fn call(call: &ToolCall) -> Result<Value, ToolError> {
    let arguments: Value = serde_json::from_str(&call.function.arguments)?;
    Span::current().set_inputs(&arguments);
    let result = match call.function.name.as_str() {
        "variable" => variable(serde_json::from_value(arguments)?),
        "convert" => convert(serde_json::from_value(arguments)?),
        unknown => Err(ToolError::UnknownTool(unknown.to_owned())),
    }?;
    Span::current().set_outputs(&result);
    Ok(result)
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

fn variable(Name { name }: Name) -> Result<Value, ToolError> {
    let Some(found) = VARIABLES.iter().find(|variable| variable.name == name) else {
        let alike = |variable: &&Variable| {
            let pairs = variable.name.chars().zip(name.chars());
            pairs.take_while(|(left, right)| left == right).count()
        };
        let similar = VARIABLES.iter().rev().max_by_key(alike).map_or("", |found| found.name);
        return Err(ToolError::UnknownVariable { name, similar });
    };
    Ok(json!({ "name": found.name, "default": found.default, "effect": found.effect }))
}

#[derive(Deserialize)]
struct Conversion {
    quantity: f64,
    from: String,
    to: String,
}

/// Name, dimension and size of each unit.
const UNITS: [(&str, &str, f64); 8] = [
    ("B", "bytes", 1.0),
    ("KiB", "bytes", 1024.0),
    ("MiB", "bytes", 1_048_576.0),
    ("GiB", "bytes", 1_073_741_824.0),
    ("ms", "time", 0.001),
    ("s", "time", 1.0),
    ("min", "time", 60.0),
    ("h", "time", 3600.0),
];

fn convert(Conversion { quantity, from, to }: Conversion) -> Result<Value, ToolError> {
    let unit = |wanted: &str| {
        let found = UNITS.iter().find(|(name, ..)| *name == wanted);
        found.ok_or_else(|| ToolError::UnknownUnit(wanted.to_owned()))
    };
    let ((_, dimension, size), (_, other, new_size)) = (unit(&from)?, unit(&to)?);
    if dimension != other {
        return Err(ToolError::OtherDimension { from, to });
    }
    Ok(json!({ "quantity": quantity * size / new_size, "unit": to }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Function;

    fn called(name: &str, arguments: &str) -> Result<Value, String> {
        let function = Function { name: name.to_owned(), arguments: arguments.to_owned() };
        call(&ToolCall { function, ..ToolCall::default() }).map_err(|error| error.to_string())
    }

    #[test]
    fn a_quantity_is_converted() {
        let converted = called("convert", r#"{"quantity":64,"from":"MiB","to":"KiB"}"#);
        assert_eq!(converted, Ok(json!({ "quantity": 65536.0, "unit": "KiB" })));
    }

    #[test]
    fn a_variable_is_what_the_crate_says_of_it() {
        let found = called("variable", r#"{"name":"MLFLOW_EXPERIMENT_ID"}"#).unwrap();
        assert_eq!(
            (&found["name"], &found["default"]),
            (&json!("MLFLOW_EXPERIMENT_ID"), &json!("0"))
        );
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        for (name, arguments, said) in [
            ("search", "{}", "there is no tool search"),
            ("variable", "{", "the arguments cannot be read"),
            ("variable", "{}", "missing field `name`"),
            (
                "variable",
                r#"{"name":"MLFLOW_TRACKING_URL"}"#,
                "there is no variable MLFLOW_TRACKING_URL; did you mean MLFLOW_TRACKING_URI?",
            ),
            ("convert", r#"{"quantity":1,"from":"mile","to":"s"}"#, "there is no unit mile"),
            ("convert", r#"{"quantity":1,"from":"h","to":"B"}"#, "h cannot be converted to B"),
        ] {
            let error = called(name, arguments).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
