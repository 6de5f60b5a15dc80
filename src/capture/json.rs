//! JSON that is written in one go, straight into the text that an attribute will hold.

use std::any::Any;
use std::fmt::{self, Debug, Display};
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_core::{Serialize, Serializer};

use crate::capture::buffer;
use crate::model::json;

/// JSON text that grows.
#[derive(Debug)]
pub struct Json(Vec<u8>);

impl Default for Json {
    fn default() -> Self {
        Self(buffer::take())
    }
}

impl Json {
    /// Appends a value; one that cannot be serialised, as the reason.
    pub fn value<T: Serialize + ?Sized>(&mut self, value: &T) {
        self.guarded(|json| json::write(&mut json.0, value).map_err(|it| it.to_string()));
    }

    /// Appends the debug form of a value, as a string.
    pub fn debug<T: Debug + ?Sized>(&mut self, value: &T) {
        self.value(&Debugged(value));
    }

    /// Appends what `write` appends: a program's code in it may panic, and leaves no half of a value.
    pub(crate) fn guarded(&mut self, write: impl FnOnce(&mut Self) -> Result<(), String>) {
        let start = self.0.len();
        let reason = match catch_unwind(AssertUnwindSafe(|| write(self))) {
            Ok(Ok(())) => return,
            Ok(Err(reason)) => reason,
            Err(panic) => format!("panicked: {}", panic_message(&*panic)),
        };
        self.0.truncate(start);
        json::write_text(&mut self.0, &format!("<not serialisable: {reason}>"));
    }

    pub(crate) fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// The text from `start` on.
    pub(crate) fn since(&self, start: usize) -> &str {
        self.0.get(start..).and_then(|it| std::str::from_utf8(it).ok()).unwrap_or_default()
    }

    pub(crate) fn into_text(self) -> String {
        // Only text was appended.
        buffer::settled(String::from_utf8(self.0).unwrap_or_default())
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a value that is no text")
}

/// A value's debug form as a string.
struct Debugged<'a, T: ?Sized>(&'a T);

impl<T: Debug + ?Sized> Serialize for Debugged<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<T: Debug + ?Sized> Display for Debugged<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What a value's own code refuses to write is left out: an error here would be taken for
        // one of the text it goes to, and `serde_json` 1.0 panics then.
        let _ = write!(f, "{:?}", self.0);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
