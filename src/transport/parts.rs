//! A request's body in parts, so that spans are copied once: into what is sent.

use std::io::{self, Read};

/// Bytes of its own, with bytes of others between them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts<'a> {
    own: Vec<u8>,
    /// Bytes of others, each with how many of our own come before it.
    lent: Vec<(usize, &'a [u8])>,
    lent_len: usize,
}

impl<'a> Parts<'a> {
    /// Where the next bytes of its own are written.
    pub(crate) fn own(&mut self) -> &mut Vec<u8> {
        &mut self.own
    }

    /// What comes next is somebody else's.
    pub(crate) fn lend(&mut self, bytes: &'a [u8]) {
        self.lent.push((self.own.len(), bytes));
        self.lent_len += bytes.len();
    }

    pub(crate) fn len(&self) -> usize {
        self.own.len() + self.lent_len
    }

    /// All of it, one after the other.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.len());
        self.pieces().for_each(|piece| whole.extend_from_slice(piece));
        whole
    }

    pub(crate) fn reader(&self) -> impl Read + '_ {
        Reader { pieces: self.pieces(), current: &[] }
    }

    fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        let before = self.lent.iter().flat_map(move |(end, lent)| {
            let own = self.own.get(start..*end).unwrap_or_default();
            start = *end;
            [own, *lent]
        });
        let last = self.lent.last().map_or(0, |(end, _)| *end);
        before.chain([self.own.get(last..).unwrap_or_default()])
    }
}

impl From<Vec<u8>> for Parts<'_> {
    fn from(own: Vec<u8>) -> Self {
        Self { own, ..Self::default() }
    }
}

struct Reader<'a, I> {
    pieces: I,
    current: &'a [u8],
}

impl<'a, I: Iterator<Item = &'a [u8]>> Read for Reader<'a, I> {
    /// Fills `out` as far as there is anything: each call of it is a write to the network.
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut room = out;
        let whole = room.len();
        while !room.is_empty() {
            if self.current.is_empty() {
                let Some(next) = self.pieces.next() else { break };
                self.current = next;
            }
            let length = room.len().min(self.current.len());
            let (now, later) = self.current.split_at(length);
            let (filled, rest) = room.split_at_mut(length);
            filled.copy_from_slice(now);
            (self.current, room) = (later, rest);
        }
        Ok(whole - room.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::tests::cases;

    proptest! {
        #![proptest_config(cases(200))]

        #[test]
        fn parts_are_read_in_the_order_they_were_written(
            pieces in vec((any::<bool>(), vec(any::<u8>(), 0..20)), 0..12),
            room in 1..32_usize,
        ) {
            let mut parts = Parts::default();
            for (is_own, bytes) in &pieces {
                if *is_own { parts.own().extend_from_slice(bytes) } else { parts.lend(bytes) }
            }
            let whole: Vec<u8> = pieces.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
            let (mut read, mut buffer, mut reader) = (Vec::new(), vec![0; room], parts.reader());
            while let Some(length) = Some(reader.read(&mut buffer).unwrap()).filter(|it| *it > 0) {
                prop_assert!(length == room || read.len() + length == whole.len());
                read.extend_from_slice(&buffer[..length]);
            }
            prop_assert_eq!(&read, &whole);
            prop_assert_eq!(parts.len(), whole.len());
            prop_assert_eq!(parts.to_vec(), whole);
        }
    }
}
