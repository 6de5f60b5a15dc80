//! What an MLflow server is sent, and what comes of its answers.

mod answers;
mod experiment;
mod requests;
mod size;
mod trace_info;
mod trouble;
mod words;
