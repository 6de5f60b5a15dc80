//! What the README says about the code is what the code says.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mlflow_tracing::VARIABLES;

#[test]
fn the_environment_table_is_the_codes() {
    let rows: Vec<String> = VARIABLES
        .iter()
        .filter(|variable| variable.honoured)
        .map(|variable| {
            let default = match variable.default {
                "" => String::new(),
                default => format!("`{default}`"),
            };
            format!("| `{}` | {default} | {} |", variable.name, variable.effect)
        })
        .collect();
    let table = rows.join("\n");
    let text = readme();
    assert!(text.contains(&table), "the README's table should be\n{table}");
    let in_readme = text.lines().filter(|line| is_variable_row(line)).count();
    assert_eq!(in_readme, rows.len(), "the README's table has rows of its own");
}

#[test]
fn variables_that_are_not_supported_are_listed() {
    let names: Vec<String> = VARIABLES
        .iter()
        .filter(|variable| !variable.honoured)
        .map(|variable| format!("`{}`", variable.name))
        .collect();
    let list = names.join(", ");
    let flat = readme().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(&list), "the README should list\n{list}");
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
    let light = crates(&["--no-default-features", "--features", "mlflow"]);
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
    let shouts = |c: char| c.is_ascii_uppercase() || c == '_';
    name.len() > 3 && name.chars().all(shouts)
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}
