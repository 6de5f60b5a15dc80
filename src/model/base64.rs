//! Base64, as HTTP's Basic authentication writes it.

/// Source: RFC 4648 §4, with padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = (0..3)
            .fold(0_u32, |bits, at| bits << 8 | group.get(at).map_or(0, |byte| u32::from(*byte)));
        for place in 0..4 {
            let sextet = bits >> (18 - 6 * place) & 0x3f;
            text.push(if place > group.len() { '=' } else { digit(sextet) });
        }
    }
    text
}

fn digit(sextet: u32) -> char {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    DIGITS.get(sextet as usize).map_or('=', |digit| char::from(*digit))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;
    use crate::tests::cases;

    proptest! {
        #![proptest_config(cases(500))]

        #[test]
        fn any_bytes_are_written_as_the_crate_writes_them(bytes: Vec<u8>) {
            prop_assert_eq!(encode(&bytes), STANDARD.encode(&bytes));
        }
    }

    #[test]
    fn the_examples_of_the_rfc_hold() {
        for (text, expected) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(encode(text.as_bytes()), expected);
        }
    }
}
