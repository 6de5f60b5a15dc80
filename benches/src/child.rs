//! Runs one side in a process of its own, against a sink in this one, and checks that nothing is lost.

use std::error::Error;
use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::{env, fs, process};

use crate::measure::{self, Measure, Sample};
use crate::sides::Side;
use crate::sink::Sink;
use crate::work;

/// Traces of a timed run: fewer spans than the queue holds.
pub const BURST_TRACES: u64 = 6_400;
/// Traces of a sustained run.
pub const SUSTAINED_TRACES: u64 = 40_000;
/// Traces of the two runs under callgrind, whose difference is told.
pub const COUNTED_TRACES: [u64; 2] = [200, 4_200];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Everything that is measured in one repetition, but instructions.
pub fn timed(side: Side) -> Result<Sample> {
    let mut sample = burst(side, BURST_TRACES, &[])?;
    if side.sends() {
        let traces = SUSTAINED_TRACES.to_string();
        let (rate, _) = run(&[], &["sustained", side.name(), &traces])?;
        sample.extend(rate);
    }
    Ok(sample)
}

/// Instructions per span by callgrind, in all threads and in the first, which is the caller's.
pub fn instructions(side: Side) -> Result<Sample> {
    let directory = env::temp_dir().join(format!("mlflow-tracing-benches-{}", process::id()));
    fs::create_dir_all(&directory)?;
    let mut counts = Vec::new();
    for traces in COUNTED_TRACES {
        let out = directory.join(format!("{}-{traces}", side.name()));
        let file = format!("--callgrind-out-file={}", out.display());
        let valgrind =
            ["valgrind", "--quiet", "--tool=callgrind", "--separate-threads=yes", file.as_str()];
        burst(side, traces, &valgrind)?;
        let mut threads = Vec::new();
        for number in 1.. {
            let Ok(profile) = fs::read_to_string(format!("{}-{number:02}", out.display())) else {
                break;
            };
            threads.push(total(&profile).ok_or("a profile without a total")?);
        }
        let caller = *threads.first().ok_or("no profile was written")?;
        counts.push((threads.iter().sum::<f64>(), caller));
    }
    fs::remove_dir_all(&directory)?;
    let [(small, small_caller), (large, large_caller)] = counts[..] else {
        return Err("two runs were made".into());
    };
    let spans = ((COUNTED_TRACES[1] - COUNTED_TRACES[0]) * work::SPANS) as f64;
    Ok(Sample::from([
        (Measure::Instructions, (large - small) / spans),
        (Measure::CallerInstructions, (large_caller - small_caller) / spans),
    ]))
}

pub fn has_valgrind() -> bool {
    let run = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
}

/// A run of `burst`, with what the sink saw of it.
fn burst(side: Side, traces: u64, wrapper: &[&str]) -> Result<Sample> {
    let sink = Sink::start()?;
    let (traces, url) = (traces.to_string(), sink.url());
    let (mut sample, ended) = run(wrapper, &["burst", side.name(), &traces, &url])?;
    let expected = if side.sends() { ended } else { 0 };
    if sink.spans() != expected {
        let name = side.name();
        return Err(format!("{name}: {} of {expected} spans arrived", sink.spans()).into());
    }
    if side.sends() {
        let spans = ended as f64;
        sample.insert(Measure::WireBytes, sink.bytes() as f64 / spans);
        sample.insert(Measure::Requests, sink.requests() as f64 * 1_000.0 / spans);
    }
    Ok(sample)
}

/// Runs this program with `arguments`, inside `wrapper` if there is one, and reads its figures.
fn run(wrapper: &[&str], arguments: &[&str]) -> Result<(Sample, u64)> {
    let program = env::current_exe()?;
    let mut line = wrapper.iter().map(OsStr::new).chain([program.as_os_str()]);
    let first = line.next().ok_or("there is a program")?;
    // No variable may set one side up differently: OTEL_*, RUST_LOG, proxies.
    let output = Command::new(first)
        .args(line)
        .args(arguments)
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("{}: {}", arguments.join(" "), output.status).into());
    }
    let text = String::from_utf8(output.stdout)?;
    measure::read(&text).ok_or_else(|| format!("not understood: {text}").into())
}

fn total(profile: &str) -> Option<f64> {
    profile.lines().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}
