//! One thread per destination: takes batches, sends, obeys the verdict.
//!
//! Nothing here knows a protocol. A batch leaves this file with every span of it counted.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::diagnostics::{self, Throttle};
use crate::error::{Error, Result};
use crate::model::id::mlflow_trace_id;
use crate::stats::DropReason;
use crate::sync::now;
use crate::transport::outbox::{Batch, Outbox, Woken, counted};
use crate::transport::retry::RetryPolicy;
use crate::transport::{Epilogue, Payload, Repeat, Verdict, Wire};

const THREAD_NAME: &str = "mlflow-tracing-send";
/// At most one line of trouble per destination in this time.
const TROUBLE_INTERVAL: Duration = Duration::from_secs(60);

pub(crate) struct Sender {
    outbox: Arc<Outbox>,
    wire: Box<dyn Wire>,
    policy: RetryPolicy,
    prepared: bool,
    trouble: Throttle,
    /// What kind of trouble was told last; another kind is told at once.
    told: String,
}

/// Starts the thread that empties `outbox` through `wire`.
pub(crate) fn spawn(
    outbox: Arc<Outbox>,
    wire: Box<dyn Wire>,
    policy: RetryPolicy,
) -> Result<JoinHandle<()>> {
    let trouble = Throttle::new(TROUBLE_INTERVAL);
    let sender = Sender { outbox, wire, policy, prepared: false, trouble, told: String::new() };
    #[expect(clippy::disallowed_methods, reason = "one of the two places that start threads")]
    let handle = Builder::new().name(THREAD_NAME.to_owned()).spawn(move || sender.run());
    handle.map_err(|source| Error::thread(THREAD_NAME, source))
}

impl Sender {
    fn run(mut self) {
        let _quiet = diagnostics::quiet();
        let _ = self.prepare(None);
        while let Some(batch) = self.outbox.take(self.wire.limits()) {
            self.send(batch);
        }
        self.outbox.end();
    }

    fn send(&mut self, mut batch: Batch) {
        let since = batch.since;
        let mut parts = vec![std::mem::take(&mut batch.spans)];
        while let Some(part) = parts.pop() {
            // An epilogue whose spans left in an earlier batch comes with none.
            if part.is_empty() {
                continue;
            }
            if let Some((first, second)) = self.send_part(part, since) {
                parts.push(second);
                parts.push(first);
            }
        }
        for epilogue in std::mem::take(&mut batch.epilogues) {
            self.send_epilogue(&epilogue, since);
        }
        self.outbox.close_batch(&batch);
    }

    /// Sends until the spans are settled, or returns two halves to be sent one after the other.
    fn send_part(
        &mut self,
        mut spans: Vec<Payload>,
        since: Option<Instant>,
    ) -> Option<(Vec<Payload>, Vec<Payload>)> {
        let mut failures = 0;
        loop {
            if let Err(reason) = self.prepare(since) {
                self.outbox.count_dropped(&spans, reason);
                return None;
            }
            let seen = self.outbox.demands();
            match self.wire.deliver(&spans, self.attempt_timeout()) {
                Verdict::Delivered { rejected, note } => {
                    self.settle(counted(&spans), rejected, note);
                    return None;
                }
                Verdict::Split { .. } if spans.len() > 1 => {
                    self.outbox.count_retry();
                    let second = spans.split_off(half(&spans));
                    return Some((spans, second));
                }
                Verdict::Split { reason, problem } => {
                    self.outbox.note_problem(&problem, None);
                    self.tell(&format!("dropped a span ({reason}): {problem}"));
                    self.outbox.count_dropped(&spans, reason);
                    return None;
                }
                Verdict::Failed { repeat, problem } => {
                    failures += 1;
                    if let Err(reason) = self.wait(repeat, &problem, failures, seen, since) {
                        self.outbox.count_dropped(&spans, reason);
                        return None;
                    }
                }
            }
        }
    }

    /// Finds out whether the destination can be used, for as long as it takes.
    fn prepare(&mut self, since: Option<Instant>) -> std::result::Result<(), DropReason> {
        let mut failures = 0;
        while !self.prepared {
            if self.outbox.is_over(now()) {
                return Err(DropReason::Shutdown);
            }
            let seen = self.outbox.demands();
            let (repeat, problem) = match self.wire.prepare(self.attempt_timeout()) {
                Verdict::Delivered { .. } => {
                    self.prepared = true;
                    self.note_success();
                    return Ok(());
                }
                Verdict::Failed { repeat, problem } => (repeat, problem),
                Verdict::Split { problem, .. } => (Repeat::WhenMended, problem),
            };
            failures += 1;
            self.wait(repeat, &problem, failures, seen, since)?;
        }
        Ok(())
    }

