//! 𝓛ρ = Gρ + ρG† + Σ AρB† as a real sparse matrix on the entries of ρ that can ever become non-zero.

use std::collections::HashMap;

use num_complex::Complex64;

use super::equation::Equation;
use super::sparse::Sparse;
use crate::{Error, Result};

/// Entries or terms between two questions whether to go on.
const PATIENCE: usize = 1 << 14;

/// Two real numbers per entry ρ_ij with i ≤ j: its real and its imaginary part. The rest follows from ρ = ρ†.
#[derive(Debug, Clone)]
pub struct Lindbladian {
    /// The entries (i, j), i ≤ j, in the order of the vector.
    entries: Vec<(u32, u32)>,
    starts: Vec<u32>,
    columns: Vec<u32>,
    values: Vec<f64>,
}

impl Lindbladian {
    /// 𝓛 on everything reachable from the entries `support`; `None` when that is more than `most` entries.
    ///
    /// # Errors
    /// [`Error::Stopped`] when `go_on` says no.
    pub fn new(
        equation: &Equation,
        support: &[(u32, u32)],
        most: usize,
        mut go_on: impl FnMut() -> bool,
    ) -> Result<Option<Self>> {
        let mut index: HashMap<(u32, u32), u32> = HashMap::new();
        let mut entries = Vec::new();
        let mut locate = |i: u32, j: u32, entries: &mut Vec<(u32, u32)>| {
            let key = (i.min(j), i.max(j));
            *index.entry(key).or_insert_with(|| {
                entries.push(key);
                entries.len() as u32 - 1
            })
        };
        for &(i, j) in support {
            locate(i, j, &mut entries);
        }
        // Every entry sends to others; collect (target, source, coefficient) of the real form.
        let mut terms: Vec<(u32, u32, f64)> = Vec::new();
        let mut source = 0;
        while source < entries.len() {
            if entries.len() > most {
                return Ok(None);
            }
            check(source, &mut go_on)?;
            let (i, j) = entries[source];
            let mut send = |from: (u32, u32), conjugate: bool| {
                for_each_target(equation, from, |row, column, value| {
                    // Only the upper triangle is kept; the lower one follows by conjugation.
                    if row > column {
                        return;
                    }
                    let target = locate(row, column, &mut entries);
                    push_real(&mut terms, target, source as u32, value, conjugate, row == column);
                });
            };
            send((i, j), false);
            if i != j {
                send((j, i), true);
            }
            source += 1;
        }
        Self::from_terms(entries, &terms, go_on).map(Some)
    }

    /// Sorts the terms by target and source, and adds up those of the same.
    fn from_terms(
        entries: Vec<(u32, u32)>,
        terms: &[(u32, u32, f64)],
        mut go_on: impl FnMut() -> bool,
    ) -> Result<Self> {
        let rows = 2 * entries.len();
        let mut ends = vec![0usize; rows + 1];
        for &(target, ..) in terms {
            ends[target as usize + 1] += 1;
        }
        for row in 0..rows {
            ends[row + 1] += ends[row];
        }
        let (begins, mut next) = (ends.clone(), ends);
        let mut sorted = vec![(0u32, 0.0f64); terms.len()];
        for (index, &(target, source, value)) in terms.iter().enumerate() {
            check(index, &mut go_on)?;
            sorted[next[target as usize]] = (source, value);
            next[target as usize] += 1;
        }
        let mut starts = vec![0; rows + 1];
        let (mut columns, mut values) = (Vec::new(), Vec::<f64>::new());
        for row in 0..rows {
            check(row, &mut go_on)?;
            let terms = &mut sorted[begins[row]..begins[row + 1]];
            terms.sort_by_key(|term| term.0);
            for same in terms.chunk_by(|a, b| a.0 == b.0) {
                columns.push(same[0].0);
                values.push(same.iter().map(|term| term.1).sum());
            }
            starts[row + 1] = columns.len() as u32;
        }
        Ok(Self { entries, starts, columns, values })
    }

    /// Length of the real vector.
    pub fn dimension(&self) -> usize {
        2 * self.entries.len()
    }

    /// The entries (i, j), i ≤ j, of ρ: entry e is at 2e (real part) and 2e + 1 (imaginary part).
    pub fn entries(&self) -> &[(u32, u32)] {
        &self.entries
    }

    /// tr(Oρ) as a linear functional of the real vector: Σ O_ji ρ_ij over both triangles.
    pub fn functional(&self, operator: &Sparse) -> Vec<f64> {
        let element = |row: u32, column: u32| {
            let column = operator.column(column as usize);
            column.iter().find(|(known, _)| *known == row).map_or(Complex64::ZERO, |(_, value)| *value)
        };
        let mut functional = vec![0.0; self.dimension()];
        for (e, &(i, j)) in self.entries.iter().enumerate() {
            let o = element(j, i);
            let twice = if i == j { 1.0 } else { 2.0 };
            functional[2 * e] = twice * o.re;
            functional[2 * e + 1] = -twice * o.im;
        }
        functional
    }

    /// `to` ← 𝓛 `from`; what stands beyond the entries of ρ is left alone.
    pub fn apply(&self, from: &[f64], to: &mut [f64]) {
        for (row, out) in to.iter_mut().take(self.dimension()).enumerate() {
            let range = self.starts[row] as usize..self.starts[row + 1] as usize;
            let terms = self.columns[range.clone()].iter().zip(&self.values[range]);
            *out = terms.map(|(column, value)| value * from[*column as usize]).sum();
        }
    }
}

/// Asks now and then whether to go on.
fn check(index: usize, go_on: &mut impl FnMut() -> bool) -> Result<()> {
    if index.is_multiple_of(PATIENCE) && !go_on() { Err(Error::Stopped) } else { Ok(()) }
}

/// Calls `visit(row, column, coefficient)` for everything the entry ρ_ij contributes to dρ/dt.
fn for_each_target(equation: &Equation, (i, j): (u32, u32), mut visit: impl FnMut(u32, u32, Complex64)) {
    let Equation { effective, sandwiches } = equation;
    for &(row, value) in effective.column(i as usize) {
        visit(row, j, value);
    }
    for &(column, value) in effective.column(j as usize) {
        visit(i, column, value.conj());
    }
    for (a, b) in sandwiches {
        for &(row, left) in a.column(i as usize) {
            for &(column, right) in b.column(j as usize) {
                visit(row, column, left * right.conj());
            }
        }
    }
}

/// The complex term dρ_target += c ρ_source (or c ρ*_source) in real and imaginary parts.
fn push_real(
    terms: &mut Vec<(u32, u32, f64)>,
    target: u32,
    source: u32,
    c: Complex64,
    conjugate: bool,
    diagonal: bool,
) {
    let sign = if conjugate { -1.0 } else { 1.0 };
    let parts = [
        (2 * target, 2 * source, c.re),
        (2 * target, 2 * source + 1, -sign * c.im),
        (2 * target + 1, 2 * source, c.im),
        (2 * target + 1, 2 * source + 1, sign * c.re),
    ];
    // The imaginary part of a diagonal entry stays zero.
    let kept = if diagonal { 2 } else { 4 };
    terms.extend(parts.into_iter().take(kept).filter(|part| part.2 != 0.0));
}
