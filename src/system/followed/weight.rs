//! Weights of levels: what a function of the ladder operators between two jump operators makes of every level.

use crate::hilbert::{Cutoff, Window};
use crate::operator::Band;

/// B†FK between two levels, where the cutoff cuts what K and B lead to as it cuts a jump.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Path {
    pub bra: Band,
    pub middle: Band,
    pub ket: Band,
}

impl Path {
    /// F alone.
    pub fn of(middle: Band) -> Self {
        Self { middle, ..Self::default() }
    }

    /// By how much the level of the ket is above that of the bra.
    pub fn shift(&self) -> i64 {
        self.bra.shift() - self.middle.shift() - self.ket.shift()
    }

    /// ⟨n|B†FK|n + shift⟩.
    fn at(&self, n: u32, cutoff: Cutoff) -> Option<f64> {
        let from = u32::try_from(i64::from(n) + self.shift()).ok()?;
        let held = |(level, c): (u32, f64)| cutoff.holds(level as usize).then_some((level, c));
        let (_, onto) = self.bra.on(n).and_then(held)?;
        let (level, first) = self.ket.on(from).and_then(held)?;
        let (_, middle) = self.middle.on(level)?;
        Some(onto * middle * first)
    }
}

/// A sum of paths of one shift.
pub type Weight = Vec<(f64, Path)>;

/// Windows that end below this are kept from level 0 on.
const LOW: usize = 1024;

/// Weights of the levels about a window.
#[derive(Debug, Clone, Default)]
pub struct WeightTable {
    lo: usize,
    stride: usize,
    cells: Vec<f64>,
}

impl WeightTable {
    /// Makes sure that it has the `weights` of the levels of `window`.
    pub fn cover(&mut self, weights: &[Weight], window: Window, cutoff: Cutoff) {
        if self.lo <= window.lo() && window.hi() <= self.lo + self.stride {
            return;
        }
        let (lo, hi) = if window.hi() <= LOW {
            (0, window.hi().next_power_of_two())
        } else {
            (window.lo().saturating_sub(window.len() / 2), window.hi() + window.len() / 2)
        };
        (self.lo, self.stride) = (lo, hi - lo);
        self.cells.clear();
        for weight in weights {
            let at = |n: usize| {
                let n = n as u32;
                weight.iter().map(|(c, path)| path.at(n, cutoff).map_or(0.0, |x| c * x)).sum::<f64>()
            };
            self.cells.extend((lo..hi).map(at));
        }
    }

    /// The levels of `window` of a weight.
    pub fn row(&self, weight: usize, window: Window) -> &[f64] {
        let start = weight * self.stride + window.lo() - self.lo;
        &self.cells[start..start + window.len()]
    }
}
