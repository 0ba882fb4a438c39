//! Any number of spins, zero included: 2^K rows over the Fock window, general couplings and ladder channels.

use num_complex::Complex64;

use super::channel::{Channel, Jump, channels};
use super::expectation::{lowering, lowering_twice, number_moments, populations_by_parity};
use super::ladder::{apply_ladder, ladder_weight};
use super::{GUARD, Generator, Observable, OpenSystem, kernel};
use crate::hilbert::{Cutoff, Ket, Window, product_ket};
use crate::model::{Model, PurePreparation};

/// Oscillator ⊗ K spins in their energy eigenbases; row s has bit i set where spin i is in |+⟩.
#[derive(Debug, Clone)]
pub struct Register {
    frequency: f64,
    cutoff: Cutoff,
    channels: Vec<Channel>,
    splittings: Vec<f64>,
    /// Σ ±g cos θ of every row: what X multiplies on the row itself.
    diagonal: Vec<f64>,
    /// g sin θ of every spin that X flips, with the spin's bit.
    flips: Vec<(usize, f64)>,
    /// Spin energy and spin part of the amplitude decay, per row.
    row_terms: Vec<(f64, f64)>,
}

impl Register {
    /// The register form of any model.
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
                Jump::SpinDown(i) if row >> i & 1 == 1 => channel.rate,
                Jump::SpinUp(i) if row >> i & 1 == 0 => channel.rate,
                Jump::Dephase(_) => channel.rate,
                _ => 0.0,
            };
            0.5 * channels.iter().map(rate).sum::<f64>()
        };
        Self {
            frequency: model.frequency(),
            cutoff,
            splittings: spins.iter().map(crate::model::Spin::splitting).collect(),
            diagonal: (0..rows).map(|row| row_sum(row, |spin| spin.coupling * spin.cos_theta())).collect(),
            flips: (spins.iter().enumerate())
                .map(|(i, spin)| (1 << i, spin.coupling * spin.sin_theta()))
                .filter(|(_, strength)| *strength != 0.0)
                .collect(),
            row_terms: (0..rows).map(|row| (row_sum(row, |spin| 0.5 * spin.splitting()), decay(row))).collect(),
            channels,
        }
    }

    /// Ω₀.
    pub(super) fn frequency(&self) -> f64 {
        self.frequency
    }

    /// ω̃ of every spin.
    pub(super) fn splittings(&self) -> &[f64] {
        &self.splittings
    }

    /// What X multiplies on every row itself.
    pub(super) fn diagonal(&self) -> &[f64] {
        &self.diagonal
    }

    /// Bit and strength of every spin that X flips.
    pub(super) fn flips(&self) -> &[(usize, f64)] {
        &self.flips
    }

    /// The ladder channels: (rate, u, v).
    fn ladders(&self) -> impl Iterator<Item = (f64, Complex64, Complex64)> {
        self.channels.iter().filter_map(|channel| match channel.jump {
            Jump::Ladder { lower, raise } if channel.rate > 0.0 => Some((channel.rate, lower, raise)),
            _ => None,
        })
    }

    /// Bound on the norm of the spin operator that multiplies X.
    fn coupling_norm(&self) -> f64 {
        let diagonal = self.diagonal.iter().fold(0.0, |max: f64, d| max.max(d.abs()));
        diagonal + self.flips.iter().map(|(_, strength)| strength.abs()).sum::<f64>()
    }

    fn inversion(ket: &Ket, spin: usize) -> f64 {
        let signed = |row: usize| {
            let population: f64 = populations_by_parity(ket, row).iter().sum();
            if row >> spin & 1 == 1 { population } else { -population }
        };
        (0..ket.rows()).map(signed).sum()
    }

    /// ⟨X ⊗ A⟩ with A the spin operator of the coupling.
    fn interaction(&self, ket: &Ket) -> f64 {
        let own = |row: usize| match self.diagonal[row] {
            0.0 => 0.0,
            strength => strength * lowering(ket, row, row).re,
        };
        let flipped = |row: usize| -> f64 {
            self.flips.iter().map(|&(bit, strength)| strength * lowering(ket, row, row ^ bit).re).sum()
        };
        (0..ket.rows()).map(|row| 2.0 * (own(row) + flipped(row))).sum()
    }
}

impl OpenSystem for Register {
    type Generator = RegisterGenerator;

    fn cutoff(&self) -> Cutoff {
        self.cutoff
    }

    fn rows(&self) -> usize {
        self.row_terms.len()
    }

    fn channels(&self) -> &[Channel] {
        &self.channels
    }

    fn generator(&self, window: Window) -> RegisterGenerator {
        RegisterGenerator::new(self, window)
    }

    fn prepare(&self, state: &PurePreparation, tail: f64, ket: &mut Ket) -> f64 {
        product_ket(ket, state.oscillator, state.excited as usize, tail, GUARD, self.cutoff)
    }

