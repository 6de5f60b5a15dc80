//! How the items of a stream or an iterator are told.

use std::error::Error;

use serde_core::Serialize;

use crate::capture::exception::Exception;
use crate::capture::json::Json;

/// What becomes of the items in the end.
pub trait Reduce {
    /// Writes the output in place of the items; `false`: they are the output themselves.
    fn reduce(&mut self, _: &mut Json) -> bool {
        false
    }
}

/// Tells items of type `I`.
pub trait Record<I>: Reduce {
    /// Writes an item, unless it is a failure.
    ///
    /// # Errors
    ///
    /// What the item says went wrong.
    fn record(&mut self, item: &I, json: &mut Json) -> Result<(), Exception>;

    /// The item that was just recorded is one of those that are kept.
    fn keep(&mut self, _: &I) {}
}

/// Items are outputs, by `Serialize`; made by [`traced`](crate::MlflowStreamExt::traced).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SerializedItems;

impl Reduce for SerializedItems {}

impl<I: Serialize> Record<I> for SerializedItems {
    fn record(&mut self, item: &I, json: &mut Json) -> Result<(), Exception> {
        json.value(item);
        Ok(())
    }
}

/// Items are results, the good ones outputs; made by
/// [`try_traced`](crate::MlflowStreamExt::try_traced).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TriedItems;

impl Reduce for TriedItems {}

impl<T: Serialize, E: Error> Record<Result<T, E>> for TriedItems {
    fn record(&mut self, item: &Result<T, E>, json: &mut Json) -> Result<(), Exception> {
        match item {
            Ok(item) => json.value(item),
            Err(error) => return Err(Exception::of_error(std::any::type_name::<E>(), error)),
        }
        Ok(())
    }
}
