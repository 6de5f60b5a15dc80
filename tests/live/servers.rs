//! What `servers.py` tells.

use std::path::PathBuf;
use std::process::Command;

use super::encoder;

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

/// The executable of an example, built as this test was.
#[expect(clippy::disallowed_methods, reason = "examples are built beside the tests")]
pub(crate) fn example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let profile = tests.ancestors().nth(2).unwrap();
    let target = profile.parent().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--example", name, "--target-dir"]).arg(target);
    if encoder::OFFICIAL {
        cargo.args(["--features", "opentelemetry-otlp"]);
    }
    assert!(cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap().success());
    profile.join("examples").join(name)
}
