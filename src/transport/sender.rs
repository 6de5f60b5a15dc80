//! One thread per destination: takes batches, sends, obeys the verdict.
//!
//! Nothing here knows a protocol. A batch leaves this file with every span of it counted.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::diagnostics;
use crate::error::{Error, Result};
use crate::stats::DropReason;
use crate::sync::{after, now};
use crate::transport::breaker::Breaker;
use crate::transport::halves::middle_of;
use crate::transport::outbox::{Batch, Outbox, Woken, counted};
use crate::transport::retry::RetryPolicy;
use crate::transport::trouble::Trouble;
use crate::transport::{Payload, Repeat, Verdict, Wire};

mod epilogues;

const THREAD_NAME: &str = "mlflow-tracing-send";
/// A single large span under which the connection ends once more than that is given up.
const CUT_OFFS: u32 = 2;

pub(crate) type Lost = Box<dyn Fn() + Send>;

pub(crate) struct Sender {
    outbox: Arc<Outbox>,
    wire: Box<dyn Wire>,
    policy: RetryPolicy,
    /// Has what was dropped told. Called where the destination's last words are about it.
    lost: Lost,
    prepared: bool,
    breaker: Breaker,
    trouble: Trouble,
}

impl Sender {
    pub(crate) fn new(
        outbox: Arc<Outbox>,
        wire: Box<dyn Wire>,
        policy: RetryPolicy,
        lost: Lost,
    ) -> Self {
        Self {
            outbox,
            wire,
            policy,
            lost,
            prepared: false,
            breaker: Breaker::default(),
            trouble: Trouble::default(),
        }
    }
}

/// Starts the thread that empties `outbox` through `wire`.
pub(crate) fn spawn(
    outbox: Arc<Outbox>,
    wire: Box<dyn Wire>,
    policy: RetryPolicy,
    lost: Lost,
) -> Result<JoinHandle<()>> {
    let sender = Sender::new(outbox, wire, policy, lost);
    #[expect(clippy::disallowed_methods, reason = "one of the places that start threads")]
    let handle = Builder::new().name(THREAD_NAME.to_owned()).spawn(move || sender.run());
    handle.map_err(|source| Error::thread(THREAD_NAME, source))
}

impl Sender {
    /// Until the outbox is closed.
    pub(crate) fn run(mut self) {
        let _quiet = diagnostics::quiet();
        let _ = self.prepare(None, &mut 0);
        while let Some(batch) = self.outbox.take(self.wire.limits()) {
            self.send(batch);
        }
        self.outbox.end();
    }

    fn send(&mut self, mut batch: Batch) {
        let since = batch.since;
        let mut parts = vec![std::mem::take(&mut batch.spans)];
        let mut given_up = None;
        let mut failures = 0;
        while let Some(mut part) = parts.pop() {
            // An epilogue whose spans left in an earlier batch comes with none.
            if part.is_empty() {
                continue;
            }
            if given_up.is_none() {
                match self.send_part(&mut part, since, &mut failures) {
                    Ok(None) => continue,
                    Ok(Some(rest)) => {
                        parts.extend([rest, part]);
                        continue;
                    }
                    Err(reason) => given_up = Some(reason),
                }
            }
            // What was given up for a failing destination takes along what waits behind it.
            if let Some(reason) = given_up {
                self.outbox.count_dropped(&part, reason);
            }
        }
        (self.lost)();
        self.send_epilogues(&std::mem::take(&mut batch.epilogues), since, given_up);
        self.outbox.close_batch(&batch);
    }

    /// Sends until the spans are settled, or leaves the first of them and returns the others, to be sent
    /// one after the other; an error when it is time to give them up.
    fn send_part(
        &mut self,
        spans: &mut Vec<Payload>,
        since: Option<Instant>,
        failures: &mut u32,
    ) -> std::result::Result<Option<Vec<Payload>>, DropReason> {
        let mut cut_offs = 0;
        loop {
            self.prepare(since, failures)?;
            let admitted = self.breaker.admits(spans);
            if admitted < spans.len() {
                return Ok(Some(spans.split_off(admitted)));
            }
            let seen = self.outbox.demands();
            let (repeat, problem, in_doubt) = match self.wire.deliver(spans, self.attempt_timeout())
            {
                Verdict::Delivered { rejected, note } => {
                    *failures = 0;
                    self.settle(counted(spans), rejected, note);
                    return Ok(None);
                }
                Verdict::Split { in_doubt, .. } if spans.len() > 1 => {
                    self.judged(in_doubt);
                    self.outbox.count_retry();
                    self.sent_again(spans, in_doubt);
                    return Ok(Some(spans.split_off(middle_of(spans))));
                }
                // A connection that ends under a span may do so for another reason than the span's.
                Verdict::Split { problem, in_doubt: true, .. } if cut_offs < CUT_OFFS => {
                    cut_offs += 1;
                    (Repeat::Soon, problem, true)
                }
                Verdict::Split { reason, problem, in_doubt } => {
                    *failures = 0;
                    self.judged(in_doubt);
                    self.outbox.note_problem(&problem, None);
                    self.outbox.count_dropped(spans, reason);
                    (self.lost)();
                    return Ok(None);
                }
                Verdict::Failed { repeat, problem, in_doubt } => (repeat, problem, in_doubt),
            };
            if repeat != Repeat::AtOnce {
                *failures += 1;
                self.breaker.failed();
                self.wait(repeat, &problem, *failures, seen, since)?;
            }
            self.sent_again(spans, in_doubt);
        }
    }

