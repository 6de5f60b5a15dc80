//! The fields of a protobuf message, as they stand in its bytes: what [`protobuf`](super::protobuf)
//! is for requests, for the short answers of receivers.
//!
//! Proven against prost by the tests below.
//!
//! Source: <https://protobuf.dev/programming-guides/encoding>.

use crate::export::protobuf::{BYTES, FIXED32, FIXED64, VARINT};

/// What stands in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    /// A text, bytes or a message.
    Bytes(&'a [u8]),
    /// A number of four or eight bytes, which no answer has.
    Fixed,
}

impl<'a> Value<'a> {
    pub(crate) fn bytes(self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    pub(crate) fn text(self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// A number with sign, which is written as its two's complement.
    pub(crate) fn integer(self) -> Option<i64> {
        if let Self::Varint(value) = self {
            Some(i64::from_ne_bytes(value.to_ne_bytes()))
        } else {
            None
        }
    }
}

/// The fields of a message with their numbers, in order; `None` for what breaks off or is no message.
/// Groups, which proto3 does not have, make it none.
pub(crate) fn fields(mut message: &[u8]) -> Option<Vec<(u32, Value<'_>)>> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let key = u32::try_from(varint(&mut message)?).ok().filter(|key| key >> 3 > 0)?;
        let value = match key & 0b111 {
            VARINT => Value::Varint(varint(&mut message)?),
            FIXED64 => take(&mut message, 8).map(|_| Value::Fixed)?,
            BYTES => {
                let length = varint(&mut message)?.try_into().ok()?;
                Value::Bytes(take(&mut message, length)?)
            }
            FIXED32 => take(&mut message, 4).map(|_| Value::Fixed)?,
            _ => return None,
        };
        fields.push((key >> 3, value));
    }
    Some(fields)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        value |= bits << shift;
        // Of the tenth byte one bit is left.
        if value >> shift != bits {
            return None;
        }
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests;
