#![allow(dead_code)]

use mlflow_tracing_macros::trace;

struct Bare;

#[trace(outputs = |items| items.len())]
fn not_clone() -> impl Iterator<Item = Bare> {
    std::iter::once(Bare)
}

#[trace(err(Debug))]
fn not_debug() -> Result<(), Bare> {
    Err(Bare)
}

#[trace]
fn wrong_type() -> u8 {
    "seven"
}

fn main() {}
