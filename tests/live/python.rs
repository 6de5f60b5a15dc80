//! MLflow's official Python client.

use std::path::Path;
use std::process::Command;

use serde::de::DeserializeOwned;

use super::mlflow::Mlflow;
use super::servers::told;
use super::stored::Trace;

/// Who the Python SDK takes to be running it.
pub(crate) const USER: &str = "tester";

/// A trace as the client reads it.
pub(crate) fn read(server: &Mlflow, trace_id: &str) -> Trace {
    run("readback.py", server, trace_id)
}

/// Makes a trace with the Python SDK in this experiment, and returns its id.
pub(crate) fn make_trace(server: &Mlflow, experiment_id: &str) -> String {
    run("reference.py", server, experiment_id)
}

/// What a script of this directory prints, as JSON, on its last line.
fn run<T: DeserializeOwned>(script: &str, server: &Mlflow, id: &str) -> T {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live");
    let mut python = Command::new(told("MLFLOW_TEST_PYTHON"));
    python.arg(directory.join(script)).arg(&server.uri).arg(id);
    // Where there is no repository that the SDK would describe.
    python.current_dir(env!("CARGO_TARGET_TMPDIR"));
    python.env("MLFLOW_DISABLE_TELEMETRY", "true").env("DO_NOT_TRACK", "true");
    python.env("LOGNAME", USER);
    if let Some((user, password)) = &server.credentials {
        python.env("MLFLOW_TRACKING_USERNAME", user).env("MLFLOW_TRACKING_PASSWORD", password);
    }
    let output = python.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{script} failed:\n{said}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let last = printed.lines().last().unwrap_or_else(|| panic!("{script} is silent:\n{said}"));
    serde_json::from_str(last).unwrap()
}
