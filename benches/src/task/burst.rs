//! Spans as fast as they come: what they cost the caller, and the process until all have arrived.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::Outcome;
use super::callers::make;
use crate::allocator::counted;
use crate::measure::{Measure, Sample};
use crate::scenario::Scenario;
use crate::system;
use crate::work::Work;

/// How often the work is done.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Turns {
    /// Before anything is measured: connections are made, lazy things are built.
    pub warm_up: u64,
    pub timed: u64,
    /// With allocations counted, by one thread, after the timed ones.
    pub counted: u64,
}

pub fn run(scenario: Scenario, turns: Turns, url: &str) -> Outcome {
    let installed = scenario.install(url);
    let work = Work::new(scenario);
    make(scenario, &work, turns.warm_up);
    installed.flush();

    let (process, start) = (system::process_cpu(), Instant::now());
    let caller = make(scenario, &work, turns.timed);
    let caller_wall = start.elapsed();
    installed.flush();
    let (wall, process) = (start.elapsed(), system::process_cpu() - process);

    let alone = Scenario { threads: 1, ..scenario };
    let count = || {
        make(alone, &work, turns.counted);
    };
    let [by_caller, by_all] = counted(count, || installed.flush());
    drop(work);
    installed.flush();
    let Turns { warm_up, timed, counted } = turns;
    let ended = (warm_up + timed + counted) * scenario.spans() + scenario.open as u64;
    installed.check(if scenario.arrives() { ended } else { 0 });

    let per_span = |figure: u128| figure as f64 / (timed * scenario.spans()) as f64;
    let per_counted = |figure: u64| figure as f64 / (counted.max(1) * scenario.spans()) as f64;
    let sample = Sample::from([
        (Measure::CallerAllocations, per_counted(by_caller.times)),
        (Measure::CallerBytes, per_counted(by_caller.bytes)),
        (Measure::ProcessAllocations, per_counted(by_all.times)),
        (Measure::ProcessBytes, per_counted(by_all.bytes)),
        (Measure::CallerCpu, per_span(caller)),
        (Measure::CallerWall, per_span(caller_wall.as_nanos())),
        (Measure::ProcessCpu, per_span(process)),
        (Measure::ProcessWall, per_span(wall.as_nanos())),
    ]);
    Outcome { sample, ended }
}
