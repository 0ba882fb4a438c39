//! The oscillator alone under a quadratic equation of motion, Eq. (23), in the frame that moves with its mean.

use num_complex::Complex64;

use super::channel::{Channel, Jump, channels};
use super::displaced_populations::displaced_populations;
use super::expectation::{NumberMoments, lowering_twice, number_moments};
use super::quadratic_kernel::Squeezing;
use super::splitting::{SecondMoments, Split};
use super::{GUARD, Generator, OpenSystem, OscillatorJump, Turned};
use crate::hilbert::{Cutoff, Ket, Window, product_ket};
use crate::model::{BornMarkov, Model, OscillatorPreparation, PureOscillator, PurePreparation, QuadraticForm};

/// Eq. (23) in any of its forms: a quadratic Hamiltonian and channels linear in a and a†.
///
/// Such an equation looks the same in a frame displaced by α(t) when α moves as ⟨a⟩ does: a coherent state starts as the vacuum
/// there. Kets live in that frame (levels and cutoff are counted in it), observables are those of the laboratory. Every
/// initial state then has definite parity, H_eff keeps it and every jump flips it, so that ⟨a⟩ in the frame is zero in every trajectory.
#[derive(Debug, Clone)]
pub struct Quadratic {
    model: Model,
    equation: BornMarkov,
    form: QuadraticForm,
    cutoff: Cutoff,
    channels: Vec<Channel>,
    /// ⟨a⟩ at first.
    alpha: Complex64,
}

impl Quadratic {
    /// The system of `model` that starts from `initial`.
    pub fn new(model: &BornMarkov, initial: OscillatorPreparation, cutoff: Cutoff) -> Self {
        let alpha = if let OscillatorPreparation::Coherent(alpha) = initial { alpha } else { Complex64::ZERO };
        let (equation, model) = (*model, Model::BornMarkov(*model));
        let channels = channels(&model);
        Self { model, equation, form: equation.quadratic_form(), cutoff, channels, alpha }
    }

    /// ⟨N⟩, ⟨N+1⟩ and ⟨a²⟩ of `ket`, normalised, and ‖ψ‖².
    fn second_moments(&self, ket: &Ket) -> (SecondMoments, f64) {
        let NumberMoments { norm, first, .. } = number_moments(ket);
        let raised = linear([Complex64::ZERO, Complex64::ONE]).weight(ket, self.cutoff);
        let squeezed = lowering_twice(ket) / norm;
        (SecondMoments { lowered: first / norm, raised: raised / norm, squeezed }, norm)
    }
}

impl OpenSystem for Quadratic {
    type Generator = QuadraticGenerator;

    fn model(&self) -> &Model {
        &self.model
    }

    fn has_parity(&self) -> bool {
        true
    }

