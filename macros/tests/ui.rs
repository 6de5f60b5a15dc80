//! What wrong use is told, and where.
//!
//! The texts are those of one compiler: `tests/all.sh` runs this with the toolchain of the project.
//! After a change: `TRYBUILD=overwrite cargo test -p mlflow-tracing-macros`, and read the difference.

#![cfg(test)]

#[test]
fn wrong_use_is_an_error_at_the_token() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