    fn send_epilogue(&mut self, epilogue: &Epilogue, since: Option<Instant>) {
        let mut failures = 0;
        loop {
            let seen = self.outbox.demands();
            let whole = !self.outbox.is_broken(epilogue.trace_id);
            let given_up = match self.wire.finish(epilogue, whole, self.attempt_timeout()) {
                Verdict::Delivered { .. } => return,
                Verdict::Split { problem, .. } => Err(problem),
                Verdict::Failed { repeat, problem } => {
                    failures += 1;
                    self.wait(repeat, &problem, failures, seen, since)
                        .map_err(|reason| format!("{reason}: {problem}"))
                }
            };
            if let Err(problem) = given_up {
                let trace_id = mlflow_trace_id(epilogue.trace_id);
                self.tell(&format!("the trace info of {trace_id} was not stored: {problem}"));
                return;
            }
        }
    }

    /// Tells and pauses; an error when it is time to give the spans up.
    fn wait(
        &mut self,
        repeat: Repeat,
        problem: &str,
        failures: u32,
        seen: u64,
        since: Option<Instant>,
    ) -> std::result::Result<(), DropReason> {
        let closing = self.outbox.is_closing();
        // A mere look that is broken off because the program ends is nobody's trouble.
        if closing && since.is_none() {
            return Err(DropReason::Shutdown);
        }
        let refused = repeat == Repeat::WhenMended;
        // What a person mends may change what was found out at the start.
        self.prepared &= !refused;
        self.outbox.note_problem(problem, refused.then_some(seen));
        let outlook = if closing { "" } else { "; spans wait in memory and are sent again" };
        self.tell(&format!("{problem}{outlook}"));
        self.outbox.count_retry();
        // Nothing is mended while the program ends.
        if closing && refused {
            return Err(DropReason::Shutdown);
        }
        if since.is_some() && self.policy.is_exhausted(failures, repeat) {
            return Err(DropReason::RetryExpired);
        }
        let until = now() + self.policy.pause(failures, repeat, random());
        // A flush may cut our own pauses short, not one that the server asked for.
        let seen = if matches!(repeat, Repeat::After(_)) { u64::MAX } else { seen };
        let woken = self.outbox.pause(seen, until);
        let now = now();
        self.outbox.expire(self.policy.window, now);
        if woken == Woken::Closed {
            return Err(DropReason::Shutdown);
        }
        match since {
            Some(since) if now.duration_since(since) >= self.policy.window => {
                Err(DropReason::RetryExpired)
            }
            _ => Ok(()),
        }
    }

    fn settle(&mut self, spans: u64, rejected: u64, note: Option<String>) {
        let rejected = rejected.min(spans);
        self.outbox.count_delivered(spans - rejected);
        if rejected > 0 {
            self.outbox.count_rejected(rejected);
        }
        if let Some(note) = note {
            self.tell(&note);
        }
        self.note_success();
    }

    fn note_success(&mut self) {
        let had_trouble = self.trouble.was_used();
        if self.outbox.note_success() && had_trouble {
            self.trouble = Throttle::new(TROUBLE_INTERVAL);
            diagnostics::info(&format!("{}: works again", self.outbox.name()));
        }
    }

    fn tell(&mut self, problem: &str) {
        let kind = problem.split([':', ';']).next().unwrap_or_default();
        if kind != self.told {
            kind.clone_into(&mut self.told);
            self.trouble = Throttle::new(TROUBLE_INTERVAL);
        }
        if let Some(suppressed) = self.trouble.admit(now()) {
            let more = if suppressed > 0 {
                format!(" ({suppressed} more like it)")
            } else {
                String::new()
            };
            diagnostics::warn(&format!("{}: {problem}{more}", self.outbox.name()));
        }
    }

    /// Time for one attempt: less when the guard is being dropped.
    fn attempt_timeout(&self) -> Duration {
        const LEAST: Duration = Duration::from_millis(100);
        let left = self.outbox.closing().map(|deadline| deadline.saturating_duration_since(now()));
        left.map_or(self.policy.attempt, |left| self.policy.attempt.min(left).max(LEAST))
    }
}

/// Where to cut: between two traces when there are several, so that a trace stays together.
fn half(spans: &[Payload]) -> usize {
    let middle = spans.len() / 2;
    let starts_trace = |at: &usize| match (spans.get(at.wrapping_sub(1)), spans.get(*at)) {
        (Some(before), Some(after)) => before.trace_id != after.trace_id,
        _ => false,
    };
    (middle..spans.len())
        .find(starts_trace)
        .or_else(|| (1..middle).rev().find(starts_trace))
        .unwrap_or(middle)
}

/// Jitter needs no more than the seeds of the standard hash maps.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
