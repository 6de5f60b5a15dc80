//! What this environment leads to: what is wrong, and what to do about it.
//!
//! `MLFLOW_TRACKING_URI=http://127.0.0.1:5000 cargo run --example doctor` looks at the configuration
//! and at every destination, and sends no span. The exit status is 1 when a destination would not get
//! its spans. A program of your own does the same with its builder.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use mlflow_tracing::Severity;

const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> io::Result<ExitCode> {
    let diagnosis = mlflow_tracing::builder().diagnose(PATIENCE);
    write!(io::stdout().lock(), "{diagnosis}")?;
    let is_ill = diagnosis.severity() >= Severity::Error;
    Ok(if is_ill { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
