//! What was said to a model and by it, as the GenAI conventions write it.
//!
//! Source: OpenTelemetry GenAI semantic conventions 1.41, `gen_ai.input.messages`,
//! `gen_ai.output.messages`, `gen_ai.system_instructions`: messages are a role and parts; mlflow
//! 3.17.2 `tracing/export/genai_semconv`. Read are chats in the shape of OpenAI and of Anthropic;
//! whatever has another shape stays where it was, because content must not get lost.

use serde_json::{Map, Value, json};

/// Messages of a model's inputs.
pub(super) struct InputMessages {
    /// A JSON array of messages.
    pub(super) messages: String,
    /// A JSON array of parts; none when nobody instructed the model.
    pub(super) instructions: Option<String>,
}

/// Messages that a model was given; none when `inputs` has another shape.
pub(super) fn of_inputs(inputs: &str) -> Option<InputMessages> {
    let inputs: Value = serde_json::from_str(inputs).ok()?;
    let given = inputs.get("messages").unwrap_or(&inputs).as_array()?;
    let mut instructions = inputs.get("system").map(parts_of).unwrap_or_default();
    let mut messages = Vec::new();
    for message in given {
        let role = message.get("role")?.as_str()?;
        let parts = parts_of_message(message);
        if matches!(role, "system" | "developer") {
            instructions.extend(parts);
        } else {
            messages.push(json!({ "role": role, "parts": parts }));
        }
    }
    let instructions = (!instructions.is_empty()).then(|| Value::Array(instructions).to_string());
    (!messages.is_empty() || instructions.is_some())
        .then(|| InputMessages { messages: Value::Array(messages).to_string(), instructions })
}

/// Messages that a model answered with, as a JSON array; none when `outputs` has another shape.
pub(super) fn of_outputs(outputs: &str) -> Option<String> {
    let Ok(outputs) = serde_json::from_str::<Value>(outputs) else {
        return Some(json!([assistant(vec![text(outputs)], None)]).to_string());
    };
    let messages: Option<Vec<Value>> = if let Some(choices) = outputs.get("choices") {
        choices.as_array()?.iter().map(of_choice).collect()
    } else if let Value::String(answer) = &outputs {
        Some(vec![assistant(vec![text(answer)], None)])
    } else {
        let content = outputs.get("content")?;
        Some(vec![assistant(parts_of(content), outputs.get("stop_reason"))])
    };
    messages.filter(|messages| !messages.is_empty()).map(|all| Value::Array(all).to_string())
}

/// Tools that a model may call, as a JSON array; none when `tools` has another shape.
///
/// OpenAI's chat API wraps a function, which the conventions do not.
pub(super) fn of_tools(tools: &str) -> Option<String> {
    let tools: Value = serde_json::from_str(tools).ok()?;
    let tools: Vec<Value> = tools.as_array()?.iter().map(of_tool).collect();
    Some(Value::Array(tools).to_string())
}

fn of_tool(tool: &Value) -> Value {
    match (tool.get("type"), tool.get("function")) {
        (Some(kind), Some(Value::Object(function))) => {
            let mut flat = Map::from_iter([("type".to_owned(), kind.clone())]);
            flat.extend(function.clone());
            Value::Object(flat)
        }
        _ => tool.clone(),
    }
}

fn of_choice(choice: &Value) -> Option<Value> {
    let message = choice.get("message")?;
    Some(assistant(parts_of_message(message), choice.get("finish_reason")))
}

fn assistant(parts: Vec<Value>, reason: Option<&Value>) -> Value {
    let mut message = Map::new();
    message.insert("role".to_owned(), "assistant".into());
    message.insert("parts".to_owned(), Value::Array(parts));
    if let Some(reason) = reason.filter(|reason| reason.is_string()) {
        message.insert("finish_reason".to_owned(), reason.clone());
    }
    Value::Object(message)
}

/// Text and tool calls of one message, and what a tool answered.
fn parts_of_message(message: &Value) -> Vec<Value> {
    let content = message.get("content").unwrap_or(&Value::Null);
    if message.get("role").and_then(Value::as_str) == Some("tool") {
        let id = message.get("tool_call_id").unwrap_or(&Value::Null);
        return vec![json!({ "type": "tool_call_response", "id": id, "response": content })];
    }
    let mut parts = parts_of(content);
    let calls = message.get("tool_calls").and_then(Value::as_array);
    parts.extend(calls.into_iter().flatten().map(|call| {
        let function = call.get("function").unwrap_or(&Value::Null);
        json!({
            "type": "tool_call",
            "id": call.get("id"),
            "name": function.get("name"),
            "arguments": function.get("arguments").map(parsed),
        })
    }));
    parts
}

fn parts_of(content: &Value) -> Vec<Value> {
    match content {
        Value::Null => Vec::new(),
        Value::String(words) => vec![text(words)],
        Value::Array(blocks) => blocks.iter().map(part_of_block).collect(),
        other => vec![text(&other.to_string())],
    }
}

