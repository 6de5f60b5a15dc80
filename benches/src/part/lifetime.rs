//! What tracing adds to the start and the end of a program.

use super::Section;
use crate::mark::Mark;
use crate::measure::{Measure, Sample};
use crate::runs::Runs;
use crate::scenario::Scenario;
use crate::server::dead_url;
use crate::side::Side;
use crate::table::{self, Table, cell};
use crate::task::{Job, Task};
use crate::text::Text;
use crate::{Result, child, sink};

/// Traces between start and end.
const TURNS: u64 = 200;
const TASK: Task = Task::Lifetime { turns: TURNS };

struct Life {
    title: &'static str,
    sides: &'static [Side],
    /// Starts of the program; one whose end waits for its deadline takes long.
    starts: usize,
    measure: fn(&Scenario) -> Result<Sample>,
}

const LIVES: [Life; 3] = [
    Life { title: "receiver on the loopback", sides: &Side::BOTH, starts: 41, measure: living },
    Life { title: "nobody listens", sides: &Side::BOTH, starts: 3, measure: dead },
    Life { title: "nobody listens, `https`", sides: &[Side::Ours], starts: 3, measure: dead_tls },
];

pub fn measure() -> Result<Section> {
    let mut table =
        Table::new(["", "set-up ms, ours", "set-up ms, stock", "end ms, ours", "end ms, stock"]);
    let mut findings = Vec::new();
    for Life { title, sides, starts, measure } in LIVES {
        let mut runs = Runs::default();
        let scenarios: Vec<Scenario> =
            sides.iter().map(|&side| Scenario { ample: false, ..Scenario::of(side) }).collect();
        runs.repeat(starts, &scenarios, measure)?;
        let cells = [Measure::Init, Measure::Exit].into_iter().flat_map(|measure| {
            Side::BOTH.map(|side| {
                let scenario = Scenario { ample: false, ..Scenario::of(side) };
                cell(&runs, &scenario, measure)
            })
        });
        table.row(title, cells);
        let init = runs.median(&scenarios[0], Measure::Init).map(|init| init / 1e6);
        findings.extend(Mark::Init.found(init));
    }
    findings.sort_by(|a, b| b.measured.total_cmp(&a.measured));
    let mut text = Text::of(&format!(
        "Medians over starts of a program. Set-up is everything until spans are captured: destination, threads, \
         layer, global subscriber. The end is the drop of the guard, stock's `shutdown`, after {} spans; ours may \
         take 5 s by default to deliver what is left, stock loses it. The mark is held against the slowest.",
        table::count(TURNS * Scenario::default().spans())
    ));
    text.table(table);
    Ok(Section { text, findings: findings.into_iter().take(1).collect() })
}

fn living(scenario: &Scenario) -> Result<Sample> {
    child::with_sink(scenario, TASK, &[])
}

fn dead(scenario: &Scenario) -> Result<Sample> {
    unreachable(scenario, "http")
}

fn dead_tls(scenario: &Scenario) -> Result<Sample> {
    unreachable(scenario, "https")
}

fn unreachable(scenario: &Scenario, scheme: &str) -> Result<Sample> {
    let url = dead_url(scheme, sink::PATH)?;
    Ok(child::run(&[], &Job { task: TASK, scenario: *scenario, url })?.sample)
}
