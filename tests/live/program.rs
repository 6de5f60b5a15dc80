//! A traced program whose traces go to the MLflow server.

use std::time::Duration;

use mlflow_tracing::{Builder, TracingGuard};
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt as _;

use super::encoder;
use super::mlflow::{Experiment, Mlflow};
use super::python;
use super::stored::Trace;
use super::support::app;

/// An answer of a busy server may take long, and a test that is stuck must end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Program {
    pub(crate) guard: TracingGuard,
    pub(crate) server: Mlflow,
    pub(crate) experiment: Experiment,
    dispatch: Dispatch,
}

impl Program {
    pub(crate) fn new(test: &str) -> Self {
        Self::with(test, |builder| builder)
    }

    pub(crate) fn with(test: &str, change: impl FnOnce(Builder) -> Builder) -> Self {
        Self::on(Mlflow::plain(), test, change)
    }

    pub(crate) fn on(server: Mlflow, test: &str, change: impl FnOnce(Builder) -> Builder) -> Self {
        let experiment = server.experiment(test);
        let mut builder = encoder::builder().with_tracking_uri(&server.uri);
        if let Some((user, password)) = &server.credentials {
            builder = builder.with_basic_auth(user, password);
        }
        let guard = change(builder.with_experiment_id(&experiment.id)).build().unwrap();
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(guard.layer()));
        Self { guard, server, experiment, dispatch }
    }

    /// Runs `app` under a subscriber that has our layer and nothing else, on any thread.
    pub(crate) fn run<T>(&self, app: impl FnOnce() -> T) -> T {
        tracing::dispatcher::with_default(&self.dispatch, app)
    }

    /// Flushes, and checks that every span that ended was delivered.
    pub(crate) fn flush(&self) {
        self.guard.flush(PATIENCE).unwrap();
        let stats = app::conserved(&self.guard);
        assert!(stats.destinations.iter().all(|d| d.delivered == stats.ended), "{stats:?}");
    }

    /// The trace, flushed and stored, in which REST and the official client agree.
    pub(crate) fn stored(&self, trace_id: &str) -> Trace {
        self.flush();
        let trace = self.server.trace(trace_id);
        assert_eq!(python::read(&self.server, trace_id), trace);
        assert_eq!(trace.experiment_id, self.experiment.id);
        trace
    }
}
