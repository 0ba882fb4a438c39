//! What a parity chain follows for control variates: every spin channel from one pass over the ket.

use super::followed::{Followed, Scratch, Sums, quantity};
use super::{Chain, Jump, Observable, OpenSystem};
use crate::hilbert::Ket;

/// What a jump of a spin channel leaves behind.
#[derive(Clone, Copy)]
enum Left<'a> {
    /// One level of the spin only, with this τz and the amplitudes that went there.
    Level(f64, &'a Sums),
    /// Both, the coherence between them reversed.
    Reversed,
}

impl Chain {
    /// Sums over the levels where the spin is in |−⟩ and where it is in |+⟩ (bra side), of the normalised ket.
    fn sums(ket: &Ket, scratch: &mut Scratch) -> [Sums; 2] {
        let row = ket.padded_row(0);
        let parity = Sums::by_parity(&mut scratch.roots, ket.window(), row, row);
        let factor = 1.0 / (parity[0].norm + parity[1].norm);
        [parity[ket.sector].scaled(factor), parity[1 - ket.sector].scaled(factor)]
    }

    /// All quantities of one ket.
    fn quantities(&self, [ground, excited]: &[Sums; 2], values: &mut [f64]) {
        let (g, e) = (ground.quadratic(), excited.quadratic());
        for i in 0..4 {
            values[i] = e[i] + g[i];
            values[quantity::TIMES_INVERSION + i] = e[i] - g[i];
        }
        values[quantity::INVERSION] = excited.norm - ground.norm;
        // ⟨a τx⟩ and ⟨a τy⟩, τy = −i|+⟩⟨−| + i|−⟩⟨+|; S = g sin θ τx, Ṡ = −ω̃ g sin θ τy.
        let flip = excited.lowered + ground.lowered;
        let turn = excited.lowered - ground.lowered;
        let (coupling, precession) = (self.coupling(), -self.splitting() * self.coupling());
        values[quantity::X_COUPLING] = 2.0 * coupling * flip.re;
        values[quantity::P_COUPLING] = 2.0 * coupling * flip.im;
        values[quantity::X_PRECESSION] = 2.0 * precession * turn.im;
        values[quantity::P_PRECESSION] = -2.0 * precession * turn.re;
    }

    /// Adds `rate`·(after − share·before) for a channel.
    fn add_spin_jump(rate: f64, left: Left, values: &[f64], rates: &mut [f64]) {
        match left {
            Left::Level(inversion, sums) => {
                let (share, moments) = (sums.norm, sums.quadratic());
                for i in 0..4 {
                    let after = moments[i];
                    rates[i] += rate * (after - share * values[i]);
                    let place = quantity::TIMES_INVERSION + i;
                    rates[place] += rate * (inversion * after - share * values[place]);
                }
                rates[quantity::INVERSION] += rate * share * (inversion - values[quantity::INVERSION]);
                for place in quantity::X_COUPLING..=quantity::P_PRECESSION {
                    rates[place] -= rate * share * values[place];
                }
            }
            Left::Reversed => {
                for place in quantity::X_COUPLING..=quantity::P_PRECESSION {
                    rates[place] -= 2.0 * rate * values[place];
                }
            }
        }
    }
}

impl Followed for Chain {
    fn followed(&self) -> usize {
        quantity::EVEN
    }

    fn follow(&self, ket: &Ket, scratch: &mut Scratch, values: &mut [f64]) {
        let sums = Self::sums(ket, scratch);
        self.quantities(&sums, values);
    }

    fn follow_with_jumps(&self, ket: &Ket, scratch: &mut Scratch, values: &mut [f64], rates: &mut [f64]) {
        let sums = Self::sums(ket, scratch);
        self.quantities(&sums, values);
        rates.fill(0.0);
        for (index, channel) in self.channels().iter().enumerate().filter(|(_, channel)| channel.rate > 0.0) {
            let left = match channel.jump {
                Jump::SpinDown(_) => Left::Level(-1.0, &sums[1]),
                Jump::SpinUp(_) => Left::Level(1.0, &sums[0]),
                Jump::Dephase(_) => Left::Reversed,
                Jump::Ladder { lower, raise } => {
                    let weight = super::ladder::ladder_weight(ket, lower, raise, self.cutoff());
                    self.add_jump(index, channel.rate * weight / ket.norm_squared(), ket, scratch, values, rates);
                    continue;
                }
                Jump::Positive | Jump::Negative => continue,
            };
            Self::add_spin_jump(channel.rate, left, values, rates);
        }
    }

    fn expression(&self, observable: Observable) -> Vec<f64> {
        let mut coefficients = vec![0.0; self.followed()];
        match observable {
            Observable::Number => coefficients[quantity::NUMBER] = 1.0,
            Observable::NumberSquared => coefficients[quantity::NUMBER_SQUARED] = 1.0,
            // X and P change the chain.
            Observable::X | Observable::P => {}
            Observable::XSquared => coefficients[quantity::X_SQUARED] = 1.0,
            // X² + P² = 4N + 2.
            Observable::PSquared => {
                (coefficients[quantity::NUMBER], coefficients[quantity::X_SQUARED]) = (4.0, -1.0);
            }
            Observable::Inversion(_) => coefficients[quantity::INVERSION] = 1.0,
            Observable::Energy => {
                coefficients[quantity::NUMBER] = self.frequency();
                coefficients[quantity::INVERSION] = 0.5 * self.splitting();
                coefficients[quantity::X_COUPLING] = 1.0;
            }
        }
        coefficients
    }
}
