//! The work that is traced: one agent and calls of a model, told in the way that a scenario says.
//!
//! Counts are signed: both sides then write the same attributes (`tracing-opentelemetry` turns
//! unsigned ones into text).

mod attributes;
mod content;
mod fields;
mod functions;
mod instrument;
mod setters;

use tracing::{Span, info_span};

use crate::scenario::{Scenario, Source};
use content::Content;

const MODEL: &str = "gpt-4.1-mini";
const INPUT_TOKENS: i64 = 412;
const OUTPUT_TOKENS: i64 = 38;

pub struct Work {
    scenario: Scenario,
    content: Content,
    /// Roots that stay open until the work is dropped.
    open: Vec<Span>,
}

impl Work {
    pub fn new(scenario: Scenario) -> Self {
        let open = (0..scenario.open).map(|_| info_span!("open")).collect();
        Self { scenario, content: Content::of(scenario.payload), open }
    }

    /// Makes the spans of turn `number` on this thread; they have ended when this returns.
    pub fn turn(&self, number: u64) {
        let Scenario { source, children, attributes, side, .. } = self.scenario;
        let content = &self.content;
        match source {
            Source::Fields if !self.open.is_empty() => {
                let root = usize::try_from(number).map(|number| number % self.open.len());
                fields::children(&self.open[root.unwrap_or(0)], children + 1, content);
            }
            Source::Fields => fields::trace(children, content),
            Source::Refused => fields::refused(children, content),
            Source::Instrument => instrument::trace(children, content),
            Source::Functions => functions::trace(children, content),
            Source::Setters => setters::trace(setters::Api::of(side), children, content),
            Source::Attributes => attributes::trace(children, attributes),
        }
    }
}
