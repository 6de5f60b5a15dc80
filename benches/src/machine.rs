//! Where and when the figures were taken.

use std::process::Command;
use std::{fs, thread};

/// One line: processor, cores, compiler, day.
pub fn line() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let model = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let model = model.unwrap_or_else(|| "unknown processor".to_owned());
    format!("{model}, {cores} cores; {}; {}", compiler(), said("date", &["-u", "+%F"]))
}

pub fn compiler() -> String {
    said("rustc", &["--version"])
}

/// Processes that wanted to run, on average over the last minute.
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown").to_owned()
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    text.map_or_else(|| format!("{program} unknown"), |text| text.trim().to_owned())
}
