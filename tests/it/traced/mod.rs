//! `#[trace]`, and futures, streams and iterators that have a span.

mod arguments;
mod cancelled;
mod functions;
mod futures;
mod generic;
mod items;
mod iterators;
mod options;
mod outcome;
mod panics;
mod streams;
mod unwritten;