    fn displacement(&self, time: f64) -> Option<Complex64> {
        Some(self.equation.mean_amplitude(self.alpha, time))
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

    fn generator(&self, window: Window) -> QuadraticGenerator {
        QuadraticGenerator::new(&self.form, self.cutoff, window)
    }

    fn prepare(&self, state: &PurePreparation, tail: f64, ket: &mut Ket) -> f64 {
        let relative = match state.oscillator {
            PureOscillator::Coherent(_) => PureOscillator::Fock(0),
            number => number,
        };
        product_ket(ket, relative, 0, tail, GUARD, self.cutoff)
    }

    fn weights(&self, ket: &Ket, weights: &mut [f64]) {
        if self.is_weighted() {
            let (moments, norm) = self.second_moments(ket);
            let rates = Split::of(&self.form, &moments).rates;
            weights.iter_mut().zip(rates).for_each(|(weight, rate)| *weight = norm * rate);
            return;
        }
        for (weight, channel) in weights.iter_mut().zip(&self.channels) {
            *weight = match channel.jump {
                Jump::Oscillator(jump) => match channel.rate > 0.0 {
                    true => channel.rate * jump.weight(ket, self.cutoff),
                    false => 0.0,
                },
                // There are no spins, and split channels have been dealt with.
                Jump::SpinDown(_) | Jump::SpinUp(_) | Jump::Dephase(_) | Jump::Positive | Jump::Negative => 0.0,
            };
        }
    }

    fn collapse(&self, channel: usize, ket: &mut Ket, scratch: &mut Ket) {
        let jump = match self.channels[channel].jump {
            Jump::Oscillator(jump) => jump,
            Jump::Positive => linear(Split::of(&self.form, &self.second_moments(ket).0).positive),
            Jump::Negative => linear(Split::of(&self.form, &self.second_moments(ket).0).negative),
            // There are no spins.
            Jump::SpinDown(_) | Jump::SpinUp(_) | Jump::Dephase(_) => return,
        };
        jump.apply(ket, scratch, self.cutoff);
    }

    fn populations_at(&self, time: f64, ket: &Ket, populations: &mut Vec<f64>) {
        displaced_populations(ket, self.equation.mean_amplitude(self.alpha, time), populations);
    }

    fn is_weighted(&self) -> bool {
        self.channels.iter().any(|channel| channel.jump == Jump::Negative)
    }
}

/// u a + v a†.
fn linear([lower, raise]: [Complex64; 2]) -> OscillatorJump {
    OscillatorJump::Linear { lower, raise }
}

/// Tables of H_eff on one window, in units of `scale`.
#[derive(Debug, Clone)]
pub struct QuadraticGenerator {
    window: Window,
    scale: f64,
    mean_decay: f64,
    energy: Vec<f64>,
    /// −D.
    growth: Vec<f64>,
    /// −ih* − ½c* of a†² and −ih − ½c of a².
    up: Complex64,
    down: Complex64,
    /// √(n(n−1))/scale from window level j − 2 to j, for j up to len + 1.
    band: Vec<f64>,
}

impl QuadraticGenerator {
    fn new(form: &QuadraticForm, cutoff: Cutoff, window: Window) -> Self {
        let (lo, len, live) = (window.lo(), window.len(), window.live(cutoff));
        let level = |j: usize| (lo + j) as f64;
        let room = |j: usize| if cutoff.holds(lo + j + 1) { level(j) + 1.0 } else { 0.0 };
        let mut energy: Vec<f64> = (0..live).map(|j| form.energy * level(j)).collect();
        let mut decay: Vec<f64> = (0..live).map(|j| 0.5 * (form.down * level(j) + form.up * room(j))).collect();
        // The energy's centre is a phase, the decay's is taken out of A.
        let centre = |values: &mut Vec<f64>| {
            let (low, high) =
                values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(*x), high.max(*x)));
            values.iter_mut().for_each(|x| *x -= 0.5 * (low + high));
            (0.5 * (low + high), 0.5 * (high - low))
        };
        let ((_, energies), (mean_decay, decays)) = (centre(&mut energy), centre(&mut decay));
        let mut band: Vec<f64> = (0..len + 2).map(|j| (level(j) * (level(j) - 1.0)).max(0.0).sqrt()).collect();
        if window.at_cutoff(cutoff) || live < len {
            band[live..].fill(0.0);
        }
        let highest = band[..live].last().copied().unwrap_or(0.0);
        let down = -Complex64::I * form.squeezing - 0.5 * form.cross;
        let up = -Complex64::I * form.squeezing.conj() - 0.5 * form.cross.conj();
        let scale = energies.hypot(decays) + (up.norm() + down.norm()) * highest;
        let scale = if scale > 0.0 { scale } else { 1.0 };
        for table in [&mut energy, &mut decay, &mut band] {
            table.iter_mut().for_each(|x| *x /= scale);
        }
        energy.resize(len, 0.0);
        decay.resize(len, 0.0);
        let growth = decay.into_iter().map(|decay| -decay).collect();
        Self { window, scale, mean_decay, energy, growth, up, down, band }
    }
}

impl Generator for QuadraticGenerator {
    fn window(&self) -> Window {
        self.window
    }

    fn scale(&self) -> f64 {
        self.scale
    }

    fn mean_decay(&self) -> f64 {
        self.mean_decay
    }

    fn apply(&mut self, _sector: usize, from: &[f64], _turned: Option<&Turned>, to: &mut [f64]) {
        let (up, down) = ((self.up.re, self.up.im), (self.down.re, self.down.im));
        Squeezing { band: &self.band, up, down }.beside(&self.energy, &self.growth, from, to);
    }

    fn leak(&self) -> [f64; 2] {
        [self.down.norm() * self.band[1], self.up.norm() * self.band[self.window.len() + 1]]
    }

    fn reach(&self) -> usize {
        2
    }
}
