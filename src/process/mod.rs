//! From a span's end to its destinations' outboxes.
//!
//! ```text
//!  caller's thread                 worker's thread
//!  processor ──SpanData──▶ intake ──▶ meaning ──▶ aggregate ──chunk──▶ encoders ──▶ outboxes
//!             (one short lock)   (arguments → inputs) (trace table)
//! ```
//!
//! The caller pays for one push under a short lock; everything else happens on the worker. The
//! trace table lives there too, so it needs no lock of its own.

pub(crate) mod account;
pub(crate) mod aggregate;
pub(crate) mod exporter;
pub(crate) mod flush;
pub(crate) mod flushing;
pub(crate) mod fork;
pub(crate) mod ids;
pub(crate) mod intake;
pub(crate) mod limits;
pub(crate) mod losses;
pub(crate) mod meaning;
pub(crate) mod pipeline;
pub(crate) mod prices;
pub(crate) mod processor;
pub(crate) mod roots;
pub(crate) mod sampler;
pub(crate) mod spent;
pub(crate) mod trace;
pub(crate) mod updates;
pub(crate) mod worker;
