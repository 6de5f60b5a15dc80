//! Values of a program as JSON text.
//!
//! JSON has no NaN and no infinity, and `serde_json` writes `null` for them. Here they become
//! strings, as they do in attributes: what was there can still be seen.

mod adapter;
mod strings;

use serde_core::Serialize;

use adapter::Said;
use strings::Strings;

/// Appends the value as JSON text.
pub(crate) fn write<T: Serialize + ?Sized>(
    text: &mut Vec<u8>,
    value: &T,
) -> serde_json::Result<()> {
    Said::new(value).serialize(&mut serde_json::Serializer::with_formatter(text, Strings))
}

/// Appends the text as a JSON string.
pub(crate) fn write_text(json: &mut Vec<u8>, text: &str) {
    const QUOTES: usize = 2;
    json.reserve(text.len() + QUOTES);
    // Memory does not refuse.
    let _ = strings::write(json, text.as_bytes());
}

/// The text as a JSON string.
pub(crate) fn of_text(text: &str) -> String {
    let mut json = Vec::new();
    write_text(&mut json, text);
    String::from_utf8(json).unwrap_or_default()
}

#[cfg(test)]
mod tests;
