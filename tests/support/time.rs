//! Waiting that ends: every condition has a deadline, every thread a name.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

/// Longer than anything that is not stuck takes, on a machine that is busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// What a deadline may be missed by.
pub(crate) const SLACK: Duration = Duration::from_millis(500);

#[expect(clippy::disallowed_methods, reason = "tests have a clock of their own")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "compared with the times of spans")]
pub(crate) fn wall_clock() -> SystemTime {
    SystemTime::now()
}

/// How long `action` takes, and what comes of it.
pub(crate) fn timed<T>(action: impl FnOnce() -> T) -> (Duration, T) {
    let start = now();
    let result = action();
    (start.elapsed(), result)
}

/// Keeps the processor busy for `length`.
pub(crate) fn busy_for(length: Duration) {
    let start = now();
    while start.elapsed() < length {
        std::hint::spin_loop();
    }
}

/// Looks at `condition` until it holds; panics when it does not in time.
pub(crate) fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = now() + PATIENCE;
    while !condition() {
        assert!(now() < deadline, "waited in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place in which tests start threads")]
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    Builder::new().name(name.to_owned()).spawn(body).unwrap()
}

/// Runs `body` on a thread of its own; panics when it panics, or is not done within [`PATIENCE`].
pub(crate) fn watched<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    let (tell, told) = mpsc::channel();
    let thread = spawn("watched", move || tell.send(body()));
    match told.recv_timeout(PATIENCE) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => panic!("not done within {PATIENCE:?}"),
        Err(RecvTimeoutError::Disconnected) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(_) => unreachable!("a body that returns tells what"),
        },
    }
}
