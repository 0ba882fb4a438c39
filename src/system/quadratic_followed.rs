//! What a quadratic equation of motion follows for control variates: its moments close, so the martingales are near-perfect.

use super::Quadratic;
use super::followed::{Followed, PairSums, Scratch};
use crate::hilbert::Ket;

/// N, N², X² and ½{X, P} of the moving frame (X = a + a† there).
const FOLLOWED: usize = 4;

impl Followed for Quadratic {
    fn followed(&self) -> usize {
        FOLLOWED
    }

    fn follow(&self, _time: f64, ket: &Ket, scratch: &mut Scratch, values: &mut [f64]) {
        let row = ket.padded_row(0);
        let [even, odd] = PairSums::by_parity(&mut scratch.roots, ket.window(), row, row);
        let mut whole = even;
        whole.add(1.0, &odd);
        values.copy_from_slice(&whole.scaled(1.0 / whole.norm).quadratic());
    }
}
