//! What real servers make of our traces: MLflow 3.17.2 on SQLite and PostgreSQL, the OTLP collector
//! rotel, Elastic's receiver, and all of them behind nginx.
//!
//! `servers.py` starts them, tells these tests where they are, and stops them; `tests/all.sh` runs
//! it. The tests run one after the other: they count the requests that a server logs.
#![cfg(test)]

mod agent;
mod comparable;
mod crowd;
mod doctor;
mod elastic;
mod encoder;
mod exact;
#[path = "../support/example.rs"]
mod example;
mod mlflow;
mod nginx;
#[expect(dead_code, reason = "requests and the document are for tests/it")]
mod parity;
mod parity_suite;
mod plug;
mod program;
mod python;
mod quickstart;
mod receivers;
mod refusals;
mod restart;
mod rotel;
mod servers;
mod stored;
#[expect(dead_code, reason = "the scripted server is for tests/it")]
#[path = "../support/mod.rs"]
mod support;
mod times;
mod tls;
mod trace_context;
mod trace_info;
mod traces;
mod values;
