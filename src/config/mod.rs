//! Builder → environment → default: one table of variables, one place that reads them.

pub(crate) mod builder;
pub(crate) mod choice;
pub(crate) mod credentials_file;
pub mod destination;
pub(crate) mod env;
pub(crate) mod explain;
pub(crate) mod parse;
pub(crate) mod price_file;
pub(crate) mod resolve;
pub(crate) mod spool;
pub(crate) mod variable;
