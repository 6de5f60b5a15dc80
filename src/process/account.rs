//! The account of the pipe as a whole, and who hears of losses.
//!
//! Losses are found by comparing accounts, so that whatever counts a drop knows nothing of it. Our
//! threads look after each round, with no lock held: what they call is the program's own code.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use crate::diagnostics;
use crate::process::intake::{Intake, IntakeStats};
use crate::process::losses::{Losses, News};
use crate::stats::{DestinationStats, Loss, Stats};
use crate::sync::{Mutex, lock};
use crate::transport::outbox::Outbox;

/// The program's code that hears of losses.
#[derive(Clone)]
pub(crate) struct DropCallback(pub(crate) Arc<dyn Fn(&Loss) + Send + Sync>);

impl fmt::Debug for DropCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DropCallback")
    }
}

#[derive(Debug)]
pub(crate) struct Account {
    intake: Arc<Intake>,
    outboxes: Vec<Arc<Outbox>>,
    /// Of the destinations, in order.
    component_types: Vec<&'static str>,
    callback: Option<DropCallback>,
    losses: Mutex<Losses>,
}

impl Account {
    pub(crate) fn new(
        intake: Arc<Intake>,
        outboxes: Vec<Arc<Outbox>>,
        component_types: Vec<&'static str>,
        callback: Option<DropCallback>,
    ) -> Self {
        Self { intake, outboxes, component_types, callback, losses: Mutex::default() }
    }

    pub(crate) fn intake(&self) -> &Arc<Intake> {
        &self.intake
    }

    pub(crate) fn component_types(&self) -> &[&'static str] {
        &self.component_types
    }

    pub(crate) fn stats(&self, now: Instant) -> Stats {
        let (intake, mut destinations) = self.parts(now);
        for destination in &mut destinations {
            destination.pending += intake.held;
            destination.at_risk += intake.held;
            destination.dropped.add_all(&intake.dropped);
        }
        Stats { ended: intake.ended, destinations }
    }

    /// What the intake knows of, and what the outboxes know of, at the same moment.
    pub(crate) fn parts(&self, now: Instant) -> (IntakeStats, Vec<DestinationStats>) {
        self.intake.snapshot(|| self.outboxes.iter().map(|outbox| outbox.stats(now)).collect())
    }

    /// Tells what was lost since the last call.
    pub(crate) fn tell_losses(&self, now: Instant) {
        let News { losses, warnings } = {
            let mut told = lock(&self.losses);
            told.since_last(&self.stats(now), now)
        };
        for warning in warnings {
            diagnostics::warn(&warning.to_string());
        }
        let Some(DropCallback(callback)) = &self.callback else { return };
        let _quiet = diagnostics::quiet();
        for loss in losses {
            // A panic of it must not end a thread of ours; the program's hook has told it.
            let _ = catch_unwind(AssertUnwindSafe(|| callback(&loss)));
        }
    }
}
