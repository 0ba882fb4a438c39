//! Estimates with their errors from what an ensemble kept, and the allowance for what it has not seen.

use std::collections::BTreeMap;

use super::controlled::{Controlled, controlled, drift};
use super::summary::{Estimate, Scalar};
use crate::ensemble::{Ensemble, Moments};
use crate::model::{OscillatorPreparation, Spin};
use crate::system::{Channel, Experiment, Observable};

/// Jumps of a channel, and draws of the rarer initial state, that a sample must hold before its own spread is trusted.
const ENOUGH_JUMPS: f64 = 10.0;

/// The order of what a single jump changes: one quantum, or the spin's flip.
pub fn effect_of_a_jump(observable: Observable) -> f64 {
    match observable {
        Observable::Number | Observable::NumberSquared | Observable::Energy => 1.0,
        Observable::X | Observable::P | Observable::Inversion(_) => 2.0,
        Observable::XSquared | Observable::PSquared => 4.0,
    }
}

/// What trajectories not seen may add to a mean over `count`: three of them, as far off as `spread`.
///
/// A sample cannot know the events it has missed: as long as a jump is rarer than one in `count`, the sample variance is
/// too small or even zero, and so would be an error bar made from it alone. If n trajectories have not shown an event, up
/// to 3/n of all trajectories may (95 %; the "rule of three", Hanley and Lippman-Hand, JAMA 249, 1743 (1983)). Where the
/// sample variance is at its widest this adds only 9/(2 count) to the standard error, relatively.
fn unseen(spread: f64, count: u64) -> f64 {
    3.0 * spread / count as f64
}

/// An ensemble, ready to be asked for estimates.
pub struct Sample<'a> {
    ensemble: &'a Ensemble,
    /// Whether every channel that can fire, and every initial state that can be drawn, has come up often enough.
    explored: bool,
    /// Weight of a trajectory that jumps.
    weight: f64,
}

impl<'a> Sample<'a> {
    /// The sample that an ensemble is of an experiment.
    pub fn of(experiment: &Experiment, ensemble: &'a Ensemble) -> Self {
        let (records, layout) = (&ensemble.tally.records, ensemble.layout);
        // Jumps count with the weight of their trajectory.
        let weight = 1.0 - ensemble.no_jump_probability.unwrap_or(0.0);
        let trajectories = ensemble.tally.trajectories as f64;
        let fired = |index: usize| records.mean()[layout.jumps(index)] * trajectories / weight;
        let explored = |(index, channel): (usize, &Channel)| channel.rate == 0.0 || fired(index) >= ENOUGH_JUMPS;
        let spins = experiment.model.spins().iter().map(Spin::initial_excited_probability);
        let oscillator = match experiment.oscillator {
            OscillatorPreparation::Thermal(nbar) => nbar / (nbar + 1.0),
            OscillatorPreparation::Fock(_) | OscillatorPreparation::Coherent(_) => 0.0,
        };
        let drawn = |p: f64| p == 0.0 || p * trajectories >= ENOUGH_JUMPS;
        let draws = spins.chain([oscillator]).all(|p| drawn(p) && drawn(1.0 - p));
        Self { ensemble, weight, explored: draws && ensemble.channels.iter().enumerate().all(explored) }
    }

    /// The estimates of the entries of one curve (one time after the other), controlled if there are controls and they
    /// help, and the plain ones beside them; `effect` is what a jump not seen yet may change.
    pub fn curve(&self, entries: &[usize], effect: f64) -> Estimate {
        let records = &self.ensemble.tally.records;
        let plain: Vec<Controlled> = entries
            .iter()
            .map(|&entry| Controlled {
                mean: records.mean()[entry],
                standard_error: records.standard_error(entry),
                variance: records.variance(entry),
            })
            .collect();
        let corrected: Option<Vec<Controlled>> =
            entries.iter().map(|&entry| controlled(&self.ensemble.tally.folds, entry)).collect();
        // Controls that know nothing of this curve would only add the noise of their coefficients.
        let total = |curve: &[Controlled]| curve.iter().fold(0.0, |sum, estimate| sum + estimate.variance);
        let corrected = corrected.filter(|corrected| total(corrected) <= total(&plain));
        let estimator = if corrected.is_some() { "controlled" } else { "plain" };
        let best = corrected.as_ref().unwrap_or(&plain);
        let spread = best.iter().fold(0.0, |widest: f64, estimate| widest.max(estimate.variance)).sqrt();
        let spread = if self.explored { spread } else { spread.max(self.weight * effect) };
        // Nothing can have happened yet at t = 0, which comes first.
        let allowance = |position: usize| {
            let began = position > 0 || entries.len() == 1;
            if began { unseen(spread, records.count()) } else { 0.0 }
        };
        // Correction can take a statistical error below what the propagation leaves.
        let numerical = |position: usize, mean: f64| match estimator {
            "controlled" if allowance(position) > 0.0 => self.ensemble.tolerance * (1.0 + mean.abs()),
            _ => 0.0,
        };
        let whole = best
            .iter()
            .enumerate()
            .map(|(position, x)| x.standard_error.hypot(allowance(position)).hypot(numerical(position, x.mean)));
        Estimate {
            mean: best.iter().map(|x| x.mean).collect(),
            standard_error: Some(whole.collect()),
            estimator: estimator.into(),
            plain_mean: Some(plain.iter().map(|x| x.mean).collect()),
            plain_standard_error: Some(plain.iter().map(|x| x.standard_error).collect()),
        }
    }

    /// The drift estimator of an entry; `None` without controls.
    pub fn drift(&self, entry: usize, effect: f64) -> Option<Scalar> {
        let found = (!self.ensemble.tally.folds.is_empty()).then(|| drift(&self.ensemble.tally.folds, entry))??;
        let spread = found.variance.sqrt();
        let allowance = unseen(
            if self.explored { spread } else { spread.max(self.weight * effect) },
            self.ensemble.tally.records.count(),
        );
        Some(Scalar { mean: found.mean, standard_error: Some(found.standard_error.hypot(allowance)) })
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
        // A channel that has not fired yet may still fire once.
        let weight = 1.0 - ensemble.no_jump_probability.unwrap_or(0.0);
        let spread = if channel.rate > 0.0 { records.variance(entry).sqrt().max(weight) } else { 0.0 };
        let error = records.standard_error(entry).hypot(unseen(spread, records.count()));
        (channel.name.clone(), Scalar { mean: records.mean()[entry], standard_error: Some(error) })
    };
    ensemble.channels.iter().enumerate().map(count).collect()
}
