//! The examples as their readers run them, with the servers they send to in this process.
//!
//! `examples/agent` has tests of its own.
#![cfg(test)]

mod destinations;
#[path = "../support/example.rs"]
mod example;
mod production;
mod program;

#[expect(dead_code, reason = "these tests need only a part")]
#[path = "../support/mod.rs"]
mod support;
