//! No MLflow server as a destination: the feature `mlflow` is off.

use crate::error::{Error, Result};
use crate::export::Destination;
use crate::export::mlflow_settings::MlflowSettings;

#[expect(clippy::needless_pass_by_value, reason = "its twin with the feature takes it")]
pub(crate) fn destination(settings: MlflowSettings) -> Result<Destination> {
    let fix = "an MLflow server needs the feature `mlflow` of mlflow-tracing; enable it";
    Err(Error::config("the tracking URI", settings.endpoint.url(), fix))
}
