//! The house as a test: who may use whom, where effects live, and that every file has its line.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

/// Each module of the crate with the modules it may use, bottom to top.
const MAY_USE: [(&str, &[&str]); 24] = [
    ("error", &[]),
    ("stats", &[]),
    ("finding", &[]),
    ("sync", &[]),
    ("generated", &[]),
    ("semconv", &[]),
    ("diagnostics", &["sync"]),
    ("model", &["semconv"]),
    ("context", &["sync", "diagnostics", "semconv", "model"]),
    ("transport", &["error", "stats", "finding", "sync", "diagnostics", "model"]),
    (
        "export",
        &["error", "stats", "finding", "sync", "diagnostics", "semconv", "model", "transport"],
    ),
    (
        "process",
        &[
            "error",
            "stats",
            "sync",
            "diagnostics",
            "semconv",
            "model",
            "context",
            "transport",
            "export",
        ],
    ),
    ("exit", &["error", "sync", "diagnostics", "process"]),
    ("capture", &["sync", "diagnostics", "semconv", "model", "context"]),
    (
        "config",
        &[
            "error",
            "stats",
            "semconv",
            "model",
            "context",
            "transport",
            "export",
            "process",
            "capture",
        ],
    ),
    (
        "guard",
        &["error", "stats", "exit", "diagnostics", "context", "process", "capture", "config"],
    ),
    ("metrics", &["stats", "semconv", "sync", "process", "guard"]),
    ("init", &["error", "exit", "diagnostics", "export", "process", "capture", "config", "guard"]),
    (
        "replay",
        &[
            "stats",
            "sync",
            "diagnostics",
            "semconv",
            "model",
            "transport",
            "export",
            "process",
            "guard",
        ],
    ),
    ("tower", &["diagnostics", "process", "guard"]),
    (
        "doctor",
        &["error", "finding", "sync", "diagnostics", "transport", "export", "config", "init"],
    ),
    ("macro_support", &["semconv", "capture"]),
    ("fuzzing", &["sync", "model", "transport", "export", "replay", "config"]),
    ("lib", &[]),
];

/// What only some files may mention.
const CONFINED: [(&str, &[&str]); 14] = [
    ("std::env::", &["config/env.rs"]),
    ("Instant::now", &["sync/clock.rs", "sync/clock_given.rs", "sync/clock_modelled.rs"]),
    ("SystemTime::now", &["sync.rs"]),
    (
        "thread::{Builder",
        &["process/worker.rs", "transport/sender.rs", "transport/spool/syncer.rs"],
    ),
    // What ends the process may hold any lock, and a task may not wait: others do. What is examined
    // must not meet a runtime of the program's, and may hang.
    ("thread::Builder", &["doctor.rs", "exit/mod.rs", "exit/signal.rs", "process/flushing.rs"]),
    ("signal_hook", &["exit/signal.rs"]),
    (
        "ureq::",
        &[
            "transport/http.rs",
            "transport/resolver.rs",
            "transport/endpoint.rs",
            "transport/tls.rs",
            "transport/tls_disabled.rs",
            "transport/proxy.rs",
            "transport/grpc/mod.rs",
            "transport/grpc/channel.rs",
            "transport/grpc/tunnel.rs",
        ],
    ),
    (
        "tonic::",
        &[
            "transport/grpc/mod.rs",
            "transport/grpc/channel.rs",
            "transport/grpc/codec.rs",
            "transport/grpc/gzip.rs",
            "transport/grpc/gzip_disabled.rs",
            "transport/grpc/refusal.rs",
        ],
    ),
    (
        "tokio::",
        &[
            "transport/grpc/mod.rs",
            "transport/grpc/channel.rs",
            "transport/grpc/socket.rs",
            "transport/grpc/tls.rs",
            "transport/grpc/tls_disabled.rs",
            "transport/grpc/tunnel.rs",
        ],
    ),
    ("hyper::", &["transport/grpc/channel.rs"]),
    ("opentelemetry_otlp::", &["export/official.rs"]),
    ("impl SpanExporter for", &["process/exporter.rs"]),
    ("impl SpanProcessor", &["process/processor.rs"]),
    ("io::stderr", &["diagnostics.rs", "export/local.rs", "config/resolve/local.rs"]),
];

const MAX_LINES: usize = 320;

#[test]
fn modules_use_only_what_is_below_them() {
    let mut faults = Vec::new();
    for file in sources() {
        let module = module_of(&file);
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == module) else {
            faults.push(format!("{}: module `{module}` is not in the table", file.display()));
            continue;
        };
        for used in used_modules(&code_of(&file)) {
            if used != module && !allowed.contains(&used.as_str()) {
                faults.push(format!("{}: `{module}` may not use `{used}`", file.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn effects_live_where_the_table_says() {
    let mut faults = Vec::new();
    for file in sources() {
        let code = code_of(&file);
        for (word, homes) in CONFINED {
            if code.contains(word) && !homes.iter().any(|home| file == Path::new(home)) {
                faults.push(format!("{}: `{word}` belongs in {homes:?}", file.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn conditions_stand_on_module_and_use_lines_only() {
    let mut faults = Vec::new();
    for file in sources() {
        let code = code_of(&file);
        let lines: Vec<&str> = code.lines().map(str::trim).collect();
        for (index, line) in lines.iter().enumerate() {
            if !line.starts_with("#[cfg(") {
                continue;
            }
            let next = lines.iter().skip(index + 1).find(|line| !line.starts_with("#["));
            let allowed =
                ["mod ", "use ", "pub mod ", "pub use ", "pub(crate) mod ", "pub(crate) use "];
            if !next.is_some_and(|next| allowed.iter().any(|start| next.starts_with(start))) {
                faults.push(format!("{}:{}: {line}", file.display(), index + 1));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_source_file_has_its_line_in_the_architecture() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let missing: Vec<String> = sources()
        .iter()
        .map(|file| file.display().to_string().replace('\\', "/"))
        .filter(|file| !text.contains(&format!("| `{file}` |")))
        .collect();
    assert!(missing.is_empty(), "no line in ARCHITECTURE.md for {missing:?}");
}

#[test]
fn the_architecture_names_no_file_that_is_gone() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let gone: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .map(|(file, _)| file)
        .filter(|file| !root().join("src").join(file).exists())
        .collect();
    assert!(gone.is_empty(), "ARCHITECTURE.md names files that do not exist: {gone:?}");
}

#[test]
fn files_stay_short_enough_to_read() {
    let long: Vec<String> = sources()
        .iter()
        .map(|file| (file, code_of(file).lines().count()))
        .filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(file, lines)| format!("{} has {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Source files relative to `src`, without unit tests.
fn sources() -> Vec<PathBuf> {
    let src = root().join("src");
    let mut folders = vec![src.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            match (path.is_dir(), name.as_str()) {
                (_, "tests" | "tests.rs") => {}
                (true, _) => folders.push(path),
                (false, _) => files.push(path.strip_prefix(&src).unwrap().to_path_buf()),
            }
        }
    }
    files.sort();
    files
}

/// The file without comments and without inline tests.
fn code_of(file: &Path) -> String {
    let text = fs::read_to_string(root().join("src").join(file)).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn module_of(file: &Path) -> String {
    let first = file.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Modules named by `crate::…` paths.
fn used_modules(code: &str) -> Vec<String> {
    let word = |text: &str| {
        text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
    };
    let by_path = code.match_indices("crate::").map(|(at, found)| word(&code[at + found.len()..]));
    by_path.filter(|module| !module.is_empty()).collect()
}
