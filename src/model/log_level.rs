//! How much a span matters.

/// How much a span matters: MLflow's UI can hide what matters less (`mlflow.spanLogLevel`).
///
/// A span that says none gets one at its end: [`Info`](Self::Info) for agents, tools, retrievers and
/// calls of models, [`Debug`](Self::Debug) for any other type, and [`Error`](Self::Error) when it
/// failed. An exception makes any span's level at least [`Error`](Self::Error).
///
/// Source: mlflow 3.17.2 `entities/span_log_level.py`; the numbers are those of Python's `logging`.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::LogLevel;
/// assert_eq!(LogLevel::Warning.number(), 30);
/// assert!(LogLevel::Error < LogLevel::Critical);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LogLevel {
    /// 10: of interest when something is searched for.
    Debug,
    /// 20: what a trace is read for.
    Info,
    /// 30: may have gone wrong.
    Warning,
    /// 40: went wrong.
    Error,
    /// 50: must not go wrong.
    Critical,
}

impl LogLevel {
    /// The number MLflow stores, 10 to 50.
    #[must_use]
    pub fn number(self) -> i64 {
        match self {
            Self::Debug => 10,
            Self::Info => 20,
            Self::Warning => 30,
            Self::Error => 40,
            Self::Critical => 50,
        }
    }
}
