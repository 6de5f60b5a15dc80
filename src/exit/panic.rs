//! The panic hook: what has ended leaves before a panic can end the process.

use std::panic::{set_hook, take_hook};
use std::sync::{Arc, Mutex, Once};
use std::thread::panicking;
use std::time::Duration;

use crate::diagnostics::{self, Throttle};
use crate::exit::Pipes;
use crate::process::pipeline::Pipeline;

static PIPES: Pipes = Pipes::new();

/// Has every panic flush the pipe, for at most `patience`, after the hook that was there has run.
///
/// The hook itself is one for the whole process and stays: hooks on hooks, one for each guard, could
/// not be taken away again.
pub(crate) fn watch(pipeline: &Arc<Pipeline>, patience: Duration) {
    static HOOKED: Once = Once::new();
    // The standard library panics when a hook is set during a panic.
    if panicking() {
        diagnostics::warn(
            "with_flush_on_panic has no effect: tracing was set up by a thread that panics; set it up \
             where nothing does",
        );
        return;
    }
    PIPES.add(pipeline, patience);
    HOOKED.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            before(panic);
            // What is on our threads is caught there, or is the flush itself.
            if !diagnostics::is_ours() {
                PIPES.each(see_to);
            }
        }));
    });
}

/// Where a panic unwinds, spans that are open will end, and the program may go on. Where it aborts,
/// they never do: their root is told to be over.
fn see_to(pipeline: &Pipeline, patience: Duration) {
    static IN_VAIN: Mutex<Throttle> = Mutex::new(Throttle::new(diagnostics::RARELY));
    if cfg!(panic = "abort") {
        // It tells by itself what is lost.
        let _ = pipeline.shutdown(patience);
    } else if let Err(error) = pipeline.flush(patience) {
        diagnostics::warn_rarely(&IN_VAIN, &format!("flushed because of a panic: {error}"));
    }
}
