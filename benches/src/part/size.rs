//! What the crate adds to a program: crates, direct dependencies, bytes of the binary.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, thread};

use serde_json::Value;

use super::Section;
use crate::Result;
use crate::mark::Mark;
use crate::table::{Table, grouped};
use crate::text::Text;

/// What a program chooses.
pub struct Choice {
    title: &'static str,
    features: Features,
}

enum Features {
    /// These of ours; left out of the table when the crate has not got one of them.
    Named(&'static [&'static str]),
    Default,
    All,
    Stock,
}

pub const LIGHT: Choice =
    Choice { title: "**`mlflow` (light)**", features: Features::Named(&["mlflow"]) };
pub const DEFAULT: Choice = Choice { title: "**default**", features: Features::Default };
const CHOICES: [Choice; 7] = [
    Choice { title: "no features", features: Features::Named(&[]) },
    LIGHT,
    Choice { title: "`mlflow`, `gzip`", features: Features::Named(&["mlflow", "gzip"]) },
    Choice { title: "`mlflow`, `tls`", features: Features::Named(&["mlflow", "tls"]) },
    DEFAULT,
    Choice { title: "all", features: Features::All },
    Choice { title: "stock, its defaults, no TLS", features: Features::Stock },
];
/// What an app with axum and a reqwest client may add.
const APP: [(&str, &str); 3] = [("light", "light"), ("default", "full"), ("stock", "stock")];
const STRIPPED: &str = "release";
/// The same with fat LTO and one codegen unit, which takes minutes where there are many crates.
const SMALL: &str = "small";

/// Crates of a choice, itself included where it is ours.
pub struct Counts {
    pub crates: usize,
    /// The same as `cargo tree` shows it without `--no-dedupe`, some of them twice.
    lines: usize,
    pub direct: usize,
}

pub fn measure() -> Result<Section> {
    let known = known_features()?;
    let has = |choice: &Choice| match choice.features {
        Features::Named(names) => names.iter().all(|name| known.iter().any(|known| known == name)),
        _ => true,
    };
    let mut table = Table::new(["", "crates", "lines", "direct", "kB", "kB, fat LTO"]);
    let mut findings = Vec::new();
    let choices: Vec<&Choice> = CHOICES.iter().filter(|choice| has(choice)).collect();
    let (hello, app) = sizes(&choices, &known)?;
    for (choice, sizes) in choices.into_iter().zip(hello) {
        let Counts { crates, lines, direct } = counts(choice)?;
        let counted = [crates, lines, direct].map(|count| count.to_string());
        table.row(choice.title, counted.into_iter().chain(sizes.map(kilobytes)));
        if choice.title == LIGHT.title {
            findings.extend(Mark::LightCrates.found(Some(crates as f64)));
            findings.extend(Mark::LightDirect.found(Some(direct as f64)));
            findings.extend(Mark::LightSize.found(Some(sizes[0] / 1_000.0)));
        } else if choice.title == DEFAULT.title {
            findings.extend(Mark::DefaultCrates.found(Some(crates as f64)));
        }
    }
    let mut text = Text::of(
        "Crates include this one; they are what `cargo tree -e normal --prefix none --no-dedupe | sort -u | wc -l` \
         counts. Lines are the same without `--no-dedupe`, which counts a crate again when it is shown again as \
         `(*)`. Kilobytes are what a program that makes one trace (`benches/hello`) has more than an empty one: \
         `--release` and stripped, and the same with fat LTO and one codegen unit.",
    );
    text.table(table);
    text.heading(3, "Added to an app");
    text.paragraph(
        "What a program that serves with axum and asks with reqwest, both at their defaults (`benches/app`), gets \
         in addition.",
    );
    text.table(app);
    Ok(Section { text, findings })
}

/// Bytes that `hello` grows by with each of `choices`, in both profiles, and the table of `app`. The
/// profiles are built at once: linking takes minutes, and one core.
fn sizes(choices: &[&Choice], known: &[String]) -> Result<(Vec<[f64; 2]>, Table)> {
    let added = |profile: &str| {
        let empty = binary("hello", "", profile)?;
        let built = choices
            .iter()
            .map(|choice| Ok(binary("hello", &choice.of_hello(known), profile)? - empty));
        built.collect::<Result<Vec<f64>>>()
    };
    let (small, stripped) = thread::scope(|scope| {
        let small = scope.spawn(|| added(SMALL).map_err(|error| error.to_string()));
        let stripped = added(STRIPPED).and_then(|sizes| Ok((sizes, app()?)));
        (small.join(), stripped)
    });
    let (small, (stripped, app)) = (small.map_err(|_| "a build panicked")??, stripped?);
    Ok((stripped.into_iter().zip(small).map(<[f64; 2]>::from).collect(), app))
}

