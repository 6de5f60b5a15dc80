//! Stands in for a model server: OpenAI's format, streamed, always the same answer to the same
//! question, and no network but loopback.
//!
//! It asks for a tool where the question needs one, asks again with the name that a failed call
//! proposed, and then answers with what the tools said and the sentence of the documents that has
//! most words in common with the question.

use std::collections::HashSet;
use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_stream::StreamExt as _;

use crate::chat::{Function, Message, ToolCall};
use crate::retriever::words;

pub const NAME: &str = "stand-in";
/// Time from one word to the next.
const PACE: Duration = Duration::from_millis(2);
/// Words of a sentence; what has more is a list.
const LONGEST: usize = 50;

#[derive(Deserialize)]
struct Request {
    model: String,
    messages: Vec<Message>,
}

/// Starts the server on a free port; returns its address.
pub async fn start() -> io::Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}/v1", listener.local_addr()?);
    let routes = Router::new().route("/v1/chat/completions", post(complete));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(url)
}

async fn complete(Json(request): Json<Request>) -> Response {
    if request.model != NAME {
        let message = format!("The model `{}` does not exist", request.model);
        return (StatusCode::NOT_FOUND, Json(json!({ "error": { "message": message } })))
            .into_response();
    }
    let chunks = chunks(&reply(&request.messages), &request.messages);
    let data = chunks.into_iter().map(|chunk| chunk.to_string()).chain(["[DONE]".to_owned()]);
    let events = data.map(|data| Ok::<_, Infallible>(Event::default().data(data)));
    Sse::new(tokio_stream::iter(events).throttle(PACE)).into_response()
}

/// The reply, cut up as a model server cuts it, with the usage at the end.
fn chunks(reply: &Message, messages: &[Message]) -> Vec<Value> {
    let mut deltas = vec![json!({ "role": "assistant", "content": "" })];
    for (index, call) in reply.tool_calls.iter().enumerate() {
        let ToolCall { id, kind, function: Function { name, arguments } } = call;
        let named = json!({ "name": name, "arguments": "" });
        deltas.push(json!({ "tool_calls": [{ "index": index, "id": id, "type": kind, "function": named }] }));
        for piece in arguments.split_inclusive(' ') {
            let function = json!({ "arguments": piece });
            deltas.push(json!({ "tool_calls": [{ "index": index, "function": function }] }));
        }
    }
    let content = reply.content.as_deref().unwrap_or_default();
    deltas.extend(content.split_inclusive(' ').map(|word| json!({ "content": word })));

    let output = deltas.len() - 1;
    let input: usize = messages.iter().map(tokens).sum();
    let usage = json!({
        "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
    });
    let reason = if reply.tool_calls.is_empty() { "stop" } else { "tool_calls" };
    let choice = |delta: Value, reason: Value| json!([{ "index": 0, "delta": delta, "finish_reason": reason }]);
    let mut bodies: Vec<(Value, Value)> =
        deltas.into_iter().map(|delta| (choice(delta, Value::Null), Value::Null)).collect();
    bodies.push((choice(json!({}), json!(reason)), Value::Null));
    bodies.push((json!([]), usage));
    let id = format!("chatcmpl-{}", messages.len());
    let chunk = |(choices, usage): (Value, Value)| json!({ "id": id, "object": "chat.completion.chunk", "model": NAME, "choices": choices, "usage": usage });
    bodies.into_iter().map(chunk).collect()
}

/// A word is a token.
fn tokens(message: &Message) -> usize {
    message.content.as_deref().unwrap_or_default().split_whitespace().count()
}

fn reply(messages: &[Message]) -> Message {
    let question = said_by(messages, "user").last().unwrap_or_default();
    let asked = messages.iter().flat_map(|message| &message.tool_calls);
    let asked: HashSet<&str> = asked.map(|call| call.function.arguments.as_str()).collect();
    let results: Vec<&str> = said_by(messages, "tool").collect();
    let mut calls = wanted(question);
    for proposal in results.iter().filter_map(|result| result.split("did you mean ").nth(1)) {
        calls.extend(wanted(proposal));
    }
    calls.retain(|function| !asked.contains(function.arguments.as_str()));
    if !calls.is_empty() {
        let call = |(index, function)| ToolCall {
            id: format!("call-{}-{index}", messages.len()),
            kind: "function".to_owned(),
            function,
        };
        let tool_calls = calls.into_iter().enumerate().map(call).collect();
        return Message { role: "assistant".to_owned(), tool_calls, ..Message::default() };
    }
    let found = results.into_iter().filter_map(phrase);
    let documents = said_by(messages, "system").next().unwrap_or_default();
    let sentences: Vec<String> = found.chain(best_sentence(documents, question)).collect();
    match sentences.as_slice() {
        [] => Message::new("assistant", "The documents do not say."),
        sentences => Message::new("assistant", sentences.join("\n")),
    }
}

fn said_by<'a>(messages: &'a [Message], role: &'a str) -> impl Iterator<Item = &'a str> {
    let said = messages.iter().filter(move |message| message.role == role);
    said.filter_map(|message| message.content.as_deref())
}

/// The tools that a text needs: one for each variable's name, and for `64 MiB in B`.
fn wanted(text: &str) -> Vec<Function> {
    let words: Vec<&str> =
        text.split_whitespace().map(|word| word.trim_matches(['?', '.', ',', '`'])).collect();
    let shouts = |word: &&&str| {
        word.contains('_') && word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
    };
    let variables =
        words.iter().filter(shouts).map(|name| function("variable", &json!({ "name": name })));
    let conversions = words.windows(4).filter_map(|window| match window {
        [quantity, from, "in", to] => {
            let quantity: f64 = quantity.parse().ok()?;
            Some(function("convert", &json!({ "quantity": quantity, "from": from, "to": to })))
        }
        _ => None,
    });
    variables.chain(conversions).collect()
}

fn function(name: &str, arguments: &Value) -> Function {
    Function { name: name.to_owned(), arguments: arguments.to_string() }
}

/// What a tool found, as a sentence; nothing for what it failed at.
fn phrase(result: &str) -> Option<String> {
    let Value::Object(found) = serde_json::from_str(result).ok()? else { return None };
    let parts: Vec<String> = found.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    Some(parts.join(", "))
}

/// The sentence that has most words in common with the question, and where it stands.
fn best_sentence(documents: &str, question: &str) -> Option<String> {
    let wanted: HashSet<String> = words(question).collect();
    let mut best = (0, None);
    for document in documents.split("<document id=\"").skip(1) {
        let (id, rest) = document.split_once("\">\n")?;
        let paragraphs = rest.split("</document>").next()?.split("\n\n");
        let prose = paragraphs.filter(|text| !text.starts_with(['#', '|', '`']));
        let prose: Vec<&str> = prose.flat_map(str::split_whitespace).collect();
        for sentence in prose.join(" ").split_inclusive(". ") {
            if sentence.split(' ').count() > LONGEST {
                continue;
            }
            let common = words(sentence).collect::<HashSet<_>>().intersection(&wanted).count();
            if common > best.0 {
                best = (common, Some(format!("{} [{id}]", sentence.trim())));
            }
        }
    }
    best.1
}
