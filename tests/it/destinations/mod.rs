//! Any number of destinations: each with a sender, retries, a filter and an account of its own.

mod apart;
mod chosen;
mod complete;
mod filter;
mod many;
