//! Running means and variances of many quantities at once, mergeable in any grouping.

use serde::{Deserialize, Serialize};

/// Count, means and sums of squared deviations of a vector of quantities (Welford; merged as by Chan, Golub, LeVeque).
///
/// Vectors of different lengths may be mixed: missing entries count as zeros, which is what the populations of Fock
/// levels outside a window are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    count: u64,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    /// Number of vectors seen.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Means.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Sums of squared deviations from the mean.
    pub fn squares(&self) -> &[f64] {
        &self.squares
    }

    /// Unbiased sample variance of entry `i` over trajectories; 0 for fewer than two.
    pub fn variance(&self, i: usize) -> f64 {
        if self.count < 2 { 0.0 } else { self.squares[i] / (self.count - 1) as f64 }
    }

    /// Standard error of the mean of entry `i`; infinite for fewer than two vectors.
    pub fn standard_error(&self, i: usize) -> f64 {
        if self.count < 2 { f64::INFINITY } else { (self.variance(i) / self.count as f64).sqrt() }
    }

    /// What `factor` times as many vectors of the same means and variances would leave: for predictions.
    pub fn enlarged(&self, factor: f64) -> Self {
        let Self { count, mean, squares } = self;
        let (more, share) = enlargement(*count, factor);
        Self { count: more, mean: mean.clone(), squares: squares.iter().map(|square| square * share).collect() }
    }

    /// Adds one vector.
    pub fn push(&mut self, values: &[f64]) {
        self.count += 1;
        let n = self.count as f64;
        self.widen(values.len());
        let (head, tail) = (values.len(), self.mean.len());
        for (i, x) in values.iter().copied().chain(std::iter::repeat_n(0.0, tail - head)).enumerate() {
            let deviation = x - self.mean[i];
            self.mean[i] += deviation / n;
            self.squares[i] += deviation * (x - self.mean[i]);
        }
    }

    /// Adds all that `other` has seen. The result depends, in its last bits, on which groups are merged in which order;
    /// the fixed tree of [`super::run()`] makes that order a function of the trajectories alone.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.widen(other.mean.len());
        let (a, b) = (self.count as f64, other.count as f64);
        let total = a + b;
        for i in 0..self.mean.len() {
            let (mean, squares) = other.mean.get(i).map_or((0.0, 0.0), |mean| (*mean, other.squares[i]));
            let deviation = mean - self.mean[i];
            self.mean[i] += deviation * (b / total);
            self.squares[i] += squares + deviation * deviation * (a * b / total);
        }
        self.count += other.count;
    }

    fn widen(&mut self, len: usize) {
        if self.mean.len() < len {
            self.mean.resize(len, 0.0);
            self.squares.resize(len, 0.0);
        }
    }
}

/// A `factor` times larger count, and by how much sums of squared deviations grow with it at the same variance.
pub(super) fn enlargement(count: u64, factor: f64) -> (u64, f64) {
    let more = (count as f64 * factor).round();
    (more as u64, if count < 2 { factor } else { (more - 1.0).max(0.0) / (count - 1) as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn merging_equals_pushing_even_where_sums_of_squares_would_cancel() {
        let samples: Vec<[f64; 2]> = (0..100).map(|i| [1e9 + (i % 7) as f64, (i as f64).sin()]).collect();
        let mut whole = Moments::default();
        samples.iter().for_each(|x| whole.push(x));
        let mut merged = Moments::default();
        for part in samples.chunks(13) {
            let mut group = Moments::default();
            part.iter().for_each(|x| group.push(x));
            merged.merge(&group);
        }
        let mean = samples.iter().map(|x| x[0] - 1e9).sum::<f64>() / 100.0;
        let variance = samples.iter().map(|x| (x[0] - 1e9 - mean).powi(2)).sum::<f64>() / 99.0;
        for moments in [&whole, &merged] {
            assert_relative_eq!(moments.variance(0), variance, max_relative = 1e-6);
            assert_relative_eq!(moments.mean()[1], whole.mean()[1], max_relative = 1e-12);
        }
    }

    #[test]
    fn missing_entries_are_zeros() {
        let (mut ragged, mut padded) = (Moments::default(), Moments::default());
        for x in [&[1.0][..], &[2.0, 3.0], &[4.0]] {
            ragged.push(x);
            let mut full = x.to_vec();
            full.resize(2, 0.0);
            padded.push(&full);
        }
        assert_eq!(ragged, padded);
    }
}
