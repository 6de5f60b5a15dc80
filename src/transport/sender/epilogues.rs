//! What follows the traces of a batch, once their spans are settled.

use std::time::Instant;

use super::Sender;
use crate::model::id::mlflow_trace_id;
use crate::stats::DropReason;
use crate::sync::now;
use crate::transport::{Epilogue, Repeat, Verdict};

impl Sender {
    /// Sends what follows the traces of a batch; none where the batch was given up, and none after one
    /// for which the destination failed as long as it may.
    pub(super) fn send_epilogues(
        &mut self,
        epilogues: &[Epilogue],
        since: Option<Instant>,
        given_up: Option<DropReason>,
    ) {
        let mut given_up = given_up.map(|reason| reason.to_string());
        for (sent, epilogue) in epilogues.iter().enumerate() {
            if given_up.is_none() {
                given_up = self.send_epilogue(epilogue, since).err();
            }
            if let Some(problem) = &given_up {
                let trace_id = mlflow_trace_id(epilogue.trace_id);
                let others = epilogues.len() - sent - 1;
                let text = format!(
                    "the trace info of {trace_id} and of {others} other traces was not stored: \
                     {problem}"
                );
                self.tell_trace_info(&text);
                return;
            }
        }
    }

    fn send_epilogue(&mut self, epilogue: &Epilogue, since: Option<Instant>) -> Result<(), String> {
        let mut failures = 0;
        loop {
            let seen = self.outbox.demands();
            let whole = !self.outbox.is_broken(epilogue.trace_id);
            match self.wire.finish(epilogue, whole, self.attempt_timeout()) {
                Verdict::Delivered { .. } => return Ok(()),
                Verdict::Split { problem, .. } => {
                    let trace_id = mlflow_trace_id(epilogue.trace_id);
                    let text = format!("the trace info of {trace_id} was not stored: {problem}");
                    self.tell_trace_info(&text);
                    return Ok(());
                }
                Verdict::Failed { repeat: Repeat::AtOnce, .. } => {}
                Verdict::Failed { repeat, problem, .. } => {
                    failures += 1;
                    self.wait(repeat, &problem, failures, seen, since)
                        .map_err(|reason| format!("{reason}: {problem}"))?;
                }
            }
        }
    }

    fn tell_trace_info(&mut self, text: &str) {
        let line = self.trouble.trace_info(text, now());
        self.tell(line);
    }
}
