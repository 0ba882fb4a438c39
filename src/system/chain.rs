//! One spin without asymmetry on one parity chain |0,s⟩, |1,−s⟩, |2,s⟩ …: half the space, a tridiagonal H_eff.

use std::ops::Range;

use super::channel::{Channel, Jump, channels};
use super::expectation::populations_by_parity;
use super::{Generator, OpenSystem, Turned, kernel};
use crate::hilbert::{Cutoff, Ket, Window, product_ket};
use crate::model::{Model, OscillatorSpins, PurePreparation};

/// K = 1, ω = 0: H conserves (−1)^N τz and every jump keeps it (dephasing, of the spin or of the oscillator) or flips it, so a ket
/// that starts on one chain stays on one. On the chain of sector p the spin is in |+⟩ at level n exactly when n + p is odd.
#[derive(Debug, Clone)]
pub struct Chain {
    model: Model,
    frequency: f64,
    splitting: f64,
    coupling: f64,
    cutoff: Cutoff,
    channels: Vec<Channel>,
}

/// Where the zero of energy lies in a window that begins at the ground state, as a fraction of its span: kets are mostly low in
/// such windows, and their series falls the faster the nearer it is to them. Measured on the runs of Fig. 3.
const GROUNDED: f64 = 1.0 / 3.0;

impl Chain {
    /// The chain form of `model`, or `None` unless it has exactly one spin and conserves the parity.
    pub fn new(model: &OscillatorSpins, cutoff: Cutoff) -> Option<Self> {
        let [spin] = model.spins[..] else { return None };
        let model = Model::OscillatorSpins(model.clone());
        model.conserves_parity().then(|| {
            let channels = channels(&model);
            Self {
                frequency: model.frequency(),
                splitting: spin.splitting(),
                coupling: spin.coupling * spin.sin_theta(),
                cutoff,
                channels,
                model,
            }
        })
    }

    /// Energy and amplitude decay rate ½Σ‖L_m|n,s⟩‖² of a basis state.
    fn diagonal(&self, n: usize, excited: bool) -> (f64, f64) {
        let level = n as f64;
        let energy = self.frequency * level + if excited { 0.5 } else { -0.5 } * self.splitting;
        let decay = self.channels.iter().map(|channel| match channel.jump {
            Jump::SpinDown(_) if excited => channel.rate,
            Jump::SpinUp(_) if !excited => channel.rate,
            Jump::SpinDown(_) | Jump::SpinUp(_) | Jump::Positive | Jump::Negative => 0.0,
            Jump::Dephase(_) => channel.rate,
            Jump::Oscillator(jump) => channel.rate * jump.decay(n, self.cutoff),
        });
        (energy, 0.5 * decay.sum::<f64>())
    }
}

/// Whether the spin is excited at level `n` of chain `sector`.
fn excited(n: usize, sector: usize) -> bool {
    (n + sector) % 2 == 1
}

/// Tables of H_eff on one window, in units of `scale`, for both sectors.
#[derive(Debug, Clone)]
pub struct ChainGenerator {
    window: Window,
    scale: f64,
    mean_decay: f64,
    energy: [Vec<f64>; 2],
    /// −D.
    growth: [Vec<f64>; 2],
    /// g√n/scale between window levels j − 1 and j; the first and the last lead out of the window.
    coupling: Vec<f64>,
}

impl OpenSystem for Chain {
    type Generator = ChainGenerator;

    fn model(&self) -> &Model {
        &self.model
    }

    fn has_parity(&self) -> bool {
        true
    }

    fn cutoff(&self) -> Cutoff {
        self.cutoff
    }

    fn rows(&self) -> usize {
        1
    }

    fn channels(&self) -> &[Channel] {
        &self.channels
    }

