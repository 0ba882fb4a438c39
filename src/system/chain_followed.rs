//! What a parity chain follows for control variates: every spin channel from one pass over the ket.

use super::chain::SpinRates;
use super::followed::{Followed, Scratch, Sums, activity};
use super::{Chain, Jump, OpenSystem, quantity};
use crate::hilbert::Ket;

/// The quantities of a chain.
type Quantities = [f64; quantity::EVEN];

/// The rates at which jumps change them, and the activity.
type Rates = [f64; quantity::EVEN + activity::COUNT];

impl Chain {
    /// Sums over the levels where the spin is in |−⟩ and where it is in |+⟩ (bra side), of the normalised ket.
    fn sums(ket: &Ket, scratch: &mut Scratch) -> [Sums; 2] {
        let row = ket.padded_row(0);
        let parity = Sums::by_parity(&mut scratch.roots, ket.window(), row, row);
        let factor = 1.0 / (parity[0].norm + parity[1].norm);
        [parity[ket.sector].scaled(factor), parity[1 - ket.sector].scaled(factor)]
    }

    /// All quantities of one ket.
    #[inline]
    fn quantities(&self, [ground, excited]: &[Sums; 2]) -> Quantities {
        let (g, e) = (ground.quadratic(), excited.quadratic());
        let mut values = [0.0; quantity::EVEN];
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
        values
    }

    /// The mean rates of change by jumps of the spin channels, and their activity. One of them leaves one level of the spin only, with the
    /// amplitudes that were on the other; dephasing reverses the coherence between them.
    #[inline]
    fn spin_jumps(&self, [ground, excited]: &[Sums; 2], values: &Quantities) -> Rates {
        let SpinRates { down, up, dephase } = self.spin_rates();
        let total = down * excited.norm + up * ground.norm;
        let (g, e) = (ground.quadratic(), excited.quadratic());
        let mut rates = [0.0; quantity::EVEN + activity::COUNT];
        for i in 0..4 {
            let place = quantity::TIMES_INVERSION + i;
            rates[i] = down * e[i] + up * g[i] - total * values[i];
            rates[place] = up * g[i] - down * e[i] - total * values[place];
        }
        rates[quantity::INVERSION] = up * ground.norm - down * excited.norm - total * values[quantity::INVERSION];
        for place in quantity::X_COUPLING..=quantity::P_PRECESSION {
            rates[place] = -(total + 2.0 * dephase) * values[place];
        }
        for (rate, level, number, inversion) in [(down, excited, e[0], -1.0), (up, ground, g[0], 1.0)] {
            let by = if level.norm > 0.0 { number / level.norm - values[quantity::NUMBER] } else { 0.0 };
            rates[quantity::EVEN + activity::NUMBER] += rate * level.norm * by * by;
            let by: f64 = inversion - values[quantity::INVERSION];
            rates[quantity::EVEN + activity::INVERSION] += rate * level.norm * by * by;
        }
        rates
    }
}

impl Followed for Chain {
    fn followed(&self) -> usize {
        quantity::EVEN
    }

    fn follow(&self, _time: f64, ket: &Ket, scratch: &mut Scratch, values: &mut [f64]) {
        let sums = Self::sums(ket, scratch);
        values.copy_from_slice(&self.quantities(&sums));
    }

    fn follow_with_jumps(&self, time: f64, ket: &Ket, scratch: &mut Scratch, values: &mut [f64], rates: &mut [f64]) {
        let sums = Self::sums(ket, scratch);
        let now = self.quantities(&sums);
        values.copy_from_slice(&now);
        rates.copy_from_slice(&self.spin_jumps(&sums, &now));
        if !self.has_ladders() {
            return;
        }
        for (index, channel) in self.channels().iter().enumerate().filter(|(_, channel)| channel.rate > 0.0) {
            if let Jump::Ladder { lower, raise } = channel.jump {
                let weight = super::ladder::ladder_weight(ket, lower, raise, self.cutoff());
                let rate = channel.rate * weight / ket.norm_squared();
                self.add_jump((index, rate), time, ket, scratch, values, rates);
            }
        }
    }
}
