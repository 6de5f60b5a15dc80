//! Fields of OTLP/JSON objects, as leniently as writers differ: what is missing or null is the
//! default, 64-bit integers are text or numbers.
//!
//! Source: OTLP 1.x §JSON protobuf encoding; protobuf's JSON mapping.

use serde_json::Value as Json;

/// What is wrong with a field, for people.
pub(super) type Result<T, E = String> = std::result::Result<T, E>;

pub(super) fn object<'a>(parent: &'a Json, name: &str) -> Result<Option<&'a Json>> {
    match said(parent, name) {
        None => Ok(None),
        Some(json) if json.is_object() => Ok(Some(json)),
        Some(_) => Err(format!("{name} is no object")),
    }
}

pub(super) fn list<'a>(parent: &'a Json, name: &str) -> Result<&'a [Json]> {
    match said(parent, name) {
        None => Ok(&[]),
        Some(Json::Array(items)) => Ok(items),
        Some(_) => Err(format!("{name} is no array")),
    }
}

pub(super) fn text<'a>(parent: &'a Json, name: &str) -> Result<&'a str> {
    match said(parent, name) {
        None => Ok(""),
        Some(Json::String(text)) => Ok(text),
        Some(_) => Err(format!("{name} is no string")),
    }
}

pub(super) fn unsigned(parent: &Json, name: &str) -> Result<u64> {
    said(parent, name)
        .map_or(Some(0), |json| match json {
            Json::String(text) => text.parse().ok(),
            json => json.as_u64(),
        })
        .ok_or_else(|| format!("{name} is no unsigned integer"))
}

pub(super) fn small(parent: &Json, name: &str) -> Result<u32> {
    u32::try_from(unsigned(parent, name)?).map_err(|_| format!("{name} does not fit in 32 bits"))
}

/// An enum by its number, or by its name: `prefix` and one of `names`, which are in order.
pub(super) fn choice(parent: &Json, name: &str, prefix: &str, names: &[&str]) -> Result<usize> {
    let by_name = said(parent, name).and_then(Json::as_str).and_then(|text| {
        let short = text.strip_prefix(prefix)?;
        names.iter().position(|name| *name == short)
    });
    match by_name {
        Some(number) => Ok(number),
        None => Ok(usize::try_from(unsigned(parent, name)?).unwrap_or(usize::MAX)),
    }
}

/// An id in hexadecimal; all zeros when there is none.
pub(super) fn id<const BYTES: usize>(parent: &Json, name: &str) -> Result<[u8; BYTES]> {
    let mut id = [0; BYTES];
    let text = text(parent, name)?;
    if text.is_empty() {
        return Ok(id);
    }
    let wrong = || format!("{name} is not {} hexadecimal digits", 2 * BYTES);
    if text.len() != 2 * BYTES {
        return Err(wrong());
    }
    for (byte, pair) in id.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digit = |digit: &u8| char::from(*digit).to_digit(16);
        let digits = pair.iter().map(digit).collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
        let value = digits.into_iter().fold(0, |value, digit| value * 16 + digit);
        *byte = u8::try_from(value).map_err(|_| wrong())?;
    }
    Ok(id)
}

fn said<'a>(parent: &'a Json, name: &str) -> Option<&'a Json> {
    parent.get(name).filter(|json| !json.is_null())
}
