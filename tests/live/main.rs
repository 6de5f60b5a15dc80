//! What real servers make of our traces: MLflow 3.17.2 and the OTLP collector rotel.
//!
//! `servers.py` starts them, tells these tests where they are, and stops them; `tests/all.sh` runs
//! it. The tests run one after the other: they count the requests that a server logs.
#![cfg(test)]

mod crowd;
mod mlflow;
mod program;
mod python;
mod quickstart;
mod refusals;
mod restart;
mod rotel;
mod servers;
mod stored;
#[expect(dead_code, reason = "the scripted server is for tests/it")]
#[path = "../support/mod.rs"]
mod support;
mod times;
mod trace_info;
mod traces;
mod values;
