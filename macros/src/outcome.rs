//! The end of a traced function: what its span is told of the returned value.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Expr, Type};

use crate::args::Failures;
use crate::entry::Plan;
use crate::shape::{Shape, Wrapped};

impl Plan<'_> {
    /// An expression that tells of the local variable `value`, and is it, or goes on in the scope.
    pub(crate) fn settle(&self, shape: &Shape) -> TokenStream {
        match shape {
            Shape::Value => self.settle_value(),
            Shape::Never => quote_spanned!(Span::mixed_site()=> value),
            Shape::Result(inner) => self.settle_result(inner),
            Shape::Future(wrapped, inner, output) => {
                self.settle_future(*wrapped, inner, output.as_ref())
            }
            Shape::Stream(wrapped, item) => self.settle_stream(*wrapped, item.as_ref()),
            Shape::Iterator(wrapped, item) => self.settle_iterator(*wrapped, item.as_ref()),
        }
    }

    fn settle_value(&self) -> TokenStream {
        let (here, support, scope) = (Span::mixed_site(), &self.support, &self.scope);
        let (traits, fail) = (self.traits(), self.tell_failure());
        let write = self.write_ok(&quote_spanned!(here=> ok));
        quote_spanned! {here=> {
            if #scope.is_recording() {
                #traits
                let outcome = (&&#support::Kind::of(&value)).outcome();
                match (outcome.split)(&value) {
                    #support::Result::Ok(ok) => #scope.returned(|json| {
                        let _ = ok;
                        #write
                    }),
                    #support::Result::Err(err) => {
                        let kind = outcome.err;
                        #fail
                    }
                }
            }
            #scope.end();
            value
        }}
    }

    fn settle_result(&self, inner: &Shape) -> TokenStream {
        let (here, support, scope) = (Span::mixed_site(), &self.support, &self.scope);
        let (traits, fail, inner) = (self.traits(), self.tell_failure(), self.settle(inner));
        quote_spanned! {here=>
            match value {
                #support::Result::Ok(value) => #support::Result::Ok(#inner),
                #support::Result::Err(error) => {
                    if #scope.is_recording() {
                        #traits
                        let err = &error;
                        let kind = #support::Kind::of(err);
                        #fail
                    }
                    #scope.end();
                    #support::Result::Err(error)
                }
            }
        }
    }

    fn settle_future(&self, wrapped: Wrapped, inner: &Shape, output: Option<&Type>) -> TokenStream {
        let (here, support) = (Span::mixed_site(), &self.support);
        let drive = self.drive(&quote_spanned!(here=> value), inner, output);
        // Not once more by value: an `async` block would hold it twice.
        let pinned = match wrapped {
            Wrapped::Plain => quote_spanned!(here=> let value = #support::Box::pin(value);),
            Wrapped::Boxed | Wrapped::Pinned => TokenStream::new(),
        };
        let future = quote_spanned!(here=> async move { #drive });
        let future = match wrapped {
            Wrapped::Plain => future,
            Wrapped::Pinned => quote_spanned!(here=> #support::Box::pin(#future)),
            Wrapped::Boxed => {
                quote_spanned!(here=> #support::Box::new(#support::Box::pin(#future)))
            }
        };
        quote_spanned!(here=> { #pinned #future })
    }

    /// Statements that await `future` in the scope, and an expression that tells of what it returned.
    pub(crate) fn drive(
        &self,
        future: &TokenStream,
        shape: &Shape,
        output: Option<&Type>,
    ) -> TokenStream {
        let (here, support, scope) = (Span::mixed_site(), &self.support, &self.scope);
        let settle = self.settle(shape);
        // In a block only the signature may say what the value is, and in which box it goes on.
        let typed = output.map(|output| quote_spanned!(here=> let value: #output = value;));
        let settle = match output {
            Some(output) => quote_spanned!(here=> let value: #output = #settle; value),
            None => settle,
        };
        quote_spanned! {here=>
            let mut future = #support::pin!(#support::Option::Some(#future));
            #[allow(unused_mut)]
            let (mut #scope, value) = #support::Driver::new(#scope, future.as_mut()).await;
            #typed
            #settle
        }
    }

    fn settle_stream(&self, wrapped: Wrapped, item: Option<&Type>) -> TokenStream {
        let (here, support, scope) = (Span::mixed_site(), &self.support, &self.scope);
        let item = item.map_or_else(|| quote_spanned!(here=> _), ToTokens::to_token_stream);
        let record =
            self.record(&quote_spanned!(here=> #support::Kind::<#item>::of_stream(&value)));
        let pinned = match wrapped {
            Wrapped::Pinned => quote_spanned!(here=> value),
            Wrapped::Plain | Wrapped::Boxed => quote_spanned!(here=> #support::Box::pin(value)),
        };
        let stream = quote_spanned!(here=> #support::stream(#scope, #pinned, record));
        let stream = match wrapped {
            Wrapped::Plain => stream,
            Wrapped::Boxed => quote_spanned!(here=> #support::Box::new(#stream)),
            Wrapped::Pinned => quote_spanned!(here=> #support::Box::pin(#stream)),
        };
        quote_spanned!(here=> { #record #stream })
    }

    fn settle_iterator(&self, wrapped: Wrapped, item: Option<&Type>) -> TokenStream {
        let (here, support, scope) = (Span::mixed_site(), &self.support, &self.scope);
        let item = item.map_or_else(|| quote_spanned!(here=> _), ToTokens::to_token_stream);
        let record = self.record(&quote_spanned!(here=> #support::Kind::<#item>::of_items(&value)));
        let iterator = quote_spanned!(here=> #support::TracedIterator::new(#scope, value, record));
        let iterator = match wrapped {
            Wrapped::Plain => iterator,
            Wrapped::Boxed => quote_spanned!(here=> #support::Box::new(#iterator)),
            Wrapped::Pinned => quote_spanned!(here=> #support::Box::pin(#iterator)),
        };
        quote_spanned!(here=> { #record #iterator })
    }

    /// Makes `record`, which tells items of the type that `kind` is an expression of.
    fn record(&self, kind: &TokenStream) -> TokenStream {
        let (here, support, traits) = (Span::mixed_site(), &self.support, self.traits());
        let fail = match self.args.err {
            Failures::Ignored => quote_spanned! {here=> {
                (&&&kind).writer()(err, json);
                #support::Result::Ok(())
            }},
            Failures::Told | Failures::InDebug(_) => {
                let exception = self.exception();
                quote_spanned!(here=> #support::Result::Err(#exception))
            }
        };
        let told = quote_spanned! {here=>
            #traits
            let item = #kind;
            let outcome = (&&item).outcome();
            let (split, kind) = (outcome.split, outcome.err);
            let write = (&&&outcome.ok).writer();
            let told = item.told(move |item, json| match split(item) {
                #support::Result::Ok(ok) => {
                    write(ok, json);
                    #support::Result::Ok(())
                }
                #support::Result::Err(err) => #fail,
            });
        };
        let Some(outputs) = &self.args.outputs else {
            return quote_spanned!(here=> let record = { #told told };);
        };
        let at = here.located_at(outputs.span());
        let write = self.write_output(outputs, &quote_spanned!(at=> items));
        let (kept, keep) = if is_function(outputs) {
            (
                quote_spanned!(at=> &outcome.ok),
                quote_spanned!(at=> move |item| split(item).ok().cloned()),
            )
        } else {
            (
                quote_spanned!(at=> &#support::Kind::of(&())),
                quote_spanned!(at=> |_| #support::Option::None),
            )
        };
        quote_spanned! {here=>
            let record = {
                #told
                told.reduced(&item, #kept, #keep, move |items, json| {
                    let _ = items;
                    #write
                })
            };
        }
    }

    /// Writes the output into `json`; `ok` is what went well.
    fn write_ok(&self, ok: &TokenStream) -> TokenStream {
        match &self.args.outputs {
            None => quote_spanned!(Span::mixed_site()=> (&&&outcome.ok).writer()(#ok, json)),
            Some(outputs) => self.write_output(outputs, ok),
        }
    }

    /// Writes what `outputs` makes of the value `of` into `json`.
    fn write_output(&self, outputs: &Expr, of: &TokenStream) -> TokenStream {
        if !is_function(outputs) {
            return self.write(&outputs.to_token_stream(), outputs.span());
        }
        let (at, support) = (Span::mixed_site().located_at(outputs.span()), &self.support);
        self.write(&quote_spanned!(at=> #support::reduce(#of, #outputs)), outputs.span())
    }

    /// Tells the scope of `err`, whose type `kind` stands for.
    fn tell_failure(&self) -> TokenStream {
        let (here, scope) = (Span::mixed_site(), &self.scope);
        match self.args.err {
            Failures::Ignored => {
                quote_spanned!(here=> #scope.returned(|json| (&&&kind).writer()(err, json));)
            }
            Failures::Told | Failures::InDebug(_) => {
                let exception = self.exception();
                quote_spanned!(here=> #scope.failed(#exception);)
            }
        }
    }

    /// The exception that `err` is, whose type `kind` stands for.
    fn exception(&self) -> TokenStream {
        let here = Span::mixed_site();
        let support = &self.support;
        let exception = quote_spanned!(here=> (&&&&&kind).failure()(err));
        match self.args.err {
            Failures::InDebug(asked) => {
                let at = here.located_at(asked);
                quote_spanned!(at=> #support::in_debug(#exception, err))
            }
            Failures::Told | Failures::Ignored => exception,
        }
    }
}

/// Whether `outputs` is called with the value.
fn is_function(outputs: &Expr) -> bool {
    matches!(outputs, Expr::Closure(_) | Expr::Path(_))
}
