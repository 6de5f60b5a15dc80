//! What an MLflow destination is told, with or without the feature that serves it.

use std::fmt;

use crate::model::otlp_encoder::OtlpEncoder;
use crate::model::trace_info_mode::TraceInfoMode;
use crate::semconv;
use crate::transport::Limits;
use crate::transport::connection::Connection;
use crate::transport::endpoint::Endpoint;
use crate::transport::headers::Headers;

/// Where and how to send, already checked.
#[derive(Clone, Debug)]
pub(crate) struct MlflowSettings {
    pub(crate) endpoint: Endpoint,
    pub(crate) headers: Headers,
    pub(crate) experiment: Experiment,
    pub(crate) trace_info: TraceInfoMode,
    /// Whether to print the experiment's address in the UI once.
    pub(crate) print_url: bool,
    pub(crate) connection: Connection,
    /// How much one request may carry.
    pub(crate) limits: Limits,
    pub(crate) encoder: OtlpEncoder,
    /// `mlflow.user`.
    pub(crate) user: Option<String>,
    /// `mlflow.modelId` of traces that name none.
    pub(crate) model_id: Option<String>,
    /// `mlflow.source.name`.
    pub(crate) source_name: Option<String>,
}

impl MlflowSettings {
    /// The workspace among the headers, for people.
    pub(crate) fn workspace(&self) -> String {
        let mut headers = self.headers.iter();
        let found = headers.find(|(name, _)| *name == semconv::http::WORKSPACE_HEADER);
        found.map(|(_, workspace)| format!(" in workspace {workspace}")).unwrap_or_default()
    }
}

/// The experiment that new traces belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Experiment {
    Id(String),
    /// Made when it does not exist.
    Name(String),
}

impl fmt::Display for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "experiment {id}"),
            Self::Name(name) => write!(f, "experiment `{name}`"),
        }
    }
}
