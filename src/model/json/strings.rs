//! Strings, in which `serde_json` looks for what JSON escapes one byte at a time: prompts and answers are
//! long, and hold little of it.

use std::io::{self, Write};

use serde_json::ser::{CharEscape, CompactFormatter, Formatter};

/// Takes the bytes it is given for those of a string.
pub(super) struct Strings;

impl Formatter for Strings {
    fn write_byte_array<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        value: &[u8],
    ) -> io::Result<()> {
        write(writer, value)
    }
}

/// Writes UTF-8 as a JSON string.
pub(super) fn write<W: ?Sized + Write>(writer: &mut W, text: &[u8]) -> io::Result<()> {
    writer.write_all(b"\"")?;
    if is_plain(text) {
        writer.write_all(text)?;
    } else {
        write_escaped(writer, text)?;
    }
    writer.write_all(b"\"")
}

fn write_escaped<W: ?Sized + Write>(writer: &mut W, text: &[u8]) -> io::Result<()> {
    let mut rest = text;
    loop {
        let (plain, from) = rest.split_at(plain(rest));
        writer.write_all(plain)?;
        let Some((escaped, after)) = from.split_first() else { return Ok(()) };
        CompactFormatter.write_char_escape(writer, escape(*escaped))?;
        rest = after;
    }
}

/// Whether nothing is escaped, which is usual, and found out in fewer steps than where the first one is: names
/// are shorter than a long step, and prompts many times as long.
fn is_plain(bytes: &[u8]) -> bool {
    is_plain_by::<32>(bytes)
        .or_else(|| is_plain_by::<8>(bytes))
        .or_else(|| is_plain_by::<4>(bytes))
        .unwrap_or_else(|| !bytes.iter().any(|byte| has_escaped(&[*byte])))
}

/// The same in steps of `N` bytes; `None` if there are fewer.
fn is_plain_by<const N: usize>(bytes: &[u8]) -> Option<bool> {
    // What is left at the end is shorter than a step, which begins before it.
    let last = bytes.last_chunk::<N>()?;
    let (blocks, _) = bytes.as_chunks::<N>();
    Some(!has_escaped(last) && !blocks.iter().any(has_escaped))
}

/// How many of the bytes come before the first that is escaped.
fn plain(bytes: &[u8]) -> usize {
    const STEP: usize = 16;
    let (blocks, _) = bytes.as_chunks::<STEP>();
    let before = blocks.iter().take_while(|block| !has_escaped(block)).count() * STEP;
    let rest = bytes.get(before..).unwrap_or_default();
    before + rest.iter().take_while(|byte| !has_escaped(&[**byte])).count()
}

/// Whether one of the bytes is escaped. They are ASCII, and the bytes of other characters are greater.
///
/// All are asked, without a way out: a compiler makes vectors of that.
#[inline]
fn has_escaped<const N: usize>(bytes: &[u8; N]) -> bool {
    // With one bit turned over, the quotation mark comes where the space was, right after the control
    // characters, which stay among themselves.
    const TURNED: u8 = b'"' ^ b' ';
    let is = |byte: u8| u8::from(byte ^ TURNED <= b' ') | u8::from(byte == b'\\');
    bytes.iter().fold(0, |has, byte| has | is(*byte)) != 0
}

fn escape(byte: u8) -> CharEscape {
    match byte {
        b'"' => CharEscape::Quote,
        b'\\' => CharEscape::ReverseSolidus,
        b'\n' => CharEscape::LineFeed,
        b'\r' => CharEscape::CarriageReturn,
        b'\t' => CharEscape::Tab,
        0x08 => CharEscape::Backspace,
        0x0c => CharEscape::FormFeed,
        control => CharEscape::AsciiControl(control),
    }
}
