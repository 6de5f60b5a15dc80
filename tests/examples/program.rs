//! An example in a process of its own.

use std::process::{Command, Output};

use serde_json::Value;

use super::example;
use super::support::server::{Route, Server};
use super::support::time::watched;

/// Runs an example with these variables and no others.
pub(crate) fn run(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(example::built(name, features_of(name)));
    command.args(arguments).env_clear().envs(environment.iter().copied());
    watched(move || command.output().unwrap())
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
