//! MLflow's official Python client.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::mlflow::Mlflow;
use super::servers::told;
use super::stored::Trace;

/// Who the Python SDK takes to be running it.
pub(crate) const USER: &str = "tester";

/// A trace as the client reads it.
pub(crate) fn read(server: &Mlflow, trace_id: &str) -> Trace {
    try_read(server, trace_id).unwrap_or_else(|error| panic!("{trace_id}: {error}"))
}

/// A trace as the client reads it, or why it cannot be read.
pub(crate) fn try_read(server: &Mlflow, trace_id: &str) -> Result<Trace, String> {
    static READER: LazyLock<Mutex<Reader>> = LazyLock::new(|| Mutex::new(Reader::new()));
    let question =
        json!({ "uri": server.uri, "trace_id": trace_id, "credentials": server.credentials });
    let answer = READER.lock().unwrap_or_else(PoisonError::into_inner).ask(&question);
    if let Some(error) = answer["error"].as_str() {
        return Err(error.to_owned());
    }
    Ok(Trace::deserialize(&answer).unwrap_or_else(|error| panic!("{error}: {answer}")))
}

/// Makes a trace with the Python SDK in this experiment, and returns its id.
pub(crate) fn make_trace(server: &Mlflow, experiment_id: &str) -> String {
    printed(python("reference.py").arg(&server.uri).arg(experiment_id))
}

/// Plays `parity/scenario.json` with the Python SDK in this experiment; the ids of the roots of each
/// of its traces.
pub(crate) fn play(server: &Mlflow, experiment_id: &str) -> BTreeMap<String, Vec<String>> {
    // As a program in production has it, without the server.
    let mut play = run(&told("MLFLOW_TEST_CLIENT_PYTHON"), "parity/play.py");
    // Else chance decides whether a trace or its spans arrive first, and what is lost with that.
    play.env("MLFLOW_ASYNC_TRACE_LOGGING_MAX_WORKERS", "1");
    printed(play.arg(&server.uri).arg(experiment_id))
}

/// What the last line that a script prints is as JSON.
fn printed<T: DeserializeOwned>(script: &mut Command) -> T {
    let output = script.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let last = printed.lines().last().unwrap_or_else(|| panic!("it is silent:\n{said}"));
    serde_json::from_str(last).unwrap()
}

/// `readback.py`, which takes seconds to start. It ends with the tests, when nobody asks any more.
struct Reader {
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl Reader {
    fn new() -> Self {
        let mut python = python("readback.py");
        python.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = python.spawn().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Self { process, answers }
    }

    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.process.stdin.as_ref().unwrap(), "{question}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error} in {answer}"))
    }
}

/// A script of this directory.
fn python(script: &str) -> Command {
    run(&told("MLFLOW_TEST_PYTHON"), script)
}

fn run(interpreter: &str, script: &str) -> Command {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live");
    let mut python = Command::new(interpreter);
    python.arg(directory.join(script));
    // Where there is no repository that the SDK would describe.
    python.current_dir(env!("CARGO_TARGET_TMPDIR"));
    python.env("MLFLOW_DISABLE_TELEMETRY", "true").env("DO_NOT_TRACK", "true");
    python.env("LOGNAME", USER);
    python
}
