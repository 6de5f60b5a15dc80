//! The service as its users run it: a process, asked over HTTP, its traces read from the files that
//! it leaves where no destination is set. The test itself plays the model, where not the stand-in.
#![cfg(test)]

mod model;
mod once;
mod service;
mod serving;
mod trace;
