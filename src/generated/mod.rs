//! Messages generated from `proto/*.proto`. Do not edit: `cargo run --manifest-path proto/generate/Cargo.toml`.

#[rustfmt::skip]
#[expect(clippy::pedantic, reason = "generated")]
pub(crate) mod status;
#[rustfmt::skip]
#[expect(clippy::pedantic, reason = "generated")]
pub(crate) mod trace_service;
