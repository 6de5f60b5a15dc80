//! Spans in an OTLP request, counted without a decoder.

/// Where they are sent.
pub const PATH: &str = "/v1/traces";
/// From a request to its spans: `resource_spans`, `scope_spans`, `spans`.
const SPANS: [u64; 3] = [1, 2, 2];

/// How many there are in `request`.
pub fn spans(request: &[u8]) -> u64 {
    count(request, &SPANS)
}

/// Messages at the end of `path` in a protobuf message.
fn count(message: &[u8], path: &[u64]) -> u64 {
    let Some((field, rest)) = path.split_first() else {
        return 1;
    };
    let inside = Fields(message).filter(|(number, _)| number == field);
    inside.map(|(_, message)| count(message, rest)).sum()
}

/// The length-delimited fields of a protobuf message; ends early at what it does not understand.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let tag = self.varint()?;
            let skipped = match tag & 7 {
                0 => {
                    self.varint()?;
                    0
                }
                1 => 8,
                2 => {
                    let length = usize::try_from(self.varint()?).ok()?;
                    return Some((tag >> 3, self.split(length)?));
                }
                5 => 4,
                _ => return None,
            };
            self.split(skipped)?;
        }
    }
}

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.split(1)?.first()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn split(&mut self, at: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(at)?;
        self.0 = rest;
        Some(taken)
    }
}
