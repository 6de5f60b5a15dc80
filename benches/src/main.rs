//! What mlflow-tracing costs, beside the stock path, in one run.
//!
//! ```sh
//! cargo run --release --manifest-path benches/Cargo.toml             # prints
//! cargo run --release --manifest-path benches/Cargo.toml -- --write  # writes docs/BENCHMARKS.md
//! ```
//!
//! This process starts itself anew for every run, as `burst SIDE TRACES [URL]` or
//! `sustained SIDE TRACES`, and puts the figures together.

mod allocator;
mod child;
mod machine;
mod measure;
mod report;
mod sides;
mod sink;
mod size;
mod work;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use report::{Runs, Setting};
use sides::Side;
use sink::Sink;

const REPETITIONS: usize = 15;
/// Instruction counts hardly differ from one run to the next.
const COUNTED_REPETITIONS: usize = 5;

const USAGE: &str = "usage: benches [--write] | burst SIDE TRACES [URL] | sustained SIDE TRACES";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => print!("{}", benchmark()?),
        ["--write"] => {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/BENCHMARKS.md");
            let document = benchmark()?;
            fs::create_dir_all(path.parent().ok_or("docs has a parent")?)?;
            fs::write(path, document)?;
        }
        ["burst", side, traces] => burst(side, traces, &Sink::start()?.url())?,
        ["burst", side, traces, url] => burst(side, traces, url)?,
        ["sustained", side, traces] => {
            let (sample, ended) = measure::sustained(parse(side)?, traces.parse()?);
            print!("{}", measure::write(&sample, ended));
        }
        _ => return Err(USAGE.into()),
    }
    Ok(())
}

fn burst(side: &str, traces: &str, url: &str) -> Result<()> {
    let (sample, ended) = measure::burst(parse(side)?, traces.parse()?, url);
    print!("{}", measure::write(&sample, ended));
    Ok(())
}

fn parse(side: &str) -> Result<Side> {
    let names = || Side::ALL.map(Side::name).join(", ");
    Side::parse(side).ok_or_else(|| format!("no side {side}: one of {}", names()).into())
}

fn benchmark() -> Result<String> {
    let before = machine::load();
    eprintln!("sizes");
    let sizes = size::measure()?;
    let valgrind = child::has_valgrind();
    let mut runs = Runs::default();
    for repetition in 0..if valgrind { COUNTED_REPETITIONS } else { 0 } {
        eprintln!("instructions, repetition {}", repetition + 1);
        for side in in_turn(repetition) {
            runs.add(side, child::instructions(side)?);
        }
    }
    for repetition in 0..REPETITIONS {
        eprintln!("time, repetition {}", repetition + 1);
        for side in in_turn(repetition) {
            runs.add(side, child::timed(side)?);
        }
    }
    let setting = Setting {
        machine: machine::line(),
        load: [before, machine::load()],
        repetitions: REPETITIONS,
        counted_repetitions: COUNTED_REPETITIONS,
        valgrind,
    };
    Ok(report::document(&runs, &sizes, &setting))
}

/// Every side once, another one first in each repetition.
fn in_turn(repetition: usize) -> [Side; Side::ALL.len()] {
    let mut sides = Side::ALL;
    sides.rotate_left(repetition % Side::ALL.len());
    sides
}
