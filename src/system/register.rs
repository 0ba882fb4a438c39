//! Any number of spins, zero included: 2^K rows over the Fock window, or half of them; general couplings and jumps of the oscillator.

mod displaced;
mod generator;
mod kernel;
mod parity;
mod turning;

use num_complex::Complex64;

pub use generator::RegisterGenerator;
use parity::multiply_tied;

use super::channel::{Channel, Jump, channels};
use super::displaced_populations::displaced_populations;
use super::expectation::{level_populations, populations_by_parity};
use super::{GUARD, MovingFrame, OpenSystem, OscillatorJump};
use crate::hilbert::{Cutoff, Ket, Window, product_ket};
use crate::model::{Model, PurePreparation};

/// Oscillator ⊗ K spins in their energy eigenbases; row s has bit i set where spin i is in |+⟩.
///
/// Kets of definite parity take half the rows: the last spin is then tied to the level and the others, in |+⟩ where n, the number
/// of others in |+⟩ and the ket's sector add up to an odd number. Others may live in a [`MovingFrame`] (levels are then counted
/// there). Observables, populations and followed quantities are the laboratory's.
#[derive(Debug, Clone)]
pub struct Register {
    model: Model,
    frequency: f64,
    cutoff: Cutoff,
    channels: Vec<Channel>,
    /// Σ ±g cos θ of every row: what X multiplies on the row itself.
    diagonal: Vec<f64>,
    /// g sin θ of every spin that X flips, with the spin's bit.
    flips: Vec<(usize, f64)>,
    /// Spin energy and spin part of the amplitude decay, per row.
    row_terms: Vec<(f64, f64)>,
    /// Where kets live; in the laboratory if `None`.
    frame: Option<MovingFrame>,
    /// The spin that parity ties to the others, the last one.
    tied: Option<usize>,
}

impl Register {
    /// The register form of any model, in the laboratory.
    pub fn new(model: &Model, cutoff: Cutoff) -> Self {
        let spins = model.spins();
        let rows = 1 << spins.len();
        let channels = channels(model);
        let sign = |row: usize, spin: usize| if row >> spin & 1 == 1 { 1.0 } else { -1.0 };
        let row_sum = |row: usize, term: fn(&crate::model::Spin) -> f64| -> f64 {
            spins.iter().enumerate().map(|(i, spin)| sign(row, i) * term(spin)).sum()
        };
        let decay = |row: usize| -> f64 {
            let rate = |channel: &Channel| match channel.jump {
                Jump::SpinDown(i) => channel.rate * (row >> i & 1) as f64,
                Jump::SpinUp(i) => channel.rate * (1 - (row >> i & 1)) as f64,
                Jump::Dephase(_) => channel.rate,
                // The oscillator's decay goes with the level, not with the row.
                Jump::Oscillator(_) | Jump::Positive | Jump::Negative => 0.0,
            };
            0.5 * channels.iter().map(rate).sum::<f64>()
        };
        Self {
            model: model.clone(),
            frequency: model.frequency(),
            cutoff,
            diagonal: (0..rows).map(|row| row_sum(row, |spin| spin.coupling * spin.cos_theta())).collect(),
            flips: (spins.iter().enumerate())
                .map(|(i, spin)| (1 << i, spin.coupling * spin.sin_theta()))
                .filter(|(_, strength)| *strength != 0.0)
                .collect(),
            row_terms: (0..rows).map(|row| (row_sum(row, |spin| 0.5 * spin.splitting()), decay(row))).collect(),
            channels,
            frame: None,
            tied: None,
        }
    }

    /// The rates and operators of the channels of the oscillator.
    fn oscillator_jumps(&self) -> impl Iterator<Item = (f64, OscillatorJump)> {
        self.channels.iter().filter_map(|channel| match channel.jump {
            Jump::Oscillator(jump) => (channel.rate > 0.0).then_some((channel.rate, jump)),
            Jump::SpinDown(_) | Jump::SpinUp(_) | Jump::Dephase(_) | Jump::Positive | Jump::Negative => None,
        })
    }

    /// Bound on the norm of the spin operator that multiplies X.
    fn coupling_norm(&self) -> f64 {
        let diagonal = self.diagonal.iter().fold(0.0, |max: f64, d| max.max(d.abs()));
        diagonal + self.flips.iter().map(|(_, strength)| strength.abs()).sum::<f64>()
    }
}