    fn generator(&self, window: Window) -> ChainGenerator {
        let live = window.live(self.cutoff);
        let table = |sector| -> Vec<(f64, f64)> {
            (0..live).map(|j| self.diagonal(window.lo() + j, excited(window.lo() + j, sector))).collect()
        };
        let tables = [table(0), table(1)];
        let mut coupling: Vec<f64> =
            (0..=window.len()).map(|j| self.coupling * ((window.lo() + j) as f64).sqrt()).collect();
        if live < window.len() || window.at_cutoff(self.cutoff) {
            coupling[live..].fill(0.0);
        }
        let span = |pick: fn(&(f64, f64)) -> f64| {
            let values = tables.iter().flatten().map(pick);
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
        };
        let (energies, decays) = (span(|t| t.0), span(|t| t.1));
        let place = if window.lo() == 0 { GROUNDED } else { 0.5 };
        let centre = energies.0 + place * (energies.1 - energies.0);
        let mean_decay = 0.5 * (decays.0 + decays.1);
        // ‖A‖ is at most the largest sum of the sizes in a row, as those are the same in the column.
        let inside = &coupling[1..live.max(1)];
        let at = |j: Option<usize>| j.and_then(|j| inside.get(j)).map_or(0.0, |c| c.abs());
        let row =
            |(j, t): (usize, &(f64, f64))| (t.0 - centre).hypot(t.1 - mean_decay) + at(j.checked_sub(1)) + at(Some(j));
        let scale = tables.iter().flat_map(|table| table.iter().enumerate().map(row)).fold(0.0, f64::max);
        let scaled = |pick: fn(&(f64, f64)) -> f64, middle: f64, scale: f64| {
            tables.each_ref().map(|table| {
                let mut column: Vec<f64> = table.iter().map(|t| (pick(t) - middle) / scale).collect();
                column.resize(window.len(), 0.0);
                column
            })
        };
        let (energy, growth) = (scaled(|t| t.0, centre, scale), scaled(|t| t.1, mean_decay, -scale));
        for c in &mut coupling {
            *c /= scale;
        }
        ChainGenerator { window, scale, mean_decay, energy, growth, coupling }
    }

    fn prepare(&self, state: &PurePreparation, tail: f64, ket: &mut Ket) -> f64 {
        let clipped = product_ket(ket, state.oscillator, 0, tail, super::GUARD, self.cutoff);
        let crate::model::PureOscillator::Fock(n) = state.oscillator else {
            unreachable!("a chain is chosen only for number states");
        };
        ket.sector = (n + (state.excited & 1) as usize) % 2;
        clipped
    }

    fn weights(&self, ket: &Ket, weights: &mut [f64]) {
        let parity = populations_by_parity(ket, 0);
        let (down, up) = (parity[1 - ket.sector], parity[ket.sector]);
        for (weight, channel) in weights.iter_mut().zip(&self.channels) {
            *weight = channel.rate
                * match channel.jump {
                    Jump::SpinDown(_) => down,
                    Jump::SpinUp(_) => up,
                    Jump::Dephase(_) => down + up,
                    Jump::Oscillator(jump) => jump.weight(ket, self.cutoff),
                    Jump::Positive | Jump::Negative => 0.0,
                };
        }
    }

    fn collapse(&self, channel: usize, ket: &mut Ket, scratch: &mut Ket) {
        let (lo, sector) = (ket.window().lo(), ket.sector);
        let mut multiply = |on_excited: f64, on_ground: f64| {
            let (re, im) = ket.row_mut(0);
            for (j, (re, im)) in re.iter_mut().zip(im).enumerate() {
                let factor = if excited(lo + j, sector) { on_excited } else { on_ground };
                *re *= factor;
                *im *= factor;
            }
        };
        match self.channels[channel].jump {
            Jump::SpinDown(_) => multiply(1.0, 0.0),
            Jump::SpinUp(_) => multiply(0.0, 1.0),
            Jump::Dephase(_) => return multiply(1.0, -1.0),
            Jump::Oscillator(jump) => {
                jump.apply(ket, scratch, self.cutoff);
                if !jump.reverses_parity() {
                    return;
                }
            }
            Jump::Positive | Jump::Negative => {}
        }
        ket.sector = 1 - sector;
    }
}

impl Generator for ChainGenerator {
    fn window(&self) -> Window {
        self.window
    }

    fn scale(&self) -> f64 {
        self.scale
    }

    fn mean_decay(&self) -> f64 {
        self.mean_decay
    }

    fn apply(&mut self, sector: usize, from: &[f64], _turned: Option<&Turned>, to: &mut [f64]) {
        kernel::chain(&self.energy[sector], &self.growth[sector], &self.coupling, from, to);
    }

    fn powers(&mut self, sector: usize, vectors: &mut [f64], width: usize, powers: Range<usize>) {
        kernel::chain_powers(&self.energy[sector], &self.growth[sector], &self.coupling, vectors, width, powers);
    }

    fn leak(&self) -> [f64; 2] {
        [self.coupling[0].abs(), self.coupling[self.window.len()].abs()]
    }

    fn reach(&self) -> usize {
        1
    }
}
