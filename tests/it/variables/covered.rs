//! No variable without a test.

use std::fs;
use std::path::{Path, PathBuf};

use mlflow_tracing::{Support, VARIABLES};

/// Variables whose effect no test from outside can show, with the reason.
const UNSEEN: [(&str, &str); 2] = [
    ("NO_COLOR", "a test has no terminal; `config/resolve/tests.rs` shows what is decided"),
    (
        "MLFLOW_TRACING_SPOOL_SYNC_INTERVAL",
        "a test cuts no power; `transport/spool/tests` shows it",
    ),
];

/// What tests of behaviour are made of: the files of this test, and of those with globals.
fn sources() -> Vec<PathBuf> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut folders = vec![tests.join("it")];
    let mut files: Vec<_> = entries(&tests)
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("global_"))
        .collect();
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                files.push(path);
            }
        }
    }
    // Not what only checks that all are there.
    files.retain(|path| !path.ends_with("covered.rs"));
    files
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path())
}

#[test]
fn every_variable_that_is_not_ignored_is_set_by_a_test_of_behaviour() {
    let text: String = sources().iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let counting = VARIABLES.iter().filter(|variable| variable.support != Support::Ignored);
    let missing: Vec<_> = counting
        .map(|variable| variable.name)
        .filter(|name| !UNSEEN.iter().any(|(unseen, _)| unseen == name))
        .filter(|name| !text.contains(&format!("\"{name}\"")))
        .collect();
    assert!(missing.is_empty(), "no test sets {missing:#?}");
}
