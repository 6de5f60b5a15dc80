//! What the code names that `#[trace]` makes. No part of the API: it changes with the macro.

pub use std::boxed::Box;
pub use std::option::Option;
pub use std::pin::{Pin, pin};
pub use std::result::Result;

pub use tracing;

pub use crate::capture::driver::Driver;
pub use crate::capture::exception::Exception;
pub use crate::capture::iterator::TracedIterator;
pub use crate::capture::json::Json;
pub use crate::capture::kind::{
    AnyError, FailDebug, FailDisplay, FailError, FailHolder, FailName, Failure, Kind, OfResult,
    OfValue, Outcome, WriteDebug, WriteName, WriteSerialize, Writer, in_debug, reduce,
};
pub use crate::capture::record::{Record, Reduce};
pub use crate::capture::scope::{Arguments, Scope};
pub use crate::capture::stream::TracedStream;
pub use crate::capture::told::{Reduced, Told};

/// Field by which a span asks for a sampling ratio of its own.
pub const SAMPLING_RATIO: &str = crate::semconv::private::SAMPLING_RATIO;

/// Runs a stream in a scope.
pub fn stream<S: ?Sized, R: Reduce>(
    scope: Scope,
    stream: Pin<Box<S>>,
    record: R,
) -> TracedStream<S, R> {
    TracedStream::new(scope, stream, record)
}
