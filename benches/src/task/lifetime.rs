//! Set-up and end of a program's tracing.

use std::time::Instant;

use super::Outcome;
use super::callers::make;
use crate::measure::{Measure, Sample};
use crate::scenario::Scenario;
use crate::work::Work;

pub fn run(scenario: Scenario, turns: u64, url: &str) -> Outcome {
    let start = Instant::now();
    let installed = scenario.install(url);
    let init = start.elapsed();
    make(scenario, &Work::new(scenario), turns);
    let start = Instant::now();
    installed.end();
    let nanoseconds = |time: std::time::Duration| time.as_nanos() as f64;
    let sample = Sample::from([
        (Measure::Init, nanoseconds(init)),
        (Measure::Exit, nanoseconds(start.elapsed())),
    ]);
    Outcome { sample, ended: turns * scenario.spans() }
}
