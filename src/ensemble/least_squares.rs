//! Least squares from moments, safe where regressors are tiny, collinear or absent.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// Directions of the regressors' correlation matrix below this fraction of the largest carry no information.
const NEGLIGIBLE: f64 = 1e-8;

/// Solves G B = R for the coefficients B (n × m, row by row) of least squares: G the regressors' (co-)moments (n × n),
/// R their moments with m targets (n × m).
///
/// G is scaled to a correlation matrix and inverted on its significant eigenvectors only, so that the answer is the
/// smallest that fits: 0 for a regressor without variance.
pub fn least_squares(gram: &[f64], right: &[f64], n: usize) -> Vec<f64> {
    least_squares_along(gram, right, n, |_| true)
}

/// The same on those of the eigenvectors only that `known` says yes to; it is told the weights of the regressors in each.
pub fn least_squares_along(gram: &[f64], right: &[f64], n: usize, known: impl Fn(&[f64]) -> bool) -> Vec<f64> {
    LeastSquares::new(gram, right, n).solution(NEGLIGIBLE, known)
}

/// G B = R along the eigenvectors of the regressors' correlation matrix.
pub struct LeastSquares {
    /// One over the regressors' deviations.
    scale: Vec<f64>,
    eigenvalues: DVector<f64>,
    eigenvectors: DMatrix<f64>,
    /// R along them.
    components: DMatrix<f64>,
}

impl LeastSquares {
    /// Of moments as in [`least_squares`].
    pub fn new(gram: &[f64], right: &[f64], n: usize) -> Self {
        let m = right.len() / n;
        let scale: Vec<f64> = (0..n)
            .map(|i| {
                let variance = gram[i * n + i];
                if variance > 0.0 && variance.is_finite() { 1.0 / variance.sqrt() } else { 0.0 }
            })
            .collect();
        let correlation = DMatrix::from_fn(n, n, |i, j| {
            let value = gram[i * n + j] * scale[i] * scale[j];
            if value.is_finite() { value } else { 0.0 }
        });
        let SymmetricEigen { eigenvalues, eigenvectors } = correlation.symmetric_eigen();
        let target = DMatrix::from_fn(n, m, |i, j| right[i * m + j] * scale[i]);
        Self { components: eigenvectors.tr_mul(&target), scale, eigenvalues, eigenvectors }
    }

    /// The coefficients on the eigenvectors above the fraction `negligible` of the largest that `known` says yes to.
    pub fn solution(&self, negligible: f64, known: impl Fn(&[f64]) -> bool) -> Vec<f64> {
        let Self { scale, eigenvalues, eigenvectors, .. } = self;
        let mut components = self.components.clone();
        let largest = eigenvalues.iter().fold(0.0, |max: f64, value| max.max(*value));
        for (i, value) in eigenvalues.iter().enumerate() {
            let weights: Vec<f64> = eigenvectors.column(i).iter().zip(scale).map(|(v, scale)| v * scale).collect();
            let factor = if *value > negligible * largest && known(&weights) { 1.0 / value } else { 0.0 };
            components.row_mut(i).scale_mut(factor);
        }
        let solution = eigenvectors * components;
        let (n, m) = solution.shape();
        (0..n).flat_map(|i| (0..m).map(move |j| (i, j))).map(|(i, j)| solution[(i, j)] * scale[i]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collinear_and_empty_regressors_are_harmless() {
        // y = 3 x₀ with x₁ = 2 x₀ and x₂ = 0: the smallest solution in units of the deviations shares the weight.
        let gram = [1.0, 2.0, 0.0, 2.0, 4.0, 0.0, 0.0, 0.0, 0.0];
        let found = least_squares(&gram, &[3.0, 6.0, 0.0], 3);
        assert!((found[0] + 2.0 * found[1] - 3.0).abs() < 1e-12 && found[2] == 0.0, "{found:?}");
        assert_eq!(least_squares(&[0.0], &[0.0], 1), [0.0]);
    }
}
