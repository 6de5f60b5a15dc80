//! Strings, in which `serde_json` looks for what JSON escapes one byte at a time: prompts and answers are
//! long, and hold little of it.

use std::io::{self, Write};

use serde_json::ser::{CharEscape, CompactFormatter, Formatter};

/// Bytes that are looked at together: two registers of vectors, and a register of any machine.
const LONG: usize = 32;
const SHORT: usize = 8;

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
    let mut rest = text;
    loop {
        let (plain, from_escaped) = rest.split_at(plain(rest));
        writer.write_all(plain)?;
        let Some((escaped, after)) = from_escaped.split_first() else { break };
        CompactFormatter.write_char_escape(writer, escape(*escaped))?;
        rest = after;
    }
    writer.write_all(b"\"")
}

/// How many of the bytes come before the first that is escaped.
fn plain(bytes: &[u8]) -> usize {
    let rest = |from: usize| bytes.get(from..).unwrap_or_default();
    let near = plain_blocks::<LONG>(bytes);
    let nearer = near + plain_blocks::<SHORT>(rest(near));
    nearer + plain_blocks::<1>(rest(nearer))
}

/// The same in steps of `N` bytes.
fn plain_blocks<const N: usize>(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<N>();
    blocks.iter().take_while(|block| !has_escaped(block)).count() * N
}

/// Whether one of the bytes is escaped. They are ASCII, and the bytes of other characters are greater.
///
/// All are asked, without a way out: a compiler makes vectors of that.
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
