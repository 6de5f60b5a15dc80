//! What is measured in a process that runs one side, and how it is told to the one that reports.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use crate::allocator::counted;
use crate::sides::{QUEUE_SPANS, Side};
use crate::sink::Sink;
use crate::work;

/// Traces before the measured ones: connections are made, lazy things are built.
const WARM_UP: u64 = 50;
/// Traces whose allocations are counted, after the timed ones.
pub const ALLOCATION_TRACES: u64 = 400;
/// How far ahead of the receiver the caller of a sustained run may be, in spans.
pub const WINDOW: u64 = QUEUE_SPANS as u64 * 3 / 4;
/// Traces between two looks at the receiver.
const STRIDE: u64 = 64;

/// A figure of one run; per span unless its title says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    Instructions,
    CallerInstructions,
    CallerAllocations,
    CallerBytes,
    CallerCpu,
    CallerWall,
    ProcessCpu,
    ProcessWall,
    Rate,
    WireBytes,
    Requests,
}

impl Measure {
    pub const ALL: [Self; 11] = [
        Self::Instructions,
        Self::CallerInstructions,
        Self::CallerAllocations,
        Self::CallerBytes,
        Self::CallerCpu,
        Self::CallerWall,
        Self::ProcessCpu,
        Self::ProcessWall,
        Self::Rate,
        Self::WireBytes,
        Self::Requests,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Instructions => "instructions, whole process",
            Self::CallerInstructions => "instructions, caller's thread",
            Self::CallerAllocations => "allocations, caller's thread",
            Self::CallerBytes => "bytes allocated, caller's thread",
            Self::CallerCpu => "CPU ns, caller's thread",
            Self::CallerWall => "wall ns, caller's loop",
            Self::ProcessCpu => "CPU ns, whole process, to the last acknowledgement",
            Self::ProcessWall => "wall ns, to the last acknowledgement",
            Self::Rate => "spans per second, sustained at zero loss (higher is better)",
            Self::WireBytes => "bytes on the wire",
            Self::Requests => "requests per 1 000 spans",
        }
    }

    /// Digits after the point that mean something.
    pub fn decimals(self) -> usize {
        match self {
            Self::CallerAllocations | Self::Requests => 2,
            _ => 0,
        }
    }
}

/// The figures of one run.
pub type Sample = BTreeMap<Measure, f64>;

/// Makes `traces` as fast as they come, waits until all have arrived, and tells the figures.
pub fn burst(side: Side, traces: u64, url: &str) -> (Sample, u64) {
    let installed = side.install(url);
    make(WARM_UP);
    installed.flush();

    let (caller, process, wall) = (caller_cpu(), process_cpu(), Instant::now());
    make(traces);
    let (caller_wall, caller) = (wall.elapsed(), caller_cpu() - caller);
    installed.flush();
    let (process_wall, process) = (wall.elapsed(), process_cpu() - process);

    let allocated = counted(|| make(ALLOCATION_TRACES));
    installed.flush();
    let ended = (WARM_UP + traces + ALLOCATION_TRACES) * work::SPANS;
    installed.check(ended);

    let per_span = |figure: u128| figure as f64 / (traces * work::SPANS) as f64;
    let per_counted = |figure: u64| figure as f64 / (ALLOCATION_TRACES * work::SPANS) as f64;
    let sample = Sample::from([
        (Measure::CallerAllocations, per_counted(allocated.times)),
        (Measure::CallerBytes, per_counted(allocated.bytes)),
        (Measure::CallerCpu, per_span(caller)),
        (Measure::CallerWall, per_span(caller_wall.as_nanos())),
        (Measure::ProcessCpu, per_span(process)),
        (Measure::ProcessWall, per_span(process_wall.as_nanos())),
    ]);
    (sample, ended)
}

/// Makes `traces` as fast as they are taken: the caller waits when the receiver is far behind.
pub fn sustained(side: Side, traces: u64) -> (Sample, u64) {
    let sink = Sink::start().expect("the loopback can be bound");
    let installed = side.install(&sink.url());
    make(WARM_UP);
    installed.flush();

    let start = Instant::now();
    let mut made = WARM_UP;
    while made < WARM_UP + traces {
        make(STRIDE);
        made += STRIDE;
        while made * work::SPANS - sink.spans() > WINDOW {
            thread::sleep(Duration::from_millis(1));
        }
    }
    installed.flush();
    let elapsed = start.elapsed();
    let ended = made * work::SPANS;
    installed.check(ended);
    assert_eq!(sink.spans(), ended, "{} lost spans", side.name());
    let rate = ((made - WARM_UP) * work::SPANS) as f64 / elapsed.as_secs_f64();
    (Sample::from([(Measure::Rate, rate)]), ended)
}

fn make(traces: u64) {
    for _ in 0..traces {
        work::trace();
    }
}

/// A sample as lines of text, for a process that reads them.
pub fn write(sample: &Sample, ended: u64) -> String {
    let mut text = format!("ended {ended}\n");
    for (measure, figure) in sample {
        let _ = writeln!(text, "{measure:?} {figure}");
    }
    text
}

/// The figures of [`write`], and the number of spans that ended.
pub fn read(text: &str) -> Option<(Sample, u64)> {
    let (mut sample, mut ended) = (Sample::new(), None);
    for line in text.lines() {
        let (name, figure) = line.split_once(' ')?;
        if name == "ended" {
            ended = Some(figure.parse().ok()?);
        } else {
            let named = |measure: &Measure| format!("{measure:?}") == name;
            sample.insert(Measure::ALL.into_iter().find(named)?, figure.parse().ok()?);
        }
    }
    Some((sample, ended?))
}

fn caller_cpu() -> u128 {
    clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

fn process_cpu() -> u128 {
    clock(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// Nanoseconds on one of the system's clocks.
fn clock(id: libc::clockid_t) -> u128 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec that lives through the call.
    let failed = unsafe { libc::clock_gettime(id, &raw mut time) };
    assert_eq!(failed, 0, "the clocks of Linux exist");
    let seconds = time.tv_sec.try_into().expect("time is positive");
    Duration::new(seconds, time.tv_nsec.try_into().expect("less than a second")).as_nanos()
}
