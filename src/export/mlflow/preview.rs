//! What a trace's row in the UI shows of its inputs and outputs.
//!
//! Source: mlflow 3.17.2 `tracing/utils/truncation.py`, which client and server share.

use serde_json::Value;

use crate::model::text::{Content, cut_with_dots, without_nul};

const MAX_CHARS: usize = 1000;

/// Whose words are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    User,
    Assistant,
}

impl Speaker {
    fn role(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// What was said last in a chat, or else the content as JSON text; cut to 1000 characters.
pub(super) fn of(content: &Content, speaker: Speaker) -> String {
    let said = match content {
        Content::Json(json) => said_last(json, speaker),
        Content::Text(_) => None,
    };
    said.map_or_else(|| fitted(&content.to_json()), |text| fitted(&text))
}

/// A preview of the program's own. In Python it may be of any length, which a strict database refuses.
pub(super) fn fitted(text: &str) -> String {
    without_nul(&cut_with_dots(text, MAX_CHARS)).into_owned()
}

/// What the speaker said last, or whoever was last.
fn said_last(json: &str, speaker: Speaker) -> Option<String> {
    // Most inputs are no chat, and need not be parsed: its messages have these.
    if !(json.contains("\"role\"") && json.contains("\"content\"")) {
        return None;
    }
    let whole = serde_json::from_str::<Value>(json).ok()?;
    let messages = messages(&whole)?;
    let by_speaker =
        |message: &&&Value| message.get("role").and_then(Value::as_str) == Some(speaker.role());
    let message = messages.iter().rev().find(by_speaker).or(messages.last())?;
    text_of(message.get("content")?).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The messages of a chat in one of OpenAI's shapes, or of a request that holds one.
fn messages(whole: &Value) -> Option<Vec<&Value>> {
    let list = |key| match whole.get(key) {
        Some(Value::Array(items)) if !items.is_empty() => Some(items),
        _ => None,
    };
    if let Some(items) = list("messages") {
        return Some(items.iter().filter(|item| is_message(item)).collect());
    }
    let answer = list("choices").and_then(|choices| choices.first()?.get("message"));
    if let Some(message) = answer.filter(|message| is_message(message)) {
        return Some(vec![message]);
    }
    if let Some(items) = list("input").or_else(|| list("output")) {
        return Some(items.iter().filter(|item| is_message(item)).collect());
    }
    messages(whole.get("request")?)
}

fn is_message(item: &Value) -> bool {
    item.get("role").is_some() && item.get("content").is_some()
}

fn text_of(content: &Value) -> Option<&str> {
    let part = |part: &Value| match part {
        Value::String(_) => true,
        part => matches!(part.get("type").and_then(Value::as_str), Some("text" | "output_text")),
    };
    match content {
        Value::String(text) => Some(text),
        Value::Array(parts) => match parts.iter().find(|item| part(item))? {
            Value::String(text) => Some(text),
            part => part.get("text")?.as_str(),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn preview(value: &Value, speaker: Speaker) -> String {
        of(&Content::Json(value.to_string()), speaker)
    }

    #[test]
    fn the_last_words_of_the_speaker_are_shown() {
        let chat = json!([
            { "role": "user", "content": "first" },
            { "role": "assistant", "content": "answer" },
            { "role": "user", "content": "second" },
            { "role": "tool", "content": "third" },
            { "no": "message" },
        ]);
        for whole in [
            json!({ "messages": chat }),
            json!({ "input": chat }),
            json!({ "output": chat }),
            json!({ "request": { "input": chat } }),
            json!({ "request": { "request": { "messages": chat } } }),
            json!({ "messages": [], "input": chat }),
        ] {
            assert_eq!(preview(&whole, Speaker::User), "second", "{whole}");
            assert_eq!(preview(&whole, Speaker::Assistant), "answer", "{whole}");
        }
    }

    #[test]
    fn whoever_was_last_is_shown_where_the_speaker_said_nothing() {
        let chat = json!({ "messages": [
            { "role": "system", "content": "a" }, { "role": "tool", "content": "b" }] });
        assert_eq!(preview(&chat, Speaker::User), "b");
        let answer = json!({ "choices": [{ "message": { "role": "model", "content": "hi" } }] });
        assert_eq!(preview(&answer, Speaker::Assistant), "hi");
    }

    #[test]
    fn the_first_part_that_is_text_is_the_text() {
        for parts in [
            json!([{ "type": "image_url" }, { "type": "text", "text": "look" }, "no"]),
            json!([{ "type": "refusal" }, "look"]),
            json!([{ "type": "output_text", "text": "look" }]),
        ] {
            let chat = json!({ "messages": [{ "role": "user", "content": parts }] });
            assert_eq!(preview(&chat, Speaker::User), "look", "{chat}");
        }
    }

    #[test]
    fn whatever_is_no_chat_is_shown_as_json() {
        for whole in [
            json!({ "question": "why?" }),
            json!("text"),
            json!([{ "role": "user", "content": "in a list" }]),
            json!({ "messages": [{ "role": "user" }], "content": 1 }),
            json!({ "messages": "role, content" }),
            json!({ "messages": [{ "role": "user", "content": [] }] }),
            json!({ "messages": [{ "role": "user", "content": "" }] }),
            json!({ "messages": [{ "role": "user", "content": { "a": 1 } }] }),
            json!({ "choices": [{ "message": { "role": "user" } }], "request": { "content": 2 } }),
        ] {
            assert_eq!(preview(&whole, Speaker::User), whole.to_string());
        }
        assert_eq!(of(&Content::Text("text".to_owned()), Speaker::User), "\"text\"");
        let broken = "{\"messages\": [{\"role\": 1, \"content\": 2}";
        assert_eq!(of(&Content::Json(broken.to_owned()), Speaker::User), broken);
    }

    #[test]
    fn it_is_at_most_a_thousand_characters() {
        let long = json!({ "messages": [{ "role": "user", "content": "é".repeat(1001) }] });
        assert_eq!(preview(&long, Speaker::User), format!("{}...", "é".repeat(997)));
        assert_eq!(preview(&json!("x".repeat(1100)), Speaker::User).chars().count(), 1000);
        assert_eq!(fitted(&"x".repeat(1000)), "x".repeat(1000));
        assert_eq!(fitted("a\0b"), "a\u{fffd}b");
    }
}
