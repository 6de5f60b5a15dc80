//! Every attribute, tag, header and path name that this crate writes or reads, and nothing else.
//!
//! Use the constants as field names, so that a typo does not compile:
//!
//! ```
//! use mlflow_tracing::semconv;
//! let span = tracing::info_span!("search", { semconv::span::TYPE } = "TOOL");
//! # drop(span);
//! ```
//!
//! Source: mlflow 3.17.2 `tracing/constant.py` (`SpanAttributeKey`, `TraceMetadataKey`,
//! `TraceTagKey`), `OpenTelemetry` GenAI semantic conventions 1.41, observed server behaviour.

/// Attributes of one span that MLflow reads (`SpanAttributeKey` upstream).
pub mod span {
    /// What the operation was given: JSON text, or a plain string.
    pub const INPUTS: &str = "mlflow.spanInputs";
    /// What the operation returned: JSON text, or a plain string.
    pub const OUTPUTS: &str = "mlflow.spanOutputs";
    /// One of [`SpanType`](crate::SpanType)'s names, or a word of your own (at most 500 characters).
    pub const TYPE: &str = "mlflow.spanType";
    /// 10 to 50 ([`LogLevel`](crate::LogLevel)); set by the exporter when absent.
    pub const LOG_LEVEL: &str = "mlflow.spanLogLevel";
    /// Token counts as a JSON object with `input_tokens`, `output_tokens`, `total_tokens`.
    pub const TOKEN_USAGE: &str = "mlflow.chat.tokenUsage";
    /// Cost in US dollars as a JSON object with `input_cost`, `output_cost`, `total_cost`.
    pub const COST: &str = "mlflow.llm.cost";
    /// Model name; with [`TOKEN_USAGE`] it lets the server compute a cost.
    pub const MODEL: &str = "mlflow.llm.model";
    /// Model provider, such as `openai`.
    pub const PROVIDER: &str = "mlflow.llm.provider";
    /// How MLflow's UI reads the messages of inputs and outputs, such as `openai` or `anthropic`.
    pub const MESSAGE_FORMAT: &str = "mlflow.message.format";
    /// Tools a model may call, a JSON array in OpenAI's format.
    pub const CHAT_TOOLS: &str = "mlflow.chat.tools";
    /// What the operation is for.
    pub const DESCRIPTION: &str = "mlflow.spanDescription";
    /// Name of the function that `#[trace]` stands on.
    pub const FUNCTION_NAME: &str = "mlflow.spanFunctionName";
    /// Marks a span that this crate made up, and says why.
    pub const SYNTHETIC: &str = "mlflow_tracing.synthetic";
    /// Names what of a span was cut because it was too long, with its size in bytes before: a JSON
    /// object.
    pub const TRUNCATED: &str = "mlflow_tracing.truncated";
    /// Marks a span whose future or stream was dropped before its end: `true`.
    pub const CANCELLED: &str = "mlflow_tracing.cancelled";
    /// Name of the event of a stream's item: with its place, from 0 on, behind it.
    pub const CHUNK_EVENT_PREFIX: &str = "mlflow.chunk.item.";
    /// Attribute of that event: the item as JSON text.
    pub const CHUNK_VALUE: &str = "mlflow.chunk.value";
    /// Number of items of a stream: not all have an event.
    pub const CHUNKS: &str = "mlflow_tracing.chunks";
    /// Number of a stream's last items that are not in its outputs, for their size.
    pub const MISSING_CHUNKS: &str = "mlflow_tracing.missing_chunks";
    /// Milliseconds from the beginning of a stream's span to its first item, a float.
    pub const TIME_TO_FIRST_CHUNK: &str = "mlflow_tracing.time_to_first_chunk_ms";
}

