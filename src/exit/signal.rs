//! SIGTERM and SIGINT: what is left is delivered, then the signal does what it does by default.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread::Builder;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_default;
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;

use crate::diagnostics;
use crate::error::{Error, Result};
use crate::exit::Pipes;
use crate::process::pipeline::Pipeline;
use crate::sync::lock;

const THREAD_NAME: &str = "mlflow-tracing-signal";
const ENDING: [i32; 2] = [SIGTERM, SIGINT];

static PIPES: Pipes = Pipes::new();
static AT_ONCE: OnceLock<Arc<AtomicBool>> = OnceLock::new();
static WATCH: Mutex<Weak<Watch>> = Mutex::new(Weak::new());

/// The thread that waits for signals, one for all guards; it ends with the last of them.
#[derive(Debug)]
pub(crate) struct Watch {
    /// True when the signal acts at once. A handler, once set, stays with the process: without this
    /// the signal would do nothing when nobody watches any more.
    at_once: Arc<AtomicBool>,
    signals: Handle,
}

/// Has SIGTERM and SIGINT end the pipe, for at most `patience`, before they end the process.
pub(crate) fn watch(pipeline: &Arc<Pipeline>, patience: Duration) -> Result<Arc<Watch>> {
    let mut current = lock(&WATCH);
    let watch = match current.upgrade() {
        Some(watch) => watch,
        None => Arc::new(Watch::start().map_err(|error| {
            let fix = format!("the signals cannot be waited for: {error}; leave it out");
            Error::config("with_shutdown_on_signal", &format!("{patience:?}"), fix)
        })?),
    };
    *current = Arc::downgrade(&watch);
    PIPES.add(pipeline, patience);
    Ok(watch)
}

/// In a child that `fork` has made the thread is missing: signals act at once.
pub(crate) fn is_left_behind() {
    if let Some(at_once) = AT_ONCE.get() {
        at_once.store(true, Ordering::SeqCst);
    }
}

impl Watch {
    fn start() -> io::Result<Self> {
        let at_once = at_once()?;
        let mut signals = Signals::new(ENDING)?;
        let watch = Self { at_once: Arc::clone(&at_once), signals: signals.handle() };
        at_once.store(false, Ordering::SeqCst);
        let body = move || {
            let _quiet = diagnostics::quiet();
            for signal in signals.forever() {
                // Who sends another one has no patience.
                at_once.store(true, Ordering::SeqCst);
                PIPES.each(|pipeline, patience| {
                    // It tells by itself what is lost.
                    let _ = pipeline.shutdown(patience);
                });
                let _ = emulate_default_handler(signal);
            }
        };
        #[expect(clippy::disallowed_methods, reason = "a signal's handler itself may do nothing")]
        Builder::new().name(THREAD_NAME.to_owned()).spawn(body)?;
        Ok(watch)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.signals.close();
        // Another guard may have begun to watch in between.
        let current = lock(&WATCH);
        if current.strong_count() == 0 {
            self.at_once.store(true, Ordering::SeqCst);
        }
    }
}

/// The switch between "at once" and "after the end of the pipes"; handlers are set by the first call.
fn at_once() -> io::Result<Arc<AtomicBool>> {
    if let Some(known) = AT_ONCE.get() {
        return Ok(Arc::clone(known));
    }
    let at_once = Arc::new(AtomicBool::new(true));
    for signal in ENDING {
        // Before the thread's own handler: handlers are called in the order in which they were set.
        register_conditional_default(signal, Arc::clone(&at_once))?;
    }
    Ok(Arc::clone(AT_ONCE.get_or_init(|| at_once)))
}