fn app() -> Result<Table> {
    let crates = |feature| tree_of("app", feature, &["--no-dedupe"]);
    let (before, empty) = (crates("")?, binary("app", "", STRIPPED)?);
    let mut table = Table::new(["", "crates", "kB"]);
    for (title, feature) in APP {
        let crates = crates(feature)?.difference(&before).count();
        let bytes = binary("app", feature, STRIPPED)? - empty;
        table.row(title, [crates.to_string(), kilobytes(bytes)]);
    }
    Ok(table)
}

impl Choice {
    /// Features of `hello` that come to this.
    fn of_hello(&self, known: &[String]) -> String {
        let ours = |names: &mut dyn Iterator<Item = &str>| {
            names.fold("bare".to_owned(), |all, name| format!("{all},mlflow-tracing/{name}"))
        };
        match self.features {
            Features::Named(names) => ours(&mut names.iter().copied()),
            Features::Default => "full".to_owned(),
            Features::All => ours(&mut known.iter().map(String::as_str)),
            Features::Stock => "stock".to_owned(),
        }
    }
}

/// Crates and direct dependencies of `choice`; stock's without the program that was asked.
pub fn counts(choice: &Choice) -> Result<Counts> {
    const OURS: &str = "../Cargo.toml";
    let joined = match choice.features {
        Features::Named(names) => names.join(","),
        _ => String::new(),
    };
    let flags: &[&str] = match choice.features {
        Features::Named(_) => &["--no-default-features", "--features", &joined],
        Features::Default => &[],
        Features::All => &["--all-features"],
        Features::Stock => {
            let count =
                |more: &[&str]| Ok::<_, crate::Failure>(tree_of("hello", "stock", more)?.len() - 1);
            let [crates, lines] = [count(&["--no-dedupe"])?, count(&[])?];
            return Ok(Counts { crates, lines, direct: count(&["--depth", "1"])? });
        }
    };
    let count = |more: &[&str]| Ok::<_, crate::Failure>(tree(OURS, flags, more)?.len());
    Ok(Counts {
        crates: count(&["--no-dedupe"])?,
        lines: count(&[])?,
        direct: count(&["--depth", "1"])? - 1,
    })
}

fn tree_of(package: &str, feature: &str, more: &[&str]) -> Result<BTreeSet<String>> {
    tree("Cargo.toml", &["--package", package, "--features", feature], more)
}

/// Lines of `cargo tree` that differ.
fn tree(manifest: &str, flags: &[&str], more: &[&str]) -> Result<BTreeSet<String>> {
    let normal = ["tree", "-e", "normal", "--prefix", "none"];
    let said = cargo(manifest, &[&normal, flags, more].concat())?;
    Ok(said.lines().map(str::to_owned).collect())
}

/// Names of the crate's features.
fn known_features() -> Result<Vec<String>> {
    let said = cargo("../Cargo.toml", &["metadata", "--no-deps", "--format-version", "1"])?;
    let metadata: Value = serde_json::from_str(&said)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let features = packages
        .filter(|package| package["name"] == "mlflow-tracing")
        .find_map(|package| package["features"].as_object());
    Ok(features.ok_or("the crate has features")?.keys().cloned().collect())
}

/// Bytes of a program, stripped.
fn binary(package: &str, features: &str, profile: &str) -> Result<f64> {
    let target = target()?;
    let directory = target.display().to_string();
    let what = ["--package", package, "--bin", package, "--features", features];
    let how = ["rustc", "--quiet", "--profile", profile, "--target-dir", &directory];
    // Only the program itself is built in another way, not what it needs.
    let strip = ["--", "-C", "strip=symbols"];
    cargo("Cargo.toml", &[how.as_slice(), &what, &strip].concat())?;
    Ok(fs::metadata(target.join(profile).join(package))?.len() as f64)
}

fn kilobytes(bytes: f64) -> String {
    grouped(bytes / 1_000.0, 0)
}

/// The folder this program was built in.
fn target() -> Result<PathBuf> {
    let program = env::current_exe()?;
    let target = program.ancestors().nth(2).ok_or("the program was not built by cargo")?;
    Ok(target.to_owned())
}

/// What cargo says of a manifest that is named from here.
fn cargo(manifest: &str, arguments: &[&str]) -> Result<String> {
    let (command, rest) = arguments.split_first().ok_or("cargo is told what to do")?;
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .arg(command)
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(manifest))
        .args(rest)
        .output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo {}: {said}", arguments.join(" ")).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
