//! The same work, done by MLflow's Python SDK and by this crate, and what differs in the outcome.
//!
//! `scenario.json` says what is done, `play.py` and [`player`] do it, `differences.json` says what may
//! differ and why. `docs/PARITY.md` is made of these.

pub(crate) mod content;
pub(crate) mod difference;
pub(crate) mod failure;
pub(crate) mod functions;
pub(crate) mod json;
pub(crate) mod player;
pub(crate) mod scenario;
pub(crate) mod tree;
pub(crate) mod value;
