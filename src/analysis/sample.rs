//! Estimates with their errors from what an ensemble kept: the plain average, and the controlled one where it is better.

use std::collections::BTreeMap;

use super::controlled::{Controlled, controlled, drift};
use super::summary::{Estimate, Scalar};
use super::unseen::{Effect, Exposure};
use crate::ensemble::{Ensemble, Moments};
use crate::system::{Channel, Experiment};

/// Independent units (trajectories, or blocks of a stratified run) from which coefficients of controls are fitted: from fewer,
/// they follow the rare trajectories that happened to come up, and error bars of skewed quantities come out too small.
pub const ENOUGH_TO_FIT: u64 = 512;

/// An ensemble, ready to be asked for estimates.
pub struct Sample<'a> {
    ensemble: &'a Ensemble,
    exposure: Exposure,
}

/// Values that are estimated together: one observable, or one functional of ⟨N⟩(t).
pub struct Curve {
    /// The entry of each value in a record, and the output time up to which it depends on the trajectory; ascending.
    pub entries: Vec<(usize, usize)>,
    /// What a jump may change.
    pub effect: Effect,
}

impl<'a> Sample<'a> {
    /// The sample that an ensemble is of an experiment.
    pub fn of(experiment: &Experiment, ensemble: &'a Ensemble) -> Self {
        Self { ensemble, exposure: Exposure::of(experiment, ensemble) }
    }

    /// The estimates of a curve: controlled if there are controls and the standard errors come out smaller with them, and the
    /// plain ones beside them.
    pub fn curve(&self, curve: &Curve) -> Estimate {
        let records = &self.ensemble.tally.records;
        let plain: Vec<Controlled> = curve.entries.iter().map(|(entry, _)| plain_average(records, *entry)).collect();
        // Where few events have been seen yet, the rates know better than the sample how far apart trajectories are.
        let honest: Vec<Controlled> = (curve.entries.iter().zip(&plain))
            .map(|((_, time), plain)| {
                let variance = self.exposure.plain_variance(curve.effect, *time, plain.variance);
                let standard_error = (variance / records.count() as f64).sqrt();
                Controlled { variance, standard_error, ..*plain }
            })
            .collect();
        let plain_errors = self.errors(curve, &honest);
        let (mut estimator, mut best, mut errors) = ("plain", &plain, plain_errors);
        let corrected = self.corrected(curve);
        if let Some(corrected) = &corrected {
            let with = self.numerical(curve, corrected, self.errors(curve, corrected));
            // Controls that know nothing of this curve would only add noise.
            let total = |errors: &[f64]| errors.iter().fold(0.0, |sum, error| sum + error * error);
            if total(&with) <= total(&errors) {
                (estimator, best, errors) = ("controlled", corrected, with);
            }
        }
        Estimate {
            mean: best.iter().map(|x| x.mean).collect(),
            standard_error: Some(errors),
            estimator: estimator.into(),
            plain_mean: Some(plain.iter().map(|x| x.mean).collect()),
            plain_standard_error: Some(plain.iter().map(|x| x.standard_error).collect()),
        }
    }

    /// With fitted coefficients where there are trajectories and events enough to fit them to, with those of the drift
    /// estimator, which nothing has to be learned for, elsewhere. `None` without controls.
    fn corrected(&self, curve: &Curve) -> Option<Vec<Controlled>> {
        let folds = &self.ensemble.tally.folds;
        let fit = self.ensemble.tally.records.count() >= ENOUGH_TO_FIT;
        let corrected = |&(entry, time): &(usize, usize)| {
            let drifting = drift(folds, entry)?;
            let fitted = if fit && self.exposure.can_fit(curve.effect, time) { controlled(folds, entry) } else { None };
            Some(fitted.filter(|fitted| fitted.variance <= drifting.variance).unwrap_or(drifting))
        };
        if folds.is_empty() { None } else { curve.entries.iter().map(corrected).collect() }
    }

    /// Standard errors with the allowance for what has not been seen.
    fn errors(&self, curve: &Curve, estimates: &[Controlled]) -> Vec<f64> {
        let spread = estimates.iter().fold(0.0, |widest: f64, estimate| widest.max(estimate.variance)).sqrt();
        let end = curve.entries.last().map_or(0, |(_, time)| *time);
        let whole = |((_, time), estimate): (&(usize, usize), &Controlled)| {
            estimate.standard_error.hypot(self.exposure.allowance(curve.effect, *time, end, spread))
        };
        curve.entries.iter().zip(estimates).map(whole).collect()
    }

    /// Correction can take a statistical error below what the propagation leaves.
    fn numerical(&self, curve: &Curve, estimates: &[Controlled], errors: Vec<f64>) -> Vec<f64> {
        let floor = |mean: f64| self.ensemble.tolerance * (1.0 + mean.abs());
        let entries = curve.entries.iter().zip(estimates).zip(errors);
        entries.map(|(((_, time), x), error)| if *time > 0 { error.hypot(floor(x.mean)) } else { error }).collect()
    }

    /// The drift estimator of a single value; `None` without controls.
    pub fn drift(&self, curve: &Curve) -> Option<Scalar> {
        let &(entry, _) = curve.entries.first()?;
        let found = (!self.ensemble.tally.folds.is_empty()).then(|| drift(&self.ensemble.tally.folds, entry))??;
        let errors = self.numerical(curve, &[found], self.errors(curve, &[found]));
        Some(Scalar { mean: found.mean, standard_error: errors.first().copied() })
    }
}

/// The plain average of an entry, with nothing corrected.
pub fn plain_average(records: &Moments, entry: usize) -> Controlled {
    Controlled {
        mean: records.mean()[entry],
        standard_error: records.standard_error(entry),
        variance: records.variance(entry),
    }
}

/// Probability of each Fock level at the end of the run.
pub fn fock_distribution(moments: &Moments) -> Estimate {
    let errors: Vec<f64> = (0..moments.mean().len()).map(|level| moments.standard_error(level)).collect();
    Estimate {
        mean: moments.mean().to_vec(),
        standard_error: Some(errors.clone()),
        estimator: "plain".into(),
        plain_mean: Some(moments.mean().to_vec()),
        plain_standard_error: Some(errors),
    }
}

/// Mean number of jumps of every channel.
pub fn jumps(ensemble: &Ensemble) -> BTreeMap<String, Scalar> {
    let (records, layout) = (&ensemble.tally.records, ensemble.layout);
    let count = |(index, channel): (usize, &Channel)| {
        let entry = layout.jumps(index);
        // A channel that has not fired yet may still fire once, in three trajectories of as many (see Exposure::allowance).
        let weight = 1.0 - ensemble.no_jump_probability.unwrap_or(0.0);
        let spread = if channel.rate > 0.0 { records.variance(entry).sqrt().max(weight) } else { 0.0 };
        let error = records.standard_error(entry).hypot(3.0 * spread / records.count() as f64);
        (channel.name.clone(), Scalar { mean: records.mean()[entry], standard_error: Some(error) })
    };
    ensemble.channels.iter().enumerate().map(count).collect()
}
