//! The register's kets of definite parity: one spin is tied to the level and to the other spins.

use super::Register;
use crate::hilbert::{Cutoff, Ket};
use crate::model::{Model, OscillatorPreparation, OscillatorSpins, PureOscillator, PurePreparation};
use crate::system::{Experiment, MovingFrame};

/// The class of a row: the tied spin is in |+⟩ where the level and this add up to an odd number. One level more, one spin more in
/// |+⟩, or the other sector change it.
fn class(row: usize, sector: usize) -> usize {
    (row.count_ones() as usize + sector) % 2
}

impl Register {
    /// The register of an experiment: with a tied spin where its kets have definite parity, and otherwise in the frame that
    /// [`MovingFrame::of`] finds for it.
    pub fn of(experiment: &Experiment) -> Self {
        let parity = match (&experiment.model, experiment.oscillator) {
            (_, OscillatorPreparation::Coherent(_)) => None,
            (Model::OscillatorSpins(model), _) => Self::with_parity(model, experiment.cutoff),
            (Model::Adiabatic(_) | Model::BornMarkov(_), _) => None,
        };
        parity.unwrap_or_else(|| Self {
            frame: MovingFrame::of(experiment),
            ..Self::new(&experiment.model, experiment.cutoff)
        })
    }

    /// The register for number states, on half the rows: H conserves (−1)^N Πτz when no asymmetry couples to X, and every jump but
    /// dephasing reverses it. `None` otherwise, or without spins.
    pub fn with_parity(model: &OscillatorSpins, cutoff: Cutoff) -> Option<Self> {
        let (last, model) = (model.spins.len().checked_sub(1), Model::OscillatorSpins(model.clone()));
        let tied = last.filter(|_| model.conserves_parity());
        tied.map(|_| Self { tied, ..Self::new(&model, cutoff) })
    }

    /// The parity label of the kets of a state: that of n + the number of spins in |+⟩.
    pub(super) fn sector_of(&self, state: &PurePreparation) -> usize {
        match (self.tied, state.oscillator) {
            (Some(_), PureOscillator::Fock(n)) => (n + state.excited.count_ones() as usize) % 2,
            (Some(_), PureOscillator::Coherent(_)) => unreachable!("parity is used for number states only"),
            (None, _) => 0,
        }
    }

    /// After a jump that reverses the parity.
    pub(super) fn change_parity(&self, ket: &mut Ket) {
        if self.tied.is_some() {
            ket.sector = 1 - ket.sector;
        }
    }

    /// What X multiplies on a row itself.
    pub(super) fn own(&self, row: usize) -> f64 {
        let Some(tied) = self.tied else { return self.diagonal[row] };
        self.flips.last().filter(|(bit, _)| *bit == 1 << tied).map_or(0.0, |(_, strength)| *strength)
    }

    /// Bit and strength of the spins with which X flips a row into another.
    pub(super) fn partners(&self) -> &[(usize, f64)] {
        let beyond = |(bit, _): &&(usize, f64)| self.tied.is_some_and(|tied| *bit == 1 << tied);
        &self.flips[..self.flips.len() - usize::from(self.flips.last().filter(beyond).is_some())]
    }

    /// Spin energy and amplitude decay of the rows, and what the tied spin adds to both in |+⟩ and takes from them in |−⟩.
    pub(super) fn layout_terms(&self) -> (Vec<(f64, f64)>, (f64, f64)) {
        let Some(tied) = self.tied else { return (self.row_terms.clone(), (0.0, 0.0)) };
        let (ground, excited) = self.row_terms.split_at(1 << tied);
        let middle = |(a, b): (&(f64, f64), &(f64, f64))| (0.5 * (a.0 + b.0), 0.5 * (a.1 + b.1));
        let half = (0.5 * (excited[0].0 - ground[0].0), 0.5 * (excited[0].1 - ground[0].1));
        (ground.iter().zip(excited).map(middle).collect(), half)
    }

    /// Populations of a row with a spin in |−⟩ and in |+⟩, from those at even and at odd levels.
    pub(super) fn spin_populations(&self, spin: usize, row: usize, sector: usize, parity: [f64; 2]) -> [f64; 2] {
        if self.tied == Some(spin) {
            let class = class(row, sector);
            return [parity[class], parity[1 - class]];
        }
        let population = parity[0] + parity[1];
        if row >> spin & 1 == 1 { [0.0, population] } else { [population, 0.0] }
    }
}

/// Multiplies the amplitudes with the tied spin in |−⟩ and in |+⟩.
pub(super) fn multiply_tied(ket: &mut Ket, on_ground: f64, on_excited: f64) {
    let (lo, sector) = (ket.window().lo(), ket.sector);
    for row in 0..ket.rows() {
        let class = class(row, sector);
        let (re, im) = ket.row_mut(row);
        for (j, (re, im)) in re.iter_mut().zip(im).enumerate() {
            let factor = if (lo + j + class) % 2 == 1 { on_excited } else { on_ground };
            *re *= factor;
            *im *= factor;
        }
    }
}
