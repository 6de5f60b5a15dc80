//! The part of the stack that watches spans: tells the tracer what the OTel layer does not.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::capture::fields::{FirstIntegers, Integers, is_argument};
use crate::capture::link::Link;
use crate::capture::tracer::{Callsite, Closing, closing, opening};

/// Stands before the OTel layer, so that it hears of everything first.
#[derive(Debug)]
pub(crate) struct SpanLayer {
    link: Arc<Link>,
    /// Open spans with integers to remember: without any, a span that closes is not looked up.
    with_integers: AtomicUsize,
}

impl SpanLayer {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { link, with_integers: AtomicUsize::new(0) }
    }

    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    fn remember<S>(&self, integers: Integers, id: &Id, ctx: &Context<'_, S>)
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        if let Some(span) = ctx.span(id) {
            if span.extensions_mut().replace(integers).is_none() {
                self.with_integers.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// What there is to tell of a span that closes.
    fn recall<S>(&self, id: &Id, ctx: &Context<'_, S>) -> Closing
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        // Whoever closes a span has seen what was recorded in it: its handles were passed on.
        if self.with_integers.load(Ordering::Relaxed) == 0 {
            return Closing::Plain;
        }
        let Some(span) = ctx.span(id) else { return Closing::Plain };
        let Some(integers) = span.extensions_mut().remove::<Integers>() else {
            return Closing::Plain;
        };
        self.with_integers.fetch_sub(1, Ordering::Relaxed);
        Closing::WithIntegers(span.metadata(), integers)
    }
}

impl<S> Layer<S> for SpanLayer
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        self.link.register(subscriber);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let callsite = attributes.metadata();
        if has_arguments(callsite) {
            opening(callsite);
        }
        let mut first = FirstIntegers::default();
        attributes.record(&mut first);
        let FirstIntegers(integers) = first;
        if !integers.is_empty() {
            self.remember(integers, id, &ctx);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        let known = ctx.span(id).and_then(|span| span.extensions().get::<Integers>().copied());
        let mut integers = known.unwrap_or_default();
        values.record(&mut integers);
        if integers != known.unwrap_or_default() {
            self.remember(integers, id, &ctx);
        }
    }

    /// A subscriber that is not the global one can be asked for here, but not during an event.
    fn on_enter(&self, _: &Id, _: Context<'_, S>) {
        self.link.register_late();
    }

    fn on_close(&self, id: Id, ctx: Context<'_, S>) {
        closing(self.recall(&id, &ctx));
    }
}

thread_local! {
    /// Callsites this thread met last, by their address, with whether they have arguments.
    static MET: [Cell<(usize, bool)>; 64] = const { [const { Cell::new((0, false)) }; 64] };
}

fn has_arguments(callsite: Callsite) -> bool {
    let address = std::ptr::from_ref(callsite).addr();
    let look = || callsite.fields().iter().any(|field| is_argument(field.name()));
    let known = MET.try_with(|met| {
        let place = met.get(address / align_of_val(callsite) % met.len())?;
        if place.get().0 != address {
            place.set((address, look()));
        }
        Some(place.get().1)
    });
    known.ok().flatten().unwrap_or_else(look)
}
