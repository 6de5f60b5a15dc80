//! The beginning of a traced function: its span, and what that is told before the body runs.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Ident, LitStr, Result};

use crate::args::{Args, Skip};
use crate::inputs;

/// What all parts of the generated code share.
pub(crate) struct Plan<'a> {
    pub(crate) args: &'a Args,
    /// The module that generated code may name.
    pub(crate) support: TokenStream,
    /// The variable that holds the scope; user code cannot see it.
    pub(crate) scope: TokenStream,
    pub(crate) function: &'a Ident,
    pub(crate) is_generator: bool,
}

/// Local variables that user code cannot see.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

impl<'a> Plan<'a> {
    pub(crate) fn new(args: &'a Args, function: &'a Ident, is_generator: bool) -> Self {
        let here = Span::mixed_site();
        let support = args.krate.as_ref().map_or_else(
            || quote_spanned!(here=> ::mlflow_tracing::__private),
            |path| quote_spanned!(path.span()=> #path::__private),
        );
        let scope = local("scope").into_token_stream();
        Self { args, support, scope, function, is_generator }
    }

    /// Brings in the traits that choose how values are told.
    pub(crate) fn traits(&self) -> TokenStream {
        let support = &self.support;
        quote_spanned! {Span::mixed_site()=>
            #[allow(unused_imports)]
            use #support::{
                FailDebug as _, FailDisplay as _, FailError as _, FailHolder as _, FailName as _,
                OfResult as _, OfValue as _, WriteDebug as _, WriteName as _,
                WriteSerialize as _,
            };
        }
    }

    /// Writes `value`, a local variable or an expression, into `json`.
    pub(crate) fn write(&self, value: &TokenStream, span: Span) -> TokenStream {
        let (support, here) = (&self.support, Span::mixed_site().located_at(span));
        quote_spanned! {here=> {
            let value = &#value;
            (&&&#support::Kind::of(value)).writer()(value, json)
        }}
    }

    /// Makes the span, and tells it what the function is given.
    pub(crate) fn open(&self, names: Vec<Ident>) -> Result<TokenStream> {
        let here = Span::mixed_site();
        let (support, scope, traits) = (&self.support, &self.scope, self.traits());
        let (span, inputs) = (self.span(), self.inputs(names)?);
        let (about, attributes) = (self.about(), self.attributes());
        Ok(quote_spanned! {here=>
            #[allow(unused_mut)]
            let mut #scope = #support::Scope::open(#span);
            if #scope.is_recording() {
                #traits
                #about
                #inputs
                #attributes
            }
        })
    }

    fn span(&self) -> TokenStream {
        let (here, support, args) = (Span::mixed_site(), &self.support, self.args);
        let level = args.level.as_ref().map_or_else(
            || quote_spanned!(here=> #support::tracing::Level::INFO),
            |level| level.tokens(support),
        );
        let target = args.target.as_ref().map(|it| quote_spanned!(it.span()=> target: #it,));
        let parent = args.parent.as_ref().map(|it| quote_spanned!(it.span()=> parent: #it,));
        let name = match &args.name {
            Some(name) => name.clone(),
            None => LitStr::new(&self.function.unraw().to_string(), self.function.span()),
        };
        let ratio = args.sampling_ratio.as_ref().map(|it| {
            let as_float = quote_spanned!(it.span()=> { let ratio: f64 = #it; ratio });
            quote_spanned!(here=> , { #support::SAMPLING_RATIO } = #as_float)
        });
        quote_spanned!(here=> #support::tracing::span!(#target #parent #level, #name #ratio))
    }

    fn about(&self) -> TokenStream {
        let (here, scope) = (Span::mixed_site(), &self.scope);
        let span_type = self.args.span_type.as_ref().map(|it| it.statement(scope));
        let function = (!self.is_generator).then(|| {
            let name = self.function.unraw().to_string();
            quote_spanned!(here=> #scope.function(#name);)
        });
        quote_spanned!(here=> #function #span_type)
    }

    fn inputs(&self, names: Vec<Ident>) -> Result<TokenStream> {
        let (here, scope) = (Span::mixed_site(), &self.scope);
        if let Some(inputs) = &self.args.inputs {
            let write = self.write(&inputs.to_token_stream(), inputs.span());
            return Ok(quote_spanned!(here=> #scope.inputs(|json| #write);));
        }
        let names = inputs::kept(names, &self.args.skip)?;
        if matches!(self.args.skip, Skip::All) {
            return Ok(TokenStream::new());
        }
        let add = names.iter().map(|name| {
            let (key, write) =
                (name.unraw().to_string(), self.write(&name.to_token_stream(), name.span()));
            quote_spanned!(here=> arguments.add(#key, |json| #write);)
        });
        Ok(quote_spanned!(here=> #scope.arguments(|arguments| { #(#add)* });))
    }

    fn attributes(&self) -> TokenStream {
        let (here, scope) = (Span::mixed_site(), &self.scope);
        let set = self.args.attributes.iter().map(|attribute| {
            let key = &attribute.key;
            if let Some(literal) = attribute.literal() {
                return quote_spanned!(here=> #scope.attribute(#key, #literal););
            }
            let value = &attribute.value;
            let write = self.write(&value.to_token_stream(), value.span());
            quote_spanned!(here=> #scope.json_attribute(#key, |json| #write);)
        });
        quote_spanned!(here=> #(#set)*)
    }
}
