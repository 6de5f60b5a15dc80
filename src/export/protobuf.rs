//! The wire format of protobuf, as far as spans need it: fields of messages, appended to bytes.
//!
//! Source: protobuf encoding specification; the lengths are those `prost` writes.

pub(crate) const VARINT: u32 = 0;
pub(crate) const FIXED64: u32 = 1;
pub(crate) const BYTES: u32 = 2;
pub(crate) const FIXED32: u32 = 5;

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
    let mut header = Vec::new();
    message_header(&mut header, field, out.len() - start - usual);
    let length = header.len();
    match out.get_mut(start..start + usual) {
        Some(gap) if length == usual => gap.copy_from_slice(&header),
        _ => drop(out.splice(start..start + usual, header)),
    }
    length
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
pub(crate) fn message_header(out: &mut Vec<u8>, field: u32, len: usize) {
    match u8::try_from(len) {
        Ok(len @ ..0x80) => out.extend_from_slice(&[tag_byte(field, BYTES), len]),
        _ if len < Lead::MAX_LEN => Lead::default().message(field, len).write(out),
        _ => {
            tag(out, field, BYTES);
            varint(out, len64(len));
        }
    }
}

/// Tag and length of a message, and of the first message in it.
pub(crate) fn message_headers(out: &mut Vec<u8>, outer: (u32, usize), inner: (u32, usize)) {
    let (outer_tag, inner_tag) = (tag_byte(outer.0, BYTES), tag_byte(inner.0, BYTES));
    match (u8::try_from(outer.1), u8::try_from(inner.1)) {
        (Ok(outer_len @ ..0x80), Ok(inner_len @ ..0x80)) => {
            out.extend_from_slice(&[outer_tag, outer_len, inner_tag, inner_len]);
        }
        _ if outer.1 < Lead::MAX_LEN => {
            Lead::default().message(outer.0, outer.1).message(inner.0, inner.1).write(out);
        }
        _ => {
            message_header(out, outer.0, outer.1);
            message_header(out, inner.0, inner.1);
        }
    }
}

/// Up to two tags with their lengths, which are written at once.
#[derive(Clone, Copy, Default)]
struct Lead {
    bytes: u64,
    len: u32,
}

impl Lead {
    /// Lengths below this take three bytes at most.
    const MAX_LEN: usize = 1 << 21;

    fn message(self, field: u32, len: usize) -> Self {
        let (tag, len) = (u64::from(tag_byte(field, BYTES)), len64(len));
        let (low, middle, high) = (len & 0x7f, len >> 7 & 0x7f, len >> 14);
        let (bytes, count) = match len {
            0..0x80 => (low, 1),
            0x80..0x4000 => (low | 0x80 | middle << 8, 2),
            _ => (low | 0x80 | (middle | 0x80) << 8 | high << 16, 3),
        };
        let bytes = self.bytes | (tag | bytes << 8) << (8 * self.len);
        Self { bytes, len: self.len + 1 + count }
    }

    /// Copies as many bytes as there is room for: cheaper than as many as there are.
    fn write(self, out: &mut Vec<u8>) {
        let end = out.len() + self.len as usize;
        out.extend_from_slice(&self.bytes.to_le_bytes());
        out.truncate(end);
    }
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

pub(crate) fn tag(out: &mut Vec<u8>, field: u32, wire_type: u32) {
    varint(out, u64::from(field << 3 | wire_type));
}

/// The tag of one of the first fifteen fields.
pub(crate) fn tag_byte(field: u32, wire_type: u32) -> u8 {
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
