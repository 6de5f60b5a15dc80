use std::sync::MutexGuard;
use std::time::Instant;

use opentelemetry_sdk::Resource;

use super::*;
use crate::tests::pipeline_settings;

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(600);

/// A pipe without destinations.
fn pipeline() -> Arc<Pipeline> {
    Arc::new(
        Pipeline::start(Vec::new(), Resource::builder_empty().build(), pipeline_settings())
            .unwrap(),
    )
}

fn took(start: Instant) -> Duration {
    now().duration_since(start)
}

#[test]
fn a_lock_that_the_ending_thread_holds_costs_patience_and_no_more() {
    static HELD: Mutex<()> = Mutex::new(());
    let held: MutexGuard<'_, ()> = lock(&HELD);
    let (pipes, pipeline) = (Pipes::new(), pipeline());
    pipes.add(&pipeline, SHORT);
    let start = now();
    pipes.each(|_, _| drop(lock(&HELD)));
    assert!(took(start) >= SHORT + LAST_WORDS && took(start) < LONG);
    drop(held);
}

#[test]
fn it_ends_when_the_last_pipe_is_done_however_much_patience_there_is() {
    let (pipes, pipeline) = (Pipes::new(), pipeline());
    pipes.add(&pipeline, LONG);
    pipes.add(&pipeline, Duration::MAX);
    let start = now();
    pipes.each(|_, _| ());
    // A panic of what is done there is its end, too.
    pipes.each(|_, _| panic!("as the test wants it"));
    assert!(took(start) < LONG);
}

#[test]
fn pipes_that_are_gone_are_forgotten() {
    let pipes = Pipes::new();
    for _ in 0..3 {
        pipes.add(&pipeline(), LONG);
    }
    assert_eq!(lock(&pipes.0).len(), 1);
    pipes.each(|_, _| panic!("there is no pipe"));
}
