//! Messages generated from `proto/*.proto`, which the reader of answers is tested against. Do not
//! edit: `cargo run --manifest-path proto/generate/Cargo.toml`.

#[rustfmt::skip]
pub(crate) mod status;
#[rustfmt::skip]
pub(crate) mod trace_service;
