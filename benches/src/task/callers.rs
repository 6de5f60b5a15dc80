//! The threads that make spans.

use std::thread;

use crate::scenario::Scenario;
use crate::system;
use crate::work::Work;

/// Has the scenario's threads make `turns` together, and tells their CPU time in nanoseconds. One
/// thread is this one.
pub fn make(scenario: Scenario, work: &Work, turns: u64) -> u128 {
    let some = |turns: u64| {
        let before = system::thread_cpu();
        (0..turns).for_each(|number| work.turn(number));
        system::thread_cpu() - before
    };
    if scenario.threads == 1 {
        return some(turns);
    }
    let share = |thread| turns / scenario.threads + u64::from(thread < turns % scenario.threads);
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..scenario.threads).map(|thread| scope.spawn(move || some(share(thread)))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no span panics")).sum()
    })
}
