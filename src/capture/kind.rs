//! How a value of a type is told, chosen by what the type can do.
//!
//! Stable Rust has no specialisation, but the look-up of methods has: of several traits with a
//! method of one name, that is taken which needs the fewest references. So the code that the macro
//! makes calls `(&&&kind).writer()`; `Serialize` is implemented for `&&Kind<T>` and comes first,
//! `Debug` for `&Kind<T>`, everything for `Kind<T>`. It works where the types are written: in a
//! generic function the bounds decide.

use std::any::type_name;
use std::convert::Infallible;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::marker::PhantomData;
use std::ops::Deref;

use futures_core::Stream;
use serde_core::Serialize;

use crate::capture::exception::{Exception, said};
use crate::capture::json::Json;

/// A type, without a value.
#[derive(Debug)]
pub struct Kind<T: ?Sized>(PhantomData<fn() -> PhantomData<T>>);

impl<T: ?Sized> Kind<T> {
    pub(crate) const NEW: Self = Self(PhantomData);

    /// The type of a value.
    #[must_use]
    pub fn of(_: &T) -> Self {
        Self::NEW
    }
}

impl<T> Kind<T> {
    /// The type of an iterator's items.
    #[must_use]
    pub fn of_items(_: &impl Iterator<Item = T>) -> Self {
        Self::NEW
    }

    /// The type of a stream's items.
    #[must_use]
    pub fn of_stream(_: &impl Stream<Item = T>) -> Self {
        Self::NEW
    }
}

/// Writes a value.
pub type Writer<T> = fn(&T, &mut Json);

/// By `Serialize`.
pub trait WriteSerialize<T> {
    /// How values are written.
    fn writer(&self) -> Writer<T>;
}

impl<T: Serialize> WriteSerialize<T> for &&Kind<T> {
    fn writer(&self) -> Writer<T> {
        |value, json| json.value(value)
    }
}

/// By `Debug`.
pub trait WriteDebug<T> {
    /// How values are written.
    fn writer(&self) -> Writer<T>;
}

impl<T: Debug> WriteDebug<T> for &Kind<T> {
    fn writer(&self) -> Writer<T> {
        |value, json| json.debug(value)
    }
}

/// By the type's name.
pub trait WriteName<T> {
    /// How values are written.
    fn writer(&self) -> Writer<T>;
}

impl<T> WriteName<T> for Kind<T> {
    fn writer(&self) -> Writer<T> {
        |_, json| json.value(type_name::<T>())
    }
}

/// Takes a value for a `Result`: what it is if all went well, and what if not.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcome<V, T, E> {
    /// Which of the two it is.
    pub split: for<'a> fn(&'a V) -> Result<&'a T, &'a E>,
    /// The type of what went well.
    pub ok: Kind<T>,
    /// The type of failures.
    pub err: Kind<E>,
}

/// Of a `Result`.
pub trait OfResult<T, E> {
    /// How its values are told apart.
    fn outcome(&self) -> Outcome<Result<T, E>, T, E>;
}

impl<T, E> OfResult<T, E> for &Kind<Result<T, E>> {
    fn outcome(&self) -> Outcome<Result<T, E>, T, E> {
        Outcome { split: Result::as_ref, ok: Kind::NEW, err: Kind::NEW }
    }
}

/// Of anything else: it always went well.
pub trait OfValue<T> {
    /// How its values are told apart.
    fn outcome(&self) -> Outcome<T, T, Infallible>;
}

impl<T> OfValue<T> for Kind<T> {
    fn outcome(&self) -> Outcome<T, T, Infallible> {
        Outcome { split: |value| Ok(value), ok: Self::NEW, err: Kind::NEW }
    }
}

/// Makes an exception of a failure.
pub type Failure<E> = fn(&E) -> Exception;

/// Of an error.
pub trait FailError<E> {
    /// What is told of a failure.
    fn failure(&self) -> Failure<E>;
}

impl<E: Error> FailError<E> for &&&&Kind<E> {
    fn failure(&self) -> Failure<E> {
        |error| Exception::of_error(type_name::<E>(), error)
    }
}

/// Of what holds an error: `Box<dyn Error>`, `anyhow::Error`.
pub trait FailHolder<E> {
    /// What is told of a failure.
    fn failure(&self) -> Failure<E>;
}

impl<E> FailHolder<E> for &&&Kind<E>
where
    E: Deref,
    E::Target: AnyError,
{
    fn failure(&self) -> Failure<E> {
        |holder| Exception::of_error(type_name::<E>(), holder.as_error())
    }
}

/// An error of any type.
pub trait AnyError {
    /// The error.
    fn as_error(&self) -> &dyn Error;
}

/// The kinds of error that are held without their type.
macro_rules! any_error {
    ($($error:ty),*) => {$(
        impl AnyError for $error {
            fn as_error(&self) -> &dyn Error {
                self
            }
        }
    )*};
}

any_error!(dyn Error, dyn Error + Send, dyn Error + Send + Sync);

/// Of what has a text.
pub trait FailDisplay<E> {
    /// What is told of a failure.
    fn failure(&self) -> Failure<E>;
}

impl<E: Display> FailDisplay<E> for &&Kind<E> {
    fn failure(&self) -> Failure<E> {
        |error| Exception::new(type_name::<E>(), said(format_args!("{error}")))
    }
}

/// Of what has a debug form.
pub trait FailDebug<E> {
    /// What is told of a failure.
    fn failure(&self) -> Failure<E>;
}

impl<E: Debug> FailDebug<E> for &Kind<E> {
    fn failure(&self) -> Failure<E> {
        |error| Exception::new(type_name::<E>(), said(format_args!("{error:?}")))
    }
}

/// Of anything: by its type's name.
pub trait FailName<E> {
    /// What is told of a failure.
    fn failure(&self) -> Failure<E>;
}

impl<E> FailName<E> for Kind<E> {
    fn failure(&self) -> Failure<E> {
        |_| Exception::new(type_name::<E>(), type_name::<E>())
    }
}

/// For `err(Debug)`: the same exception, told by the debug form.
#[must_use]
pub fn in_debug<E: Debug>(exception: Exception, error: &E) -> Exception {
    exception.in_debug(error)
}

/// Reads what `reduce` makes of a value.
pub fn reduce<'a, T: ?Sized, R>(value: &'a T, reduce: impl FnOnce(&'a T) -> R) -> R {
    reduce(value)
}
