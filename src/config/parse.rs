//! The texts that variables hold, as values. Every error names the variable, the value, the fix.

use std::time::Duration;

use crate::config::env::Env;
use crate::error::{Error, Result};
use crate::model::percent;
use crate::transport::endpoint::MASK;

/// `true`, `false`, `1` or `0`.
pub(crate) fn boolean(name: &str, value: &str) -> Result<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Error::config(name, value, "write true or false")),
    }
}

/// The truth of a variable; `default` when it is not set.
pub(crate) fn flag(env: &Env, name: &'static str, default: bool) -> Result<bool> {
    env.get(name).map_or(Ok(default), |value| boolean(name, value))
}

/// A number of milliseconds, at least 1.
pub(crate) fn milliseconds(name: &str, value: &str) -> Result<Duration> {
    match value.parse() {
        Ok(millis) if millis > 0 => Ok(Duration::from_millis(millis)),
        _ => Err(Error::config(name, value, "write a whole number of milliseconds, such as 10000")),
    }
}

/// The word for no interval at all.
pub(crate) const ALWAYS: &str = "always";

/// A number of milliseconds, or `always` for none.
pub(crate) fn interval(name: &str, value: &str) -> Result<Duration> {
    if value.eq_ignore_ascii_case(ALWAYS) {
        return Ok(Duration::ZERO);
    }
    let fix = "write a whole number of milliseconds, such as 500, or always";
    match value.parse() {
        Ok(millis) if millis > 0 => Ok(Duration::from_millis(millis)),
        _ => Err(Error::config(name, value, fix)),
    }
}

/// A number of seconds, which may have a fraction, above 0.
pub(crate) fn seconds(name: &str, value: &str) -> Result<Duration> {
    let seconds = value.parse().ok().filter(|seconds| *seconds > 0.0);
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| Error::config(name, value, "write a number of seconds, such as 30"))
}

/// A number of things, possibly none.
pub(crate) fn count(name: &str, value: &str) -> Result<u32> {
    value.parse().map_err(|_| Error::config(name, value, "write a whole number, such as 5"))
}

/// A number of things, at least one.
pub(crate) fn size(name: &str, value: &str) -> Result<usize> {
    let size = value.parse().ok().filter(|size| *size > 0);
    size.ok_or_else(|| Error::config(name, value, "write a whole number above 0, such as 512"))
}

/// A share of a whole, from 0 to 1.
pub(crate) fn ratio(name: &str, value: &str) -> Result<f64> {
    let ratio = value.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| Error::config(name, value, "write a number from 0 to 1, such as 0.1"))
}

/// One of `words`, each with what it stands for.
pub(crate) fn word<T: Copy>(name: &str, value: &str, words: &[(&str, T)]) -> Result<T> {
    let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(value));
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        Error::config(name, value, format!("write one of {}", known.join(", ")))
    })
}

/// `key=value,key=value` with percent-encoded values. What it holds may be secret: errors show
/// only the key.
pub(crate) fn pairs(name: &str, value: &str) -> Result<Vec<(String, String)>> {
    let parts = value.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| pair(name, part)).collect()
}

fn pair(name: &str, part: &str) -> Result<(String, String)> {
    let fix = "write key=value pairs separated by commas; a comma or = in a value is %2C or %3D";
    let Some((key, value)) = part.split_once('=').filter(|(key, _)| !key.trim().is_empty()) else {
        return Err(Error::config(name, MASK, fix));
    };
    if let Ok(value) = String::from_utf8(percent::decode(value.trim())) {
        Ok((key.trim().to_owned(), value))
    } else {
        let shown = format!("{}={MASK}", key.trim());
        Err(Error::config(name, &shown, "the percent-decoded value is not UTF-8"))
    }
}

#[cfg(test)]
mod tests;
