//! Spans that are not sampled, or that the capturing layer refuses.

use super::Section;
use crate::mark::Mark;
use crate::measure::Measure;
use crate::runs::Runs;
use crate::scenario::{Scenario, Source};
use crate::side::Side;
use crate::table::{Table, cell, ratio};
use crate::text::Text;
use crate::{Result, callgrind};

const REPETITIONS: usize = 3;
const SIDES: [Side; 3] = [Side::Ours, Side::Stock, Side::Registry];

struct Quiet {
    title: &'static str,
    scenario: Scenario,
}

const STANDARD: Scenario = Scenario::of(Side::Ours);
const UNSAMPLED: Scenario = Scenario { sampled: false, ..STANDARD };
const QUIET: [Quiet; 3] = [
    Quiet { title: "not sampled (ratio 0)", scenario: UNSAMPLED },
    Quiet {
        title: "below the level that is captured",
        scenario: Scenario { source: Source::Refused, ..STANDARD },
    },
    Quiet {
        title: "the same, beside a layer that takes every span",
        scenario: Scenario { source: Source::Refused, company: true, ..STANDARD },
    },
];

pub fn measure() -> Result<Section> {
    let mut runs = Runs::default();
    let mut table =
        Table::new(["", "ours", "stock", "registry", "**ours / registry**", "stock / registry"]);
    for Quiet { title, scenario } in QUIET {
        let all @ [ours, stock, bare] = SIDES.map(|side| Scenario { side, ..scenario });
        runs.repeat(REPETITIONS, &all, callgrind::instructions)?;
        let figures = all.iter().map(|scenario| cell(&runs, scenario, Measure::Instructions));
        let ratios =
            [ours, stock].map(|side| ratio(runs.ratio([&side, &bare], Measure::Instructions)));
        table.row(title, figures.chain(ratios));
    }
    let bare = Scenario { side: Side::Registry, ..UNSAMPLED };
    let unsampled = runs.ratio([&UNSAMPLED, &bare], Measure::Instructions);
    let mut text = Text::of(
        "Instructions per span, whole process, dotted fields. The registry has a layer that takes every span and \
         does nothing. Stock refuses by `with_filter(LevelFilter::INFO)`.",
    );
    text.table(table);
    let findings = Mark::Unsampled.found(unsampled.map(|ratio| ratio.median));
    Ok(Section { text, findings: findings.into_iter().collect() })
}
