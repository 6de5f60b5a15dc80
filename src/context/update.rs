//! `TraceUpdate`: what is said of a trace while it runs.

use std::fmt;
use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::trace::TraceId;

use crate::context::words;
use crate::model::id::mlflow_trace_id;
use crate::semconv::trace;

/// Takes what is said of a trace to where the trace is.
pub(crate) type Tell = Arc<dyn Fn(TraceId, KeyValue) + Send + Sync>;

/// Changes a trace that runs; each call is effective at once.
///
/// Made by [`update_current_trace`](crate::update_current_trace),
/// [`MlflowSpanExt::update_trace`](crate::MlflowSpanExt::update_trace) and
/// [`TracingGuard::update_trace`](crate::TracingGuard::update_trace), from any span of the trace, on
/// any thread. It can be kept and sent to another thread; it does not keep the trace open.
///
/// What is said goes into the trace's root when that is sent, or, when the trace was continued from
/// another process, into its roots here. Of those an MLflow server takes session and user alone, since
/// the trace is the caller's to describe, unless the program says
/// [`with_callers_elsewhere`](crate::Builder::with_callers_elsewhere). Of calls with the same key the last wins, also over
/// what the root has itself. It counts until the trace ends: its root ends, and about 200 ms after
/// that it leaves. What is said later is lost; so is what is said when all that is said of traces
/// which run would take more than 6 MiB (3/32 of
/// [`with_memory_limit`](crate::Builder::with_memory_limit)). Both are told in a warning, at most once
/// a minute; where the trace might still come, only after its time to live
/// (`MLFLOW_TRACE_TIMEOUT_SECONDS`, an hour).
///
/// Of a trace that is not recorded nothing is said. Limits and reserved names are those of
/// [`TraceContext`](crate::TraceContext#limits).
#[derive(Clone)]
#[must_use = "it changes nothing until something is said with it"]
pub struct TraceUpdate {
    trace: Option<(TraceId, Tell)>,
}

/// How a trace went, where that is not how its root span went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceState {
    /// It succeeded.
    Ok,
    /// It failed.
    Error,
}

impl TraceUpdate {
    /// Of a trace that is not there, or not recorded.
    pub(crate) fn of_nothing() -> Self {
        Self { trace: None }
    }

    pub(crate) fn of(trace_id: TraceId, tell: Tell) -> Self {
        Self { trace: Some((trace_id, tell)) }
    }

    /// The session, such as a conversation, that the trace belongs to.
    pub fn session(&self, id: impl Into<String>) -> &Self {
        self.say(|| Some(words::session(id)))
    }

    /// The end user that the trace belongs to.
    pub fn user(&self, id: impl Into<String>) -> &Self {
        self.say(|| Some(words::user(id)))
    }

    /// A tag, which can be changed later in MLflow. `mlflow.traceName` names the trace.
    pub fn tag(&self, key: impl AsRef<str>, value: impl Into<String>) -> &Self {
        self.say(|| words::tag(key.as_ref(), value))
    }

    /// A metadata entry, which cannot be changed once the trace has ended. An MLflow server gets it
    /// by the trace-info call ([`TraceInfoMode`](crate::TraceInfoMode)).
    pub fn metadata(&self, key: impl AsRef<str>, value: impl Into<String>) -> &Self {
        self.say(|| words::metadata(key.as_ref(), value))
    }

    /// Your own id of the request. Needs the trace-info call.
    pub fn client_request_id(&self, id: impl Into<String>) -> &Self {
        self.say(|| Some(words::client_request_id(id)))
    }

    /// The logged model that serves the request. Needs the trace-info call.
    pub fn model_id(&self, id: impl Into<String>) -> &Self {
        self.say(|| Some(words::model_id(id)))
    }

    /// The run that the trace belongs to. Needs the trace-info call.
    pub fn source_run(&self, id: impl Into<String>) -> &Self {
        self.say(|| Some(words::source_run(id)))
    }

    /// What MLflow's *Request* column shows in place of the root's inputs. Needs the trace-info call.
    ///
    /// An MLflow server gets the first 1000 characters: Python's SDK sends all, which a database
    /// that is strict about columns refuses together with the trace.
    pub fn request_preview(&self, text: impl Into<String>) -> &Self {
        self.say(|| Some(KeyValue::new(trace::REQUEST_PREVIEW, text.into())))
    }

    /// What MLflow's *Response* column shows in place of the root's outputs; as
    /// [`request_preview`](Self::request_preview).
    pub fn response_preview(&self, text: impl Into<String>) -> &Self {
        self.say(|| Some(KeyValue::new(trace::RESPONSE_PREVIEW, text.into())))
    }

    /// How the trace went; the root span's own status stays. Needs the trace-info call.
    pub fn state(&self, state: TraceState) -> &Self {
        let word = match state {
            TraceState::Ok => "OK",
            TraceState::Error => "ERROR",
        };
        self.say(|| Some(KeyValue::new(trace::STATE, word)))
    }

    /// Says it of the trace, if there is one.
    fn say(&self, said: impl FnOnce() -> Option<KeyValue>) -> &Self {
        if let Some((trace_id, tell)) = &self.trace
            && let Some(said) = said()
        {
            tell(*trace_id, said);
        }
        self
    }
}

impl fmt::Debug for TraceUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trace = self.trace.as_ref().map(|(trace_id, _)| mlflow_trace_id(*trace_id));
        f.debug_struct("TraceUpdate").field("trace", &trace).finish()
    }
}
