#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mlflow_tracing::fuzzing::json(bytes));
