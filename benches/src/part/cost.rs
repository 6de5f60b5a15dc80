//! The standard work, told in three ways.

use super::Section;
use crate::mark::Mark;
use crate::measure::Measure;
use crate::runs::Runs;
use crate::scenario::{Scenario, Source};
use crate::side::Side;
use crate::text::Text;
use crate::{Result, callgrind, child, table};

const REPETITIONS: usize = 9;
/// Instruction counts hardly differ from one run to the next.
const COUNTED_REPETITIONS: usize = 3;

/// Another part's tables have the same lines.
pub const MEASURES: [Measure; 13] = [
    Measure::Instructions,
    Measure::CallerInstructions,
    Measure::CallerAllocations,
    Measure::CallerBytes,
    Measure::ProcessAllocations,
    Measure::ProcessBytes,
    Measure::CallerCpu,
    Measure::CallerWall,
    Measure::ProcessCpu,
    Measure::ProcessWall,
    Measure::Rate,
    Measure::WireBytes,
    Measure::Requests,
];

struct Told {
    source: Source,
    title: &'static str,
    sides: &'static [Side],
}

const TOLD: [Told; 3] = [
    Told { source: Source::Fields, title: "Dotted fields", sides: &Side::ALL },
    Told { source: Source::Instrument, title: "`#[instrument(ret)]`", sides: &Side::BOTH },
    Told { source: Source::Setters, title: "Setters", sides: &Side::BOTH },
];

pub fn measure() -> Result<Section> {
    let mut runs = Runs::default();
    let mut text = Text::of(
        "Medians; per span, and lower is better, unless said otherwise. A ratio is the median of the ratios of \
         each repetition, with the least and the greatest.",
    );
    for Told { source, title, sides } in TOLD {
        let scenarios: Vec<Scenario> =
            sides.iter().map(|&side| Scenario { source, ..Scenario::of(side) }).collect();
        runs.repeat(COUNTED_REPETITIONS, &scenarios, callgrind::instructions)?;
        runs.repeat(REPETITIONS, &scenarios, child::timed)?;
        let [ours, stock, others @ ..] = &scenarios[..] else { continue };
        text.heading(3, title);
        text.table(table::compared(&runs, ours, stock, others, &MEASURES));
    }
    let ratio = |source, measure| {
        let [ours, stock] = Side::BOTH.map(|side| Scenario { source, ..Scenario::of(side) });
        runs.ratio([&ours, &stock], measure).map(|ratio| ratio.median)
    };
    let findings = [
        Mark::TotalOfFields.found(ratio(Source::Fields, Measure::Instructions)),
        Mark::CallerOfFields.found(ratio(Source::Fields, Measure::CallerInstructions)),
        Mark::CallerOfInstrument.found(ratio(Source::Instrument, Measure::CallerInstructions)),
        Mark::Rate.found(ratio(Source::Fields, Measure::Rate)),
    ];
    Ok(Section { text, findings: findings.into_iter().flatten().collect() })
}
