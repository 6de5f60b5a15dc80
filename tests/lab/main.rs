//! The fault laboratory: processes that are killed, disks that are full, hours of load.
//!
//! `cargo test --test lab -- --ignored --test-threads=1` is the form that `tests/all.sh` runs;
//! `tests/lab/long.sh` the long one. What is seen is printed, and kept in docs/RELIABILITY.md.
#![cfg(test)]

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

mod disk;
mod handover;
mod kills;
mod namespace;
mod network;
mod program;
mod receiver;
mod soak;

#[expect(dead_code, reason = "most of it is for tests/it")]
#[path = "../support/mod.rs"]
mod support;

/// A number that the long form sets.
#[expect(clippy::disallowed_methods, reason = "how long the laboratory takes is for its caller")]
fn count(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().map_or(usual, |count| count.parse().unwrap())
}

fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
