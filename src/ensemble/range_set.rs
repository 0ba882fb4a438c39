//! A set of numbers in few contiguous ranges: the blocks, or trajectories, that are there.

use std::fmt;
use std::ops::Range;

/// Disjoint ranges with gaps between them, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RangeSet(Vec<Range<u64>>);

impl RangeSet {
    /// Adds a range, which may overlap what is there.
    pub fn insert(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let from = self.0.partition_point(|old| old.end < range.start);
        let to = self.0.partition_point(|old| old.start <= range.end);
        let start = self.0[from..to].first().map_or(range.start, |old| old.start.min(range.start));
        let end = self.0[from..to].last().map_or(range.end, |old| old.end.max(range.end));
        self.0.splice(from..to, std::iter::once(start..end));
    }

    /// The ranges.
    pub fn ranges(&self) -> &[Range<u64>] {
        &self.0
    }

    /// How many numbers it holds.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|range| range.end - range.start).sum()
    }

    /// The first number from `from` on that it does not hold.
    pub fn first_gap(&self, from: u64) -> u64 {
        self.0.iter().find(|range| range.contains(&from)).map_or(from, |range| range.end)
    }

    /// Whether it holds all of `range`.
    pub fn covers(&self, range: &Range<u64>) -> bool {
        self.first_gap(range.start) >= range.end
    }

    /// What of `range` it does not hold.
    pub fn missing(&self, range: Range<u64>) -> Self {
        let (mut missing, mut from) = (Self::default(), range.start);
        for held in &self.0 {
            missing.insert(from..held.start.clamp(from, range.end.max(from)));
            from = from.max(held.end);
        }
        missing.insert(from..range.end);
        missing
    }

    /// What it and `range` have in common.
    pub fn within(&self, range: &Range<u64>) -> Self {
        Self::from_iter(self.0.iter().map(|held| held.start.max(range.start)..held.end.min(range.end)))
    }
}

impl From<Range<u64>> for RangeSet {
    fn from(range: Range<u64>) -> Self {
        std::iter::once(range).collect()
    }
}

impl FromIterator<Range<u64>> for RangeSet {
    fn from_iter<I: IntoIterator<Item = Range<u64>>>(ranges: I) -> Self {
        let mut set = Self::default();
        ranges.into_iter().for_each(|range| set.insert(range));
        set
    }
}

impl fmt::Display for RangeSet {
    /// Both ends included: `0–31, 96–127`; `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return write!(f, "none");
        }
        for (index, range) in self.0.iter().enumerate() {
            write!(f, "{}{}–{}", if index == 0 { "" } else { ", " }, range.start, range.end - 1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against a plain set of numbers.
    #[test]
    fn an_extent_is_a_set() {
        let mut state = 1u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % below
        };
        for _ in 0..200 {
            let (mut ranges, mut set) = (RangeSet::default(), std::collections::BTreeSet::new());
            for _ in 0..random(8) {
                let start = random(40);
                let range = start..start + random(9);
                ranges.insert(range.clone());
                set.extend(range);
            }
            let held = |ranges: &RangeSet| ranges.ranges().iter().cloned().flatten().collect::<Vec<_>>();
            assert_eq!(held(&ranges), set.iter().copied().collect::<Vec<_>>());
            assert!(ranges.ranges().windows(2).all(|pair| pair[0].end < pair[1].start), "{ranges:?}");
            assert_eq!(ranges.count(), set.len() as u64);
            let window = random(30)..random(20) + 25;
            assert_eq!(
                held(&ranges.missing(window.clone())),
                window.clone().filter(|i| !set.contains(i)).collect::<Vec<_>>()
            );
            assert_eq!(held(&ranges.within(&window)), window.clone().filter(|i| set.contains(i)).collect::<Vec<_>>());
            assert_eq!(ranges.covers(&window), window.clone().all(|i| set.contains(&i)));
            assert_eq!(ranges.first_gap(window.start), (window.start..).find(|i| !set.contains(i)).unwrap());
        }
    }

    #[test]
    fn ranges_are_shown_with_both_ends() {
        assert_eq!(RangeSet::from_iter([96..128, 0..32]).to_string(), "0–31, 96–127");
        assert_eq!(RangeSet::default().to_string(), "none");
    }
}
