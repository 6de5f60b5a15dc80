//! Instructions, counted by valgrind.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, process};

use crate::Result;
use crate::child;
use crate::measure::{Measure, Sample};
use crate::scenario::Scenario;
use crate::task::Turns;

/// Turns of the two runs whose difference is told. The shorter one lasts until a pipe has found its
/// pace: ours waits a little before a trace leaves, and gives memory back after that. So both end in
/// the same way, and the end is no part of the difference, unless payloads are large.
const FEW: u64 = 1_600;
const MANY: u64 = 5_600;
/// Payload of the longer run at most.
const BYTES: u64 = 60_000_000;

/// Valgrind counts `rep movsb`, one instruction that copies thousands of bytes, once for each of
/// them: the C library is to copy by vectors.
const PLAIN_COPIES: &str = "GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=0x7fffffff:\
                            glibc.cpu.x86_rep_stosb_threshold=0x7fffffff";

/// Turns of the shorter and the longer run.
pub fn turns(scenario: &Scenario) -> [u64; 2] {
    let many = scenario.bounded(MANY, BYTES).max(2);
    [(many * FEW / MANY).max(1), many]
}

/// Instructions per span, in all threads and in the first, which is the caller's: the difference of
/// two runs, so that start and end cancel.
pub fn instructions(scenario: &Scenario) -> Result<Sample> {
    let turns = turns(scenario);
    let [few, many] = [threads(scenario, turns[0])?, threads(scenario, turns[1])?];
    let spans = ((turns[1] - turns[0]) * scenario.spans()) as f64;
    let all = |threads: &[f64]| threads.iter().sum::<f64>();
    Ok(Sample::from([
        (Measure::Instructions, (all(&many) - all(&few)) / spans),
        (Measure::CallerInstructions, (many[0] - few[0]) / spans),
    ]))
}

/// Instructions of each thread in a run.
fn threads(scenario: &Scenario, turns: u64) -> Result<Vec<f64>> {
    let profiles = profiles(scenario, turns)?;
    let totals = profiles.iter().map(|profile| total(profile).ok_or("a profile without a total"));
    Ok(totals.collect::<std::result::Result<_, _>>()?)
}

/// The profile of each thread in a run, the caller's first.
pub fn profiles(scenario: &Scenario, timed: u64) -> Result<Vec<String>> {
    let directory = Directory::new()?;
    let out = directory.0.join("out");
    let file = format!("--callgrind-out-file={}", out.display());
    let valgrind = [
        "env",
        PLAIN_COPIES,
        "valgrind",
        "--quiet",
        "--tool=callgrind",
        "--separate-threads=yes",
        // Threads in turn: how they alternate moves what the allocator does.
        "--fair-sched=yes",
        file.as_str(),
    ];
    let warm_up = child::turns(scenario).warm_up;
    child::burst(scenario, Turns { warm_up, timed, counted: 0 }, &valgrind)?;
    let numbered = |number: usize| PathBuf::from(format!("{}-{number:02}", out.display()));
    let files = (1..).map(numbered).take_while(|path| path.exists());
    let profiles = files.map(fs::read_to_string).collect::<std::io::Result<Vec<_>>>()?;
    if profiles.is_empty() { Err("valgrind wrote no profile".into()) } else { Ok(profiles) }
}

pub fn require() -> Result<()> {
    let run = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    if run.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err("instructions are counted by valgrind, which is not here: install it".into())
}

fn total(profile: &str) -> Option<f64> {
    profile.lines().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}

/// A directory that is gone when this is.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Result<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("mlflow-tracing-benches-{}-{number}", process::id());
        let directory = env::temp_dir().join(name);
        fs::create_dir_all(&directory)?;
        Ok(Self(directory))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What stays behind in the directory for temporary files does no harm.
        drop(fs::remove_dir_all(Path::new(&self.0)));
    }
}