/// Attributes of a root span that describe the whole trace.
///
/// `session.id`, `user.id` and the tags travel in the spans; what the server cannot take from
/// spans goes in the separate trace-info call
/// ([`TraceInfoMode`](crate::TraceInfoMode)).
pub mod trace {
    /// Session (conversation) the trace belongs to, at most 250 characters.
    pub const SESSION: &str = "session.id";
    /// End user the trace belongs to, at most 250 characters.
    pub const USER: &str = "user.id";
    /// Prefix of a mutable tag: `mlflow.traceTag.<key>`.
    pub const TAG_PREFIX: &str = "mlflow.traceTag.";
    /// The tag that names the trace, [`tag::TRACE_NAME`](super::tag::TRACE_NAME), with that prefix.
    pub const NAME_TAG: &str = "mlflow.traceTag.mlflow.traceName";
    /// Prefix of an immutable metadata entry: `mlflow.traceMetadata.<key>`. Needs the trace-info call.
    pub const METADATA_PREFIX: &str = "mlflow.traceMetadata.";
    /// Your own id for the request, at most 50 characters. Needs the trace-info call.
    pub const CLIENT_REQUEST_ID: &str = "mlflow.clientRequestId";
    /// Text for the *Request* column. Needs the trace-info call.
    pub const REQUEST_PREVIEW: &str = "mlflow.traceRequestPreview";
    /// Text for the *Response* column. Needs the trace-info call.
    pub const RESPONSE_PREVIEW: &str = "mlflow.traceResponsePreview";
    /// `OK` or `ERROR`, when it is not the root's status. Needs the trace-info call.
    pub const STATE: &str = "mlflow.traceState";
    /// Logged model that served the request. Needs the trace-info call.
    pub const MODEL_ID: &str = "mlflow.modelId";
    /// Run the trace belongs to. Needs the trace-info call.
    pub const SOURCE_RUN: &str = "mlflow.sourceRun";
}

/// Tags of a trace (`TraceTagKey` upstream).
pub mod tag {
    /// Name shown in the trace list.
    pub const TRACE_NAME: &str = "mlflow.traceName";
    /// Prompt versions the trace used.
    pub const LINKED_PROMPTS: &str = "mlflow.linkedPrompts";
    /// Prefix of names that belong to MLflow; only the two above may be set by a client.
    pub const RESERVED_PREFIX: &str = "mlflow.";

    /// Whether a client may not set the tag: some of these make the trace unreadable.
    pub(crate) fn is_reserved(key: &str) -> bool {
        key.starts_with(RESERVED_PREFIX) && ![TRACE_NAME, LINKED_PROMPTS].contains(&key)
    }
}

/// Trace metadata (`TraceMetadataKey` upstream) that the trace-info call carries.
pub mod metadata {
    /// Session, as the server stores it.
    pub const SESSION: &str = "mlflow.trace.session";
    /// End user, as the server stores it.
    pub const USER: &str = "mlflow.trace.user";
    /// Version of the trace schema: `3`.
    pub const SCHEMA_VERSION: &str = "mlflow.trace_schema.version";
    /// Root inputs, cut to 250 characters.
    pub const INPUTS: &str = "mlflow.traceInputs";
    /// Root outputs, cut to 250 characters.
    pub const OUTPUTS: &str = "mlflow.traceOutputs";
    /// Tokens of the whole trace as JSON, as [`span::TOKEN_USAGE`](super::span::TOKEN_USAGE).
    pub const TOKEN_USAGE: &str = "mlflow.trace.tokenUsage";
    /// Cost of the whole trace as JSON, as [`span::COST`](super::span::COST).
    pub const COST: &str = "mlflow.trace.cost";
    /// Number and sizes of the spans as JSON.
    pub const SIZE_STATS: &str = "mlflow.trace.sizeStats";
    /// Total size of the spans in bytes.
    pub const SIZE_BYTES: &str = "mlflow.trace.sizeBytes";
    /// Operating-system user or tracking user that ran the program.
    pub const PROCESS_USER: &str = "mlflow.user";
    /// Name of the program.
    pub const SOURCE_NAME: &str = "mlflow.source.name";
    /// Kind of program: `LOCAL`.
    pub const SOURCE_TYPE: &str = "mlflow.source.type";

    /// Whether the entry is one that is worked out, here or by the server: sizes, usage, cost,
    /// inputs, outputs, the mark that makes a trace final.
    pub(crate) fn is_reserved(key: &str) -> bool {
        key.starts_with("mlflow.trace") && ![SESSION, USER].contains(&key)
    }
}

