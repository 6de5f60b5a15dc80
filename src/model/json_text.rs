//! The parts of valid JSON text, found without parsing it: numbers stay what they are, and nothing is
//! copied.

use std::ops::Range;

use crate::model::text::first_byte;

/// The items of an array, or the entries of an object.
#[derive(Debug, PartialEq)]
pub(crate) struct Children<'a> {
    pub(crate) is_array: bool,
    pub(crate) items: Vec<Child<'a>>,
    /// How many there were before some were cut off, if that is marked.
    pub(crate) marked: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Child<'a> {
    /// Of an entry: with its quotes and the colon.
    pub(crate) key: &'a str,
    pub(crate) value: &'a str,
}

/// A character of a string as it is written, which must not be cut in two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit {
    pub(crate) bytes: usize,
    /// How many bytes it means.
    pub(crate) means: usize,
}

/// Characters of what stands between the quotes of a JSON string.
pub(crate) fn units(raw: &str) -> impl Iterator<Item = Unit> + '_ {
    let mut rest = raw;
    std::iter::from_fn(move || {
        let unit = first_unit(rest)?;
        rest = rest.get(unit.bytes..).unwrap_or_default();
        Some(unit)
    })
}

fn first_unit(rest: &str) -> Option<Unit> {
    const ESCAPE: usize = 6;
    let first = rest.chars().next()?;
    if first != '\\' {
        return Some(Unit { bytes: first.len_utf8(), means: first.len_utf8() });
    }
    let unit = |at: usize| {
        let digits = rest.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let Some(code) = unit(0) else {
        return Some(Unit { bytes: rest.len().min(2), means: 1 });
    };
    let pair = match code {
        0xd800..0xdc00 => unit(ESCAPE).filter(|low| (0xdc00..0xe000).contains(low)),
        _ => None,
    };
    Some(match pair {
        Some(_) => Unit { bytes: 2 * ESCAPE, means: 4 },
        None => {
            Unit { bytes: ESCAPE, means: char::from_u32(code.into()).map_or(3, char::len_utf8) }
        }
    })
}

/// Where the strings are that are values, quotes included.
pub(crate) fn string_values(json: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let bytes = json.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + bytes.get(at..)?.iter().position(|byte| *byte == b'"')?;
            at = end_of_string(json, start);
            if first_byte(json.get(at..)?) != Some(b':') {
                return Some(start..at);
            }
        }
    })
}

/// The children of an array or object, which is the whole of `json`.
pub(crate) fn children(json: &str) -> Children<'_> {
    let json = json.trim();
    let is_array = json.starts_with('[');
    let inside = json.get(1..json.len().saturating_sub(1)).unwrap_or_default();
    let mut items = Vec::new();
    let mut at = 0;
    while let Some(rest) = inside.get(at..).filter(|rest| first_byte(rest).is_some()) {
        let start = at + (rest.len() - rest.trim_start().len());
        let end = end_of_child(inside, start);
        let child = inside.get(start..end).unwrap_or_default().trim_end();
        items.push(if is_array { Child { key: "", value: child } } else { entry(child) });
        at = end + 1;
    }
    let marked = items.last().and_then(|last| mark(last, is_array));
    if marked.is_some() {
        items.pop();
    }
    Children { is_array, items, marked }
}

fn entry(text: &str) -> Child<'_> {
    let colon = end_of_string(text, 0);
    let after =
        text.get(colon..).and_then(|rest| rest.find(':')).map_or(colon, |at| colon + at + 1);
    Child {
        key: text.get(..after).unwrap_or_default(),
        value: text.get(after..).unwrap_or_default().trim_start(),
    }
}

/// The number in the mark of what was shortened before.
fn mark(child: &Child<'_>, is_array: bool) -> Option<usize> {
    let number = if is_array {
        child.value.strip_prefix("\"… [")?.strip_suffix(" items in all]\"")?
    } else {
        child.key.strip_prefix("\"…\":")?;
        child.value.strip_prefix("\"[")?.strip_suffix(" entries in all]\"")?
    };
    number.parse().ok()
}

/// Where the comma is that follows the child at `start`, or the end.
fn end_of_child(json: &str, start: usize) -> usize {
    let bytes = json.as_bytes();
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = end_of_string(json, at);
                continue;
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    json.len()
}

/// Where the string ends that begins at `start`, its last quote included.
fn end_of_string(json: &str, start: usize) -> usize {
    let bytes = json.as_bytes();
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' => return at + 1,
            _ => {}
        }
        at += 1;
    }
    json.len()
}
