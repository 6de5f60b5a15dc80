//! What a process that runs one side does there, and how it tells.

mod burst;
mod callers;
mod lifetime;
mod outage;
mod sustained;

use serde::{Deserialize, Serialize};

use crate::measure::Sample;
use crate::scenario::Scenario;

pub use burst::Turns;

/// What one process is to do.
#[derive(Serialize, Deserialize)]
pub struct Job {
    pub task: Task,
    pub scenario: Scenario,
    /// Where the receiver is.
    pub url: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub enum Task {
    /// As fast as they come, until the last acknowledgement.
    Burst(Turns),
    /// As fast as they are taken, with a receiver in this process.
    Sustained { turns: u64 },
    /// With a receiver that does not exist.
    Outage { turns: u64 },
    /// Set-up and end, with a few spans between them.
    Lifetime { turns: u64 },
}

/// What came of it.
#[derive(Serialize, Deserialize)]
pub struct Outcome {
    pub sample: Sample,
    /// Spans that ended.
    pub ended: u64,
}

impl Job {
    pub fn run(&self) -> Outcome {
        let Self { task, scenario, url } = self;
        match *task {
            Task::Burst(turns) => burst::run(*scenario, turns, url),
            Task::Sustained { turns } => sustained::run(*scenario, turns),
            Task::Outage { turns } => outage::run(*scenario, turns, url),
            Task::Lifetime { turns } => lifetime::run(*scenario, turns, url),
        }
    }
}
