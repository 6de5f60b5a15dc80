//! Disks and networks of a test's own, as Linux lets ordinary users have them.

use std::env;
use std::process::{Command, Output};

/// Set for the test inside.
const ROLE: &str = "MLFLOW_TRACING_LAB_INSIDE";

/// Runs `test`, the calling one, again in namespaces of its own, which `script` prepares. Returns what
/// it is told in there; outside `None`, once it is done. Says so when this machine does not allow it.
#[expect(clippy::disallowed_methods, reason = "the environment is how it is told")]
#[expect(clippy::print_stdout, reason = "what is seen is kept in docs/RELIABILITY.md")]
pub(crate) fn enter(test: &str, namespaces: &str, script: &str, tell: &str) -> Option<String> {
    if let Ok(told) = env::var(ROLE) {
        return Some(told);
    }
    let script = format!("PATH=$PATH:/usr/sbin:/sbin; {script}");
    let shell = |rest: &str| {
        let mut command = Command::new("unshare");
        command.args([namespaces, "sh", "-ec", &format!("{script}; {rest}")]).env(ROLE, tell);
        command
    };
    let reason = match shell("true").output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(said(&output)),
        Err(error) => Some(format!("unshare: {error}")),
    };
    if let Some(reason) = reason {
        println!("\nnot tested: {test}: {}", reason.trim().replace('\n', "; "));
        return None;
    }
    let mut command = shell("exec \"$0\" \"$@\"");
    command.arg(env::current_exe().unwrap());
    let output = command.args(["--exact", test, "--nocapture", "--ignored"]).output().unwrap();
    let said = said(&output);
    println!("{said}");
    assert!(output.status.success() && said.contains("1 passed"), "{test}, inside");
    None
}

fn said(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}
