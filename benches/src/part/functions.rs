//! Functions that are traced: `#[trace]` beside `#[instrument(ret)]`.

use super::Section;
use crate::measure::Measure;
use crate::runs::Runs;
use crate::scenario::{Scenario, Source};
use crate::side::Side;
use crate::table::{Table, cell, ratio};
use crate::text::Text;
use crate::{Result, callgrind, child};

const REPETITIONS: usize = 3;

const PAYLOADS: [(usize, &str); 3] = [(1_000, "1 KB"), (10_000, "10 KB"), (1_000_000, "1 MB")];

const MEASURES: [Measure; 6] = [
    Measure::CallerInstructions,
    Measure::Instructions,
    Measure::CallerAllocations,
    Measure::CallerBytes,
    Measure::CallerCpu,
    Measure::ProcessCpu,
];

const TRACE: Scenario = Scenario { source: Source::Functions, ..Scenario::of(Side::Ours) };
const INSTRUMENT: Scenario = Scenario { source: Source::Instrument, ..Scenario::of(Side::Ours) };
const STOCK: Scenario = Scenario { source: Source::Instrument, ..Scenario::of(Side::Stock) };

pub fn measure() -> Result<Section> {
    let mut runs = Runs::default();
    let mut text = Text::of(
        "The same functions with one argument and one result of that size each. `#[trace]` tells both as JSON, by \
         `Serialize`; `#[instrument(ret)]` as text, by `Debug`, which no back end can look into. Per span.",
    );
    for (payload, title) in PAYLOADS {
        let all @ [trace, instrument, stock] =
            [TRACE, INSTRUMENT, STOCK].map(|scenario| Scenario { payload, ..scenario });
        runs.repeat(1, &all, callgrind::instructions)?;
        runs.repeat(REPETITIONS, &all, child::timed)?;
        let mut table = Table::new([
            "",
            "`#[trace]`",
            "`#[instrument]`, ours",
            "`#[instrument]`, stock",
            "**`#[trace]` / stock**",
            "ours / stock",
        ]);
        for measure in MEASURES {
            let figures = all.iter().map(|scenario| cell(&runs, scenario, measure));
            let ratios =
                [trace, instrument].map(|side| ratio(runs.ratio([&side, &stock], measure)));
            table.row(measure.title(), figures.chain(ratios));
        }
        text.heading(3, title);
        text.table(table);
    }
    Ok(Section { text, findings: Vec::new() })
}