    fn weights(&self, ket: &Ket, weights: &mut [f64]) {
        weights.fill(0.0);
        for row in 0..ket.rows() {
            let population: f64 = populations_by_parity(ket, row).iter().sum();
            for (weight, channel) in weights.iter_mut().zip(&self.channels) {
                *weight += match channel.jump {
                    Jump::SpinDown(i) if row >> i & 1 == 1 => channel.rate * population,
                    Jump::SpinUp(i) if row >> i & 1 == 0 => channel.rate * population,
                    Jump::Dephase(_) => channel.rate * population,
                    _ => 0.0,
                };
            }
        }
        for (weight, channel) in weights.iter_mut().zip(&self.channels) {
            if let Jump::Ladder { lower, raise } = channel.jump {
                *weight = channel.rate * ladder_weight(ket, lower, raise, self.cutoff);
            }
        }
    }

    fn collapse(&self, channel: usize, ket: &mut Ket, scratch: &mut Ket) {
        match self.channels[channel].jump {
            Jump::SpinDown(i) => move_rows(ket, 1 << i, true),
            Jump::SpinUp(i) => move_rows(ket, 1 << i, false),
            Jump::Dephase(i) => {
                for row in (0..ket.rows()).filter(|row| row >> i & 1 == 0) {
                    let (re, im) = ket.row_mut(row);
                    re.iter_mut().chain(im).for_each(|x| *x = -*x);
                }
            }
            Jump::Ladder { lower, raise } => apply_ladder(ket, scratch, lower, raise, self.cutoff),
            Jump::Positive | Jump::Negative => {}
        }
    }

