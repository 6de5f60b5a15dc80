//! How long a span that ended is in memory only.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver as Stopped, RecvTimeoutError, channel};
use std::time::Duration;

use mlflow_tracing::TracingGuard;
use mlflow_tracing::opentelemetry::trace::{Tracer as _, TracerProvider as _};

use super::program::guard;
use super::random;
use super::receiver::{Mood, Receiver};
use super::support::app::conserved;
use super::support::scratch::Scratch;
use super::support::time::{PATIENCE, now, until};

/// Spans that are timed.
const SPANS: usize = 400;
/// What the documentation promises.
const PROMISED: Duration = Duration::from_millis(10);
/// Between two looks, and between two spans at most.
const LOOK: Duration = Duration::from_micros(100);
const LONGEST_PAUSE: u64 = 20;
/// Spans of the load, and the time in which they end: 5 000 in a second.
const LOAD: usize = 50;
const BURST: Duration = Duration::from_millis(10);

#[test]
#[ignore = "measures: run tests/all.sh"]
fn a_span_that_ended_is_with_the_kernel_within_ten_milliseconds() {
    let (by_account, in_file) = times(|_, _| ());
    report("until nothing is at risk, idle", &by_account);
    report("until it is in the file, idle", &in_file);
}

#[test]
#[ignore = "measures: run tests/all.sh"]
fn under_load_a_span_is_with_the_kernel_as_soon() {
    let (_, in_file) = times(|guard, stopped| {
        let tracer = guard.provider().tracer("load");
        while stopped.recv_timeout(BURST) == Err(RecvTimeoutError::Timeout) {
            (0..LOAD).for_each(|_| tracer.in_span("load", |_| ()));
        }
    });
    report("until it is in the file, 5 000 spans/s beside it", &in_file);
}

/// From the ends of spans until the account says that nothing is at risk (which under load is seldom
/// so), and until they are in a segment, while `load` runs.
fn times(load: impl Fn(&TracingGuard, &Stopped<()>) + Sync) -> (Vec<Duration>, Vec<Duration>) {
    // Nothing is settled, so that no segment is removed.
    let (receiver, spool) = (Receiver::start(Mood::Refuses, 0), Scratch::new());
    let guard = guard(&receiver.url(), spool.path());
    let times = std::thread::scope(|scope| {
        // The load stops when this is dropped.
        let (_go_on, stopped) = channel();
        let (guard, load) = (&guard, &load);
        scope.spawn(move || load(guard, &stopped));
        measure(guard, spool.path())
    });
    let account = &conserved(&guard).destinations[0];
    assert_eq!((account.delivered, account.dropped.total()), (0, 0));
    guard.shutdown(Duration::ZERO).unwrap_err();
    times
}

fn measure(guard: &TracingGuard, spool: &Path) -> (Vec<Duration>, Vec<Duration>) {
    let tracer = guard.provider().tracer("lab");
    tracer.in_span("first", |_| ());
    until("there is a segment", || segment(spool).is_some());
    let mut tail = Tail { file: File::open(segment(spool).unwrap()).unwrap(), unread: Vec::new() };
    let (mut by_account, mut in_file) = (Vec::new(), Vec::new());
    for number in 0..SPANS {
        std::thread::park_timeout(Duration::from_millis(random() % LONGEST_PAUSE));
        let name = format!("timed-{number:06}");
        tracer.in_span(name.clone(), |_| ());
        let ended = now();
        let mut is_safe = false;
        loop {
            if !is_safe && guard.stats().destinations[0].at_risk == 0 {
                is_safe = true;
                by_account.push(ended.elapsed());
            }
            let is_in_file = tail.has(name.as_bytes());
            assert!(is_in_file || !is_safe, "what the account calls safe is in the file");
            if is_in_file {
                in_file.push(ended.elapsed());
                break;
            }
            assert!(ended.elapsed() < PATIENCE, "{name} is not written");
            std::thread::park_timeout(LOOK);
        }
        // The account may hear of it a moment later.
        while !is_safe && ended.elapsed() < PROMISED {
            is_safe = guard.stats().destinations[0].at_risk == 0;
            if is_safe {
                by_account.push(ended.elapsed());
            }
        }
    }
    (by_account, in_file)
}

/// What is written to a segment.
struct Tail {
    file: File,
    unread: Vec<u8>,
}

impl Tail {
    /// Whether the next name is there.
    fn has(&mut self, name: &[u8]) -> bool {
        self.file.read_to_end(&mut self.unread).unwrap();
        let found = self.unread.windows(name.len()).position(|window| window == name);
        let done = found.unwrap_or(self.unread.len().saturating_sub(name.len()));
        self.unread.drain(..done);
        found.is_some()
    }
}

/// The segment of the one program that has this spool.
fn segment(spool: &Path) -> Option<PathBuf> {
    let inside = |path: &Path| {
        let entries = fs::read_dir(path).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
    };
    let mut files = inside(&spool.join("v1")).into_iter().flat_map(|writer| inside(&writer));
    files.find(|path| path.extension().is_some_and(|extension| extension == "seg"))
}

#[expect(clippy::print_stdout, reason = "what is seen is kept in docs/RELIABILITY.md")]
fn report(what: &str, times: &[Duration]) {
    let mut times = times.to_vec();
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    let (half, most, all) = (at(50), at(99), at(100));
    println!("\n{what}: p50 {half:.1?}, p99 {most:.1?}, max {all:.1?} of {}", times.len());
    assert!(half <= PROMISED, "{what}");
}
