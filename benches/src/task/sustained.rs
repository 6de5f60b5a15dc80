//! Spans as fast as they are taken: callers wait when the receiver is far behind.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Outcome;
use super::callers::make;
use crate::measure::{Measure, Sample};
use crate::scenario::Scenario;
use crate::sink;
use crate::work::Work;

const WARM_UP: u64 = 10;
/// Turns between two looks at the receiver, at most.
const STRIDE: u64 = 64;

pub fn run(scenario: Scenario, turns: u64) -> Outcome {
    let sink = sink::start().expect("the loopback can be bound");
    let installed = scenario.install(&sink.url(sink::PATH));
    let work = Work::new(scenario);
    make(Scenario { threads: 1, ..scenario }, &work, WARM_UP);
    installed.flush();

    let (spans, window) = (scenario.spans(), scenario.window());
    let stride = (window / (spans * 16 * scenario.threads)).clamp(1, STRIDE);
    let begun = AtomicU64::new(0);
    let caller = || {
        while begun.fetch_add(stride, Ordering::Relaxed) < turns {
            (0..stride).for_each(|number| work.turn(number));
            let ahead = || (WARM_UP + begun.load(Ordering::Relaxed)) * spans - sink.spans();
            while ahead() > window {
                thread::sleep(Duration::from_millis(1));
            }
        }
    };
    let start = Instant::now();
    thread::scope(|scope| (0..scenario.threads).for_each(|_| drop(scope.spawn(caller))));
    installed.flush();
    let elapsed = start.elapsed();

    let made = turns.div_ceil(stride) * stride;
    let ended = (WARM_UP + made) * spans;
    installed.check(ended);
    assert_eq!(sink.spans(), ended, "{:?} lost spans", scenario.side);
    let rate = (made * spans) as f64 / elapsed.as_secs_f64();
    Outcome { sample: Sample::from([(Measure::Rate, rate)]), ended }
}
