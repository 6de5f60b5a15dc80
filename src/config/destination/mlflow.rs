//! An MLflow server as a value.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::{Named, Reach, reached_as};
use crate::model::trace_info_mode::TraceInfoMode;
use crate::transport::endpoint::{MASK, masked};

/// An MLflow server; see [`Destination`](super::Destination).
#[derive(Clone, Default)]
pub struct Mlflow {
    pub(crate) uri: Option<Named>,
    pub(crate) experiment: Option<String>,
    pub(crate) experiment_id: Option<String>,
    pub(crate) basic_auth: Option<(String, String)>,
    pub(crate) token: Option<String>,
    pub(crate) workspace: Option<String>,
    pub(crate) trace_info: Option<TraceInfoMode>,
    pub(crate) print_url: Option<bool>,
    pub(crate) reach: Reach,
}

impl Mlflow {
    /// The server at this address; a path in it is kept, a user and password in it are used and
    /// never shown.
    pub fn new(tracking_uri: impl Into<String>) -> Self {
        Self { uri: Some(Named::new("Mlflow::new", tracking_uri)), ..Self::default() }
    }

    /// Name of the experiment, which is made when it does not exist.
    #[must_use]
    pub fn with_experiment(self, name: impl Into<String>) -> Self {
        Self { experiment: Some(name.into()), ..self }
    }

    /// Id of the experiment, a number; wins over the name. Default: `0`.
    #[must_use]
    pub fn with_experiment_id(self, id: impl Into<String>) -> Self {
        Self { experiment_id: Some(id.into()), ..self }
    }

    /// User and password.
    #[must_use]
    pub fn with_basic_auth(self, user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { basic_auth: Some((user.into(), password.into())), ..self }
    }

    /// Bearer token.
    #[must_use]
    pub fn with_token(self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self }
    }

    /// Workspace that the experiment belongs to, on servers that have workspaces.
    #[must_use]
    pub fn with_workspace(self, name: impl Into<String>) -> Self {
        Self { workspace: Some(name.into()), ..self }
    }

    /// When the separate trace-info call is made. Default: auto.
    #[must_use]
    pub fn with_trace_info(self, mode: TraceInfoMode) -> Self {
        Self { trace_info: Some(mode), ..self }
    }

    /// Whether the experiment's address in the UI is printed once at start. Default: true.
    #[must_use]
    pub fn with_print_url(self, print: bool) -> Self {
        Self { print_url: Some(print), ..self }
    }

    reached_as!();
}

/// Shows what was set; credentials are masked.
impl fmt::Debug for Mlflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mlflow")
            .field("tracking_uri", &self.uri.as_ref().map(|uri| masked(&uri.text)))
            .field("experiment", &self.experiment)
            .field("experiment_id", &self.experiment_id)
            .field("basic_auth", &self.basic_auth.as_ref().map(|_| MASK))
            .field("token", &self.token.as_ref().map(|_| MASK))
            .finish_non_exhaustive()
    }
}
