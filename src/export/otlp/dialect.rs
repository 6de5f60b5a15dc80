//! A span in the words of any OTLP receiver.
//!
//! Everything MLflow knows, and the GenAI conventions beside it; arguments stay attributes, because
//! people search by them; the status stays what the application set.

use std::borrow::Cow;

use opentelemetry::{Array, KeyValue, StringValue, Value};

use super::messages::{self, InputMessages};
use crate::export::dialect::{Dialect, Say};
use crate::model::said::Said;
use crate::model::span::Span;
use crate::model::span_type::SpanType;
use crate::model::text::Content;
use crate::model::token_usage::TokenUsage;
use crate::semconv::{otel, span as keys};

/// The span with its whole meaning in its attributes.
pub(crate) struct Collector;

impl Dialect for Collector {
    fn attributes(&self, span: &Span, say: &mut Say<'_>) {
        own(span, say);
        contents(span, Content::said, say);
        add(span, say);
    }
}

/// The same, with strings among inputs and outputs that are still strings when they are read again.
pub(crate) struct Unmistakable;

impl Dialect for Unmistakable {
    fn attributes(&self, span: &Span, say: &mut Say<'_>) {
        own(span, say);
        contents(span, Content::unmistakable, say);
        add(span, say);
    }
}

/// The same as [`Collector`], with what a model or a tool was told and answered in the words of the
/// GenAI conventions, in place of MLflow's.
pub(crate) struct GenAi;

impl Dialect for GenAi {
    fn attributes(&self, span: &Span, say: &mut Say<'_>) {
        own(span, &mut |key, said| match (key, &said) {
            (keys::CHAT_TOOLS, Said::As(Value::String(tools))) => {
                match messages::of_tools(tools.as_str()) {
                    Some(tools) => say_new(span, otel::GEN_AI_TOOL_DEFINITIONS, tools.into(), say),
                    None => say(key, said),
                }
            }
            _ => say(key, said),
        });
        match span.span_type().operation() {
            operation if speaks(operation) => messages(span, say),
            Some("execute_tool") => tool(span, say),
            _ => contents(span, Content::said, say),
        }
        add(span, say);
    }
}

/// What [`Collector`] adds to what the span says, in order, at its end.
pub(crate) fn additions(span: &Span) -> Vec<KeyValue> {
    let mut additions = Vec::new();
    add(span, &mut |key, said| additions.push(said.to_key_value(key)));
    additions
}

/// What the span says itself.
fn own(span: &Span, say: &mut Say<'_>) {
    for kv in span.arguments.iter().chain(&span.data.attributes) {
        say(kv.key.as_str(), Said::As(&kv.value));
    }
}

/// Inputs and outputs in MLflow's words.
fn contents(span: &Span, said: Saying, say: &mut Say<'_>) {
    content(keys::INPUTS, span.inputs.as_ref(), said, say);
    content(keys::OUTPUTS, span.outputs.as_ref(), said, say);
}

type Saying = fn(&Content) -> Option<Said<'_>>;

fn content(key: &str, content: Option<&Content>, said: Saying, say: &mut Say<'_>) {
    if let Some(said) = content.and_then(said) {
        say(key, said);
    }
}

/// Inputs and outputs as messages; in MLflow's words where they have another shape.
fn messages(span: &Span, say: &mut Say<'_>) {
    let (inputs, outputs) = (span.inputs.as_ref(), span.outputs.as_ref());
    let given = inputs.and_then(|inputs| messages::of_inputs(inputs.as_str()));
    let answer = outputs.and_then(|outputs| messages::of_outputs(outputs.as_str()));
    content(keys::INPUTS, inputs.filter(|_| given.is_none()), Content::said, say);
    content(keys::OUTPUTS, outputs.filter(|_| answer.is_none()), Content::said, say);
    if let Some(InputMessages { messages, instructions }) = given {
        say_new(span, otel::GEN_AI_INPUT_MESSAGES, messages.into(), say);
        if let Some(instructions) = instructions {
            say_new(span, otel::GEN_AI_INSTRUCTIONS, instructions.into(), say);
        }
    }
    if let Some(answer) = answer {
        say_new(span, otel::GEN_AI_OUTPUT_MESSAGES, answer.into(), say);
    }
}

/// What a tool was given and what it returned.
fn tool(span: &Span, say: &mut Say<'_>) {
    for (key, content) in
        [(otel::GEN_AI_TOOL_ARGUMENTS, &span.inputs), (otel::GEN_AI_TOOL_RESULT, &span.outputs)]
    {
        if let Some(content) = content {
            say_new(span, key, content.as_str().into(), say);
        }
    }
}

/// Says what the span does not say itself.
fn say_new(span: &Span, key: &str, said: Said<'_>, say: &mut Say<'_>) {
    if span.attribute(key).is_none() {
        say(key, said);
    }
}

