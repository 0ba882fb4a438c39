//! What a register of spins follows for control variates.

use super::followed::{Followed, Scratch, Sums, quantity};
use super::{Observable, Register};
use crate::hilbert::Ket;

impl Register {
    /// Row `row` of Sψ (`precessing` false) or Ṡψ (true) into `out`, with pads.
    fn coupled_row(&self, ket: &Ket, row: usize, precessing: bool, out: &mut Vec<f64>) {
        let stride = ket.stride();
        out.clear();
        out.resize(2 * stride, 0.0);
        let (out_re, out_im) = out.split_at_mut(stride);
        let mut add = |weight: f64, (re, im): (&[f64], &[f64])| {
            for (out, x) in out_re.iter_mut().zip(re) {
                *out += weight * x;
            }
            for (out, x) in out_im.iter_mut().zip(im) {
                *out += weight * x;
            }
        };
        if !precessing {
            if self.diagonal()[row] != 0.0 {
                add(self.diagonal()[row], ket.padded_row(row));
            }
            for &(bit, strength) in self.flips() {
                add(strength, ket.padded_row(row ^ bit));
            }
            return;
        }
        // Ṡ = −Σ ω̃ g sin θ τy: row + gets −iψ₋, row − gets +iψ₊ under τy.
        for &(bit, strength) in self.flips() {
            let weight = -self.splittings()[bit.trailing_zeros() as usize] * strength;
            let sign = if row & bit == 0 { -1.0 } else { 1.0 };
            let (re, im) = ket.padded_row(row ^ bit);
            for j in 0..stride {
                out_re[j] += sign * weight * im[j];
                out_im[j] -= sign * weight * re[j];
            }
        }
    }

    fn spins(&self) -> usize {
        self.splittings().len()
    }
}

impl Followed for Register {
    fn followed(&self) -> usize {
        quantity::FIRST_SPIN + self.spins()
    }

    fn follow(&self, ket: &Ket, scratch: &mut Scratch, values: &mut [f64]) {
        let (mut total, mut signed) = (Sums::default(), Sums::default());
        // ⟨a S⟩, ⟨S⟩ and ⟨a Ṡ⟩, ⟨Ṡ⟩.
        let mut mixed = [Sums::default(); 2];
        values.fill(0.0);
        for row in 0..ket.rows() {
            let bra = ket.padded_row(row);
            let [even, odd] = Sums::by_parity(&mut scratch.roots, ket.window(), bra, bra);
            let ups = row.count_ones() as f64;
            let inversion = 2.0 * ups - self.spins() as f64;
            for part in [even, odd] {
                total.add(1.0, &part);
                signed.add(inversion, &part);
            }
            for spin in 0..self.spins() {
                let sign = if row >> spin & 1 == 1 { 1.0 } else { -1.0 };
                values[quantity::FIRST_SPIN + spin] += sign * (even.norm + odd.norm);
            }
            for (precessing, sums) in [false, true].into_iter().zip(&mut mixed) {
                if self.flips().is_empty() && (precessing || self.diagonal()[row] == 0.0) {
                    continue;
                }
                self.coupled_row(ket, row, precessing, &mut scratch.row);
                let coupled = scratch.row.split_at(ket.stride());
                for part in Sums::by_parity(&mut scratch.roots, ket.window(), bra, coupled) {
                    sums.add(1.0, &part);
                }
            }
        }
        let (plain, inverted) = (total.quadratic(), signed.quadratic());
        values[..4].copy_from_slice(&plain);
        values[quantity::INVERSION] = signed.norm;
        values[quantity::TIMES_INVERSION..quantity::TIMES_INVERSION + 4].copy_from_slice(&inverted);
        values[quantity::X_COUPLING] = 2.0 * mixed[0].lowered.re;
        values[quantity::P_COUPLING] = 2.0 * mixed[0].lowered.im;
        values[quantity::X_PRECESSION] = 2.0 * mixed[1].lowered.re;
        values[quantity::P_PRECESSION] = 2.0 * mixed[1].lowered.im;
        values[quantity::X] = 2.0 * total.lowered.re;
        values[quantity::P] = 2.0 * total.lowered.im;
        values[quantity::COUPLING] = mixed[0].norm;
        values[quantity::PRECESSION] = mixed[1].norm;
        values.iter_mut().for_each(|value| *value /= total.norm);
    }

    fn expression(&self, observable: Observable) -> Vec<f64> {
        let mut coefficients = vec![0.0; self.followed()];
        match observable {
            Observable::Number => coefficients[quantity::NUMBER] = 1.0,
            Observable::NumberSquared => coefficients[quantity::NUMBER_SQUARED] = 1.0,
            Observable::X => coefficients[quantity::X] = 1.0,
            Observable::P => coefficients[quantity::P] = 1.0,
            Observable::XSquared => coefficients[quantity::X_SQUARED] = 1.0,
            // X² + P² = 4N + 2.
            Observable::PSquared => {
                (coefficients[quantity::NUMBER], coefficients[quantity::X_SQUARED]) = (4.0, -1.0);
            }
            Observable::Inversion(spin) => coefficients[quantity::FIRST_SPIN + spin] = 1.0,
            Observable::Energy => {
                coefficients[quantity::NUMBER] = self.frequency();
                coefficients[quantity::X_COUPLING] = 1.0;
                for (spin, splitting) in self.splittings().iter().enumerate() {
                    coefficients[quantity::FIRST_SPIN + spin] = 0.5 * splitting;
                }
            }
        }
        coefficients
    }
}
