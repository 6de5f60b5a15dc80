//! `cargo run --manifest-path proto/generate/Cargo.toml [-- --check]`
//!
//! The generated code is checked in, so that building the crate needs neither `protoc` nor this.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

type AnyError = Box<dyn std::error::Error>;

/// Proto file, its package, and the file its messages go to.
const FILES: [(&str, &str, &str); 2] = [
    ("trace_service.proto", "opentelemetry.proto.collector.trace.v1", "trace_service.rs"),
    ("status.proto", "google.rpc", "status.rs"),
];

fn main() -> Result<(), AnyError> {
    let check = env::args().any(|argument| argument == "--check");
    let proto = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let generated = proto.join("../src/generated").canonicalize()?;
    let mut stale = Vec::new();
    for (source, package, target) in FILES {
        let code = generate(&proto, source, package)?;
        let path = generated.join(target);
        if check && fs::read_to_string(&path).unwrap_or_default() != code {
            stale.push(target);
        } else if !check {
            fs::write(path, code)?;
        }
    }
    if !stale.is_empty() {
        eprintln!("src/generated is not what proto/*.proto gives: {stale:?}; run this without --check");
        process::exit(1);
    }
    Ok(())
}

fn generate(proto: &Path, source: &str, package: &str) -> Result<String, AnyError> {
    let out = env::temp_dir().join(format!("generate-proto-{}", process::id()));
    fs::create_dir_all(&out)?;
    let descriptors = protox::compile([source], [proto])?;
    prost_build::Config::new().out_dir(&out).compile_fds(descriptors)?;
    let code = fs::read_to_string(out.join(format!("{package}.rs")))?;
    fs::remove_dir_all(&out)?;
    // The crate keeps its modules private; what nobody outside can name need not be public.
    Ok(code.replace("pub struct", "pub(crate) struct").replace("    pub ", "    pub(crate) "))
}
