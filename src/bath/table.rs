//! A tabulated spectral density: cubic interpolation between its rows that stays ≥ 0, zero outside of them.

use crate::{Error, Result};

/// Fewest rows: every second one must still make a curve, to judge the interpolation by.
const FEWEST: usize = 8;
/// Most rows.
const MOST: usize = 100_000;

/// J(ω) given by rows (ω, J).
///
/// Between rows a cubic with the slope at each row of the parabola through it and its neighbours, limited so that no Bernstein
/// coefficient of a cubic, hence J nowhere, falls below 0; zero outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    frequencies: Vec<f64>,
    densities: Vec<f64>,
    slopes: Vec<f64>,
}

impl Table {
    /// From rows (ω, J) with 0 ≤ ω ascending and J ≥ 0.
    ///
    /// # Errors
    /// When there are fewer than 8 rows or more than 100 000, ω does not ascend, or an ω or J is negative or not finite.
    /// Rows are counted from 1.
    pub fn new(rows: &[(f64, f64)]) -> Result<Self> {
        let wrong = |value: String, allowed: &str| Err(Error::value("model.density.file", value, allowed));
        if !(FEWEST..=MOST).contains(&rows.len()) {
            return wrong(format!("{} rows", rows.len()), "a tabulated J(ω) needs 8 to 100000 rows");
        }
        for (index, &(frequency, density)) in rows.iter().enumerate() {
            let row = format!("row {}: ω = {frequency}, J = {density}", index + 1);
            if !(frequency >= 0.0 && frequency.is_finite()) {
                return wrong(row, "ω must be a number ≥ 0");
            }
            if !(density >= 0.0 && density.is_finite()) {
                return wrong(row, "J(ω) must be ≥ 0: it is a sum of squared couplings, Eq. (18)");
            }
            if index > 0 && frequency <= rows[index - 1].0 {
                return wrong(row, "ω must ascend from row to row");
            }
        }
        if rows.iter().all(|row| row.1 == 0.0) {
            return wrong("J = 0 in every row".into(), "some J must be > 0");
        }
        Ok(Self::interpolated(rows))
    }

    fn interpolated(rows: &[(f64, f64)]) -> Self {
        let (frequencies, densities): (Vec<f64>, Vec<f64>) = rows.iter().copied().unzip();
        let slopes = slopes(&frequencies, &densities);
        Self { frequencies, densities, slopes }
    }

    /// First and last ω.
    pub fn range(&self) -> [f64; 2] {
        [self.frequencies[0], self.frequencies[self.frequencies.len() - 1]]
    }

    /// First and last J.
    pub fn ends(&self) -> [f64; 2] {
        [self.densities[0], self.densities[self.densities.len() - 1]]
    }

    /// ω of every row.
    pub fn frequencies(&self) -> &[f64] {
        &self.frequencies
    }

    /// J(ω).
    pub fn at(&self, frequency: f64) -> f64 {
        let [first, last] = self.range();
        if (first..=last).contains(&frequency) { self.cubic(frequency).max(0.0) } else { 0.0 }
    }

    /// The cubic of the rows around ω.
    fn cubic(&self, frequency: f64) -> f64 {
        let right = self.frequencies.partition_point(|&knot| knot <= frequency).clamp(1, self.frequencies.len() - 1);
        let left = right - 1;
        let width = self.frequencies[right] - self.frequencies[left];
        let t = (frequency - self.frequencies[left]) / width;
        let u = 1.0 - t;
        // Cubic Hermite form: values and slopes at both ends.
        let values = u * u * (1.0 + 2.0 * t) * self.densities[left] + t * t * (1.0 + 2.0 * u) * self.densities[right];
        let slopes = width * t * u * (u * self.slopes[left] - t * self.slopes[right]);
        values + slopes
    }

    /// How far J(ω) may be off by interpolation: the largest difference to the thinned tables within two rows of ω.
    pub(super) fn doubt(&self, thinned: &[Self; 2], frequency: f64) -> f64 {
        let right = self.frequencies.partition_point(|&knot| knot <= frequency);
        let near = &self.frequencies[right.saturating_sub(2)..(right + 2).min(self.frequencies.len())];
        let middles = near.windows(2).map(|pair| 0.5 * (pair[0] + pair[1]));
        let points = near.iter().copied().chain(middles).chain([frequency]);
        let difference =
            |point: f64| thinned.iter().map(|thin| (thin.at(point) - self.at(point)).abs()).fold(0.0, f64::max);
        points.map(difference).fold(0.0, f64::max)
    }

    /// Two coarser tables, each with every second row and both ends: what they give differs from what all rows give by
    /// several times the error of interpolation.
    pub(super) fn thinned(&self) -> [Self; 2] {
        let last = self.frequencies.len() - 1;
        [0, 1].map(|parity| {
            let kept = (0..=last).filter(|&row| row == 0 || row == last || row % 2 == parity);
            Self::interpolated(&kept.map(|row| (self.frequencies[row], self.densities[row])).collect::<Vec<_>>())
        })
    }
}

/// Slopes at the rows: those of the parabola through three rows, limited to −3J/(step after) ≤ slope ≤ 3J/(step before).
fn slopes(x: &[f64], y: &[f64]) -> Vec<f64> {
    let last = x.len() - 1;
    let step = |k: usize| x[k + 1] - x[k];
    let rise = |k: usize| (y[k + 1] - y[k]) / step(k);
    let inside = |k: usize| (step(k) * rise(k - 1) + step(k - 1) * rise(k)) / (step(k) + step(k - 1));
    let end = |near: usize, far: usize| {
        let (h, g) = (step(near), step(far));
        ((2.0 * h + g) * rise(near) - h * rise(far)) / (h + g)
    };
    (0..=last)
        .map(|k| {
            let slope = match k {
                0 => end(0, 1),
                k if k == last => end(last - 1, last - 2),
                k => inside(k),
            };
            let lowest = if k < last { -3.0 * y[k] / step(k) } else { f64::NEG_INFINITY };
            let highest = if k > 0 { 3.0 * y[k] / step(k - 1) } else { f64::INFINITY };
            slope.clamp(lowest, highest)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_met_and_nothing_is_negative() {
        let densities = [0.0, 1.0, 3.0, 3.0, 0.5, 0.0, 0.0, 2.0, 1e-9, 2.5];
        let rows: Vec<(f64, f64)> = densities.iter().enumerate().map(|(i, &j)| (i as f64 * 0.7, j)).collect();
        let table = Table::interpolated(&rows);
        for pair in rows.windows(2) {
            assert!((table.at(pair[0].0) - pair[0].1).abs() < 1e-15);
            for step in 0..=20 {
                let t = f64::from(step) / 20.0;
                let between = table.cubic(pair[0].0 + 0.7 * t);
                assert!(between >= -1e-15, "{} {t} {between}", pair[0].0);
            }
        }
        assert_eq!((table.at(-0.1), table.at(6.4)), (0.0, 0.0));
    }

    #[test]
    fn interpolation_is_of_third_order_or_better() {
        let error = |n: usize| {
            let rows: Vec<(f64, f64)> =
                (0..=n).map(|i| i as f64 * 4.0 / n as f64).map(|x| (x, x * (-x).exp())).collect();
            let table = Table::new(&rows).unwrap();
            (0..1000)
                .map(|i| 2.0 + f64::from(i) * 2e-3)
                .map(|x| (table.at(x) - x * (-x).exp()).abs())
                .fold(0.0, f64::max)
        };
        assert!(error(20) / error(40) > 7.0, "{} {}", error(20), error(40));
    }
}
