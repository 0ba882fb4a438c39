//! The smallest eigenvalue of ρ: an equation that is not of Lindblad form may take it below zero.

use nalgebra::DMatrix;
use num_complex::Complex64;

/// The smallest eigenvalue of the Hermitian matrix with these upper entries (row, column, value).
pub fn smallest_eigenvalue(dimension: usize, entries: impl Iterator<Item = (usize, usize, Complex64)>) -> f64 {
    let mut matrix = DMatrix::<Complex64>::zeros(dimension, dimension);
    for (row, column, value) in entries {
        matrix[(row, column)] = value;
        if row != column {
            matrix[(column, row)] = value.conj();
        }
    }
    matrix.symmetric_eigenvalues().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coherence_larger_than_its_populations_is_seen() {
        let entries = [(0, 0, 0.75.into()), (0, 1, Complex64::new(0.3, 0.4)), (1, 1, 0.25.into())];
        let exact = 0.5 - (0.0625f64 + 0.25).sqrt();
        assert!((smallest_eigenvalue(2, entries.into_iter()) - exact).abs() < 1e-14);
    }
}
