//! A hash that is worth its price where the standard one costs more than what is done with it.
//!
//! What it hashes may come from elsewhere and be chosen: the seed keeps it from being chosen so that
//! it collides.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Seeds of one map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seeded(u64, u64);

impl Default for Seeded {
    fn default() -> Self {
        let seeds = RandomState::new();
        Self(seeds.hash_one(1), seeds.hash_one(2))
    }
}

impl BuildHasher for Seeded {
    type Hasher = Folded;

    fn build_hasher(&self) -> Folded {
        Folded { state: self.0, seed: self.1 }
    }
}

/// Folds the two halves of the product of what it is given, eight bytes at a time.
#[derive(Debug)]
pub(crate) struct Folded {
    state: u64,
    seed: u64,
}

impl Folded {
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(self.seed | 1);
        self.state = low(product) ^ low(product >> 64);
    }
}

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        let words = bytes.chunks_exact(8);
        let rest = words.remainder();
        for word in words.filter_map(|word| word.try_into().ok()) {
            self.fold(u64::from_le_bytes(word));
        }
        let mut word = [0; 8];
        word.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        self.fold(u64::from_le_bytes(word));
    }

    fn write_u128(&mut self, value: u128) {
        self.fold(low(value));
        self.fold(low(value >> 64));
    }

    fn finish(&self) -> u64 {
        self.state
    }
}

fn low(value: u128) -> u64 {
    u64::try_from(value & u128::from(u64::MAX)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use opentelemetry::trace::TraceId;

    use super::*;

    #[test]
    fn ids_that_differ_in_little_are_spread() {
        let seeds = Seeded(0x0123_4567_89ab_cdef, 0x9e37_79b9_7f4a_7c15);
        let low_bits = |shift: u32| -> HashSet<u64> {
            let ids = (0..256_u128).map(|id| TraceId::from(id << shift));
            ids.map(|id| seeds.hash_one(id) & 0xfff).collect()
        };
        for shift in [0, 32, 56, 64, 96, 120] {
            // 256 of 4096 at random: 248 different ones on average.
            assert!(low_bits(shift).len() > 220, "{shift}: {}", low_bits(shift).len());
        }
    }

    #[test]
    fn another_seed_is_another_hash() {
        let id = TraceId::from(7);
        assert_ne!(Seeded(1, 2).hash_one(id), Seeded(3, 4).hash_one(id));
        assert_eq!(Seeded(1, 2).hash_one(id), Seeded(1, 2).hash_one(id));
    }
}
