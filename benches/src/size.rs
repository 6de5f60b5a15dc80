//! What the crate adds to a program: crates, direct dependencies, bytes of the binary.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What one choice of features costs.
pub struct Size {
    /// As the README says it, without `(*)` lines: every crate once.
    pub crates: usize,
    /// The same command without `--no-dedupe`, which counts some crates twice.
    pub lines: usize,
    pub direct: usize,
    /// Bytes added to an empty program: stripped release binary, and the same with fat LTO.
    pub stripped: u64,
    pub small: u64,
}

/// The light build and the default one.
pub fn measure() -> Result<[Size; 2]> {
    let empty = (binary("stripped", "")?, binary("small", "")?);
    let size = |flags: &[&str], feature: &str| -> Result<Size> {
        Ok(Size {
            crates: tree(flags, &["--no-dedupe"])?,
            lines: tree(flags, &[])?,
            direct: tree(flags, &["--depth", "1"])? - 1,
            stripped: binary("stripped", feature)? - empty.0,
            small: binary("small", feature)? - empty.1,
        })
    };
    Ok([size(&["--no-default-features", "--features", "mlflow"], "light")?, size(&[], "full")?])
}

/// Lines of `cargo tree` that differ.
fn tree(flags: &[&str], more: &[&str]) -> Result<usize> {
    let output = cargo()
        .args(["tree", "-e", "normal", "--prefix", "none", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"))
        .args(flags)
        .args(more)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().collect::<BTreeSet<_>>().len())
}

/// Size of the hello program.
fn binary(profile: &str, feature: &str) -> Result<u64> {
    let target = target()?;
    let status = cargo()
        .args(["build", "--quiet", "--package", "hello", "--profile", profile])
        .args(["--features", feature])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .status()?;
    if !status.success() {
        return Err(format!("hello was not built: {status}").into());
    }
    Ok(fs::metadata(target.join(profile).join("hello"))?.len())
}

/// The folder this program was built in.
fn target() -> Result<PathBuf> {
    let program = env::current_exe()?;
    let target = program.ancestors().nth(2).ok_or("the program was not built by cargo")?;
    Ok(target.to_owned())
}

fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
