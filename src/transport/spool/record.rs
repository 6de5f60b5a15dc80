//! One record ↔ bytes. Pure.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | magic: made from the segment's salt |
//! | 4 | kind: 1 data, 2 acknowledgement |
//! | 8 | sequence; of an acknowledgement: the sequence up to which everything is settled |
//! | 4 | spans |
//! | 4 | length of the payload |
//! | 4 | CRC32C of the payload |
//! | 4 | CRC32C of salt, place in the file, and the header before this field |
//!
//! Numbers are little-endian. The place is in the checksum, so that a header that was copied into
//! a payload, of this very file even, is none.

use super::{NewRecord, length_of};

/// Bytes before a payload.
pub(super) const HEADER: usize = 32;

const DATA: u32 = 1;
const ACK: u32 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    /// Everything up to the sequence is settled.
    Ack,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) sequence: u64,
    pub(super) spans: u32,
    pub(super) length: u32,
    payload_crc: u32,
}

impl Header {
    /// The header at the beginning of `bytes`, which are at `place` in their file.
    pub(super) fn read(bytes: &[u8], salt: u64, place: u64) -> Option<Self> {
        let header = bytes.first_chunk::<HEADER>()?;
        let mut fields = Fields(header);
        if fields.four() != magic(salt) {
            return None;
        }
        let kind = match fields.four() {
            DATA => Kind::Data,
            ACK => Kind::Ack,
            _ => return None,
        };
        let sequence = u64::from(fields.four()) | u64::from(fields.four()) << 32;
        let (spans, length, payload_crc) = (fields.four(), fields.four(), fields.four());
        let (said, _) = header.split_at(HEADER - 4);
        let good = fields.four() == checksum(said, salt, place);
        good.then_some(Self { kind, sequence, spans, length, payload_crc })
    }

    /// Bytes that the record takes.
    pub(super) fn record_length(&self) -> u64 {
        length_of(HEADER) + u64::from(self.length)
    }

    pub(super) fn fits(&self, payload: &[u8]) -> bool {
        crc32c::crc32c(payload) == self.payload_crc
    }

    fn write(&self, salt: u64, place: u64, to: &mut Vec<u8>) {
        let start = to.len();
        let kind = match self.kind {
            Kind::Data => DATA,
            Kind::Ack => ACK,
        };
        to.extend(magic(salt).to_le_bytes());
        to.extend(kind.to_le_bytes());
        to.extend(self.sequence.to_le_bytes());
        to.extend(self.spans.to_le_bytes());
        to.extend(self.length.to_le_bytes());
        to.extend(self.payload_crc.to_le_bytes());
        let crc = checksum(to.get(start..).unwrap_or_default(), salt, place);
        to.extend(crc.to_le_bytes());
    }
}

/// The first bytes of every record of a segment.
pub(super) fn magic(salt: u64) -> u32 {
    crc32c::crc32c_append(0x7370_6f6f, &salt.to_le_bytes())
}

/// Bytes that a payload of `length` takes as a record.
pub(super) fn room_for(length: usize) -> u64 {
    length_of(HEADER) + length_of(length)
}

/// Appends a data record to `to`, whose first byte is at `base` in the file.
pub(super) fn write_data(
    record: &NewRecord,
    sequence: u64,
    salt: u64,
    base: u64,
    to: &mut Vec<u8>,
) {
    let header = Header {
        kind: Kind::Data,
        sequence,
        spans: record.spans,
        length: u32::try_from(record.payload.len()).unwrap_or(u32::MAX),
        payload_crc: crc32c::crc32c(&record.payload),
    };
    header.write(salt, base + length_of(to.len()), to);
    to.extend(&record.payload);
}

/// An acknowledgement at `place`.
pub(super) fn ack(through: u64, salt: u64, place: u64) -> Vec<u8> {
    let payload_crc = crc32c::crc32c(&[]);
    let header = Header { kind: Kind::Ack, sequence: through, spans: 0, length: 0, payload_crc };
    let mut bytes = Vec::with_capacity(HEADER);
    header.write(salt, place, &mut bytes);
    bytes
}

fn checksum(said: &[u8], salt: u64, place: u64) -> u32 {
    let crc = crc32c::crc32c(&salt.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(crc, &place.to_le_bytes()), said)
}

/// The fields of a header, one after the other.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn four(&mut self) -> u32 {
        let Some((field, rest)) = self.0.split_first_chunk::<4>() else { return 0 };
        self.0 = rest;
        u32::from_le_bytes(*field)
    }
}
