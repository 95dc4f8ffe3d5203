//! Numbers that follow from a seed (SplitMix64), the same on every machine and with every version of every library.

use std::ops::Range;
use std::time::Duration;

/// A source of them.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Whether something happens that does so `percent` times in a hundred.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A time in milliseconds; an empty range is its start.
    pub(crate) fn millis(&mut self, range: &Range<u64>) -> Duration {
        Duration::from_millis(range.start + self.below((range.end - range.start).max(1)))
    }

    /// Puts a deck into another order.
    pub(crate) fn shuffle<T>(&mut self, deck: &mut [T]) {
        for last in (1..deck.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            deck.swap(last, other);
        }
    }
}
