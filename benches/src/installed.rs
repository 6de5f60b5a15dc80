//! A side at work: how to know that its spans arrived, and how to end it.

use std::time::{Duration, Instant};

use mlflow_tracing::{Stats, TracingGuard};
use opentelemetry_sdk::trace::SdkTracerProvider;

/// Far more than any run takes, valgrind's included.
pub const PATIENCE: Duration = Duration::from_mins(10);

pub enum Installed {
    Ours(Box<TracingGuard>),
    Official(SdkTracerProvider),
    Bare,
}

impl Installed {
    /// Waits until every span that ended was acknowledged.
    pub fn flush(&self) {
        match self {
            Self::Ours(guard) => guard.flush(PATIENCE).expect("everything is delivered"),
            Self::Official(provider) => {
                // One call waits for five seconds and no longer.
                let start = Instant::now();
                while let Err(error) = provider.force_flush() {
                    assert!(start.elapsed() < PATIENCE, "not flushed: {error}");
                }
            }
            Self::Bare => {}
        }
    }

    /// Has what is held encoded and tried, with a receiver that takes nothing.
    pub fn flush_in_vain(&self, patience: Duration) {
        match self {
            Self::Ours(guard) => assert!(guard.flush(patience).is_err(), "nobody listens"),
            // Whether it says so depends on what was in its queue.
            Self::Official(provider) => drop(provider.force_flush()),
            Self::Bare => {}
        }
    }

    /// Ends tracing as a program does.
    pub fn end(self) {
        match self {
            Self::Ours(guard) => drop(guard),
            // It fails when nobody listens.
            Self::Official(provider) => drop(provider.shutdown()),
            Self::Bare => {}
        }
    }

    /// The account of every span, where one is kept.
    pub fn stats(&self) -> Option<Stats> {
        match self {
            Self::Ours(guard) => Some(guard.stats()),
            Self::Official(_) | Self::Bare => None,
        }
    }

    /// Checks the account of `ended` spans, all of them delivered, where there is one.
    pub fn check(&self, ended: u64) {
        if let Some(stats) = self.stats() {
            assert_eq!(stats.ended, ended, "every span reached the pipe");
            for destination in &stats.destinations {
                assert!(destination.conserves(ended), "{destination:?}");
                assert_eq!(destination.delivered, ended, "{destination:?}");
            }
        }
    }
}
