//! prost is the oracle.

use proptest::collection::vec;
use proptest::prelude::*;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

use super::*;
use crate::tests::cases;

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn fields_are_read_as_they_were_written(written in vec(field(), 0..8)) {
        let mut message = Vec::new();
        for (number, content) in &written {
            content.write(*number, &mut message);
        }
        let expected: Vec<_> = written.iter().map(|(number, it)| (*number, it.value())).collect();
        prop_assert_eq!(fields(&message), Some(expected));
    }

    #[test]
    fn of_any_bytes_is_read_what_prost_reads(bytes in vec(any::<u8>(), 0..40)) {
        if let Some(fields) = fields(&bytes) {
            let mut rest = bytes.as_slice();
            for (number, value) in fields {
                let (known, kind) = decode_key(&mut rest).unwrap();
                prop_assert_eq!(number, known);
                let length = match (value, kind) {
                    (Value::Varint(value), WireType::Varint) => {
                        prop_assert_eq!(value, decode_varint(&mut rest).unwrap());
                        0
                    }
                    (Value::Bytes(bytes), WireType::LengthDelimited) => {
                        prop_assert_eq!(bytes.len() as u64, decode_varint(&mut rest).unwrap());
                        prop_assert!(rest.starts_with(bytes));
                        bytes.len()
                    }
                    (Value::Fixed, WireType::ThirtyTwoBit) => 4,
                    (Value::Fixed, WireType::SixtyFourBit) => 8,
                    other => panic!("{other:?}"),
                };
                rest = &rest[length..];
            }
            prop_assert!(rest.is_empty());
        }
    }

    #[test]
    fn a_varint_is_prosts(bytes in vec(prop_oneof![any::<u8>(), 0x80_u8..], 0..12)) {
        let (mut ours, mut theirs) = (bytes.as_slice(), bytes.as_slice());
        let (value, expected) = (varint(&mut ours), decode_varint(&mut theirs).ok());
        prop_assert_eq!(value, expected);
        prop_assert!(value.is_none() || ours == theirs);
    }
}

#[test]
fn what_is_no_message_has_no_fields() {
    let broken: [(&str, &[u8]); 7] = [
        ("field 0", &[0x00, 0x01]),
        ("a group", &[0x0b, 0x0c]),
        ("a kind that does not exist", &[0x0e]),
        ("a text that breaks off", &[0x0a, 0x02, b'x']),
        ("a length that breaks off", &[0x0a, 0x80]),
        ("a number that breaks off", &[0x0d, 0, 0, 0]),
        ("a field above 2^29", &[0x80, 0x80, 0x80, 0x80, 0x10, 0x01]),
    ];
    for (what, bytes) in broken {
        assert_eq!(fields(bytes), None, "{what}");
    }
    assert_eq!(fields(&[]), Some(Vec::new()));
}

#[test]
fn a_value_is_taken_for_nothing_else() {
    assert_eq!(Value::Varint(u64::MAX).integer(), Some(-1));
    assert_eq!(Value::Bytes(&[0xff]).text(), None);
    assert_eq!((Value::Fixed.integer(), Value::Fixed.bytes()), (None, None));
    assert_eq!((Value::Varint(1).text(), Value::Bytes(b"1").integer()), (None, None));
}

#[derive(Clone, Debug)]
enum Content {
    Varint(u64),
    Bytes(Vec<u8>),
    Fixed32(u32),
    Fixed64(u64),
}

impl Content {
    fn write(&self, number: u32, out: &mut Vec<u8>) {
        match self {
            Self::Varint(value) => {
                encode_key(number, WireType::Varint, out);
                encode_varint(*value, out);
            }
            Self::Bytes(bytes) => {
                encode_key(number, WireType::LengthDelimited, out);
                encode_varint(bytes.len() as u64, out);
                out.extend_from_slice(bytes);
            }
            Self::Fixed32(value) => {
                encode_key(number, WireType::ThirtyTwoBit, out);
                out.extend_from_slice(&value.to_le_bytes());
            }
            Self::Fixed64(value) => {
                encode_key(number, WireType::SixtyFourBit, out);
                out.extend_from_slice(&value.to_le_bytes());
            }
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Varint(value) => Value::Varint(*value),
            Self::Bytes(bytes) => Value::Bytes(bytes),
            Self::Fixed32(_) | Self::Fixed64(_) => Value::Fixed,
        }
    }
}

fn field() -> impl Strategy<Value = (u32, Content)> {
    let content = prop_oneof![
        any::<u64>().prop_map(Content::Varint),
        vec(any::<u8>(), 0..300).prop_map(Content::Bytes),
        any::<u32>().prop_map(Content::Fixed32),
        any::<u64>().prop_map(Content::Fixed64),
    ];
    (prop_oneof![1_u32..20, 1_u32..1 << 29], content)
}
