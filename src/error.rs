//! The crate's error: opaque, with predicates that say what the user can do about it.

use std::error::Error as StdError;
use std::fmt;

/// Result of this crate's fallible functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Says why tracing could not be set up, and how to mend it.
///
/// Only set-up and [`ready`](crate::TracingGuard::ready) fail with this type. Once spans flow, a
/// failing destination is counted in [`stats`](crate::TracingGuard::stats) and told by
/// [`FlushError`](crate::FlushError); the code being traced never sees an error.
///
/// The text names the variable or method that holds the bad value, the value (credentials are
/// masked), and the fix.
///
/// # Examples
///
/// ```
/// let error = mlflow_tracing::builder()
///     .with_tracking_uri("sqlite:///mlflow.db")
///     .build()
///     .unwrap_err();
/// assert!(error.is_config());
/// assert!(error.to_string().contains("with_tracking_uri"));
/// ```
pub struct Error {
    kind: Kind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Config,
    Installed,
    NotReady,
    Thread,
}

impl Error {
    /// A setting is wrong: `where_set` is the variable or builder method, as the user wrote it.
    pub(crate) fn config(where_set: &str, value: &str, fix: impl fmt::Display) -> Self {
        Self::new(Kind::Config, format!("{where_set} is `{value}`: {fix}"))
    }

    pub(crate) fn installed(message: impl Into<String>) -> Self {
        Self::new(Kind::Installed, message.into())
    }

    pub(crate) fn not_ready(message: impl Into<String>) -> Self {
        Self::new(Kind::NotReady, message.into())
    }

    pub(crate) fn thread(name: &str, source: std::io::Error) -> Self {
        let mut error = Self::new(Kind::Thread, format!("could not start the thread `{name}`"));
        error.source = Some(Box::new(source));
        error
    }

    fn new(kind: Kind, message: String) -> Self {
        Self { kind, message, source: None }
    }

    /// A variable or a builder method holds a value that cannot work.
    #[must_use]
    pub fn is_config(&self) -> bool {
        self.kind == Kind::Config
    }

    /// A `tracing` subscriber is already set: add [`layer`](crate::TracingGuard::layer) to it.
    #[must_use]
    pub fn is_already_installed(&self) -> bool {
        self.kind == Kind::Installed
    }

    /// A destination did not answer as it should within the deadline.
    #[must_use]
    pub fn is_not_ready(&self) -> bool {
        self.kind == Kind::NotReady
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, message, source } = self;
        f.debug_struct("Error")
            .field("kind", kind)
            .field("message", message)
            .field("source", source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
