//! OpenAI's chat format: messages, tool calls, and an answer put together from its stream.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Message {
    pub role: String,
    pub content: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
}

impl Message {
    pub fn new(role: &str, content: impl Into<String>) -> Self {
        Self { role: role.to_owned(), content: Some(content.into()), ..Self::default() }
    }

    /// What came of a tool call.
    pub fn of_tool(call: &ToolCall, content: impl Into<String>) -> Self {
        Self { tool_call_id: Some(call.id.clone()), ..Self::new("tool", content) }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ToolCall {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub function: Function,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Function {
    pub name: String,
    /// JSON text, as the model wrote it.
    pub arguments: String,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "they are OpenAI's names")]
pub struct Usage {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub total_tokens: u64,
}

/// A piece of an answer that is streamed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chunk {
    id: String,
    model: String,
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choice {
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Delta {
    content: Option<String>,
    tool_calls: Option<Vec<ToolCallDelta>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ToolCallDelta {
    index: usize,
    id: Option<String>,
    function: FunctionDelta,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FunctionDelta {
    name: Option<String>,
    arguments: Option<String>,
}

/// The answer as far as it has come.
#[derive(Debug, Default)]
pub struct Completion {
    id: String,
    pub model: String,
    content: String,
    tool_calls: Vec<ToolCall>,
    finish_reason: Option<String>,
    pub usage: Option<Usage>,
}

impl Completion {
    /// Adds a chunk; returns the text in it.
    pub fn add(&mut self, chunk: Chunk) -> Option<String> {
        self.id = chunk.id;
        self.model = chunk.model;
        self.usage = chunk.usage.or(self.usage);
        let choice = chunk.choices.into_iter().next()?;
        self.finish_reason = choice.finish_reason.or(self.finish_reason.take());
        for delta in choice.delta.tool_calls.into_iter().flatten() {
            self.add_tool_call(delta);
        }
        let text = choice.delta.content.filter(|text| !text.is_empty())?;
        self.content.push_str(&text);
        Some(text)
    }

    fn add_tool_call(&mut self, delta: ToolCallDelta) {
        // A call's name comes in its first piece, its arguments in as many as the model likes.
        if delta.index >= self.tool_calls.len() {
            let id = delta.id.unwrap_or_default();
            let kind = "function".to_owned();
            self.tool_calls.push(ToolCall { id, kind, function: Function::default() });
        }
        if let Some(call) = self.tool_calls.get_mut(delta.index) {
            call.function.name.push_str(&delta.function.name.unwrap_or_default());
            call.function.arguments.push_str(&delta.function.arguments.unwrap_or_default());
        }
    }

    pub fn has_begun(&self) -> bool {
        !self.id.is_empty()
    }

    pub fn is_finished(&self) -> bool {
        self.finish_reason.is_some()
    }

    pub fn message(&self) -> Message {
        Message {
            role: "assistant".to_owned(),
            content: Some(self.content.clone()).filter(|content| !content.is_empty()),
            tool_calls: self.tool_calls.clone(),
            tool_call_id: None,
        }
    }

    /// What the model would have answered without streaming.
    pub fn to_json(&self) -> Value {
        let reason = &self.finish_reason;
        json!({
            "id": self.id,
            "object": "chat.completion",
            "model": self.model,
            "choices": [{ "index": 0, "message": self.message(), "finish_reason": reason }],
            "usage": self.usage,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_call_is_put_together_from_its_pieces() {
        let mut completion = Completion::default();
        for delta in [
            json!({ "tool_calls": [{ "index": 0, "id": "a", "function": { "name": "convert", "arguments": "" } }] }),
            json!({ "tool_calls": [{ "index": 0, "function": { "arguments": "{\"quan" } }] }),
            json!({ "tool_calls": [{ "index": 1, "id": "b", "function": { "name": "variable", "arguments": "{}" } }] }),
            json!({ "tool_calls": [{ "index": 0, "function": { "arguments": "tity\":1}" } }] }),
            json!({ "content": null, "tool_calls": null }),
        ] {
            let chunk = json!({ "choices": [{ "delta": delta, "finish_reason": null }] });
            assert_eq!(completion.add(serde_json::from_value(chunk).unwrap()), None);
        }
        assert!(!completion.is_finished());
        let calls = completion.message().tool_calls;
        let told = |call: &ToolCall| {
            let Function { name, arguments } = call.function.clone();
            (call.id.clone(), name, arguments)
        };
        let of = |id: &str, name: &str, arguments: &str| {
            (id.to_owned(), name.to_owned(), arguments.to_owned())
        };
        assert_eq!(
            calls.iter().map(told).collect::<Vec<_>>(),
            [of("a", "convert", r#"{"quantity":1}"#), of("b", "variable", "{}")]
        );
    }

    #[test]
    fn usage_and_reason_survive_the_chunks_after_them() {
        let mut completion = Completion::default();
        for chunk in [
            json!({ "model": "m", "choices": [{ "delta": { "content": "Yes" } }] }),
            json!({ "model": "m", "choices": [{ "delta": {}, "finish_reason": "stop" }] }),
            json!({ "model": "m", "choices": [], "usage": { "prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4 } }),
        ] {
            completion.add(serde_json::from_value(chunk).unwrap());
        }
        let json = completion.to_json();
        assert_eq!(json["choices"][0]["message"], json!({ "role": "assistant", "content": "Yes" }));
        assert_eq!(json["choices"][0]["finish_reason"], "stop");
        assert_eq!(json["usage"]["total_tokens"], 4);
    }
}
