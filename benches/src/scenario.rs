//! What a run is made of, as data: one side and everything that is varied about it.

use serde::{Deserialize, Serialize};

use crate::side::Side;

/// Bytes of inputs, and as many of outputs, in the standard work; see `work/content.rs`.
pub const PAYLOAD: usize = 300;
/// Spans that either queue holds in runs that may lose nothing.
pub const QUEUE_SPANS: usize = 65_536;
/// The same for a queue that is bounded in bytes: a standard span weighs a little less than this.
const SPAN_BYTES: usize = 1_536;
/// With large payloads the queues are bounded by the machine.
const MAX_QUEUE_BYTES: usize = 1 << 30;

/// What a program says about its spans, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// Everything at the start, as dotted fields.
    Fields,
    /// The same at a level that the capturing layer refuses.
    Refused,
    /// Arguments and result of a function with `#[instrument(ret)]`.
    Instrument,
    /// Arguments and result of a function with `#[trace]`: ours alone.
    Functions,
    /// Structured values, set on the span: ours by `MlflowSpanExt`, stock by `set_attribute`.
    Setters,
    /// As many attributes as the scenario says, set on the span, and nothing else.
    Attributes,
}

/// Where spans go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// As many OTLP/HTTP receivers as the scenario says.
    Otlp,
    /// An MLflow server; `every_info` makes the trace-info call for every trace.
    Mlflow { experiment: u64, every_info: bool },
}

/// One run of one side. Everything but the side has a standard value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scenario {
    pub side: Side,
    pub source: Source,
    pub target: Target,
    /// Bytes of inputs, and as many of outputs.
    pub payload: usize,
    /// Spans of a trace beside its root.
    pub children: u64,
    pub attributes: usize,
    /// Roots that are open all the time; all other spans are then children of these.
    pub open: usize,
    pub threads: u64,
    pub destinations: usize,
    pub sampled: bool,
    /// Whether another layer takes every span.
    pub company: bool,
    /// Bytes that our queues may hold; without it either side has its default, else room for all.
    pub memory: Option<usize>,
    pub ample: bool,
}

impl Default for Scenario {
    fn default() -> Self {
        Self::of(Side::Ours)
    }
}

impl Scenario {
    /// The standard one: an agent with four calls of a model, dotted fields, one thread.
    pub const fn of(side: Side) -> Self {
        Self {
            side,
            source: Source::Fields,
            target: Target::Otlp,
            payload: PAYLOAD,
            children: 4,
            attributes: 0,
            open: 0,
            threads: 1,
            destinations: 1,
            sampled: true,
            company: false,
            memory: None,
            ample: true,
        }
    }

    /// Spans that one turn of the work makes.
    pub fn spans(&self) -> u64 {
        self.children + 1
    }

    /// Whether the spans come to the receiver.
    pub fn arrives(&self) -> bool {
        self.side.sends() && self.sampled && self.source != Source::Refused
    }

    /// Bytes for our queues, if not the default: three eighths of them are the first queue's.
    pub fn queue_bytes(&self) -> Option<usize> {
        let ample = (QUEUE_SPANS * self.span_bytes()).min(MAX_QUEUE_BYTES) / 3 * 8;
        self.memory.or(self.ample.then_some(ample))
    }

    /// How far ahead of the receiver callers may be and lose nothing, in spans.
    pub fn window(&self) -> u64 {
        let held = self.queue_bytes().unwrap_or(MAX_QUEUE_BYTES) / 8 * 3 / self.span_bytes();
        held as u64 * 3 / 4
    }

    /// `standard`, or less of it when traces are large: a run stays below `bytes` of payload.
    pub fn bounded(&self, standard: u64, bytes: u64) -> u64 {
        let trace = (2 * self.payload as u64 * self.spans()).max(1);
        standard.min(bytes / trace).max(1)
    }

    fn span_bytes(&self) -> usize {
        SPAN_BYTES + 2 * self.payload.saturating_sub(PAYLOAD)
    }
}
