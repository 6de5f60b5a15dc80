//! `level = …`, as `#[instrument]` has it.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::parse::{Parse, ParseStream};
use syn::{Error, LitInt, LitStr, Path, Result};

pub(crate) enum Level {
    /// The name of a constant of `tracing::Level`, and where it was given.
    Named(&'static str, proc_macro2::Span),
    Path(Path),
}

const NAMES: [&str; 5] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"];

impl Parse for Level {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let expected = "a level is one of \"trace\", \"debug\", \"info\", \"warn\", \"error\", a number \
                        from 1 (trace) to 5 (error), or a constant of `tracing::Level`";
        if input.peek(LitStr) {
            let word: LitStr = input.parse()?;
            let name = NAMES.iter().find(|name| name.eq_ignore_ascii_case(&word.value()));
            let name = name.ok_or_else(|| Error::new(word.span(), expected))?;
            return Ok(Self::Named(name, word.span()));
        }
        if input.peek(LitInt) {
            let number: LitInt = input.parse()?;
            let index = number.base10_parse::<usize>().ok().and_then(|it| it.checked_sub(1));
            let name = index.and_then(|index| NAMES.get(index));
            let name = name.ok_or_else(|| Error::new(number.span(), expected))?;
            return Ok(Self::Named(name, number.span()));
        }
        let path = input.call(Path::parse_mod_style);
        path.map(Self::Path).map_err(|error| Error::new(error.span(), expected))
    }
}

impl Level {
    /// The level as an expression; `support` is the module that generated code may name.
    pub(crate) fn tokens(&self, support: &TokenStream) -> TokenStream {
        match self {
            Self::Named(name, span) => {
                let name = syn::Ident::new(name, *span);
                quote_spanned!(*span=> #support::tracing::Level::#name)
            }
            Self::Path(path) => quote::quote!(#path),
        }
    }
}
