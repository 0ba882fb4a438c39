//! What operators of the spins make of the rows of a ket, as real functions that several operators share.

use std::collections::BTreeMap;

use num_complex::Complex64;

use super::expansion::SpinOperator;

/// How the rows of a ket stand for spins (see [`crate::system::Register`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows {
    /// Number of rows.
    pub count: usize,
    /// The spin without rows of its own: in |+⟩ where level, other spins in |+⟩ and sector add up to an odd number.
    pub tied: Option<usize>,
    /// Whether kets have a parity.
    pub of_parity: bool,
}

impl Rows {
    /// Classes of levels, by the parity of level and sector, that operators of the spins tell from each other.
    pub fn classes(self) -> usize {
        1 + usize::from(self.of_parity)
    }

    /// All spins of a row on the levels of a class.
    fn spins(self, row: usize, class: usize) -> usize {
        let up = |tied| usize::from((row.count_ones() as usize + class) % 2 == 1) << tied;
        row | self.tied.map_or(0, up)
    }

    /// The matrix elements of an operator on the levels of a class: for every flip that leads from the bra's row to the ket's, those
    /// of all rows of the bra.
    fn elements(self, spins: &SpinOperator, class: usize) -> BTreeMap<usize, Vec<Complex64>> {
        let mut elements = BTreeMap::new();
        for (string, c) in spins {
            let rows = elements.entry(string.flip & (self.count - 1)).or_insert(vec![Complex64::ZERO; self.count]);
            for (row, element) in rows.iter_mut().enumerate() {
                *element += c * string.on(self.spins(row, class) ^ string.flip);
            }
        }
        elements
    }

    /// An operator on the levels of a class as complex multiples of functions in `known`, where those that are missing are added.
    pub fn decompose(
        self,
        spins: &SpinOperator,
        class: usize,
        known: &mut Vec<SpinFunction>,
    ) -> Vec<(usize, Complex64)> {
        let elements = self.elements(spins, class);
        let mut multiples = Vec::new();
        for (unit, part) in [(Complex64::ONE, (|c| c.re) as fn(Complex64) -> f64), (Complex64::I, |c| c.im)] {
            let size = elements.values().flatten().fold(0.0, |size: f64, c| size.max(c.norm()));
            let real = elements.iter().map(|(flip, rows)| (*flip, rows.iter().map(|c| part(*c)).collect::<Vec<f64>>()));
            let real = real.filter(|(_, rows)| rows.iter().any(|x| x.abs() > ROUNDING * size));
            let Some((factor, function)) = SpinFunction::normalised(real.collect(), size) else { continue };
            let place = known.iter().position(|other| other.is_like(&function)).unwrap_or_else(|| {
                known.push(function);
                known.len() - 1
            });
            multiples.push((place, factor * unit));
        }
        multiples
    }
}

/// A sum of products may come out this part of its terms beside what it is.
const ROUNDING: f64 = 1e-13;

/// u(flip, row): real factors of ψ*_row ψ_{row ^ flip}.
#[derive(Debug, Clone, PartialEq)]
pub struct SpinFunction {
    pub flips: Vec<(usize, Vec<f64>)>,
}

impl SpinFunction {
    /// 1 on every row.
    pub fn one(rows: Rows) -> Self {
        Self { flips: vec![(0, vec![1.0; rows.count])] }
    }

    /// Whether it joins every row with itself only.
    pub fn is_diagonal(&self) -> bool {
        matches!(self.flips[..], [(0, _)])
    }

    /// A function whose first element that is no rounding is 1, and the factor that is left.
    fn normalised(mut flips: Vec<(usize, Vec<f64>)>, size: f64) -> Option<(f64, Self)> {
        let first = flips.iter().flat_map(|(_, rows)| rows).find(|x| x.abs() > ROUNDING * size).copied()?;
        flips.iter_mut().flat_map(|(_, rows)| rows).for_each(|x| *x /= first);
        Some((first, Self { flips }))
    }

    fn is_like(&self, other: &Self) -> bool {
        let alike = |(x, y): (&f64, &f64)| (x - y).abs() <= ROUNDING * (1.0 + x.abs());
        self.flips.len() == other.flips.len()
            && self
                .flips
                .iter()
                .zip(&other.flips)
                .all(|((flip, rows), (other, others))| flip == other && rows.iter().zip(others).all(alike))
    }
}
