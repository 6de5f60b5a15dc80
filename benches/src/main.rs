//! What mlflow-tracing costs, beside the stock path, in one run.
//!
//! ```sh
//! run="cargo run --release --manifest-path benches/Cargo.toml --"
//! $run                      # prints
//! $run --write              # writes docs/BENCHMARKS.md
//! $run --write --except python,size
//! $run --only cost,threads  # prints these parts
//! $run --check              # holds repeatable figures against budget.json
//! $run --check --update     # writes that
//! $run profile ours         # where one side's cost is
//! ```
//!
//! This process starts itself anew for every run (`job`), and puts the figures together.

mod allocator;
mod budget;
mod callgrind;
mod child;
mod installed;
mod machine;
mod mark;
mod measure;
mod otlp;
mod part;
mod report;
mod runs;
mod scenario;
mod server;
mod side;
mod sink;
mod stub;
mod system;
mod table;
mod task;
mod text;
mod work;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use part::Part;
use scenario::Scenario;
use side::Side;
use task::Job;

const USAGE: &str = "usage: benches [--write] [--except PARTS] | --only PARTS | --check [--update] | \
                     profile SIDE [SCENARIO]";

type Failure = Box<dyn Error>;
type Result<T> = std::result::Result<T, Failure>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--write", ref rest @ ..] => write(&whole(rest)?)?,
        [] | ["--except", _] => print!("{}", whole(&arguments)?),
        ["--only", names] => {
            let names = known(names)?;
            print!("{}", report::measured(&parts(|part| names.contains(&part.name)))?.finish());
        }
        ["--check"] => budget::check(false)?,
        ["--check", "--update"] => budget::check(true)?,
        ["profile", side] => profile(side, "{}")?,
        ["profile", side, scenario] => profile(side, scenario)?,
        ["job", job] => {
            let job: Job = serde_json::from_str(job)?;
            println!("{}", serde_json::to_string(&job.run())?);
        }
        ["python-served"] => println!("{}", serde_json::to_string(&part::python_served()?)?),
        _ => return Err(USAGE.into()),
    }
    Ok(())
}

/// The document, but for the parts that are excepted.
fn whole(arguments: &[&str]) -> Result<String> {
    let excepted = match arguments {
        [] => Vec::new(),
        ["--except", names] => known(names)?,
        _ => return Err(USAGE.into()),
    };
    report::document(&parts(|part| !excepted.contains(&part.name)))
}

fn parts(wanted: impl Fn(&Part) -> bool) -> Vec<&'static Part> {
    part::ALL.iter().filter(|part| wanted(part)).collect()
}

/// Names of parts, with commas between them.
fn known(names: &str) -> Result<Vec<&str>> {
    let names: Vec<&str> = names.split(',').collect();
    let all = part::ALL.map(|part| part.name);
    match names.iter().find(|name| !all.contains(name)) {
        Some(name) => Err(format!("no part {name}: one of {}", part::names("")).into()),
        None => Ok(names),
    }
}

fn write(document: &str) -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/BENCHMARKS.md");
    Ok(fs::write(path, document)?)
}

fn profile(side: &str, scenario: &str) -> Result<()> {
    callgrind::require()?;
    let side =
        Side::parse(side).ok_or_else(|| format!("no side {side}: one of {:?}", Side::ALL))?;
    let scenario: Scenario = serde_json::from_str(scenario)?;
    print!("{}", part::profile_of(&Scenario { side, ..scenario })?.finish());
    Ok(())
}
