//! What the attribute is told when it stands on something that is no function with a body.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned as _;
use syn::{Error, Item, ItemFn, TraitItemFn};

/// The function, or why there is none.
pub(crate) fn function(item: &TokenStream) -> Result<ItemFn, Error> {
    let failure = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => return checked(function),
        Err(failure) => failure,
    };
    if let Ok(declared) = syn::parse2::<TraitItemFn>(item.clone()) {
        let text = "`#[trace]` needs a body: put it on the functions of the implementations";
        return Err(Error::new(declared.sig.ident.span(), text));
    }
    let text = match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Impl(_) | Item::Trait(_)) => {
            "`#[trace]` stands on functions: put it on each of those in here that is to be traced"
        }
        Ok(_) => "`#[trace]` stands on functions",
        // A function with something wrong in it, or no item at all.
        Err(_) => return Err(failure),
    };
    let first = item.clone().into_iter().next();
    Err(Error::new(first.map_or_else(proc_macro2::Span::call_site, |it| it.span()), text))
}

fn checked(function: ItemFn) -> Result<ItemFn, Error> {
    if let Some(constness) = &function.sig.constness {
        let text = "a `const fn` cannot be traced: it may run while the program is compiled";
        return Err(Error::new(constness.span(), text));
    }
    Ok(function)
}

/// The error, and the item as it was: one mistake must not make others of it.
pub(crate) fn report(error: &Error, item: &TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#error #item)
}
