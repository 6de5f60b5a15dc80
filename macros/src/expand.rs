//! A function and its options → the function with a span around it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{Block, Error, ItemFn, Result, Type};

use crate::args::Args;
use crate::entry::Plan;
use crate::inputs;
use crate::pinned::Pinned;
use crate::shape::{Shape, nameable};
use crate::wrong_place;

pub(crate) fn trace(args: TokenStream, item: &TokenStream) -> TokenStream {
    match expanded(args, item) {
        Ok(function) => function,
        Err(error) => wrong_place::report(&error, item),
    }
}

fn expanded(args: TokenStream, item: &TokenStream) -> Result<TokenStream> {
    let function = wrong_place::function(item);
    let args = syn::parse2::<Args>(args);
    let (mut function, args) = match (function, args) {
        (Ok(function), Ok(args)) => (function, args),
        (Err(one), Err(other)) => return Err(both(one, other)),
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    let body = body(&function, &args)?;
    // Not in braces of their own: attributes that stand inside the function stay its first.
    function.block = Box::new(syn::parse2(quote!({ #body }))?);
    Ok(function.into_token_stream())
}

fn both(mut one: Error, other: Error) -> Error {
    one.combine(other);
    one
}

fn body(function: &ItemFn, args: &Args) -> Result<TokenStream> {
    let output = match &function.sig.output {
        syn::ReturnType::Default => syn::parse_quote!(()),
        syn::ReturnType::Type(_, output) => (**output).clone(),
    };
    let is_async = function.sig.asyncness.is_some();
    if !is_async
        && args.returns.is_none_or(|it| it != crate::args::Returns::Future)
        && let Some(pinned) = Pinned::of(function, &output)
    {
        let shape = Shape::of(&pinned.output, args.returns);
        let plan = Plan::new(args, &function.sig.ident, shape.is_generator());
        let open = plan.open(pinned.names.clone())?;
        let output = nameable(&pinned.output);
        let future = async_block(&pinned.body, &output, &shape);
        let typed = (!matches!(shape, Shape::Never)).then_some(&output);
        let body = plan.drive(&future, &shape, typed);
        let prologue = &pinned.prologue;
        return Ok(pinned.around(&quote!(#(#prologue)* #open #body)));
    }
    let shape = Shape::of(&output, args.returns);
    let plan = Plan::new(args, &function.sig.ident, shape.is_generator());
    let open = plan.open(inputs::bindings(&function.sig.inputs))?;
    let output = nameable(&output);
    let body = if is_async {
        plan.drive(&async_block(&function.block, &output, &shape), &shape, None)
    } else {
        sync_body(&plan, &function.block, &output, &shape)
    };
    Ok(quote!(#open #body))
}

/// The body as a closure: what it returns, by whatever way, comes out of it.
fn sync_body(plan: &Plan<'_>, body: &Block, output: &Type, shape: &Shape) -> TokenStream {
    let (here, scope) = (Span::mixed_site(), &plan.scope);
    if matches!(shape, Shape::Never) {
        return quote_spanned!(here=> #scope.run(move || -> ! #body).1);
    }
    let settle = plan.settle(shape);
    quote_spanned! {here=>
        #[allow(unused_mut)]
        let (mut #scope, value) = #scope.run(move || -> #output #body);
        #settle
    }
}

/// The body as a block that is driven where it is.
fn async_block(body: &Block, output: &Type, shape: &Shape) -> TokenStream {
    let here = Span::mixed_site();
    if matches!(shape, Shape::Never) {
        return quote_spanned!(here=> async move #body);
    }
    // The type of what is returned must be known before the first `return` or `?`.
    quote_spanned! {here=>
        async move {
            #[allow(unreachable_code, clippy::diverging_sub_expression, clippy::empty_loop)]
            if false {
                let never: #output = loop {};
                return never;
            }
            let value: #output = #body;
            #[allow(unreachable_code)]
            value
        }
    }
}
