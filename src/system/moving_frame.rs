//! The frame that a free coherent amplitude carries along, and when it pays to work in it.

use num_complex::Complex64;

use super::Experiment;
use crate::hilbert::Cutoff;
use crate::model::{Model, OscillatorPreparation};

/// How far a coherent state reaches in phase space (of a): its population beyond is below 10⁻¹⁸.
const WIDTH: f64 = 4.6;

/// How far a force of at most 1 that turns round at the best moments carries an oscillator per unit time.
const LONGEST_WAY: f64 = std::f64::consts::FRAC_2_PI;

/// ψ_lab = D(α(t))ψ with D(α) = e^{αa† − α*a} and α(t) = α e^{−iΩ₀t}, the amplitude without spins.
///
/// With S the spin operator that X couples to, D†HD − iD†Ḋ = Ω₀N + Σ(ω̃ᵢ/2)τzᵢ + S(X + 2 Re α(t)), up to a phase; jumps of the
/// spins are what they were. A coherent state begins as the vacuum, and is carried away from it by the spins alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MovingFrame {
    amplitude: Complex64,
    frequency: f64,
}

impl MovingFrame {
    /// The frame of the coherent amplitude `amplitude` at t = 0 of an oscillator of frequency Ω₀ = `frequency` > 0.
    pub fn new(amplitude: Complex64, frequency: f64) -> Self {
        Self { amplitude, frequency }
    }

    /// The frame an experiment is best run in: `None` where that is the laboratory's.
    ///
    /// It takes a coherent state, no cutoff (one counts levels of the laboratory), and no jumps of the oscillator (which
    /// are others in a moving frame). The force of the spins, at most ‖S‖, drives the ket at most 2‖S‖t/π away from the origin
    /// of the frame, into (4.6 + 2‖S‖t/π)² levels; in the laboratory it holds at least those of the coherent state, 4·4.6|α|.
    /// The frame moves where the first are fewer than the second: whatever the spins do, little is lost, and as measured much
    /// is gained from there on.
    pub fn of(experiment: &Experiment) -> Option<Self> {
        let (Model::OscillatorSpins(model), OscillatorPreparation::Coherent(amplitude), Cutoff::Auto) =
            (&experiment.model, experiment.oscillator, experiment.cutoff)
        else {
            return None;
        };
        let force: f64 = model.spins.iter().map(|spin| spin.coupling.abs()).sum();
        let reach = WIDTH + LONGEST_WAY * force * experiment.times.last().copied().unwrap_or(0.0);
        let pays = reach * reach < 4.0 * WIDTH * amplitude.norm();
        (pays && model.oscillator_is_free()).then(|| Self::new(amplitude, model.frequency))
    }

    /// α(t).
    pub fn at(&self, time: f64) -> Complex64 {
        self.amplitude * Complex64::cis(-self.frequency * time)
    }

    /// One above the highest level of the laboratory that kets on the levels below `hi` reach.
    pub fn levels(&self, hi: usize) -> usize {
        (self.amplitude.norm() + (hi as f64).sqrt()).powi(2).ceil() as usize
    }
}
