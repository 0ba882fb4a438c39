//! ρ(0) of an experiment, and how many Fock levels it needs.

use std::collections::HashMap;

use num_complex::Complex64;

use crate::hilbert::{Cutoff, OscillatorAmplitudes};
use crate::model::{OscillatorPreparation, PureOscillator};
use crate::system::Experiment;

/// Levels that the initial state needs.
pub fn initial_levels(experiment: &Experiment) -> usize {
    match experiment.oscillator {
        OscillatorPreparation::Fock(n) => n + 1,
        OscillatorPreparation::Coherent(_) => mixture(experiment, Cutoff::Auto)
            .iter()
            .map(|(_, state)| state.lo + state.amplitudes.len())
            .max()
            .unwrap_or(1),
        OscillatorPreparation::Thermal(nbar) => 1 + thermal_levels(nbar),
    }
}

/// Levels of a thermal state with a weight above 1e-18.
fn thermal_levels(nbar: f64) -> usize {
    if nbar == 0.0 { 1 } else { (THERMAL_TAIL.ln() / (nbar / (nbar + 1.0)).ln()).ceil() as usize }
}

/// Weight at which a thermal mixture is cut.
const THERMAL_TAIL: f64 = 1e-18;

/// The initial oscillator state as (weight, pure state) parts.
fn mixture(experiment: &Experiment, cutoff: Cutoff) -> Vec<(f64, OscillatorAmplitudes)> {
    const TAIL: f64 = 1e-24;
    let pure = |state| OscillatorAmplitudes::new(state, TAIL, cutoff);
    match experiment.oscillator {
        OscillatorPreparation::Fock(n) => vec![(1.0, pure(PureOscillator::Fock(n)))],
        OscillatorPreparation::Coherent(alpha) => vec![(1.0, pure(PureOscillator::Coherent(alpha)))],
        OscillatorPreparation::Thermal(nbar) => {
            let ratio = nbar / (nbar + 1.0);
            let weights = std::iter::successors(Some(1.0 - ratio), |weight| Some(weight * ratio));
            let kept = weights.take_while(|weight| *weight > THERMAL_TAIL).enumerate();
            let held = kept.take_while(|(n, _)| cutoff.holds(*n));
            held.map(|(n, weight)| (weight, pure(PureOscillator::Fock(n)))).collect()
        }
    }
}

/// ρ(0) by entry (i ≤ j), normalised, and the population that the cutoff took away.
pub fn initial_entries(experiment: &Experiment, levels: usize) -> (HashMap<(u32, u32), Complex64>, f64) {
    let spins = experiment.model.spins();
    let parts = mixture(experiment, Cutoff::Levels(levels));
    let total: f64 = parts.iter().map(|part| part.0).sum();
    let lost = parts.iter().map(|part| part.0 * part.1.clipped).sum::<f64>() + (1.0 - total).max(0.0);
    let mut entries = HashMap::new();
    for row in 0..1usize << spins.len() {
        let weight: f64 = (spins.iter().enumerate())
            .map(|(i, spin)| {
                let excited = spin.initial_excited_probability();
                if row >> i & 1 == 1 { excited } else { 1.0 - excited }
            })
            .product();
        if weight == 0.0 {
            continue;
        }
        for (share, state) in &parts {
            for (a, left) in state.amplitudes.iter().enumerate() {
                for (b, right) in state.amplitudes.iter().enumerate().skip(a) {
                    let key = ((row * levels + state.lo + a) as u32, (row * levels + state.lo + b) as u32);
                    *entries.entry(key).or_insert(Complex64::ZERO) += weight * share / total * left * right.conj();
                }
            }
        }
    }
    (entries, lost)
}
