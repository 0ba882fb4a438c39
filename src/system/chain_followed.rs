//! What a parity chain follows for control variates: every spin channel from one pass over the ket.

use super::chain::SpinRates;
use super::combine::bilinear;
use super::followed::{Followed, Scratch, activity};
use super::{Chain, Jump, OpenSystem, quantity};
use crate::hilbert::Ket;

/// The quantities of a chain.
type Quantities = [f64; quantity::EVEN];

/// The rates at which jumps change them, and the activity.
type Rates = [f64; quantity::EVEN + activity::COUNT];

/// A sum over the levels where the spin is in |−⟩, and over those where it is in |+⟩ (bra side).
type Halves = [f64; 2];

#[inline]
fn halves(of: impl FnMut(usize) -> f64) -> Halves {
    std::array::from_fn(of)
}

/// Sums over a normalised ket: ‖ψ‖², N, N², X² and ½{X, P}, and real and imaginary part of ⟨ψ|a|ψ⟩, by the spin's level.
struct ChainSums {
    norm: Halves,
    quadratic: [Halves; 4],
    lowered: [Halves; 2],
}

impl ChainSums {
    #[inline]
    fn of(ket: &Ket, scratch: &mut Scratch) -> Self {
        let (window, row) = (ket.window(), ket.padded_row(0));
        let sums = bilinear(scratch.roots.of(window), row, row);
        // ChainSums come by the level's parity, counted from the window's first level on.
        let (ground, lo) = ((ket.sector + window.lo()) % 2, window.lo() as f64);
        let factor = 1.0 / (sums[0][0] + sums[0][1]);
        let [norm, first, second, a_re, a_im, b_re, b_im, _] =
            sums.map(|sum| [sum[ground] * factor, sum[1 - ground] * factor]);
        let number = halves(|i| first[i] + lo * norm[i]);
        let square = halves(|i| second[i] + lo * (first[i] + number[i]));
        let position = halves(|i| 2.0 * (b_re[i] + number[i]) + norm[i]);
        Self { norm, quadratic: [number, square, position, b_im.map(|x| 2.0 * x)], lowered: [a_re, a_im] }
    }
}

impl Chain {
    /// All quantities of one ket.
    #[inline]
    fn quantities(&self, sums: &ChainSums) -> Quantities {
        let mut values = [0.0; quantity::EVEN];
        for (i, [ground, excited]) in sums.quadratic.into_iter().enumerate() {
            values[i] = excited + ground;
            values[quantity::TIMES_INVERSION + i] = excited - ground;
        }
        values[quantity::INVERSION] = sums.norm[1] - sums.norm[0];
        // ⟨a τx⟩ and ⟨a τy⟩, τy = −i|+⟩⟨−| + i|−⟩⟨+|; S = g sin θ τx, Ṡ = −ω̃ g sin θ τy.
        let [re, im] = sums.lowered;
        let (coupling, precession) = (2.0 * self.coupling(), -2.0 * self.splitting() * self.coupling());
        values[quantity::X_COUPLING] = coupling * (re[1] + re[0]);
        values[quantity::P_COUPLING] = coupling * (im[1] + im[0]);
        values[quantity::X_PRECESSION] = precession * (im[1] - im[0]);
        values[quantity::P_PRECESSION] = -precession * (re[1] - re[0]);
        values
    }

    /// The mean rates of change by jumps of the spin channels, and their activity. One of them leaves one level of the spin only, with the
    /// amplitudes that were on the other; dephasing reverses the coherence between them.
    #[inline]
    fn spin_jumps(&self, sums: &ChainSums, values: &Quantities) -> Rates {
        let SpinRates { down, up, dephase } = self.spin_rates();
        let ChainSums { norm, quadratic, .. } = sums;
        let total = down * norm[1] + up * norm[0];
        let mut rates = [0.0; quantity::EVEN + activity::COUNT];
        for (i, [ground, excited]) in quadratic.iter().enumerate() {
            let place = quantity::TIMES_INVERSION + i;
            let (fallen, risen) = (down * excited, up * ground);
            rates[i] = fallen + risen - total * values[i];
            rates[place] = risen - fallen - total * values[place];
        }
        rates[quantity::INVERSION] = up * norm[0] - down * norm[1] - total * values[quantity::INVERSION];
        for place in quantity::X_COUPLING..=quantity::P_PRECESSION {
            rates[place] = -(total + 2.0 * dephase) * values[place];
        }
        for (level, rate, inversion) in [(1, down, -1.0), (0, up, 1.0)] {
            let (norm, number) = (norm[level], quadratic[0][level]);
            let by = if norm > 0.0 { number / norm - values[quantity::NUMBER] } else { 0.0 };
            rates[quantity::EVEN + activity::NUMBER] += rate * norm * by * by;
            let by: f64 = inversion - values[quantity::INVERSION];
            rates[quantity::EVEN + activity::INVERSION] += rate * norm * by * by;
        }
        rates
    }
}

impl Followed for Chain {
    fn followed(&self) -> usize {
        quantity::EVEN
    }

    fn follow(&self, _time: f64, ket: &Ket, scratch: &mut Scratch, values: &mut [f64]) {
        let sums = ChainSums::of(ket, scratch);
        values.copy_from_slice(&self.quantities(&sums));
    }

    fn follow_with_jumps(&self, time: f64, ket: &Ket, scratch: &mut Scratch, values: &mut [f64], rates: &mut [f64]) {
        let sums = ChainSums::of(ket, scratch);
        let now = self.quantities(&sums);
        values.copy_from_slice(&now);
        rates.copy_from_slice(&self.spin_jumps(&sums, &now));
        if !self.oscillator_jumps() {
            return;
        }
        for (index, channel) in self.channels().iter().enumerate().filter(|(_, channel)| channel.rate > 0.0) {
            if let Jump::Oscillator(jump) = channel.jump {
                let weight = jump.weight(ket, self.cutoff());
                let rate = channel.rate * weight / ket.norm_squared();
                self.add_jump((index, rate), time, ket, scratch, values, rates);
            }
        }
    }
}
