//! The standard work on one thread, and on eight at once.

use super::Section;
use crate::measure::Measure;
use crate::runs::Runs;
use crate::scenario::Scenario;
use crate::side::Side;
use crate::text::Text;
use crate::{Result, child, table};

const REPETITIONS: usize = 5;
const THREADS: [(u64, &str); 2] = [(1, "One thread"), (8, "Eight threads")];
const MEASURES: [Measure; 5] = [
    Measure::CallerCpu,
    Measure::CallerWall,
    Measure::ProcessCpu,
    Measure::ProcessWall,
    Measure::Rate,
];

pub fn measure() -> Result<Section> {
    let mut text = Text::of(
        "Dotted fields; the caller's CPU time is that of all threads that make spans, divided by all spans.",
    );
    for (threads, title) in THREADS {
        let mut runs = Runs::default();
        let both = Side::BOTH.map(|side| Scenario { threads, ..Scenario::of(side) });
        runs.repeat(REPETITIONS, &both, child::timed)?;
        text.heading(3, title);
        text.table(table::compared(&runs, &both[0], &both[1], &[], &MEASURES));
    }
    Ok(Section { text, findings: Vec::new() })
}
