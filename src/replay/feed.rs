//! Spans into the pipe, a request's worth at a time, and the wait until they are acknowledged.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

use super::decode::Group;
use crate::model::weight;
use crate::process::flush::FlushError;
use crate::process::intake::Intake;
use crate::process::pipeline::{Pipeline, PipelineSettings};
use crate::stats::{DropReason, Stats};
use crate::sync::now;
use crate::transport::Limits;

/// About what one request carries.
pub(super) const MAX_SPANS: usize = Limits::USUAL.max_spans;
pub(super) const MAX_BYTES: usize = Limits::USUAL.max_bytes;
/// How often the program is asked whether to go on, while a destination makes us wait.
const BEAT: Duration = Duration::from_secs(2);
/// Why a destination does not take a span, however often it is sent.
const FOR_GOOD: [DropReason; 2] = [DropReason::Rejected, DropReason::TooLarge];
/// Why a span that is sent alone will never fit.
const NO_ROOM: [DropReason; 2] = [DropReason::OutboxFull, DropReason::QueueFull];

/// Why the run ends before the last line.
#[derive(Debug)]
pub(super) enum Stop {
    Asked,
    Io(std::io::Error),
    Undelivered(Box<FlushError>),
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// Whether the program wants to go on.
pub(super) type Ask<'a> = &'a mut dyn FnMut() -> ControlFlow<()>;

/// The pipe while it carries other programs' spans.
pub(super) struct Feed<'a> {
    pipeline: &'a Pipeline,
    intake: &'a Intake,
    own: Arc<Resource>,
    patience: Duration,
}

impl<'a> Feed<'a> {
    /// `None` when tracing is off.
    pub(super) fn new(pipeline: &'a Pipeline, patience: Duration) -> Option<Self> {
        let intake = pipeline.intake()?;
        Some(Self { pipeline, intake, own: pipeline.resource(), patience })
    }

    /// Returns once every destination has acknowledged the spans, or refused them for good; says how
    /// many it refused.
    pub(super) fn deliver(&self, group: Group, ask: Ask<'_>) -> Result<u64, Stop> {
        self.pipeline.set_resource(&group.resource);
        let (max_spans, max_bytes) = most(self.pipeline.settings());
        let (mut refused, mut piece, mut bytes) = (0, Vec::new(), 0);
        for span in group.spans {
            let more = weight::of(&span);
            if !piece.is_empty() && (piece.len() >= max_spans || bytes + more > max_bytes) {
                refused += self.send(std::mem::take(&mut piece), ask)?;
                bytes = 0;
            }
            bytes += more;
            piece.push(span);
        }
        Ok(refused + self.send(piece, ask)?)
    }

    fn send(&self, piece: Vec<SpanData>, ask: Ask<'_>) -> Result<u64, Stop> {
        let before = self.pipeline.stats();
        let alone = piece.len() == 1;
        for span in piece {
            self.intake.ended(span);
        }
        self.settle(ask)?;
        refused(&before, self.pipeline.stats(), alone)
    }

    /// Waits until nothing is under way.
    pub(super) fn settle(&self, ask: Ask<'_>) -> Result<(), Stop> {
        let deadline = now() + self.patience;
        loop {
            let until = deadline.min(now() + BEAT);
            if self.pipeline.settle(until) {
                return Ok(());
            }
            let now = now();
            // Earlier than asked for: waiting does not mend it.
            if now < until || now >= deadline {
                let stats = self.pipeline.stats();
                return Err(Stop::Undelivered(Box::new(FlushError { stats })));
            }
            if ask().is_break() {
                return Err(Stop::Asked);
            }
        }
    }
}

impl Drop for Feed<'_> {
    fn drop(&mut self) {
        self.pipeline.set_resource(&self.own);
    }
}

/// Spans and bytes for which the pipe certainly has room.
fn most(settings: &PipelineSettings) -> (usize, usize) {
    let spans = settings.max_spans.and_then(|max| usize::try_from(max).ok());
    let limits = [spans, settings.max_traces].into_iter().flatten();
    (limits.fold(MAX_SPANS, usize::min).max(1), MAX_BYTES.min(settings.max_bytes / 4))
}

/// How many of the spans sent since `before` a destination refused for good.
fn refused(before: &Stats, after: Stats, alone: bool) -> Result<u64, Stop> {
    let (mut most, mut lost) = (0, false);
    for (before, after) in before.destinations.iter().zip(&after.destinations) {
        let since = |reason| after.dropped.get(reason) - before.dropped.get(reason);
        let sum = |reasons: &[DropReason]| reasons.iter().copied().map(since).sum::<u64>();
        let refused = sum(&FOR_GOOD) + if alone { sum(&NO_ROOM) } else { 0 };
        most = most.max(refused);
        lost |= sum(&DropReason::ALL) > refused;
    }
    if lost { Err(Stop::Undelivered(Box::new(FlushError { stats: after }))) } else { Ok(most) }
}

#[cfg(test)]
mod tests;
