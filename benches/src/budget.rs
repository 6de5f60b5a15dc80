//! What a span and a build may cost, in a file that is checked in, and whether they do.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{fs, thread};

use serde::{Deserialize, Serialize};

use crate::measure::{Measure, Sample};
use crate::part::{DEFAULT, LIGHT, counts};
use crate::scenario::{PAYLOAD, Scenario, Source};
use crate::side::Side;
use crate::table::grouped;
use crate::task::Turns;
use crate::{Result, callgrind, child, machine};

/// By how much an instruction count or allocation may be over.
const SLACK: f64 = 0.05;
const UPDATE: &str = "cargo run --release --manifest-path benches/Cargo.toml -- --check --update";

/// How it is told to us and to stock, and the bytes of inputs, and of outputs.
const WORK: [(&str, [Source; 2], usize); 4] = [
    ("fields", [Source::Fields; 2], PAYLOAD),
    ("instrument", [Source::Instrument; 2], PAYLOAD),
    ("setters", [Source::Setters; 2], PAYLOAD),
    ("functions, 10 KB", [Source::Functions, Source::Instrument], 10_000),
];

type Figures = BTreeMap<String, BTreeMap<String, f64>>;

#[derive(Serialize, Deserialize)]
struct Budget {
    /// The compiler moves instruction counts.
    compiler: String,
    /// May be over by `SLACK`; per span.
    cost: Figures,
    /// May not be over.
    dependencies: Figures,
}

/// Fails when a figure is over its budget; or writes the budget anew.
pub fn check(update: bool) -> Result<()> {
    let measured =
        Budget { compiler: machine::compiler(), cost: cost()?, dependencies: dependencies()? };
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("budget.json");
    if update {
        fs::write(&path, serde_json::to_string_pretty(&measured)? + "\n")?;
        println!("written: {}", path.display());
        return Ok(());
    }
    let budget: Budget = serde_json::from_str(&fs::read_to_string(&path)?)?;
    let mut over = compare(&measured.cost, &budget.cost, SLACK)?;
    over.extend(compare(&measured.dependencies, &budget.dependencies, 0.0)?);
    if over.is_empty() {
        return Ok(());
    }
    let compilers = match (budget.compiler, measured.compiler) {
        (then, now) if then == now => String::new(),
        (then, now) => format!("The budget is that of {then}; this is {now}.\n"),
    };
    let over = over.join("\n");
    Err(format!("over budget:\n{over}\n{compilers}If it is worth that: {UPDATE}").into())
}

/// What is over budget; prints what is so far below that the budget is of no use.
fn compare(measured: &Figures, budget: &Figures, slack: f64) -> Result<Vec<String>> {
    let mut over = Vec::new();
    for (group, figures) in measured {
        for (name, &figure) in figures {
            let allowed = budget.get(group).and_then(|group| group.get(name));
            let allowed = *allowed.ok_or(format!("no budget for {group}, {name}: {UPDATE}"))?;
            let difference = figure / allowed - 1.0;
            let told = format!(
                "{group}, {name}: {}, budget {} ({:+.1} %)",
                shown(figure),
                shown(allowed),
                difference * 100.0
            );
            if difference > slack {
                over.push(told);
            } else if difference < -slack {
                println!("{told}: lower the budget: {UPDATE}");
            } else {
                println!("{told}");
            }
        }
    }
    Ok(over)
}

fn cost() -> Result<Figures> {
    callgrind::require()?;
    let mut figures = Figures::new();
    for (name, [ours, stock], payload) in WORK {
        let of = |side, source| Scenario { source, payload, ..Scenario::of(side) };
        let (ours, stock) = (of(Side::Ours, ours), of(Side::Stock, stock));
        // One on each of two cores: what is counted does not depend on it.
        let (ours, stock) = thread::scope(|scope| {
            let stock = scope.spawn(move || counted(&stock).map_err(|error| error.to_string()));
            (counted(&ours), stock.join())
        });
        let (ours, stock) = (ours?, stock.map_err(|_| "a run panicked")??);
        figures.insert(name.to_owned(), told(&ours, &stock));
    }
    Ok(figures)
}

/// The figures that come out the same every time.
fn counted(scenario: &Scenario) -> Result<Sample> {
    let mut sample = child::burst(scenario, Turns { warm_up: 50, timed: 50, counted: 400 }, &[])?;
    sample.extend(callgrind::instructions(scenario)?);
    Ok(sample)
}

fn told(ours: &Sample, stock: &Sample) -> BTreeMap<String, f64> {
    const ABSOLUTE: [(&str, Measure, f64); 3] = [
        ("allocations, caller", Measure::CallerAllocations, 100.0),
        ("instructions, caller", Measure::CallerInstructions, 1.0),
        ("instructions, total", Measure::Instructions, 1.0),
    ];
    let figure = |sample: &Sample, measure| sample.get(&measure).copied().unwrap_or(f64::NAN);
    let round = |figure: f64, steps: f64| (figure * steps).round() / steps;
    let mut told = BTreeMap::new();
    for (name, measure, steps) in ABSOLUTE {
        let (ours, stock) = (figure(ours, measure), figure(stock, measure));
        told.insert(name.to_owned(), round(ours, steps));
        told.insert(format!("{name}, to stock"), round(ours / stock, 1_000.0));
    }
    told
}

fn dependencies() -> Result<Figures> {
    let mut figures = Figures::new();
    for (name, choice) in [("light", LIGHT), ("default", DEFAULT)] {
        let counts = counts(&choice)?;
        let told = [("crates", counts.crates), ("direct dependencies", counts.direct)];
        let told = told.map(|(name, count)| (name.to_owned(), count as f64));
        figures.insert(name.to_owned(), BTreeMap::from(told));
    }
    Ok(figures)
}

fn shown(figure: f64) -> String {
    let decimals = if figure.fract() == 0.0 { 0 } else { 3 };
    grouped(figure, decimals)
}
