//! The wire format of protobuf, as far as spans need it: fields of messages, appended to bytes.
//!
//! Source: protobuf encoding specification; the lengths are those `prost` writes.

pub(crate) const VARINT: u32 = 0;
pub(crate) const FIXED64: u32 = 1;
pub(crate) const BYTES: u32 = 2;
pub(crate) const FIXED32: u32 = 5;

/// Lengths below this take one byte,
pub(crate) const ONE_BYTE: usize = 1 << 7;
/// below this no more than two.
pub(crate) const TWO_BYTES: usize = 1 << 14;

/// Writes a message of unknown length, with its header; returns the length of the latter.
///
/// Leaves `usual` bytes for it, and moves the message when another number is needed.
pub(crate) fn nested(
    out: &mut Vec<u8>,
    field: u32,
    usual: usize,
    body: impl FnOnce(&mut Vec<u8>),
) -> usize {
    let start = out.len();
    out.resize(start + usual, 0);
    body(out);
    let len = out.len() - start - usual;
    if out.get_mut(start..start + usual).is_some_and(|gap| fill(gap, field, len)) {
        return usual;
    }
    let mut header = Vec::new();
    message_header(&mut header, field, len);
    let length = header.len();
    drop(out.splice(start..start + usual, header));
    length
}

/// Writes tag and length of a message, if they take just the room there is.
fn fill(gap: &mut [u8], field: u32, len: usize) -> bool {
    let tag = tag_byte(field, BYTES);
    match (gap, len) {
        (gap @ [_, _], 0..ONE_BYTE) => gap.copy_from_slice(&[tag, one(len)]),
        (gap @ [_, _, _], ONE_BYTE..TWO_BYTES) => {
            let [low, high] = two(len);
            gap.copy_from_slice(&[tag, low, high]);
        }
        _ => return false,
    }
    true
}

pub(crate) fn str_field(out: &mut Vec<u8>, field: u32, value: &str) {
    if !value.is_empty() {
        bytes_field(out, field, value.as_bytes());
    }
}

pub(crate) fn bytes_field(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    message_header(out, field, value.len());
    out.extend_from_slice(value);
}

/// Tag and length of a message of `len` bytes that follows.
#[inline]
pub(crate) fn message_header(out: &mut Vec<u8>, field: u32, len: usize) {
    let tag = tag_byte(field, BYTES);
    match len {
        0..ONE_BYTE => out.extend_from_slice(&[tag, one(len)]),
        ONE_BYTE..TWO_BYTES => {
            let [low, high] = two(len);
            out.extend_from_slice(&[tag, low, high]);
        }
        _ => long_header(out, tag, len),
    }
}

#[cold]
fn long_header(out: &mut Vec<u8>, tag: u8, len: usize) {
    out.push(tag);
    varint(out, len64(len));
}

/// A length below [`ONE_BYTE`] as a varint.
pub(crate) fn one(len: usize) -> u8 {
    len.to_le_bytes()[0]
}

/// A length from there up to [`TWO_BYTES`] as a varint.
pub(crate) fn two(len: usize) -> [u8; 2] {
    [one(len) | 0x80, one(len >> 7)]
}

/// Length of a message of `len` bytes with a one-byte tag and its length before it.
pub(crate) fn framed_len(len: usize) -> usize {
    1 + delimited_len(len)
}

pub(crate) fn varint_field(out: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        tag(out, field, VARINT);
        varint(out, value);
    }
}

pub(crate) fn fixed64_field(out: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        tag(out, field, FIXED64);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

pub(crate) fn fixed32_field(out: &mut Vec<u8>, field: u32, value: u32) {
    if value != 0 {
        tag(out, field, FIXED32);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

fn tag(out: &mut Vec<u8>, field: u32, wire_type: u32) {
    varint(out, u64::from(field << 3 | wire_type));
}

/// The tag of one of the first fifteen fields.
pub(crate) const fn tag_byte(field: u32, wire_type: u32) -> u8 {
    (field << 3 | wire_type).to_le_bytes()[0]
}

pub(crate) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// The two's complement form, as protobuf writes a negative number.
pub(crate) fn unsigned(value: i64) -> u64 {
    u64::from_ne_bytes(value.to_ne_bytes())
}

pub(crate) fn varint_len(value: u64) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        _ => (64 - value.leading_zeros()).div_ceil(7) as usize,
    }
}

/// Length of `len` bytes with their length before them.
fn delimited_len(len: usize) -> usize {
    varint_len(len64(len)) + len
}

pub(crate) fn len64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
