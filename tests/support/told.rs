//! What the crate says about itself, kept in memory in place of stderr.
//!
//! The senders' threads have no subscriber of a test's own, so that the global one hears them; a
//! line belongs to the test whose server's address it names while that server lives.

use std::fmt;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Starts to listen, for the whole process. Only the first call acts.
pub(crate) fn listen() {
    static LISTENING: OnceLock<()> = OnceLock::new();
    LISTENING.get_or_init(|| {
        let subscriber = tracing_subscriber::registry().with(Listener);
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

fn lines() -> MutexGuard<'static, Vec<String>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hears what is told about something, from when it was made.
pub(crate) struct Ear {
    what: String,
    from: usize,
}

impl Ear {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), from: lines().len() }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let told = lines();
        told[self.from..].iter().filter(|line| line.contains(&self.what)).cloned().collect()
    }
}

struct Listener;

impl<S: Subscriber> Layer<S> for Listener {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target() == "mlflow_tracing"
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut message = Message::default();
        event.record(&mut message);
        lines().push(message.0);
    }
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
