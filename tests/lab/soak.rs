//! Load that goes on, to a receiver that fails now and then: nothing grows, nothing is lost.

use std::fs;
use std::time::{Duration, Instant};

use mlflow_tracing::opentelemetry::KeyValue;
use mlflow_tracing::opentelemetry::trace::{
    TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::opentelemetry_sdk::trace::SdkTracer;

use super::program::guard;
use super::receiver::{Mood, Receiver};
use super::support::app::conserved;
use super::support::scratch::Scratch;
use super::support::time::{PATIENCE, now};

/// Its length, `MLFLOW_TRACING_LAB_MINUTES` in the long form.
const SHORT: Duration = Duration::from_secs(10);
/// Spans in a second, in traces of ten that end in bursts.
const RATE: u64 = 10_000;
const TRACE: u64 = 10;
const BURST: Duration = Duration::from_millis(10);
const TRACES: u64 = RATE / 100 / TRACE;
const SAMPLE: Duration = Duration::from_millis(500);

/// What the process takes: memory in MiB, threads, descriptors.
type Taken = [u64; 3];
/// How much more of each the second half may take, at its highest, than the first.
const FLAT: Taken = [16, 2, 4];

#[test]
#[ignore = "takes its time: run tests/all.sh"]
#[expect(clippy::print_stdout, reason = "what is seen is kept in docs/RELIABILITY.md")]
fn under_load_nothing_grows_and_every_span_arrives() {
    let minutes = super::count("MLFLOW_TRACING_LAB_MINUTES", 0);
    let length = if minutes == 0 { SHORT } else { Duration::from_secs(60 * minutes) };
    let receiver = Receiver::start(Mood::Fails, length.as_secs() * RATE);
    let spool = Scratch::new();
    let guard = guard(&receiver.url(), spool.path());
    let tracer = guard.provider().tracer("lab");

    let start = now();
    let mut samples: Vec<(Duration, Taken)> =
        Vec::with_capacity(usize::try_from(length.as_millis() / SAMPLE.as_millis() + 1).unwrap());
    let mut ended = 0;
    for burst in 0.. {
        wait_until(start + BURST * burst);
        let passed = start.elapsed();
        if passed >= length {
            break;
        }
        for _ in 0..TRACES {
            end_trace(&tracer, &mut ended);
        }
        if passed >= SAMPLE * u32::try_from(samples.len()).unwrap() {
            conserved(&guard);
            samples.push((passed, taken()));
        }
    }
    let rate = u128::from(ended) * 1000 / start.elapsed().as_millis();
    guard.flush(PATIENCE * 3).unwrap();
    let stats = conserved(&guard);
    let account = &stats.destinations[0];
    let (came, again) = receiver.spans();

    // The first quarter is for warming up.
    let highest = |from: Duration, to: Duration| {
        let within = samples.iter().filter(|(at, _)| (from..to).contains(at));
        within.fold(Taken::default(), |highest, (_, taken)| {
            std::array::from_fn(|index| highest[index].max(taken[index]))
        })
    };
    let (first, second) = (highest(length / 4, length / 2), highest(length / 2, length));
    println!(
        "\nsoak of {length:?}: {rate} spans/s, {ended} ended, {came} received, {again} again, {} \
         dropped, {} retries in {} requests; MiB, threads, descriptors at most {first:?} in the second \
         quarter, {second:?} in the second half",
        account.dropped.total(),
        account.retries,
        receiver.requests(),
    );
    assert_eq!((stats.ended, account.delivered, came), (ended, ended, ended), "{stats:?}");
    assert!(account.retries > 0, "the receiver did not fail");
    for ((first, second), more) in first.into_iter().zip(second).zip(FLAT) {
        assert!(first > 0 && second <= first + more, "{samples:?}");
    }
    guard.shutdown(PATIENCE).unwrap();
}

/// Ends a root with its children.
fn end_trace(tracer: &SdkTracer, ended: &mut u64) {
    let root = *ended;
    *ended += TRACE;
    tracer.in_span(root.to_string(), |_| {
        for child in root + 1..root + TRACE {
            tracer.in_span(child.to_string(), |cx| {
                cx.span().set_attribute(KeyValue::new("app.load", "x".repeat(100)));
            });
        }
    });
}

fn wait_until(time: Instant) {
    while let Some(left) = time.checked_duration_since(now()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}

/// Of this process, as Linux tells it.
fn taken() -> Taken {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let of = |key: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().map(|_| 1).sum();
    [of("VmRSS:") / 1024, of("Threads:"), descriptors]
}
