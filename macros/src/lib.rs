//! `#[trace]`, which `mlflow-tracing` re-exports. Use it from there.

mod args;
mod entry;
mod expand;
mod inputs;
mod level;
mod outcome;
mod pinned;
mod ratio;
mod shape;
mod span_type;
mod wrong_place;

use proc_macro::TokenStream;

/// DOCS
#[proc_macro_attribute]
pub fn trace(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::trace(args.into(), item.into()).into()
}
