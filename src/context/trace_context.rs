//! `TraceContext`: what is said of traces before they begin.

use opentelemetry::KeyValue;

use crate::context::words;

/// What is said of every trace that begins in a scope: session, user, tags, metadata, ids.
///
/// Made by [`context`]; scoped by [`in_scope`](Self::in_scope) and [`scope`](Self::scope), or given
/// to [`Builder::with_trace_context`](crate::Builder::with_trace_context) for every trace. It
/// becomes attributes of the trace's root, or of its first span here when the trace comes from
/// another process, at the moment that span starts: a `tracing` span starts when it is first
/// entered, closed, or asked for its context. Of a trace from another process an MLflow server takes
/// session and user alone; see [`TraceUpdate`](crate::TraceUpdate). A trace that runs already is changed with
/// [`update_current_trace`](crate::update_current_trace).
///
/// Scopes nest: the inner one wins, key by key. What the root sets itself wins over both.
///
/// # Limits
///
/// None here. An MLflow server gets sessions, users, metadata and ids cut to 250 characters, client
/// request ids to 50, tags to 4096, names of tags and metadata to 250 (mlflow 3.17.2); other
/// receivers get them whole. A tag in `mlflow.` (but `mlflow.traceName`, `mlflow.linkedPrompts`) and
/// metadata in `mlflow.trace…` are the server's: setting them does nothing but warn, once.
///
/// # Examples
///
/// ```
/// use tracing::info_span;
/// use tracing_subscriber::prelude::*;
/// # let directory = std::env::temp_dir().join(format!("mlflow-tracing-doc-context-{}", std::process::id()));
/// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
/// let subscriber = tracing_subscriber::registry().with(tracing.layer());
/// tracing::subscriber::with_default(subscriber, || {
///     let context = mlflow_tracing::context().session("chat-7").user("ada").tag("team", "blue");
///     context.in_scope(|| info_span!("answer").in_scope(|| ()));
/// });
/// tracing.flush(std::time::Duration::from_secs(5))?;
/// let written = std::fs::read_dir(&directory)?.next().unwrap()?.path();
/// assert!(std::fs::read_to_string(written)?.contains("chat-7"));
/// # std::fs::remove_dir_all(directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "it does nothing until something runs in its scope"]
pub struct TraceContext {
    /// Each key once.
    attributes: Vec<KeyValue>,
    enabled: Option<bool>,
}

/// An empty [`TraceContext`], to be filled and scoped.
///
/// # Examples
///
/// ```
/// let answer = mlflow_tracing::context().session("chat-7").in_scope(|| 6 * 7);
/// assert_eq!(answer, 42);
/// ```
pub fn context() -> TraceContext {
    TraceContext::default()
}

impl TraceContext {
    /// The session, such as a conversation, that the traces belong to.
    pub fn session(self, id: impl Into<String>) -> Self {
        self.with(Some(words::session(id)))
    }

    /// The end user that the traces belong to.
    pub fn user(self, id: impl Into<String>) -> Self {
        self.with(Some(words::user(id)))
    }

    /// A tag, which can be changed later in MLflow.
    pub fn tag(self, key: impl AsRef<str>, value: impl Into<String>) -> Self {
        self.with(words::tag(key.as_ref(), value))
    }

    /// A metadata entry, which cannot be changed later. An MLflow server gets it by the trace-info
    /// call ([`TraceInfoMode`](crate::TraceInfoMode)).
    pub fn metadata(self, key: impl AsRef<str>, value: impl Into<String>) -> Self {
        self.with(words::metadata(key.as_ref(), value))
    }

    /// Your own id of the request. Needs the trace-info call.
    pub fn client_request_id(self, id: impl Into<String>) -> Self {
        self.with(Some(words::client_request_id(id)))
    }

    /// The logged model that serves the request; wins over `MLFLOW_ACTIVE_MODEL_ID`. Needs the
    /// trace-info call.
    pub fn model_id(self, id: impl Into<String>) -> Self {
        self.with(Some(words::model_id(id)))
    }

    /// The run that the traces belong to. Needs the trace-info call.
    pub fn source_run(self, id: impl Into<String>) -> Self {
        self.with(Some(words::source_run(id)))
    }

    /// Whether spans that begin in the scope are recorded; not set, that is as around it.
    ///
    /// With `false` they are not, even below a span that is, nor are their descendants, wherever
    /// those begin. They still exist: [`tracing::Span::current`] is what it always is, and what is
    /// sent on to other processes says that the trace is not recorded. Inside such a scope `true`
    /// turns recording on again, for new traces and for children of recorded spans.
    ///
    /// Obeyed by the spans of [`layer`](crate::TracingGuard::layer) and
    /// [`provider`](crate::TracingGuard::provider), and by a provider of your own that has
    /// [`sampler`](crate::TracingGuard::sampler).
    ///
    /// # Examples
    ///
    /// ```
    /// use tracing::info_span;
    /// use tracing_subscriber::prelude::*;
    /// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-enabled");
    /// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
    /// let subscriber = tracing_subscriber::registry().with(tracing.layer());
    /// tracing::subscriber::with_default(subscriber, || {
    ///     mlflow_tracing::context().enabled(false).in_scope(|| info_span!("health check").in_scope(|| ()));
    ///     info_span!("work").in_scope(|| ());
    /// });
    /// assert_eq!(tracing.stats().ended, 1);
    /// # Ok::<(), mlflow_tracing::Error>(())
    /// ```
    pub fn enabled(self, enabled: bool) -> Self {
        Self { enabled: Some(enabled), ..self }
    }

    fn with(mut self, said: Option<KeyValue>) -> Self {
        if let Some(said) = said {
            self.attributes.retain(|kv| kv.key != said.key);
            self.attributes.push(said);
        }
        self
    }

    /// This one inside `outer`.
    pub(super) fn within(&self, outer: &Self) -> Self {
        let merged = outer.clone();
        let merged = self.attributes.iter().cloned().map(Some).fold(merged, Self::with);
        Self { enabled: self.enabled.or(outer.enabled), ..merged }
    }

    pub(crate) fn is_enabled(&self) -> Option<bool> {
        self.enabled
    }

    pub(super) fn attributes(&self) -> &[KeyValue] {
        &self.attributes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_is_said_twice_the_last_holds() {
        let said = context().tag("a", "1").session("s").tag("a", "2");
        assert_eq!(said, context().session("s").tag("a", "2"));
    }

    #[test]
    fn the_inner_one_wins_key_by_key() {
        let outer = context().session("outer").tag("kept", "o").enabled(false);
        let inner = context().session("inner").user("u");
        let expected = context().tag("kept", "o").session("inner").user("u").enabled(false);
        assert_eq!(inner.within(&outer), expected);
        assert_eq!(inner.enabled(true).within(&outer).is_enabled(), Some(true));
    }
}
