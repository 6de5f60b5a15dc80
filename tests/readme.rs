//! What the README says about the code is what the code says.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mlflow_tracing::{VARIABLES, Variable};

#[test]
fn the_environment_table_is_the_codes() {
    let rows: Vec<String> = VARIABLES.iter().map(row).collect();
    let table = rows.join("\n");
    let text = readme();
    assert!(text.contains(&table), "the README's table should be\n{table}");
    let in_readme = text.lines().filter(|line| is_variable_row(line)).count();
    assert_eq!(in_readme, rows.len(), "the README's table has rows of its own");
}

fn row(variable: &Variable) -> String {
    let Variable { name, default, support, effect, .. } = variable;
    let default = match *default {
        "" => String::new(),
        words if words.contains(' ') => words.to_owned(),
        value => format!("`{value}`"),
    };
    let support = format!("{support:?}").to_lowercase();
    format!("| `{name}` | {default} | {support} | {effect} |")
}

#[test]
fn every_feature_has_its_row() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let section = manifest.split("[features]").nth(1).unwrap().split("\n[").next().unwrap();
    let features = section.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name);
    for feature in features.filter(|name| *name != "default") {
        assert!(readme().contains(&format!("| `{feature}` |")), "no row for `{feature}`");
    }
}

#[test]
fn the_crate_counts_are_those_of_cargo_tree() {
    let light = crates(&["--no-default-features", "--features", "macros,mlflow"]);
    let default = crates(&[]);
    let row = format!("| {light} | {default} |");
    assert!(readme().contains(&row), "the README's row of crates should end with `{row}`");
}

#[test]
fn links_lead_somewhere() {
    let text = readme();
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let local = targets.filter(|target| !target.starts_with("http"));
    for target in local {
        assert!(root().join(target).exists(), "the README links to `{target}`, which is not there");
    }
}

fn crates(features: &[&str]) -> usize {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "-e", "normal", "--prefix", "none", "--no-dedupe"])
        .args(features)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    lines.dedup();
    lines.len()
}

fn is_variable_row(line: &str) -> bool {
    let name = line.strip_prefix("| `").and_then(|rest| rest.split('`').next()).unwrap_or_default();
    let shouts = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    (shouts && name.len() > 3) || name.ends_with("_proxy")
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}
