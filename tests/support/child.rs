//! A part of a test in a process of its own: its environment, its globals, its stderr.

use std::env;
use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use super::time::{spawn, until};

/// Set for the child.
const ROLE: &str = "MLFLOW_TRACING_TEST_CHILD";

/// What a child wrote.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `body` in a process of its own that has the variables `environment` and no other of ours.
///
/// `test` is the full name of the calling test, which the child runs again. Returns what the child
/// wrote; `None` in the child.
pub(crate) fn run(test: &str, environment: &[(&str, &str)], body: impl FnOnce()) -> Option<Said> {
    let (status, said) = end(test, environment, body)?;
    let Said { stdout, stderr } = &said;
    assert!(status.success(), "the child failed:\n{stdout}\n{stderr}");
    assert!(stdout.contains("1 passed"), "there is no test {test}:\n{stdout}");
    Some(said)
}

/// As [`run`], of a body that may end its process by itself; says how it ended.
#[expect(clippy::disallowed_methods, reason = "the environment is what this is about")]
pub(crate) fn end(
    test: &str,
    environment: &[(&str, &str)],
    body: impl FnOnce(),
) -> Option<(ExitStatus, Said)> {
    if env::var_os(ROLE).is_some() {
        body();
        return None;
    }
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env_clear().env(ROLE, "1");
    command.envs(environment.iter().copied());
    Some(watch(command))
}

/// Runs a program until it ends.
fn watch(mut command: Command) -> (ExitStatus, Said) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdout = collect(child.stdout.take().unwrap());
    let stderr = collect(child.stderr.take().unwrap());
    until("the child ends", || stdout.is_finished() && stderr.is_finished());
    let status = child.wait().unwrap();
    let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
    (status, Said { stdout, stderr })
}

fn collect(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    spawn("collect", move || {
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    })
}
