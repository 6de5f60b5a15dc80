//! Official parts on both sides of the pipe.

mod pipe;
mod plugged;
