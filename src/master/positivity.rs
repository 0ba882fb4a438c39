//! The smallest eigenvalue of ρ: an equation that is not of Lindblad form may take it below zero.

use std::time::Duration;

use nalgebra::DMatrix;
use num_complex::Complex64;

/// Matrices from this dimension on take so long that a thread of their own is worth it, and how often it is looked after.
const LARGE: usize = 256;
const PATIENCE: Duration = Duration::from_millis(20);

/// The smallest eigenvalue of the Hermitian matrix with these upper entries (row, column, value); `None` when `go_on` said no.
/// A decomposition cannot be stopped: that of a large matrix is then left to itself.
pub fn smallest_eigenvalue(
    dimension: usize,
    entries: impl Iterator<Item = (usize, usize, Complex64)>,
    mut go_on: impl FnMut() -> bool,
) -> Option<f64> {
    let mut matrix = DMatrix::<Complex64>::zeros(dimension, dimension);
    for (row, column, value) in entries {
        matrix[(row, column)] = value;
        if row != column {
            matrix[(column, row)] = value.conj();
        }
    }
    if dimension < LARGE {
        return Some(matrix.symmetric_eigenvalues().min());
    }
    let alone = std::thread::spawn(move || matrix.symmetric_eigenvalues().min());
    // Asked at least once, however soon the other thread is ready.
    loop {
        if !go_on() {
            return None;
        }
        if alone.is_finished() {
            break;
        }
        std::thread::sleep(PATIENCE);
    }
    match alone.join() {
        Ok(smallest) => Some(smallest),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coherence_larger_than_its_populations_is_seen() {
        let entries = [(0, 0, 0.75.into()), (0, 1, Complex64::new(0.3, 0.4)), (1, 1, 0.25.into())];
        let exact = 0.5 - (0.0625f64 + 0.25).sqrt();
        assert!((smallest_eigenvalue(2, entries.into_iter(), || true).expect("goes on") - exact).abs() < 1e-14);
        assert_eq!(smallest_eigenvalue(LARGE, entries.into_iter(), || false), None);
    }
}
