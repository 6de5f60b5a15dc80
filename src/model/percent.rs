//! Percent-encoding, as URLs and lists of headers have it.

use std::fmt::Write as _;

/// Everything but ASCII letters and digits is encoded, as UTF-8.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            // A `String` takes whatever is written to it.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// What is not encoded stays, a `%` without two hexadecimal digits after it too. The bytes may be
/// no UTF-8.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        let (byte, after) = escaped(rest).unwrap_or((*byte, after));
        decoded.push(byte);
        rest = after;
    }
    decoded
}

/// The byte that an escape at the beginning stands for, and what follows it.
fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', high, low, rest @ ..] = text else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    Some((u8::try_from(digit(high)? << 4 | digit(low)?).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;
    use crate::tests::cases;

    proptest! {
        #![proptest_config(cases(500))]

        #[test]
        fn any_text_is_encoded_as_the_crate_does_it_and_comes_back(text: String) {
            let encoded = encode(&text);
            prop_assert_eq!(&encoded, &utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string());
            prop_assert_eq!(decode(&encoded), text.as_bytes());
        }

        #[test]
        fn any_text_is_decoded_as_the_crate_does_it(text in "(%|[0-9a-gA-G]|é|.){0,12}") {
            prop_assert_eq!(decode(&text), percent_decode_str(&text).collect::<Vec<u8>>());
        }
    }
}
