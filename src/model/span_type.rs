//! The kinds of operation MLflow knows.

use std::fmt;

use crate::model::log_level::LogLevel;

/// Kind of a span's operation; chooses the icon, the colour and the default log level in MLflow.
///
/// The set is open: any word may be written to `mlflow.spanType`; [`SpanType::Custom`] carries it.
///
/// Source: mlflow 3.17.2 `entities/span.py` `SpanType`.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::SpanType;
/// assert_eq!(SpanType::ChatModel.as_str(), "CHAT_MODEL");
/// assert_eq!(SpanType::from("PLANNER"), SpanType::Custom("PLANNER"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpanType<'a> {
    /// An agent: decides what to do next.
    Agent,
    /// A chain of steps.
    Chain,
    /// A chat model call.
    ChatModel,
    /// A word of your own, at most 500 characters.
    Custom(&'a str),
    /// An embedding call.
    Embedding,
    /// A judgement of an output.
    Evaluator,
    /// A check that may refuse an input or output.
    Guardrail,
    /// A text completion call.
    Llm,
    /// A read or write of memory.
    Memory,
    /// Text turned into structure.
    Parser,
    /// Results put in a better order.
    Reranker,
    /// Documents looked up.
    Retriever,
    /// One task of a workflow.
    Task,
    /// A tool call.
    Tool,
    /// Not said; the default.
    #[default]
    Unknown,
    /// A workflow of tasks.
    Workflow,
}

/// Variant and name of every kind but [`SpanType::Custom`].
const NAMES: [(SpanType<'static>, &str); 15] = [
    (SpanType::Agent, "AGENT"),
    (SpanType::Chain, "CHAIN"),
    (SpanType::ChatModel, "CHAT_MODEL"),
    (SpanType::Embedding, "EMBEDDING"),
    (SpanType::Evaluator, "EVALUATOR"),
    (SpanType::Guardrail, "GUARDRAIL"),
    (SpanType::Llm, "LLM"),
    (SpanType::Memory, "MEMORY"),
    (SpanType::Parser, "PARSER"),
    (SpanType::Reranker, "RERANKER"),
    (SpanType::Retriever, "RETRIEVER"),
    (SpanType::Task, "TASK"),
    (SpanType::Tool, "TOOL"),
    (SpanType::Unknown, "UNKNOWN"),
    (SpanType::Workflow, "WORKFLOW"),
];

impl<'a> SpanType<'a> {
    /// The name MLflow stores.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        match self {
            Self::Custom(word) => word,
            known => {
                NAMES.iter().find(|(kind, _)| *kind == known).map_or("UNKNOWN", |(_, name)| name)
            }
        }
    }

    /// Level that a span of this kind has when it ended well.
    ///
    /// Source: mlflow 3.17.2 `entities/span.py`, default at `LiveSpan.end`.
    pub(crate) fn log_level(self) -> LogLevel {
        match self {
            Self::Llm
            | Self::ChatModel
            | Self::Tool
            | Self::Retriever
            | Self::Agent
            | Self::Embedding => LogLevel::Info,
            _ => LogLevel::Debug,
        }
    }

    /// The `gen_ai.operation.name` that says the same, where there is one.
    ///
    /// Source: `OpenTelemetry` GenAI semantic conventions 1.41; mlflow 3.17.2 `genai_semconv`.
    pub(crate) fn operation(self) -> Option<&'static str> {
        match self {
            Self::ChatModel => Some("chat"),
            Self::Llm => Some("generate_content"),
            Self::Embedding => Some("embeddings"),
            Self::Tool => Some("execute_tool"),
            Self::Agent => Some("invoke_agent"),
            _ => None,
        }
    }
}

impl<'a> From<&'a str> for SpanType<'a> {
    fn from(name: &'a str) -> Self {
        NAMES.iter().find(|(_, known)| *known == name).map_or(Self::Custom(name), |(kind, _)| *kind)
    }
}

impl fmt::Display for SpanType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
