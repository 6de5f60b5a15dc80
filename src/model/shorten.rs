//! Text that is too long, shortened so that it can be seen that it was, and still be read.
//!
//! What is cut ends with a mark that tells how much there was. JSON stays JSON of the same shape: long
//! strings in it are shortened first; if that is not enough, arrays and objects lose their last items.
//! What was shortened before keeps the numbers of its first mark.

use std::borrow::Cow;

use crate::model::json_text::{Children, children, string_values, units};
use crate::model::text::{first_byte, is_json};

/// Strings in JSON are not cut shorter than this for the sake of keeping all items.
const MIN_STRING: usize = 128;
/// Room for the mark of an array or an object, brackets included, or of a string.
const MIN_VALUE: usize = 48;

/// The text in at most `max` bytes; as it is, if it fits.
pub(crate) fn text(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max {
        return Cow::Borrowed(text);
    }
    let (words, all) = unmarked(text).unwrap_or((text, text.len()));
    let mark = mark_of(all);
    Cow::Owned(match max.checked_sub(mark.len()) {
        Some(room) => format!("{}{mark}", prefix(words, room)),
        None => prefix(text, max).to_owned(),
    })
}

/// Valid JSON in at most `max` bytes; none where `json` is no JSON, or `max` holds none.
pub(crate) fn json(json: &str, max: usize) -> Option<Cow<'_, str>> {
    if json.len() <= max {
        return Some(Cow::Borrowed(json));
    }
    if max < "[]".len() || !is_json(json) {
        return None;
    }
    let json = with_short_strings(json.trim_ascii(), max);
    if json.len() <= max {
        return Some(Cow::Owned(json));
    }
    let mut out = String::with_capacity(max);
    fit(&json, max, &mut out);
    Some(Cow::Owned(out))
}

/// Text that may be JSON: an object or array stays one.
pub(crate) fn either(text: &str, max: usize) -> Cow<'_, str> {
    let structured = text.len() > max && matches!(first_byte(text), Some(b'{' | b'['));
    let short = if structured { json(text, max) } else { None };
    short.unwrap_or_else(|| self::text(text, max))
}

/// The largest length, of at least `least`, to which all of `sizes` can be cut so that together they
/// are no more than `max`; none where not even the least will do.
pub(crate) fn level(sizes: &[usize], max: usize, least: usize) -> Option<usize> {
    let fits = |level: usize| sizes.iter().map(|size| (*size).min(level)).sum::<usize>() <= max;
    let most = sizes.iter().copied().max().unwrap_or(0).max(least);
    fits(least).then(|| greatest(least, most, fits))
}

/// The greatest number from `low`, which fits, to `high` that fits; none above one that does not.
fn greatest(mut low: usize, mut high: usize, fits: impl Fn(usize) -> bool) -> usize {
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fits(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

/// Shortens the long strings as far as it takes, and as far as may be.
fn with_short_strings(json: &str, max: usize) -> String {
    let long: Vec<_> = string_values(json).filter(|range| range.len() > MIN_STRING).collect();
    let sizes: Vec<usize> = long.iter().map(ExactSizeIterator::len).collect();
    let rest = json.len() - sizes.iter().sum::<usize>();
    let room = max.checked_sub(rest).and_then(|room| level(&sizes, room, MIN_STRING));
    let level = room.unwrap_or(MIN_STRING);
    let (mut out, mut copied) = (String::with_capacity(max), 0);
    for range in long {
        out.push_str(json.get(copied..range.start).unwrap_or_default());
        copied = range.end;
        push_string(&mut out, json.get(range).unwrap_or_default(), level);
    }
    out.push_str(json.get(copied..).unwrap_or_default());
    out
}

/// Appends a value in at most `max` bytes, which are enough for a mark.
fn fit(value: &str, max: usize, out: &mut String) {
    if value.len() <= max {
        return out.push_str(value);
    }
    match first_byte(value) {
        Some(b'[' | b'{') => fit_children(&children(value), max, out),
        Some(b'"') => push_string(out, value, max),
        _ => push_string(out, &format!("\"{value}\""), max),
    }
}

/// Gives every child an equal share; where that is too little, the last ones make room.
fn fit_children(children: &Children<'_>, max: usize, out: &mut String) {
    let (open, close) = if children.is_array { ('[', ']') } else { ('{', '}') };
    let all = children.marked.unwrap_or(children.items.len());
    let mark = if children.is_array {
        format!("\"… [{all} items in all]\"")
    } else {
        format!("\"…\":\"[{all} entries in all]\"")
    };
    let whole = children.marked.is_none().then(|| share(children, children.items.len(), max, 0));
    let (kept, level, marked) = if let Some(level) = whole.flatten() {
        (children.items.len(), level, false)
    } else {
        let (kept, level) = most(children, max, mark.len() + ",".len());
        (kept, level, "[]".len() + mark.len() <= max)
    };
    out.push(open);
    for (at, item) in children.items.iter().take(kept).enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(item.key);
        fit(item.value, level, out);
    }
    if marked {
        if kept > 0 {
            out.push(',');
        }
        out.push_str(&mark);
    }
    out.push(close);
}

/// What the values of the first `count` children may have each.
fn share(children: &Children<'_>, count: usize, max: usize, mark: usize) -> Option<usize> {
    let kept = || children.items.iter().take(count);
    let keys: usize = kept().map(|item| item.key.len()).sum();
    let room = max.checked_sub("[]".len() + count.saturating_sub(1) + keys + mark)?;
    let sizes: Vec<usize> = kept().map(|item| item.value.len()).collect();
    level(&sizes, room, MIN_VALUE)
}

/// As many of the first children as can be kept beside a mark, and what each may have.
fn most(children: &Children<'_>, max: usize, mark: usize) -> (usize, usize) {
    let fits = |count| share(children, count, max, mark).is_some();
    let kept = greatest(0, children.items.len(), fits);
    (kept, share(children, kept, max, mark).unwrap_or(MIN_VALUE))
}

/// Appends a JSON string in at most `max` bytes, quotes included.
fn push_string(out: &mut String, literal: &str, max: usize) {
    if literal.len() <= max {
        return out.push_str(literal);
    }
    let raw = literal.get(1..literal.len() - 1).unwrap_or_default();
    let (words, all) =
        unmarked(raw).unwrap_or_else(|| (raw, units(raw).map(|unit| unit.means).sum()));
    let mark = mark_of(all);
    let room = max.saturating_sub("\"\"".len());
    let (words, room, mark) = match room.checked_sub(mark.len()) {
        Some(room) => (words, room, mark.as_str()),
        None => (raw, room, ""),
    };
    let mut kept = 0;
    for unit in units(words) {
        if kept + unit.bytes > room {
            break;
        }
        kept += unit.bytes;
    }
    out.extend(["\"", words.get(..kept).unwrap_or_default(), mark, "\""]);
}

fn mark_of(bytes: usize) -> String {
    format!("… [{bytes} bytes in all]")
}

/// What stands before the mark at the end of a text, and the number in the mark.
fn unmarked(text: &str) -> Option<(&str, usize)> {
    let (words, number) = text.strip_suffix(" bytes in all]")?.rsplit_once("… [")?;
    Some((words, number.parse().ok()?))
}

/// The first characters of `text` that take no more than `max` bytes.
fn prefix(text: &str, max: usize) -> &str {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests;
