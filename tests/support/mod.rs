//! What the integration tests share: a scripted server, decoded spans, deadlines, processes.

pub(crate) mod app;
pub(crate) mod child;
pub(crate) mod exporter;
pub(crate) mod front;
pub(crate) mod http;
pub(crate) mod scratch;
pub(crate) mod server;
pub(crate) mod spans;
pub(crate) mod time;
pub(crate) mod told;
