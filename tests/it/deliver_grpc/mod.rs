//! What an OTLP receiver is sent over gRPC, and what comes of its answers.

mod answers;
mod places;
mod requests;
mod size;
mod trouble;
