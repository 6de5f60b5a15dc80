//! What a segment says of itself at its beginning ↔ bytes. Pure.
//!
//! Written twice, one after the other, each with a checksum of its own: a flip in one loses nothing.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `mlfspool` |
//! | 4 | version: 1 |
//! | 4 | length of the destination |
//! | 8 | salt: at random |
//! | 8 | sequence of the first record |
//! | … | the destination: kind and address, never credentials |
//! | 4 | CRC32C of all that |

use super::length_of;

const NAME: &[u8; 8] = b"mlfspool";
const VERSION: u32 = 1;
/// A copy without its destination.
const FRAME: usize = 36;
/// A longer destination is cut, and ends with its checksum.
const MAX_DESTINATION: usize = 2048;
/// Bytes in which both copies are.
pub(super) const MAX_LENGTH: usize = 2 * (FRAME + MAX_DESTINATION);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Preamble {
    pub(super) salt: u64,
    pub(super) first: u64,
    pub(super) destination: String,
}

/// What the beginning of a file is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    Good(Preamble),
    /// Nothing was written behind it: the process ended while it made the file.
    Torn,
    /// Of a version that is to come.
    Newer,
    Bad,
}

impl Preamble {
    pub(super) fn write(&self) -> Vec<u8> {
        let mut copy = Vec::with_capacity(FRAME + self.destination.len());
        copy.extend(NAME);
        copy.extend(VERSION.to_le_bytes());
        copy.extend(u32::try_from(self.destination.len()).unwrap_or(u32::MAX).to_le_bytes());
        copy.extend(self.salt.to_le_bytes());
        copy.extend(self.first.to_le_bytes());
        copy.extend(self.destination.as_bytes());
        copy.extend(crc32c::crc32c(&copy).to_le_bytes());
        copy.repeat(2)
    }

    /// Bytes of both copies.
    pub(super) fn length(&self) -> u64 {
        2 * length_of(FRAME + self.destination.len())
    }

    fn read_copy(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(NAME)?;
        let (version, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (salt, rest) = rest.split_first_chunk()?;
        let (first, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (destination, rest) = rest.split_at_checked(length)?;
        let crc = u32::from_le_bytes(*rest.first_chunk()?);
        let said = bytes.get(..FRAME - 4 + length)?;
        if u32::from_le_bytes(*version) != VERSION || crc32c::crc32c(said) != crc {
            return None;
        }
        Some(Self {
            salt: u64::from_le_bytes(*salt),
            first: u64::from_le_bytes(*first),
            destination: String::from_utf8(destination.to_vec()).ok()?,
        })
    }
}

/// Reads the beginning of a file: its first [`MAX_LENGTH`] bytes, or all there are.
pub(super) fn read(bytes: &[u8]) -> Beginning {
    if let Some(preamble) = Preamble::read_copy(bytes) {
        return Beginning::Good(preamble);
    }
    // The second copy stands where the first ends, which the second says itself.
    let second = (FRAME..=FRAME + MAX_DESTINATION).find_map(|at| {
        let preamble = Preamble::read_copy(bytes.get(at..)?)?;
        (FRAME + preamble.destination.len() == at).then_some(preamble)
    });
    if let Some(preamble) = second {
        return Beginning::Good(preamble);
    }
    if bytes.len() < FRAME || bytes.iter().all(|byte| *byte == 0) {
        return Beginning::Torn;
    }
    match bytes.strip_prefix(NAME) {
        Some(rest) if version_of(rest) > VERSION => Beginning::Newer,
        // Cut before the end of the first copy: no record came after it.
        Some(rest) if bytes.len() < FRAME + destination_length(rest) => Beginning::Torn,
        _ => Beginning::Bad,
    }
}

fn version_of(after_name: &[u8]) -> u32 {
    after_name.first_chunk().map_or(0, |version| u32::from_le_bytes(*version))
}

fn destination_length(after_name: &[u8]) -> usize {
    let length = after_name.get(4..).and_then(<[u8]>::first_chunk);
    let length = length.map_or(0, |length| u32::from_le_bytes(*length));
    usize::try_from(length).unwrap_or(usize::MAX).min(MAX_DESTINATION)
}

/// A destination as preambles say it.
pub(super) fn destination(said: String) -> String {
    if said.len() <= MAX_DESTINATION {
        return said;
    }
    let end = format!("…{:08x}", crc32c::crc32c(said.as_bytes()));
    let room = MAX_DESTINATION - end.len();
    let cut = (0..=room).rev().find(|at| said.is_char_boundary(*at)).unwrap_or_default();
    said.get(..cut).unwrap_or_default().to_owned() + &end
}

#[cfg(test)]
mod tests;
