//! How the macro has the items of a stream or an iterator told.

use std::fmt;

use crate::capture::exception::Exception;
use crate::capture::json::Json;
use crate::capture::kind::Kind;
use crate::capture::record::{Record, Reduce};

/// Items are told by a function.
pub struct Told<W>(W);

impl<I> Kind<I> {
    /// Tells items of this type by `write`.
    pub fn told<W>(&self, write: W) -> Told<W>
    where
        W: FnMut(&I, &mut Json) -> Result<(), Exception>,
    {
        Told(write)
    }
}

impl<W> Told<W> {
    /// Takes what `keep` makes of the items that are kept, and has `reduce` write the output.
    pub fn reduced<I, T, K, F>(
        self,
        _: &Kind<I>,
        _: &Kind<T>,
        keep: K,
        reduce: F,
    ) -> Reduced<T, W, K, F>
    where
        K: FnMut(&I) -> Option<T>,
        F: FnMut(&[T], &mut Json),
    {
        Reduced { write: self.0, keep, reduce, items: Vec::new() }
    }
}

impl<W> Reduce for Told<W> {}

impl<I, W> Record<I> for Told<W>
where
    W: FnMut(&I, &mut Json) -> Result<(), Exception>,
{
    fn record(&mut self, item: &I, json: &mut Json) -> Result<(), Exception> {
        (self.0)(item, json)
    }
}

impl<W> fmt::Debug for Told<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told").finish_non_exhaustive()
    }
}

/// Items are told like that, kept, and made one output of.
pub struct Reduced<T, W, K, F> {
    write: W,
    keep: K,
    reduce: F,
    items: Vec<T>,
}

impl<T, W, K, F> Reduce for Reduced<T, W, K, F>
where
    F: FnMut(&[T], &mut Json),
{
    fn reduce(&mut self, json: &mut Json) -> bool {
        (self.reduce)(&self.items, json);
        true
    }
}

impl<I, T, W, K, F> Record<I> for Reduced<T, W, K, F>
where
    W: FnMut(&I, &mut Json) -> Result<(), Exception>,
    K: FnMut(&I) -> Option<T>,
    F: FnMut(&[T], &mut Json),
{
    fn record(&mut self, item: &I, json: &mut Json) -> Result<(), Exception> {
        (self.write)(item, json)
    }

    fn keep(&mut self, item: &I) {
        self.items.extend((self.keep)(item));
    }
}

impl<T, W, K, F> fmt::Debug for Reduced<T, W, K, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reduced").finish_non_exhaustive()
    }
}
