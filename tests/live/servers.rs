//! What `servers.py` tells.

use std::process::Command;

/// A variable that `servers.py` sets.
#[expect(clippy::disallowed_methods, reason = "it is how the tests are told of the servers")]
pub(crate) fn told(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run tests/all.sh"))
}

/// Kills the process group whose id stands in the file that this variable names.
pub(crate) fn kill(variable: &str) {
    let id = std::fs::read_to_string(told(variable)).unwrap();
    let code = format!("import os, signal; os.killpg({id}, signal.SIGKILL)");
    let killed = Command::new(told("MLFLOW_TEST_PYTHON")).args(["-c", &code]).status();
    assert!(killed.unwrap().success());
}
