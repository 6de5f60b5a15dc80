//! An example in a process of its own.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use super::support::server::{Route, Server};
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
    cargo.args(["build", "--quiet", "--example", name, "--features", features_of(name)]);
    cargo.arg("--target-dir").arg(profile.parent().unwrap());
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    // What cargo tells this test is none of that build's business: scripts would run again for it.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" {
            cargo.env_remove(name);
        }
    }
    assert!(cargo.status().unwrap().success());
    profile.join("examples").join(name)
}

/// What it needs beside the default features.
fn features_of(name: &str) -> &'static str {
    if name == "official_exporter" { "opentelemetry-otlp" } else { "" }
}

/// Name of the experiment that the server was asked to make.
pub(crate) fn experiment_made(server: &Server) -> Value {
    let asked = server.requests(Route::Setup);
    let create = asked.iter().find(|request| request.head.path.ends_with("/create")).unwrap();
    create.json()["name"].clone()
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}
