//! A receiver that does not exist: how much memory the spans take that nobody fetches.

use std::time::Duration;

use super::Outcome;
use super::callers::make;
use crate::measure::{Measure, Sample};
use crate::scenario::Scenario;
use crate::system;
use crate::work::Work;

const WARM_UP: u64 = 50;
/// More than encoding takes of what is held.
const PATIENCE: Duration = Duration::from_secs(5);

pub fn run(scenario: Scenario, turns: u64, url: &str) -> Outcome {
    let installed = scenario.install(url);
    let work = Work::new(scenario);
    make(scenario, &work, WARM_UP);
    system::trim();
    system::forget_most();
    let before = system::resident();

    make(scenario, &work, turns);
    installed.flush_in_vain(PATIENCE);
    let (grown, most) = (system::resident() - before, system::most_resident() - before);
    system::trim();
    let trimmed = system::resident() - before;

    let ended = (WARM_UP + turns) * scenario.spans();
    let mut sample = Sample::from([
        (Measure::Grown, grown),
        (Measure::GrownMost, most),
        (Measure::GrownTrimmed, trimmed),
        (Measure::Ended, ended as f64),
    ]);
    if let Some(stats) = installed.stats() {
        assert_eq!(stats.ended, ended, "every span reached the pipe");
        for destination in &stats.destinations {
            assert!(destination.conserves(ended), "{destination:?}");
            sample.insert(Measure::Pending, destination.pending as f64);
            sample.insert(Measure::Dropped, destination.dropped.total() as f64);
        }
    }
    Outcome { sample, ended }
}
