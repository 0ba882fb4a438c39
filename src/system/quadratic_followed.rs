//! What a quadratic equation of motion follows for control variates: its moments close, so the martingales are near-perfect.

use super::followed::{Followed, Scratch, Sums, quantity};
use super::{Observable, Quadratic};
use crate::hilbert::Ket;

/// N, N², X² and ½{X, P} of the moving frame (X = a + a† there).
const FOLLOWED: usize = 4;

impl Followed for Quadratic {
    fn followed(&self) -> usize {
        FOLLOWED
    }

    fn follow(&self, _time: f64, ket: &Ket, scratch: &mut Scratch, values: &mut [f64]) {
        let row = ket.padded_row(0);
        let [even, odd] = Sums::by_parity(&mut scratch.roots, ket.window(), row, row);
        let mut whole = even;
        whole.add(1.0, &odd);
        values.copy_from_slice(&whole.scaled(1.0 / whole.norm).quadratic());
    }

    /// Displacements by the mean add constants, and terms in N² that are left to the fit.
    fn expression(&self, observable: Observable) -> Vec<f64> {
        let mut coefficients = vec![0.0; FOLLOWED];
        let [x, p] = self.units();
        match observable {
            Observable::Number => coefficients[quantity::NUMBER] = 1.0,
            Observable::NumberSquared => coefficients[quantity::NUMBER_SQUARED] = 1.0,
            Observable::XSquared => coefficients[quantity::X_SQUARED] = x * x,
            // X² + P² = 4N + 2.
            Observable::PSquared => {
                coefficients[quantity::NUMBER] = 4.0 * p * p;
                coefficients[quantity::X_SQUARED] = -p * p;
            }
            // Certain in every trajectory, or not observed.
            Observable::X | Observable::P | Observable::Inversion(_) | Observable::Energy => {}
        }
        coefficients
    }
}