    /// A destination that says what is wrong with a request works.
    fn judged(&mut self, in_doubt: bool) {
        if in_doubt { self.breaker.failed() } else { self.breaker.answered() }
    }

    fn sent_again(&self, spans: &[Payload], in_doubt: bool) {
        if in_doubt {
            self.outbox.count_duplicates(counted(spans));
        }
    }

    /// Finds out whether the destination can be used, for as long as it takes.
    fn prepare(
        &mut self,
        since: Option<Instant>,
        failures: &mut u32,
    ) -> std::result::Result<(), DropReason> {
        // Looks that what waits has seen fail, while no batch is under way.
        let mut looks = 0;
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
                Verdict::Failed { repeat: Repeat::AtOnce, .. } => continue,
                Verdict::Failed { repeat, problem, .. } => (repeat, problem),
                Verdict::Split { problem, .. } => (Repeat::WhenMended, problem),
            };
            *failures += 1;
            looks = if since.is_some() || self.outbox.is_idle() { 0 } else { looks + 1 };
            if self.policy.is_exhausted(looks, repeat) {
                looks = 0;
                self.give_up_first();
            }
            self.wait(repeat, &problem, *failures, seen, since)?;
        }
        Ok(())
    }

    /// Drops what the next request would carry.
    fn give_up_first(&mut self) {
        if let Some(batch) = self.outbox.take(self.wire.limits()) {
            self.outbox.count_dropped(&batch.spans, DropReason::RetryExpired);
            self.outbox.close_batch(&batch);
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
        let outlook = match (closing, self.outbox.is_stored()) {
            (true, _) => "",
            (false, true) => "; spans wait on disk and are sent again",
            (false, false) => "; spans wait in memory and are sent again",
        };
        let line = self.trouble.failure(problem, outlook, now());
        self.tell(line);
        self.outbox.count_retry();
        // Nothing is mended while the program ends.
        if closing && refused {
            return Err(DropReason::Shutdown);
        }
        if since.is_some() && self.policy.is_exhausted(failures, repeat) {
            return Err(DropReason::RetryExpired);
        }
        let until = after(now(), self.policy.pause(failures, repeat, random()));
        // A flush may cut our own pauses short, not one that the server asked for.
        let seen = if matches!(repeat, Repeat::After(_)) { u64::MAX } else { seen };
        let woken = self.outbox.pause(seen, until);
        let now = now();
        let window = self.policy.window(self.outbox.is_stored());
        self.outbox.expire(window, now);
        (self.lost)();
        if woken == Woken::Closed {
            return Err(DropReason::Shutdown);
        }
        match since {
            Some(since) if now.duration_since(since) >= window => Err(DropReason::RetryExpired),
            _ => Ok(()),
        }
    }

    fn settle(&mut self, spans: u64, rejected: u64, note: Option<String>) {
        self.breaker.answered();
        let rejected = rejected.min(spans);
        self.outbox.count_delivered(spans - rejected);
        if rejected > 0 {
            self.outbox.count_rejected(rejected);
            self.outbox.note_problem(&note.unwrap_or_default(), None);
            (self.lost)();
        } else if let Some(note) = note {
            let line = self.trouble.note(&note, now());
            self.tell(line);
        }
        self.note_success();
    }

    fn note_success(&mut self) {
        if self.outbox.note_success() && self.trouble.ends() {
            diagnostics::info(&format!("{}: works again", self.outbox.name()));
        }
    }

    fn tell(&self, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            diagnostics::warn(&format!("{}: {line}", self.outbox.name()));
        }
    }

    /// Time for one attempt: less when the guard is being dropped.
    fn attempt_timeout(&self) -> Duration {
        const LEAST: Duration = Duration::from_millis(100);
        let left = self.outbox.closing().map(|deadline| deadline.saturating_duration_since(now()));
        left.map_or(self.policy.attempt, |left| self.policy.attempt.min(left).max(LEAST))
    }
}

/// Jitter needs no more than the seeds of the standard hash maps.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests;
