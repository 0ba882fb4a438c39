//! Estimates from trajectories that carry weights of either sign.

use super::controlled::{Controlled, controlled};
use super::sample::{ENOUGH_TO_FIT, plain_average};
use super::summary::Estimate;
use crate::ensemble::{Ensemble, Moments};

/// Jumps of each channel that must have come up before a sample's own spread is trusted.
const ENOUGH_JUMPS: f64 = 10.0;

/// The estimates of the entries of one curve, each with the index of the output time it belongs to: the mean of wO over
/// trajectories (`plain_mean`) and, where there is enough to fit β from, that of wO − β(w − 1), since the mean of w is known to
/// be 1; `effect` is what a jump may change O by.
///
/// Both are unbiased (β is cross-fitted), unlike Σ wO/Σ w. The standard error is that of the mean of the same quantity, with
/// the weights in it: it grows as the effective sample shrinks. In quadrature stands 3σ/M for three trajectories that have not
/// been seen, σ the widest spread *so far* of wO itself: the weights' spread grows without end, and what happens late says
/// nothing of early times. Until every channel has fired ten times σ is at least 2|O| + `effect`: a negative jump reverses wO.
pub fn curve(ensemble: &Ensemble, entries: &[(usize, usize)], effect: f64) -> Estimate {
    let records = &ensemble.tally.records;
    let count = records.count();
    let (mut best, mut errors, mut widest, mut fitted) = (Vec::new(), Vec::new(), 0.0f64, false);
    for &(entry, time) in entries {
        let (own, explored) = (plain_average(records, entry), explored(ensemble, time));
        let corrected =
            if count >= ENOUGH_TO_FIT && explored { controlled(&ensemble.tally.folds, entry) } else { None };
        fitted |= corrected.is_some();
        widest = widest.max(own.variance.sqrt());
        let spread = match explored || time == 0 {
            true => widest,
            false => widest.max(2.0 * own.mean.abs() + effect),
        };
        let estimate = corrected.unwrap_or(own);
        let numerical = if spread > 0.0 { ensemble.tolerance * (1.0 + estimate.mean.abs()) } else { 0.0 };
        errors.push(estimate.standard_error.hypot(3.0 * spread / count as f64).hypot(numerical));
        best.push(estimate.mean);
    }
    let plain: Vec<Controlled> = entries.iter().map(|&(entry, _)| plain_average(records, entry)).collect();
    Estimate {
        mean: best,
        standard_error: Some(errors),
        estimator: if fitted { "weighted, controlled" } else { "weighted" }.into(),
        plain_mean: Some(plain.iter().map(|estimate| estimate.mean).collect()),
        plain_standard_error: Some(plain.iter().map(|estimate| estimate.standard_error).collect()),
    }
}

/// Whether every channel has fired often enough by output time `time`.
fn explored(ensemble: &Ensemble, time: usize) -> bool {
    let (records, layout) = (&ensemble.tally.records, ensemble.layout);
    let count = records.count() as f64;
    let fired = |channel: usize| layout.fired(time, channel).map_or(0.0, |entry| records.mean()[entry] * count);
    (0..layout.channels()).all(|channel| fired(channel) >= ENOUGH_JUMPS)
}

/// Standard errors of the mean weight at the output times, by the same rule.
pub fn weight_errors(ensemble: &Ensemble, entries: &[usize]) -> Vec<f64> {
    let (records, mut widest) = (&ensemble.tally.records, 0.0f64);
    let mut error = |(time, &entry): (usize, &usize)| {
        widest = widest.max(records.variance(entry).sqrt());
        let spread = if explored(ensemble, time) || time == 0 { widest } else { widest.max(2.0) };
        records.standard_error(entry).hypot(3.0 * spread / records.count() as f64)
    };
    entries.iter().enumerate().map(&mut error).collect()
}

/// Probability of each Fock level at the end of the run; what has not been seen is as wide as the widest level.
pub fn populations(moments: &Moments) -> Estimate {
    let levels = 0..moments.mean().len();
    let errors: Vec<f64> = levels.clone().map(|level| moments.standard_error(level)).collect();
    let widest = levels.fold(0.0f64, |widest, level| widest.max(moments.variance(level).sqrt()));
    let unseen = 3.0 * widest / moments.count() as f64;
    Estimate {
        mean: moments.mean().to_vec(),
        standard_error: Some(errors.iter().map(|error| error.hypot(unseen)).collect()),
        estimator: "weighted".into(),
        plain_mean: Some(moments.mean().to_vec()),
        plain_standard_error: Some(errors),
    }
}