/// `OpenTelemetry` attributes that are read or written beside `mlflow.*`.
pub mod otel {
    /// What a GenAI span does: `chat`, `embeddings`, `execute_tool`, `invoke_agent` …
    pub const GEN_AI_OPERATION: &str = "gen_ai.operation.name";
    /// Model that was asked for.
    pub const GEN_AI_REQUEST_MODEL: &str = "gen_ai.request.model";
    /// Model that answered.
    pub const GEN_AI_RESPONSE_MODEL: &str = "gen_ai.response.model";
    /// Provider, such as `openai`.
    pub const GEN_AI_PROVIDER: &str = "gen_ai.provider.name";
    /// Input tokens, an integer.
    pub const GEN_AI_INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
    /// Output tokens, an integer.
    pub const GEN_AI_OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
    /// Input tokens read from the prompt cache, an integer.
    pub const GEN_AI_CACHE_READ_TOKENS: &str = "gen_ai.usage.cache_read.input_tokens";
    /// Input tokens written to the prompt cache, an integer.
    pub const GEN_AI_CACHE_CREATION_TOKENS: &str = "gen_ai.usage.cache_creation.input_tokens";
    /// The same by another name, which is read too.
    pub const GEN_AI_CACHE_WRITE_TOKENS: &str = "gen_ai.usage.cache_write.input_tokens";
    /// Tools that a model may call, a JSON array.
    pub const GEN_AI_TOOL_DEFINITIONS: &str = "gen_ai.tool.definitions";
    /// Why generation stopped, an array of strings.
    pub const GEN_AI_FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
    /// What a model was told, a JSON array of messages.
    pub const GEN_AI_INPUT_MESSAGES: &str = "gen_ai.input.messages";
    /// What a model answered, a JSON array of messages.
    pub const GEN_AI_OUTPUT_MESSAGES: &str = "gen_ai.output.messages";
    /// What a model was instructed to do, a JSON array of parts.
    pub const GEN_AI_INSTRUCTIONS: &str = "gen_ai.system_instructions";
    /// Name of a tool.
    pub const GEN_AI_TOOL_NAME: &str = "gen_ai.tool.name";
    /// What a tool was given, as JSON.
    pub const GEN_AI_TOOL_ARGUMENTS: &str = "gen_ai.tool.call.arguments";
    /// What a tool returned, as JSON.
    pub const GEN_AI_TOOL_RESULT: &str = "gen_ai.tool.call.result";
    /// Conversation; MLflow takes it for the session.
    pub const GEN_AI_CONVERSATION: &str = "gen_ai.conversation.id";
    /// Field of a `tracing` span that gives the span its name.
    pub const SPAN_NAME: &str = "otel.name";
    /// Name of an exception event.
    pub const EXCEPTION: &str = "exception";
    /// Message of an exception event.
    pub const EXCEPTION_MESSAGE: &str = "exception.message";
    /// Type of an exception event.
    pub const EXCEPTION_TYPE: &str = "exception.type";
    /// Chain of causes of an exception event.
    pub const EXCEPTION_STACKTRACE: &str = "exception.stacktrace";
    /// Resource attribute: name of the service.
    pub const SERVICE_NAME: &str = "service.name";
}

/// HTTP headers and paths of the MLflow server (mlflow 3.17.2, captured).
pub mod http {
    /// Experiment of new traces; required on every span upload.
    pub const EXPERIMENT_HEADER: &str = "x-mlflow-experiment-id";
    /// Workspace of the experiment, on servers that have workspaces.
    pub const WORKSPACE_HEADER: &str = "X-MLFLOW-WORKSPACE";
    /// Span upload, also the default path of OTLP/HTTP.
    pub const TRACES_PATH: &str = "/v1/traces";
    /// Trace-info call (`StartTraceV3`).
    pub const TRACE_INFO_PATH: &str = "/api/3.0/mlflow/traces";
    /// Version of the server, as plain text.
    pub const VERSION_PATH: &str = "/version";
    /// Experiment look-up by name.
    pub const EXPERIMENT_BY_NAME_PATH: &str = "/api/2.0/mlflow/experiments/get-by-name";
    /// Experiment look-up by id.
    pub const EXPERIMENT_BY_ID_PATH: &str = "/api/2.0/mlflow/experiments/get";
    /// Experiment creation.
    pub const EXPERIMENT_CREATE_PATH: &str = "/api/2.0/mlflow/experiments/create";
}

