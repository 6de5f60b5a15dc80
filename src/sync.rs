//! Locks that survive a panic elsewhere, waits that end at a deadline, and the clocks.

#[cfg(not(any(test, loom)))]
mod clock;
#[cfg(test)]
#[path = "sync/clock_given.rs"]
pub(crate) mod clock;
#[cfg(loom)]
#[path = "sync/clock_modelled.rs"]
pub(crate) mod clock;
#[cfg(not(loom))]
mod locks;
#[cfg(loom)]
#[path = "sync/locks_modelled.rs"]
mod locks;

use std::pin::pin;
use std::process;
use std::sync::{Arc, PoisonError, TryLockError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant, SystemTime};

/// The time, for the threads' loops and the public rim; everything between is given it.
pub(crate) use clock::now;
pub(crate) use locks::{Condvar, Mutex, MutexGuard, lock};

/// Locks what belongs to the threads of `process`. In a child that was made by `fork` the lock is a
/// copy; there it is not waited for, because who held it is not there.
pub(crate) fn lock_of<T>(mutex: &Mutex<T>, process: u32) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => (process::id() == process).then(|| lock(mutex)),
    }
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

/// What the clocks do to wait for a signal, for at most `patience` of real time.
fn wait_at_most<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    patience: Duration,
) -> MutexGuard<'a, T> {
    condvar.wait_timeout(guard, patience).unwrap_or_else(PoisonError::into_inner).0
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_lock_of_another_process_is_not_waited_for() {
        let mutex = Mutex::new(1);
        assert_eq!(lock_of(&mutex, 0).map(|held| *held), Some(1), "it is free");
        let held = lock(&mutex);
        assert!(lock_of(&mutex, 0).is_none());
        thread::scope(|scope| {
            let (tell, told) = channel();
            let own = &mutex;
            scope.spawn(move || tell.send(*lock_of(own, process::id()).unwrap()));
            assert!(told.try_recv().is_err());
            drop(held);
            assert_eq!(told.recv(), Ok(1));
        });
    }

    #[test]
    fn more_patience_than_the_clock_can_say_is_a_lot_of_it() {
        let now = now();
        let second = Duration::from_secs(1);
        assert_eq!(after(now, second), now + second);
        assert!(after(now, Duration::MAX) > now + 1_000_000 * second);
    }
}