impl OpenSystem for Register {
    type Generator = RegisterGenerator;

    fn model(&self) -> &Model {
        &self.model
    }

    fn has_parity(&self) -> bool {
        self.tied.is_some()
    }

    fn displacement(&self, time: f64) -> Option<Complex64> {
        self.frame.map(|frame| frame.at(time))
    }

    fn cutoff(&self) -> Cutoff {
        self.cutoff
    }

    fn rows(&self) -> usize {
        self.row_terms.len() >> usize::from(self.tied.is_some())
    }

    fn channels(&self) -> &[Channel] {
        &self.channels
    }

    fn generator(&self, window: Window) -> RegisterGenerator {
        RegisterGenerator::new(self, window)
    }

    fn prepare(&self, state: &PurePreparation, tail: f64, ket: &mut Ket) -> f64 {
        let oscillator = self.seen_from_frame(state.oscillator);
        let row = state.excited as usize & (self.rows() - 1);
        let clipped = product_ket(ket, oscillator, row, tail, GUARD, self.cutoff);
        ket.sector = self.sector_of(state);
        clipped
    }

    fn weights(&self, ket: &Ket, weights: &mut [f64]) {
        weights.fill(0.0);
        for row in 0..ket.rows() {
            let parity = populations_by_parity(ket, row);
            let of = |spin| self.spin_populations(spin, row, ket.sector, parity);
            for (weight, channel) in weights.iter_mut().zip(&self.channels) {
                *weight += match channel.jump {
                    Jump::SpinDown(i) => channel.rate * of(i)[1],
                    Jump::SpinUp(i) => channel.rate * of(i)[0],
                    Jump::Dephase(_) => channel.rate * (parity[0] + parity[1]),
                    // Below, from the whole ket.
                    Jump::Oscillator(_) | Jump::Positive | Jump::Negative => 0.0,
                };
            }
        }
        for (weight, channel) in weights.iter_mut().zip(&self.channels) {
            if let Jump::Oscillator(jump) = channel.jump {
                *weight = channel.rate * jump.weight(ket, self.cutoff);
            }
        }
    }

    fn collapse(&self, channel: usize, ket: &mut Ket, scratch: &mut Ket) {
        match self.channels[channel].jump {
            Jump::SpinDown(i) if self.tied == Some(i) => multiply_tied(ket, 0.0, 1.0),
            Jump::SpinUp(i) if self.tied == Some(i) => multiply_tied(ket, 1.0, 0.0),
            Jump::SpinDown(i) => move_rows(ket, 1 << i, true),
            Jump::SpinUp(i) => move_rows(ket, 1 << i, false),
            Jump::Dephase(i) if self.tied == Some(i) => return multiply_tied(ket, -1.0, 1.0),
            Jump::Dephase(i) => {
                for row in (0..ket.rows()).filter(|row| row >> i & 1 == 0) {
                    let (re, im) = ket.row_mut(row);
                    re.iter_mut().chain(im).for_each(|x| *x = -*x);
                }
                return;
            }
            Jump::Oscillator(jump) => {
                jump.apply(ket, scratch, self.cutoff);
                if !jump.reverses_parity() {
                    return;
                }
            }
            Jump::Positive | Jump::Negative => {}
        }
        self.change_parity(ket);
    }

    fn populations_at(&self, time: f64, ket: &Ket, populations: &mut Vec<f64>) {
        match self.displacement(time) {
            Some(alpha) => displaced_populations(ket, alpha, populations),
            None => level_populations(ket, self.cutoff, populations),
        }
    }

    fn highest(&self, window: Window) -> usize {
        let hi = window.lo() + window.live(self.cutoff);
        self.frame.map_or(hi, |frame| frame.levels(hi))
    }
}

/// Moves every row with `bit` equal to `set` to its partner with the bit flipped, and empties it.
fn move_rows(ket: &mut Ket, bit: usize, set: bool) {
    for row in (0..ket.rows()).filter(|row| (row & bit != 0) == set) {
        let (from, to) = ket.row_pair_mut(row, row ^ bit);
        to.0.copy_from_slice(from.0);
        to.1.copy_from_slice(from.1);
        from.0.fill(0.0);
        from.1.fill(0.0);
    }
}
