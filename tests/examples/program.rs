//! An example in a process of its own.

use std::path::PathBuf;
use std::process::{Command, Output};

use super::support::time::watched;

/// Runs an example with these variables and no others.
pub(crate) fn run(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(executable(name));
    command.args(arguments).env_clear().envs(environment.iter().copied());
    watched(move || command.output().unwrap())
}

/// The example, built as this test was.
#[expect(clippy::disallowed_methods, reason = "examples are built beside the tests")]
fn executable(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--example", name, "--target-dir"]);
    cargo.arg(profile.parent().unwrap()).current_dir(env!("CARGO_MANIFEST_DIR"));
    assert!(cargo.status().unwrap().success());
    profile.join("examples").join(name)
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}
