//! What was configured, and what said so.

use std::fmt;

/// Where a setting comes from.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::Source;
/// let explanation = mlflow_tracing::builder().with_service_name("api").explain_config()?;
/// let service = explanation.settings().find(|(name, ..)| *name == "service");
/// assert_eq!(service, Some(("service", "api", Source::Builder("with_service_name"))));
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A method of the [`Builder`](crate::Builder).
    Builder(&'static str),
    /// Neither the builder nor the environment said anything.
    Default,
    /// A file.
    File(&'static str),
    /// An environment variable.
    Variable(&'static str),
}

/// The configuration in effect, line by line, with secrets masked; shown by `Display`.
///
/// # Examples
///
/// ```
/// let explanation = mlflow_tracing::builder()
///     .with_tracking_uri("http://127.0.0.1:5000")
///     .with_basic_auth("anna", "secret")
///     .explain_config()?;
/// let text = explanation.to_string();
/// assert!(text.contains("with_tracking_uri"));
/// assert!(!text.contains("secret"));
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    settings: Vec<(&'static str, String, Source)>,
    warnings: Vec<String>,
}

impl Explanation {
    /// Name, value (secrets masked) and source of every setting.
    pub fn settings(&self) -> impl Iterator<Item = (&'static str, &str, Source)> {
        self.settings.iter().map(|(name, value, source)| (*name, value.as_str(), *source))
    }

    /// What is set but has no effect, and other things to look at.
    pub fn warnings(&self) -> impl Iterator<Item = &str> {
        self.warnings.iter().map(String::as_str)
    }

    /// The settings alone.
    pub(crate) fn without_warnings(&self) -> Self {
        Self { settings: self.settings.clone(), warnings: Vec::new() }
    }

    pub(crate) fn note(&mut self, name: &'static str, value: impl Into<String>, source: Source) {
        self.settings.push((name, value.into(), source));
    }

    pub(crate) fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builder(method) => write!(f, "builder, {method}"),
            Self::Default => f.write_str("default"),
            Self::File(name) | Self::Variable(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.settings.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
        for (name, value, source) in &self.settings {
            writeln!(f, "{name:<width$}  {value}  ({source})")?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        Ok(())
    }
}