/// Metrics of the pipe itself, and their attributes.
///
/// Source: OpenTelemetry semantic conventions 1.43, "SDK metrics" (status: development). Names that begin
/// with `mlflow_tracing` are ours.
pub mod metrics {
    /// Which component is meant: a destination by its name in the account.
    pub const COMPONENT_NAME: &str = "otel.component.name";
    /// What kind of component it is.
    pub const COMPONENT_TYPE: &str = "otel.component.type";
    /// Why spans were given up: a [`DropReason`](crate::DropReason).
    pub const ERROR_TYPE: &str = "error.type";
    /// Type of the processor that takes spans in.
    pub const PROCESSOR_TYPE: &str = "mlflow_tracing::MlflowSpanProcessor";
    /// Type of a destination that is spoken to by OTLP over gRPC.
    pub const OTLP_GRPC_TYPE: &str = "otlp_grpc_span_exporter";
    /// Type of a destination that is spoken to by `http/protobuf`, as MLflow is.
    pub const OTLP_HTTP_TYPE: &str = "otlp_http_span_exporter";
    /// Type of a destination that is spoken to by `http/json`.
    pub const OTLP_HTTP_JSON_TYPE: &str = "otlp_http_json_span_exporter";
    /// Type of a destination that keeps traces on this machine.
    pub const LOCAL_TYPE: &str = "mlflow_tracing::destination::Local";
    /// Type of a destination that is an exporter of the program's.
    pub const EXPORTER_TYPE: &str = "mlflow_tracing::destination::Exporter";
    /// Spans that ended and are yet to be encoded.
    pub const QUEUE_SIZE: &str = "otel.sdk.processor.span.queue.size";
    /// Spans that were handed to the destinations, or given up before.
    pub const PROCESSED: &str = "otel.sdk.processor.span.processed";
    /// Spans that wait for a destination, in memory or on disk, or are under way to it.
    pub const INFLIGHT: &str = "otel.sdk.exporter.span.inflight";
    /// Spans that a destination acknowledged, or will never get.
    pub const EXPORTED: &str = "otel.sdk.exporter.span.exported";
    /// Spans that wait on disk alone.
    pub const SPOOLED: &str = "mlflow_tracing.exporter.span.spooled";
    /// Spans taken over from processes that are no more.
    pub const RECOVERED: &str = "mlflow_tracing.exporter.span.recovered";
    /// Spans that a destination's filter left out.
    pub const FILTERED: &str = "mlflow_tracing.exporter.span.filtered";
    /// Spans sent again after an attempt whose end is not known.
    pub const DUPLICATES: &str = "mlflow_tracing.exporter.span.duplicates";
    /// Requests repeated after a failure.
    pub const RETRIES: &str = "mlflow_tracing.exporter.retries";
    /// Bytes in memory for a destination.
    pub const MEMORY: &str = "mlflow_tracing.exporter.memory.size";
    /// Bytes on disk for a destination.
    pub const DISK: &str = "mlflow_tracing.exporter.disk.size";
    /// How long the oldest span that waits has waited.
    pub const OLDEST: &str = "mlflow_tracing.exporter.span.oldest.age";
}

/// Notes from the capturing layer to the worker: never leave the process.
///
/// They are attributes because the span is the only thing the two share.
pub(crate) mod private {
    /// Names of the undotted fields a `tracing` span declares: its arguments.
    pub(crate) const FIELDS: &str = "mlflow_tracing.fields";
    /// Names of fields whose text was an unsigned or 128-bit integer.
    pub(crate) const INTEGERS: &str = "mlflow_tracing.integers";
    /// The text that `#[instrument(ret)]` recorded.
    pub(crate) const RETURN: &str = "mlflow_tracing.return";
    /// Key of an attribute whose string value is JSON text.
    pub(crate) const JSON: &str = "mlflow_tracing.json";
    /// When the span began, in nanoseconds since 1970, where that is not when it was made.
    pub(crate) const START_TIME: &str = "mlflow_tracing.start_time";
    /// Part of the traces that a root asks to be recorded, from 0 to 1.
    pub(crate) const SAMPLING_RATIO: &str = "mlflow_tracing.sampling_ratio";
}
