//! An example's executable. Not a part of `support`: only few tests run examples.

use std::path::PathBuf;
use std::process::Command;

/// The example, built with these features into the directory that this test was built into.
#[expect(clippy::disallowed_methods, reason = "examples are built beside the tests")]
pub(crate) fn built(name: &str, features: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let mut cargo = cargo();
    cargo.args(["build", "--quiet", "--example", name, "--features", features]);
    cargo.arg("--target-dir").arg(profile.parent().unwrap());
    assert!(cargo.status().unwrap().success());
    profile.join("examples").join(name)
}

/// Cargo, as if no test had started it.
#[expect(clippy::disallowed_methods, reason = "it has the environment of this process")]
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    // What cargo tells this test is none of that build's business: ring's script would run again
    // for it, and everything above ring be built again, now and when this test is built next.
    for (variable, _) in std::env::vars_os() {
        let variable = variable.to_string_lossy();
        if variable.starts_with("CARGO_PKG_") || variable.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&*variable);
        }
    }
    cargo
}
