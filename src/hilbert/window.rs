//! The active Fock window: the contiguous levels a ket holds amplitudes for.

use super::Cutoff;

/// Window lengths are multiples of this, so that vector kernels need no remainder loop.
pub const LANES: usize = 8;

/// Fock levels `lo ≤ n < hi`; the length is a multiple of [`LANES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    lo: usize,
    hi: usize,
}

impl Window {
    /// The smallest allowed window that holds `lo ≤ n < hi`.
    pub fn around(lo: usize, hi: usize) -> Self {
        Self { lo, hi: lo + (hi.max(lo + 1) - lo).next_multiple_of(LANES) }
    }

    /// Lowest level held.
    pub fn lo(self) -> usize {
        self.lo
    }

    /// One above the highest level held; may lie beyond a hard cutoff, whose levels stay empty.
    pub fn hi(self) -> usize {
        self.hi
    }

    /// Number of levels held.
    #[expect(clippy::len_without_is_empty, reason = "a window is never empty")]
    pub fn len(self) -> usize {
        self.hi - self.lo
    }

    /// Number of levels held that exist below the cutoff.
    pub fn live(self, cutoff: Cutoff) -> usize {
        match cutoff {
            Cutoff::Auto => self.len(),
            Cutoff::Levels(levels) => self.len().min(levels.saturating_sub(self.lo)),
        }
    }

    /// Whether the upper edge already reaches a hard cutoff.
    pub fn at_cutoff(self, cutoff: Cutoff) -> bool {
        !cutoff.holds(self.hi)
    }

    /// The window with `below` more levels at its lower and `above` more at its upper edge, as far as they exist.
    pub fn grown(self, below: usize, above: usize, cutoff: Cutoff) -> Self {
        let above = if self.at_cutoff(cutoff) { 0 } else { above };
        let top = match cutoff {
            Cutoff::Auto => self.hi + above,
            Cutoff::Levels(levels) => (self.hi + above).min(levels.max(self.hi)),
        };
        Self::around(self.lo.saturating_sub(below), top)
    }
}
