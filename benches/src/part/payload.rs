//! Inputs and outputs of 10 KB and 1 MB, and how often they are copied.

use super::{Section, cost};
use crate::mark::Mark;
use crate::measure::Measure;
use crate::runs::Runs;
use crate::scenario::{PAYLOAD, Scenario};
use crate::side::Side;
use crate::table::{Table, figure};
use crate::text::Text;
use crate::{Result, callgrind, child, table};

const REPETITIONS: usize = 5;

const LARGE: usize = 10_000;
const HUGE: usize = 1_000_000;
const PAYLOADS: [(usize, &str); 3] = [(PAYLOAD, "0.3 KB"), (LARGE, "10 KB"), (HUGE, "1 MB")];

pub fn measure() -> Result<Section> {
    let mut runs = Runs::default();
    let mut text = Text::of(
        "Dotted fields, inputs and outputs of that size each; 0.3 KB is above. Stock's limit on a request, \
         64 MiB, is lifted: its batches are of 512 spans of whatever size, and one above the limit is lost.",
    );
    for (payload, title) in PAYLOADS {
        let both = both(payload);
        let allocations = |scenario: &Scenario| child::burst(scenario, child::turns(scenario), &[]);
        runs.repeat(1, &both.map(alone), allocations)?;
        if payload == PAYLOAD {
            runs.repeat(1, &both, allocations)?;
            continue;
        }
        runs.repeat(1, &both, callgrind::instructions)?;
        runs.repeat(REPETITIONS, &both, child::timed)?;
        let [ours, stock] = &both;
        text.heading(3, title);
        text.table(table::compared(&runs, ours, stock, &[], &cost::MEASURES));
    }
    text.heading(3, "Copies");
    text.paragraph(
        "Bytes allocated for each byte of inputs and outputs: what is copied needs room.",
    );
    text.table(copies(&runs));
    let ours = both(HUGE)[0];
    let share = |scenario, measure| Some(runs.median(scenario, measure)? / doubled(HUGE));
    let findings = [
        Mark::Copies.found(share(&alone(ours), Measure::CallerBytes)),
        Mark::Formatting.found(share(&ours, Measure::CallerInstructions)),
    ];
    Ok(Section { text, findings: findings.into_iter().flatten().collect() })
}

fn both(payload: usize) -> [Scenario; 2] {
    Side::BOTH.map(|side| Scenario { payload, ..Scenario::of(side) })
}

/// Bytes of a span's inputs and outputs together.
fn doubled(payload: usize) -> f64 {
    2.0 * payload as f64
}

/// A root without children: what is copied at its start counts for it alone.
fn alone(scenario: Scenario) -> Scenario {
    Scenario { children: 0, ..scenario }
}

struct Line {
    title: &'static str,
    measure: Measure,
    of: fn(Scenario) -> Scenario,
}

const LINES: [Line; 3] = [
    Line { title: "caller's thread", measure: Measure::CallerBytes, of: |scenario| scenario },
    Line { title: "the same, of a root alone", measure: Measure::CallerBytes, of: alone },
    Line { title: "whole process", measure: Measure::ProcessBytes, of: |scenario| scenario },
];

fn copies(runs: &Runs) -> Table {
    let titles = PAYLOADS
        .iter()
        .flat_map(|(_, title)| Side::BOTH.map(|side| format!("{title}, {}", side.title())));
    let titles: Vec<String> = [String::new()].into_iter().chain(titles).collect();
    let mut table = Table::new(titles.iter().map(String::as_str));
    for Line { title, measure, of } in LINES {
        let cells = PAYLOADS.iter().flat_map(|&(payload, _)| {
            both(payload).map(|scenario| {
                let bytes = runs.median(&of(scenario), measure);
                figure(bytes.map(|bytes| bytes / doubled(payload)), 2)
            })
        });
        table.row(title, cells);
    }
    table
}
