//! How first jumps are sampled: freely, or only trajectories that do jump, with the one that does not computed once.

use crate::unravelling::Chance;

/// How the first threshold of a trajectory is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sampling {
    /// Uniform in (0, 1): trajectories without a jump come up as often as they happen.
    #[default]
    Direct,
    /// Uniform in (p₀, 1), with p₀ the probability of no jump at all: every trajectory jumps. The one without jumps is run
    /// once and counts with its exact weight p₀ (Abdelhafez, Schuster and Koch, PRA 99, 052327 (2019)).
    NoJump,
    /// The same, and each block takes one threshold from each of as many equal parts of (p₀, 1) as it has trajectories.
    Stratified,
}

/// The trajectory without jumps.
///
/// With w = 1 − p₀ the record of a trajectory that jumps, y, becomes p₀ y₀ + w y: its mean over such trajectories is that of
/// all, and so is the mean of its corrected values. Means, errors, control variates and stopping rules then need to know
/// nothing of the sampling. Jumps count w each.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// Probability p₀ of no jump before the end of the run.
    pub probability: f64,
    /// Its record.
    pub record: Vec<f64>,
    /// Its corrected values; empty without controls.
    pub corrected: Vec<f64>,
    /// Its Fock populations at the end.
    pub fock: Vec<f64>,
    /// Whether thresholds are stratified.
    pub stratified: bool,
}

impl Baseline {
    /// The weight w of a trajectory that jumps.
    pub fn weight(&self) -> f64 {
        1.0 - self.probability
    }

    /// Turns the record of a trajectory that jumped into one for all.
    pub fn mix(&self, record: &mut [f64], corrected: &mut [f64], fock: &mut Vec<f64>) {
        let mix = |value: &mut f64, base: f64| *value = self.probability * base + self.weight() * *value;
        record.iter_mut().zip(&self.record).for_each(|(value, base)| mix(value, *base));
        corrected.iter_mut().zip(&self.corrected).for_each(|(value, base)| mix(value, *base));
        fock.resize(fock.len().max(self.fock.len()), 0.0);
        for (level, value) in fock.iter_mut().enumerate() {
            mix(value, self.fock.get(level).copied().unwrap_or(0.0));
        }
    }
}

/// Random numbers whose first one, a trajectory's first threshold, is confined to a part of (0, 1).
pub struct Confined<C> {
    /// Where the numbers come from.
    pub inner: C,
    /// Lower end and width of the part, until the first number has been drawn.
    pub part: Option<(f64, f64)>,
}

impl<C: Chance> Chance for Confined<C> {
    fn uniform(&mut self) -> f64 {
        let number = self.inner.uniform();
        self.part.take().map_or(number, |(low, width)| low + width * number)
    }
}

/// No threshold is ever reached.
pub struct Never;

impl Chance for Never {
    fn uniform(&mut self) -> f64 {
        0.0
    }
}
