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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::{Function, Shape};

    /// N between a and a†, a†²Ra² between others, a and a† beside one: on six levels as products of the truncated matrices.
    #[test]
    fn jumps_are_cut_where_the_cutoff_is() {
        const LEVELS: usize = 6;
        type Matrix = [[f64; LEVELS]; LEVELS];
        let matrix = |band: &Band| -> Matrix {
            let mut matrix = [[0.0; LEVELS]; LEVELS];
            let elements = (0..LEVELS as u32).filter_map(|from| band.on(from).map(|(to, c)| (to as usize, from, c)));
            elements.filter(|(to, ..)| *to < LEVELS).for_each(|(to, from, c)| matrix[to][from as usize] = c);
            matrix
        };
        let times = |a: &Matrix, b: &Matrix| -> Matrix {
            std::array::from_fn(|i| std::array::from_fn(|j| (0..LEVELS).map(|k| a[i][k] * b[k][j]).sum()))
        };
        let transposed = |a: &Matrix| -> Matrix { std::array::from_fn(|i| std::array::from_fn(|j| a[j][i])) };
        let reciprocal = Band::function(Function::new(Shape::Reciprocal, 3.0));
        let [(_, raised)] = &Band::ladder(2, 0).times(&reciprocal)[..] else { panic!("one term") };
        let [(_, squeezed)] = &raised.times(&Band::ladder(0, 2))[..] else { panic!("one term") };
        let (lower, raise) = (Band::ladder(0, 1), Band::ladder(1, 0));
        let paths = [
            Path { bra: raise.clone(), middle: Band::ladder(1, 1), ket: raise.clone() },
            Path { bra: lower.clone(), middle: squeezed.clone(), ket: lower.clone() },
            Path { bra: lower.clone(), middle: squeezed.clone(), ket: raise.clone() },
            Path { bra: Band::default(), middle: lower.clone(), ket: raise.clone() },
            Path { bra: raise.clone(), middle: raise, ket: Band::default() },
        ];
        for path in paths {
            let right = times(&matrix(&path.middle), &matrix(&path.ket));
            let known = times(&transposed(&matrix(&path.bra)), &right);
            let mut table = WeightTable::default();
            table.cover(&[vec![(2.0, path.clone())]], Window::around(0, LEVELS), Cutoff::Levels(LEVELS));
            let row = table.row(0, Window::around(0, LEVELS));
            for (n, known) in known.iter().enumerate() {
                let at = n as i64 + path.shift();
                let known = usize::try_from(at).ok().and_then(|at| known.get(at)).map_or(0.0, |c| 2.0 * c);
                assert!((row[n] - known).abs() < 1e-12, "{path:?}, level {n}: {}, not {known}", row[n]);
            }
        }
    }

    /// A window far up has the weights of a table that begins elsewhere.
    #[test]
    fn tables_follow_the_window() {
        let weights = [vec![(1.0, Path::of(Band::ladder(0, 2)))]];
        let mut table = WeightTable::default();
        for lo in [0, 700, 5000, 4990, 5100, 3] {
            let window = Window::around(lo, lo + 40);
            table.cover(&weights, window, Cutoff::Auto);
            for (j, found) in table.row(0, window).iter().enumerate() {
                let n = (lo + j) as f64;
                assert!((found / ((n + 1.0) * (n + 2.0)).sqrt() - 1.0).abs() < 1e-14);
            }
        }
    }
}