fn part_of_block(block: &Value) -> Value {
    match block.get("type").and_then(Value::as_str) {
        Some("text" | "input_text" | "output_text") => {
            json!({ "type": "text", "content": block.get("text") })
        }
        Some("tool_use") => json!({
            "type": "tool_call",
            "id": block.get("id"),
            "name": block.get("name"),
            "arguments": block.get("input"),
        }),
        Some("tool_result") => json!({
            "type": "tool_call_response",
            "id": block.get("tool_use_id"),
            "response": block.get("content"),
        }),
        // The conventions let a part be of any type; this one keeps its own fields.
        Some(_) => block.clone(),
        None => text(&block.to_string()),
    }
}

fn text(words: &str) -> Value {
    json!({ "type": "text", "content": words })
}

/// OpenAI writes the arguments of a call as JSON text.
fn parsed(arguments: &Value) -> Value {
    let text = arguments.as_str().and_then(|text| serde_json::from_str(text).ok());
    text.unwrap_or_else(|| arguments.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_chat_in_openais_shape_becomes_messages_with_parts() {
        let inputs = json!({ "model": "m", "messages": [
            { "role": "system", "content": "be short" },
            { "role": "user", "content": [{ "type": "text", "text": "hi" }] },
            { "role": "assistant", "content": null, "tool_calls": [
                { "id": "c1", "function": { "name": "f", "arguments": "{\"x\":1}" } }] },
            { "role": "tool", "tool_call_id": "c1", "content": "2" },
        ]});
        let InputMessages { messages, instructions } = of_inputs(&inputs.to_string()).unwrap();
        assert_eq!(
            parse(&instructions.unwrap()),
            json!([{ "type": "text", "content": "be short" }])
        );
        assert_eq!(
            parse(&messages),
            json!([
                { "role": "user", "parts": [{ "type": "text", "content": "hi" }] },
                { "role": "assistant", "parts": [
                    { "type": "tool_call", "id": "c1", "name": "f", "arguments": { "x": 1 } }] },
                { "role": "tool", "parts": [
                    { "type": "tool_call_response", "id": "c1", "response": "2" }] },
            ])
        );
        let outputs = json!({ "choices": [
            { "message": { "role": "assistant", "content": "hello" }, "finish_reason": "stop" }] });
        assert_eq!(
            parse(&of_outputs(&outputs.to_string()).unwrap()),
            json!([{ "role": "assistant", "finish_reason": "stop",
                "parts": [{ "type": "text", "content": "hello" }] }])
        );
    }

    #[test]
    fn a_chat_in_anthropics_shape_becomes_messages_with_parts() {
        let inputs = json!({ "system": "be short", "messages": [{ "role": "user", "content": [
            { "type": "tool_result", "tool_use_id": "t", "content": "2" }] }] });
        let InputMessages { messages, instructions } = of_inputs(&inputs.to_string()).unwrap();
        assert!(instructions.unwrap().contains("be short"));
        assert_eq!(parse(&messages)[0]["parts"][0]["type"], "tool_call_response");
        let outputs = json!({ "stop_reason": "tool_use", "content": [
            { "type": "text", "text": "let me see" },
            { "type": "tool_use", "id": "t", "name": "f", "input": { "x": 1 } }] });
        let message = &parse(&of_outputs(&outputs.to_string()).unwrap())[0];
        assert_eq!(message["finish_reason"], "tool_use");
        assert_eq!(message["parts"][1]["arguments"], json!({ "x": 1 }));
    }

    #[test]
    fn a_tool_is_not_wrapped() {
        let tools = json!([
            { "type": "function", "function": { "name": "f", "parameters": { "x": 1 } } },
            { "name": "g", "input_schema": {} },
        ]);
        let flat = json!([
            { "type": "function", "name": "f", "parameters": { "x": 1 } },
            { "name": "g", "input_schema": {} },
        ]);
        assert_eq!(parse(&of_tools(&tools.to_string()).unwrap()), flat);
        assert_eq!(of_tools("{}"), None);
        assert_eq!(of_tools("hammer"), None);
    }

    #[test]
    fn an_answer_that_is_text_is_a_message() {
        for answer in ["hello", "\"hello\""] {
            let message = &parse(&of_outputs(answer).unwrap())[0];
            assert_eq!(message["parts"][0]["content"], "hello");
        }
    }

    #[test]
    fn whatever_has_another_shape_is_left_alone() {
        for inputs in
            ["{\"x\":1}", "[1,2]", "hello", "{\"messages\":[{\"content\":\"no role\"}]}", "[]"]
        {
            assert!(of_inputs(inputs).is_none(), "{inputs}");
        }
        for outputs in ["{\"x\":1}", "[1]", "{\"choices\":[]}", "{\"choices\":[{}]}", "3"] {
            assert!(of_outputs(outputs).is_none(), "{outputs}");
        }
    }
}
