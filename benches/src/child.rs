//! Runs a side in a process of its own, and checks that nothing is lost.

use std::ffi::OsStr;
use std::process::Command;
use std::{env, fmt};

use crate::Result;
use crate::measure::{Measure, Sample};
use crate::scenario::Scenario;
use crate::server::Server;
use crate::sink;
use crate::task::{Job, Outcome, Task, Turns};

/// Timed turns of the standard work: fewer spans than the queue holds.
const TIMED: u64 = 6_400;
const COUNTED: u64 = 400;
const SUSTAINED: u64 = 40_000;
/// Payload of a run at most.
const BURST_BYTES: u64 = 80_000_000;
const SUSTAINED_BYTES: u64 = 500_000_000;

/// Turns of a timed run.
pub fn turns(scenario: &Scenario) -> Turns {
    Turns {
        warm_up: scenario.bounded(50, BURST_BYTES / 8),
        timed: scenario.bounded(TIMED, BURST_BYTES),
        counted: scenario.bounded(COUNTED, BURST_BYTES / 2),
    }
}

/// Everything that a run as fast as possible tells, and, of a side that sends, the sustained rate.
pub fn timed(scenario: &Scenario) -> Result<Sample> {
    let mut sample = burst(scenario, turns(scenario), &[])?;
    if scenario.arrives() {
        sample.extend(sustained(scenario)?);
    }
    Ok(sample)
}

pub fn sustained_turns(scenario: &Scenario) -> u64 {
    scenario.bounded(SUSTAINED, SUSTAINED_BYTES)
}

fn sustained(scenario: &Scenario) -> Result<Sample> {
    let task = Task::Sustained { turns: sustained_turns(scenario) };
    Ok(run(&[], &Job { task, scenario: *scenario, url: String::new() })?.sample)
}

/// A run as fast as possible, inside `wrapper` if there is one, with what the receiver saw of it.
pub fn burst(scenario: &Scenario, turns: Turns, wrapper: &[&str]) -> Result<Sample> {
    with_sink(scenario, Task::Burst(turns), wrapper)
}

/// A task with a receiver in this process, which must get every span.
pub fn with_sink(scenario: &Scenario, task: Task, wrapper: &[&str]) -> Result<Sample> {
    let sink = sink::start()?;
    let url = sink.url(sink::PATH);
    let Outcome { mut sample, ended } = run(wrapper, &Job { task, scenario: *scenario, url })?;
    let expected = if scenario.arrives() { ended * scenario.destinations as u64 } else { 0 };
    if sink.spans() != expected {
        return Err(format!("{scenario:?}: {} of {expected} spans arrived", sink.spans()).into());
    }
    if expected > 0 {
        sample.extend(seen(&sink, ended));
    }
    Ok(sample)
}

/// What a server saw of `ended` spans.
pub fn seen(server: &Server, ended: u64) -> Sample {
    let spans = ended as f64;
    Sample::from([
        (Measure::WireBytes, server.bytes() as f64 / spans),
        (Measure::Requests, server.requests() as f64 * 1_000.0 / spans),
    ])
}

/// Has this program do `job`, inside `wrapper` if there is one.
pub fn run(wrapper: &[&str], job: &Job) -> Result<Outcome> {
    let (program, told) = (env::current_exe()?, serde_json::to_string(job)?);
    let mut line = wrapper.iter().map(OsStr::new).collect::<Vec<_>>();
    line.extend([program.as_os_str(), OsStr::new("job"), OsStr::new(&told)]);
    Ok(serde_json::from_str(&said(&line, &[], &told)?)?)
}

/// What a program says, in an environment of `variables` alone: no other may set one side up
/// differently.
pub fn said(
    line: &[&OsStr],
    variables: &[(&str, &str)],
    what: &dyn fmt::Display,
) -> Result<String> {
    let (program, arguments) = line.split_first().ok_or("there is a program")?;
    let output = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .envs(variables.iter().copied())
        .output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{what}: {}\n{said}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
