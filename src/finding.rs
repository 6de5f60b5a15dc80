//! What an examination found: one line each, with what to do.

use std::fmt;

/// How bad a [`Finding`] is.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::Severity;
/// assert!(Severity::Ok < Severity::Warning && Severity::Warning < Severity::Error);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Spans are delivered, but look at it.
    Warning,
    /// Spans are not delivered until it is mended.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One thing that [`Builder::diagnose`](crate::Builder::diagnose) found.
///
/// # Examples
///
/// ```
/// let diagnosis = mlflow_tracing::builder()
///     .with_environment([("MLFLOW_TRACKING_URI", "databricks")])
///     .diagnose(std::time::Duration::from_secs(1));
/// let finding = &diagnosis.findings()[0];
/// assert_eq!((finding.severity.to_string().as_str(), finding.subject.as_str()), ("error", "configuration"));
/// assert!(finding.text.contains("MLFLOW_TRACKING_URI"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was examined: `configuration`, or a destination as it is called in
    /// [`stats`](crate::TracingGuard::stats).
    pub subject: String,
    /// What was found, and what to do about it; credentials are masked.
    pub text: String,
}

impl Finding {
    pub(crate) fn ok(text: impl Into<String>) -> Self {
        Self::new(Severity::Ok, text.into())
    }

    pub(crate) fn warning(text: impl Into<String>) -> Self {
        Self::new(Severity::Warning, text.into())
    }

    pub(crate) fn error(text: impl Into<String>) -> Self {
        Self::new(Severity::Error, text.into())
    }

    /// Who finds something need not know what it is called.
    fn new(severity: Severity, text: String) -> Self {
        Self { severity, subject: String::new(), text }
    }

    pub(crate) fn about(self, subject: &str) -> Self {
        Self { subject: subject.to_owned(), ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, subject, text } = self;
        write!(f, "{severity:<7}  {subject}: {text}")
    }
}