    fn observe(&self, ket: &Ket, observables: &[Observable], values: &mut [f64]) {
        let moments = number_moments(ket);
        let lowered = || -> Complex64 { (0..ket.rows()).map(|row| lowering(ket, row, row)).sum() };
        let quadrature = |sign: f64| sign * 2.0 * lowering_twice(ket).re + 2.0 * moments.first + moments.norm;
        for (value, observable) in values.iter_mut().zip(observables) {
            *value = match *observable {
                Observable::Number => moments.first,
                Observable::NumberSquared => moments.second,
                Observable::X => 2.0 * lowered().re,
                Observable::P => 2.0 * lowered().im,
                Observable::XSquared => quadrature(1.0),
                Observable::PSquared => quadrature(-1.0),
                Observable::Inversion(spin) => Self::inversion(ket, spin),
                Observable::Energy => {
                    let spins = self.splittings.iter().enumerate();
                    self.frequency * moments.first
                        + spins.map(|(i, splitting)| 0.5 * splitting * Self::inversion(ket, i)).sum::<f64>()
                        + self.interaction(ket)
                }
            } / moments.norm;
        }
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

/// Tables of H_eff on one window, in units of `scale`.
#[derive(Debug, Clone)]
pub struct RegisterGenerator {
    window: Window,
    scale: f64,
    mean_decay: f64,
    energy: Vec<f64>,
    decay: Vec<f64>,
    rows: Vec<(f64, f64)>,
    diagonal: Vec<f64>,
    flips: Vec<(usize, f64)>,
    /// √n/scale between window levels j − 1 and j; the first and the last lead out of the window.
    coupling: Vec<f64>,
    coupling_norm: f64,
    squeeze: Option<Squeeze>,
    /// Σ A ψ of one row, with pads.
    coupled: Vec<f64>,
}

/// −½ Σ (u*v a†² + u v* a²) of the ladder channels.
#[derive(Debug, Clone)]
struct Squeeze {
    up: (f64, f64),
    down: (f64, f64),
    /// √(n(n−1))/scale from window level j − 2 to j, for j up to len + 1.
    band: Vec<f64>,
}

impl RegisterGenerator {
    fn new(system: &Register, window: Window) -> Self {
        let (lo, len, live) = (window.lo(), window.len(), window.live(system.cutoff));
        let closed = window.at_cutoff(system.cutoff) || live < len;
        let level = |j: usize| (lo + j) as f64;
        let decay_at = |j: usize| -> f64 {
            let room = if system.cutoff.holds(lo + j + 1) { level(j) + 1.0 } else { 0.0 };
            let rate =
                |(rate, u, v): (f64, Complex64, Complex64)| rate * (u.norm_sqr() * level(j) + v.norm_sqr() * room);
            0.5 * system.ladders().map(rate).sum::<f64>()
        };
        let mut decay: Vec<f64> = (0..live).map(decay_at).collect();
        let mut energy: Vec<f64> = (0..live).map(|j| system.frequency * level(j)).collect();
        let mut rows = system.row_terms.clone();
        let mut half_width = [0.0; 2];
        let mut mean_decay = 0.0;
        // Centre the level and the row parts separately; only the decay's centre matters, the energy's is a phase.
        for (part, values) in [(0, &mut energy), (1, &mut decay)] {
            let (low, high) = range(values.iter().copied());
            values.iter_mut().for_each(|x| *x -= 0.5 * (low + high));
            half_width[part] += 0.5 * (high - low);
            mean_decay += if part == 1 { 0.5 * (low + high) } else { 0.0 };
        }
        let (low, high) = range(rows.iter().map(|row| row.0));
        rows.iter_mut().for_each(|row| row.0 -= 0.5 * (low + high));
        half_width[0] += 0.5 * (high - low);
        let (low, high) = range(rows.iter().map(|row| row.1));
        rows.iter_mut().for_each(|row| row.1 -= 0.5 * (low + high));
        half_width[1] += 0.5 * (high - low);
        mean_decay += 0.5 * (low + high);

        let mut coupling: Vec<f64> = (0..=len).map(|j| level(j).sqrt()).collect();
        let mut band: Vec<f64> = (0..len + 2).map(|j| (level(j) * (level(j) - 1.0)).max(0.0).sqrt()).collect();
        if closed {
            coupling[live..].fill(0.0);
            band[live..].fill(0.0);
        }
        let (mut up, mut down) = (Complex64::ZERO, Complex64::ZERO);
        for (rate, u, v) in system.ladders() {
            up -= 0.5 * rate * u.conj() * v;
            down -= 0.5 * rate * u * v.conj();
        }
        let squeezes = up != Complex64::ZERO || down != Complex64::ZERO;
        let highest = |table: &[f64]| table[..live].last().copied().unwrap_or(0.0);
        let scale = half_width[0].hypot(half_width[1])
            + 2.0 * system.coupling_norm() * highest(&coupling)
            + (up.norm() + down.norm()) * highest(&band);
        let divide = |table: &mut Vec<f64>| table.iter_mut().for_each(|x| *x /= scale);
        for table in [&mut energy, &mut decay, &mut coupling, &mut band] {
            divide(table);
        }
        energy.resize(len, 0.0);
        decay.resize(len, 0.0);
        rows.iter_mut().for_each(|row| *row = (row.0 / scale, row.1 / scale));
        Self {
            window,
            scale,
            mean_decay,
            energy,
            decay,
            rows,
            diagonal: system.diagonal.clone(),
            flips: system.flips.clone(),
            coupling,
            coupling_norm: system.coupling_norm(),
            squeeze: squeezes.then_some(Squeeze { up: (up.re, up.im), down: (down.re, down.im), band }),
            coupled: vec![0.0; 2 * (len + 2 * crate::hilbert::PAD)],
        }
    }
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
}

impl Generator for RegisterGenerator {
    fn window(&self) -> Window {
        self.window
    }

    fn scale(&self) -> f64 {
        self.scale
    }

    fn mean_decay(&self) -> f64 {
        self.mean_decay
    }

    fn apply(&mut self, _sector: usize, from: &[f64], to: &mut [f64]) {
        let width = self.coupled.len();
        let row_of = |row: usize| &from[row * width..(row + 1) * width];
        let levels = (&self.energy[..], &self.decay[..]);
        for (row, to) in to.chunks_exact_mut(width).enumerate() {
            let (source, terms) = (row_of(row), self.rows[row]);
            match (self.diagonal[row], &self.flips[..]) {
                (own, []) => kernel::register_row(levels, terms, own, &self.coupling, source, source, to),
                (0.0, &[(bit, strength)]) => {
                    kernel::register_row(levels, terms, strength, &self.coupling, source, row_of(row ^ bit), to);
                }
                (own, flips) => {
                    kernel::accumulate(true, own, source, &mut self.coupled);
                    for &(bit, strength) in flips {
                        kernel::accumulate(false, strength, row_of(row ^ bit), &mut self.coupled);
                    }
                    kernel::register_row(levels, terms, 1.0, &self.coupling, source, &self.coupled, to);
                }
            }
            if let Some(Squeeze { up, down, band }) = &self.squeeze {
                kernel::squeeze_row(band, *up, *down, source, to);
            }
        }
    }

    fn leak(&self) -> [f64; 2] {
        let len = self.window.len();
        let (mut below, mut above) = (self.coupling[0], self.coupling[len]);
        below *= self.coupling_norm;
        above *= self.coupling_norm;
        if let Some(squeeze) = &self.squeeze {
            below += squeeze.down.0.hypot(squeeze.down.1) * squeeze.band[1];
            above += squeeze.up.0.hypot(squeeze.up.1) * squeeze.band[len + 1];
        }
        [below, above]
    }

    fn reach(&self) -> usize {
        if self.squeeze.is_some() { 2 } else { 1 }
    }
}