/// Adds what the span says in MLflow's words, in the words of the GenAI conventions.
fn add(span: &Span, say: &mut Say<'_>) {
    let facts = Facts::of(span);
    let mut add = |word: Word, said: Said<'_>| {
        if !facts.uses(word) {
            say(word.key(), said);
        }
    };
    let operation = facts.kind.operation();
    if let Some(operation) = operation {
        add(Word::Operation, operation.into());
        if operation == "execute_tool" {
            add(Word::ToolName, Said::Text(Cow::Borrowed(&span.data.name)));
        }
    }
    if let Some(model) = facts.model {
        add(Word::RequestModel, model.into());
    }
    if let Some(provider) = facts.provider {
        add(Word::Provider, provider.into());
    }
    if let Some(usage) = facts.usage(span) {
        add(Word::InputTokens, tokens(usage.input_tokens()));
        add(Word::OutputTokens, tokens(usage.output_tokens()));
        for (word, count) in [
            (Word::CacheReadTokens, usage.cache_read_tokens()),
            (Word::CacheCreationTokens, usage.cache_creation_tokens()),
        ] {
            if let Some(count) = count {
                add(word, tokens(count));
            }
        }
    }
    let reasons = if speaks(operation) { finish_reasons(span) } else { Vec::new() };
    if !reasons.is_empty() {
        add(Word::FinishReasons, Said::Made(Value::Array(Array::String(reasons))));
    }
}

fn tokens(count: u64) -> Said<'static> {
    Said::from(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Words of the GenAI conventions that may be added.
#[derive(Clone, Copy)]
enum Word {
    Operation,
    ToolName,
    RequestModel,
    Provider,
    InputTokens,
    OutputTokens,
    CacheReadTokens,
    CacheCreationTokens,
    FinishReasons,
}

impl Word {
    fn key(self) -> &'static str {
        match self {
            Self::Operation => otel::GEN_AI_OPERATION,
            Self::ToolName => otel::GEN_AI_TOOL_NAME,
            Self::RequestModel => otel::GEN_AI_REQUEST_MODEL,
            Self::Provider => otel::GEN_AI_PROVIDER,
            Self::InputTokens => otel::GEN_AI_INPUT_TOKENS,
            Self::OutputTokens => otel::GEN_AI_OUTPUT_TOKENS,
            Self::CacheReadTokens => otel::GEN_AI_CACHE_READ_TOKENS,
            Self::CacheCreationTokens => otel::GEN_AI_CACHE_CREATION_TOKENS,
            Self::FinishReasons => otel::GEN_AI_FINISH_REASONS,
        }
    }

    fn bit(self) -> u16 {
        1 << self as u8
    }
}

/// What [`add`] needs of a span's attributes, found in one pass over them.
#[derive(Default)]
struct Facts<'a> {
    kind: SpanType<'a>,
    model: Option<&'a str>,
    provider: Option<&'a str>,
    has_usage: bool,
    input_tokens: Option<i64>,
    output_tokens: Option<i64>,
    /// A bit for each word that the span uses itself.
    used: u16,
}

impl<'a> Facts<'a> {
    fn of(span: &'a Span) -> Self {
        let mut facts = Self::default();
        for KeyValue { key, value, .. } in &span.data.attributes {
            let text = || if let Value::String(text) = value { Some(text.as_str()) } else { None };
            let count = || if let Value::I64(count) = value { Some(*count) } else { None };
            let word = match key.as_str() {
                keys::TYPE => {
                    facts.kind = text().map_or(SpanType::Unknown, SpanType::from);
                    continue;
                }
                keys::MODEL => {
                    facts.model = text();
                    continue;
                }
                keys::PROVIDER => {
                    facts.provider = text();
                    continue;
                }
                keys::TOKEN_USAGE => {
                    facts.has_usage = true;
                    continue;
                }
                otel::GEN_AI_INPUT_TOKENS => {
                    facts.input_tokens = count();
                    Word::InputTokens
                }
                otel::GEN_AI_OUTPUT_TOKENS => {
                    facts.output_tokens = count();
                    Word::OutputTokens
                }
                otel::GEN_AI_OPERATION => Word::Operation,
                otel::GEN_AI_TOOL_NAME => Word::ToolName,
                otel::GEN_AI_REQUEST_MODEL => Word::RequestModel,
                otel::GEN_AI_PROVIDER => Word::Provider,
                otel::GEN_AI_CACHE_READ_TOKENS => Word::CacheReadTokens,
                otel::GEN_AI_CACHE_CREATION_TOKENS | otel::GEN_AI_CACHE_WRITE_TOKENS => {
                    Word::CacheCreationTokens
                }
                otel::GEN_AI_FINISH_REASONS => Word::FinishReasons,
                _ => continue,
            };
            facts.used |= word.bit();
        }
        facts
    }

    fn uses(&self, word: Word) -> bool {
        self.used & word.bit() != 0
    }

    fn usage(&self, span: &Span) -> Option<TokenUsage> {
        if self.has_usage {
            span.token_usage()
        } else {
            TokenUsage::of_counts(self.input_tokens, self.output_tokens)
        }
    }
}

/// Whether an operation's outputs are a model's answer.
fn speaks(operation: Option<&str>) -> bool {
    matches!(operation, Some("chat" | "generate_content"))
}

/// Finish reasons of a model's answer in OpenAI's or Anthropic's shape.
fn finish_reasons(span: &Span) -> Vec<StringValue> {
    let Some(outputs) = &span.outputs else { return Vec::new() };
    // `finish_reason` or `stop_reason`: most answers have neither, and need not be parsed.
    if !outputs.as_str().contains("_reason") {
        return Vec::new();
    }
    let Ok(answer) = serde_json::from_str::<serde_json::Value>(outputs.as_str()) else {
        return Vec::new();
    };
    let choices = answer.get("choices").and_then(serde_json::Value::as_array);
    choices
        .into_iter()
        .flatten()
        .filter_map(|choice| choice.get("finish_reason"))
        .chain(answer.get("stop_reason"))
        .filter_map(serde_json::Value::as_str)
        .map(|reason| StringValue::from(reason.to_owned()))
        .collect()
}
