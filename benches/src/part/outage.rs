//! A million spans while nobody listens.

use super::Section;
use crate::mark::Mark;
use crate::measure::Measure;
use crate::runs::Runs;
use crate::scenario::Scenario;
use crate::server::dead_url;
use crate::side::Side;
use crate::table::{self, Table, cell, figure};
use crate::task::{Job, Task};
use crate::text::Text;
use crate::{Result, child, sink};

const TURNS: u64 = 200_000;
const MEBIBYTE: usize = 1 << 20;
/// The default of `Builder::with_memory_limit`.
const DEFAULT_CAP: usize = 64 * MEBIBYTE;
const SMALL_CAP: usize = 8 * MEBIBYTE;

const OURS: Scenario = Scenario { ample: false, ..Scenario::of(Side::Ours) };
const SCENARIOS: [(Scenario, &str, Option<usize>); 3] = [
    (OURS, "ours, 64 MiB (default)", Some(DEFAULT_CAP)),
    (Scenario { memory: Some(SMALL_CAP), ..OURS }, "ours, 8 MiB", Some(SMALL_CAP)),
    (Scenario { ample: false, ..Scenario::of(Side::Stock) }, "stock, 2 048 spans (default)", None),
];
const MEASURES: [Measure; 6] = [
    Measure::GrownMost,
    Measure::Grown,
    Measure::GrownTrimmed,
    Measure::Ended,
    Measure::Pending,
    Measure::Dropped,
];

pub fn measure() -> Result<Section> {
    let mut runs = Runs::default();
    let scenarios = SCENARIOS.map(|(scenario, ..)| scenario);
    runs.repeat(1, &scenarios, |scenario| {
        let (task, url) = (Task::Outage { turns: TURNS }, dead_url("http", sink::PATH)?);
        Ok(child::run(&[], &Job { task, scenario: *scenario, url })?.sample)
    })?;
    let titles = SCENARIOS.map(|(_, title, _)| title);
    let mut table = Table::new([""].into_iter().chain(titles));
    let to_cap = |scenario: &Scenario, cap: Option<usize>| {
        Some(runs.median(scenario, Measure::GrownMost)? / cap? as f64)
    };
    let ratios = SCENARIOS.map(|(scenario, _, cap)| figure(to_cap(&scenario, cap), 2));
    table.row("**growth at its most / cap**", ratios);
    for measure in MEASURES {
        table.row(measure.title(), scenarios.map(|scenario| cell(&runs, &scenario, measure)));
    }
    let mut text = Text::of(&format!(
        "{} spans of 0.3 KB inputs and outputs, as fast as they come, to a port on which nobody listens. Our \
         account is checked: kept and dropped are what ended. Stock drops what does not fit, and keeps no account.",
        table::count(TURNS * OURS.spans())
    ));
    text.table(table);
    let findings = Mark::Growth.found(to_cap(&OURS, Some(DEFAULT_CAP)));
    Ok(Section { text, findings: findings.into_iter().collect() })
}
