//! Cost against number of attributes, payload, open traces and destinations.

use super::Section;
use crate::measure::Measure;
use crate::runs::Runs;
use crate::scenario::{Scenario, Source};
use crate::side::Side;
use crate::table::{Table, cell, grouped};
use crate::text::Text;
use crate::{Result, callgrind};

const STANDARD: Scenario = Scenario::of(Side::Ours);
const MEASURES: [Measure; 2] = [Measure::Instructions, Measure::CallerInstructions];

/// What is near enough to a line.
const STRAIGHT: f64 = 0.05;

/// What is varied.
struct Axis {
    title: &'static str,
    values: &'static [usize],
    /// What a step of the line is.
    unit: (f64, &'static str),
    at: fn(usize) -> Scenario,
    /// Why it is no line, if it is none.
    reason: Option<&'static str>,
}

const AXES: [Axis; 4] = [
    Axis {
        title: "attributes",
        values: &[0, 4, 16, 64],
        unit: (1.0, "an attribute"),
        at: |attributes| Scenario { source: Source::Attributes, attributes, ..STANDARD },
        reason: Some(
            "Not quite a line: that no key came twice is told by a signature for about ten such keys, by \
             fingerprints for up to 32, and by a set above.",
        ),
    },
    Axis {
        title: "bytes of inputs, and of outputs",
        values: &[0, 1_000, 10_000, 100_000],
        unit: (1_000.0, "1 000 bytes of each"),
        at: |payload| Scenario { payload, ..STANDARD },
        reason: Some(
            "A line but for its first point: of inputs and outputs that are empty nothing is allocated, copied or \
             looked at.",
        ),
    },
    Axis {
        title: "open traces",
        values: &[1, 100, 10_000],
        unit: (1_000.0, "1 000 open traces"),
        at: |open| Scenario { open, ..STANDARD },
        reason: None,
    },
    Axis {
        title: "destinations",
        values: &[1, 2, 3, 4],
        unit: (1.0, "a destination"),
        at: |destinations| Scenario { destinations, ..STANDARD },
        reason: None,
    },
];

pub fn measure() -> Result<Section> {
    let mut text = Text::of(
        "Instructions per span, ours. The line is that of least squares; the deviation is that of the figure which \
         is farthest from it, in percent of that figure.",
    );
    for axis in AXES {
        let mut runs = Runs::default();
        let scenarios: Vec<Scenario> = axis.values.iter().map(|&value| (axis.at)(value)).collect();
        runs.repeat(1, &scenarios, callgrind::instructions)?;
        let (table, deviation) = axis.table(&runs, &scenarios);
        text.table(table);
        if deviation > STRAIGHT {
            text.paragraph(
                axis.reason.unwrap_or("This is no straight line, and why is not known."),
            );
        }
    }
    Ok(Section { text, findings: Vec::new() })
}

impl Axis {
    /// The figures with their line, and how far the farthest is from it.
    fn table(&self, runs: &Runs, scenarios: &[Scenario]) -> (Table, f64) {
        let values = self.values.iter().map(|&value| grouped(value as f64, 0));
        let (unit, step) = self.unit;
        let last = [format!("for {step}"), "deviation".to_owned()];
        let titles: Vec<String> =
            [self.title.to_owned()].into_iter().chain(values).chain(last).collect();
        let mut table = Table::new(titles.iter().map(String::as_str));
        let mut worst = 0.0_f64;
        for measure in MEASURES {
            let points = self.values.iter().zip(scenarios);
            let points: Vec<(f64, f64)> = points
                .filter_map(|(&x, scenario)| Some((x as f64, runs.median(scenario, measure)?)))
                .collect();
            let line = Line::through(&points);
            let deviation = line.worst_deviation(&points);
            worst = worst.max(deviation);
            let figures = scenarios.iter().map(|scenario| cell(runs, scenario, measure));
            let told =
                [grouped(line.slope * unit, 0), format!("{} %", grouped(deviation * 100.0, 1))];
            table.row(measure.title(), figures.chain(told));
        }
        (table, worst)
    }
}

struct Line {
    slope: f64,
    at_zero: f64,
}

impl Line {
    /// The line of least squares.
    fn through(points: &[(f64, f64)]) -> Self {
        let count = points.len() as f64;
        let mean = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
        let (x, y) = (mean(&|point| point.0), mean(&|point| point.1));
        let slope =
            mean(&|point| (point.0 - x) * (point.1 - y)) / mean(&|point| (point.0 - x).powi(2));
        Self { slope, at_zero: y - slope * x }
    }

    /// How far the farthest point is from the line, as a share of it.
    fn worst_deviation(&self, points: &[(f64, f64)]) -> f64 {
        let deviation = |&(x, y): &(f64, f64)| ((self.at_zero + self.slope * x - y) / y).abs();
        points.iter().map(deviation).fold(0.0, f64::max)
    }
}
