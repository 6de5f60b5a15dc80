//! Locks that survive a panic elsewhere, waits that end at a deadline, and the clocks.

#[cfg(not(test))]
mod clock;
#[cfg(test)]
#[path = "sync/clock_given.rs"]
pub(crate) mod clock;

use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant, SystemTime};

/// The time, for the threads' loops and the public rim; everything between is given it.
pub(crate) use clock::now;

/// Locks; a panic of another holder does not matter, because every holder only moves fields.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a signal, at most until `deadline` (for ever without one).
pub(crate) fn wait<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    deadline: Option<Instant>,
) -> MutexGuard<'a, T> {
    match deadline {
        None => condvar.wait(guard).unwrap_or_else(PoisonError::into_inner),
        Some(deadline) => {
            clock::wait_for(condvar, guard, deadline.saturating_duration_since(now()))
        }
    }
}

/// The moment that is `patience` after `start`; more patience than the clock can say is a lot of it.
pub(crate) fn after(start: Instant, patience: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    start.checked_add(patience).or_else(|| start.checked_add(CENTURY)).unwrap_or(start)
}

/// Drives a future on this thread until it is done, or `deadline`.
pub(crate) fn block_on<T>(future: impl Future<Output = T>, deadline: Instant) -> Option<T> {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        let left = deadline.saturating_duration_since(now());
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left);
    }
}

/// The date, which servers speak of.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub(crate) fn wall_clock() -> SystemTime {
    SystemTime::now()
}
