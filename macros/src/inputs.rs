//! The names that a function's arguments have in it.

use syn::ext::IdentExt as _;
use syn::punctuated::Punctuated;
use syn::{Error, FnArg, Ident, Pat, Result, Token};

use crate::args::Skip;

/// Every name that the patterns of the arguments bind, but `self`.
pub(crate) fn bindings(arguments: &Punctuated<FnArg, Token![,]>) -> Vec<Ident> {
    let mut names = Vec::new();
    for argument in arguments {
        if let FnArg::Typed(typed) = argument {
            bind(&typed.pat, &mut names);
        }
    }
    names
}

/// The names that are left; one that is to be left out must be there.
pub(crate) fn kept(names: Vec<Ident>, skip: &Skip) -> Result<Vec<Ident>> {
    let Skip::These(skipped) = skip else { return Ok(names) };
    if let Some(stranger) = skipped.iter().find(|it| !names.contains(it)) {
        let known: Vec<String> = names.iter().map(|it| format!("`{}`", it.unraw())).collect();
        let text = if stranger == "self" {
            "`self` is no input: there is nothing to skip".to_owned()
        } else if known.is_empty() {
            format!("no argument `{stranger}`: the function has none")
        } else {
            format!("no argument `{stranger}`: there are {}", known.join(", "))
        };
        return Err(Error::new(stranger.span(), text));
    }
    Ok(names.into_iter().filter(|name| !skipped.contains(name)).collect())
}

pub(crate) fn bind(pattern: &Pat, names: &mut Vec<Ident>) {
    match pattern {
        Pat::Ident(ident) => {
            names.push(ident.ident.clone());
            if let Some((_, inner)) = &ident.subpat {
                bind(inner, names);
            }
        }
        Pat::Paren(inner) => bind(&inner.pat, names),
        Pat::Reference(inner) => bind(&inner.pat, names),
        Pat::Type(inner) => bind(&inner.pat, names),
        Pat::Slice(inner) => inner.elems.iter().for_each(|it| bind(it, names)),
        Pat::Struct(inner) => inner.fields.iter().for_each(|it| bind(&it.pat, names)),
        Pat::Tuple(inner) => inner.elems.iter().for_each(|it| bind(it, names)),
        Pat::TupleStruct(inner) => inner.elems.iter().for_each(|it| bind(it, names)),
        // All of them bind the same.
        Pat::Or(inner) => inner.cases.iter().take(1).for_each(|it| bind(it, names)),
        _ => {}
    }
}
