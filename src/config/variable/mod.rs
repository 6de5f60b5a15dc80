//! The environment variables that this crate knows.

mod names;
mod table;

pub(crate) use names::*;
pub use table::VARIABLES;

/// An environment variable that this crate knows.
///
/// [`VARIABLES`] holds them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Variable {
    /// Its exact name.
    pub name: &'static str,
    /// What holds when it is not set; empty for nothing.
    pub default: &'static str,
    /// What becomes of it.
    pub support: Support,
    /// What it does, in one line; why it does nothing, when it is ignored.
    pub effect: &'static str,
    /// Values of an ignored variable that ask for nothing but what is done, and cost no warning.
    pub harmless: &'static [&'static str],
}

/// What becomes of an environment variable.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::{Support, VARIABLES};
/// let pool = VARIABLES.iter().find(|v| v.name == "MLFLOW_HTTP_POOL_MAXSIZE").unwrap();
/// assert_eq!(pool.support, Support::Ignored);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Support {
    /// It means what it means to the Python SDK, or to the OpenTelemetry specification.
    Honoured,
    /// It does what comes nearest here; the effect says what.
    Mapped,
    /// It does nothing; set to anything but what is done anyway, it costs a warning.
    Ignored,
}
