//! Estimates with their errors from what an ensemble kept, each by the estimator that its pilots chose.

use std::collections::BTreeMap;

use super::scalar::{Estimate, Scalar};
use crate::ensemble::{Effects, Ensemble, Moments, Study};
use crate::system::Channel;

/// Levels that are listed beyond those that were seen: at least, half as many again as those, and at most.
const FURTHER: [usize; 2] = [8, 32];

/// An ensemble, ready to be asked for estimates.
///
/// A standard error has three parts, added in quadrature: the spread of the sample; the variance that events give the value
/// which the sample may not have seen ([`Study`]); and what the propagation leaves.
pub struct Sample<'a> {
    ensemble: &'a Ensemble,
}

/// Values that are estimated in the same way.
pub struct Curve {
    /// Its number in the layout.
    pub number: usize,
    /// The entry of each value in a record, and whether it can differ from the initial value at all.
    pub entries: Vec<(usize, bool)>,
}

impl<'a> Sample<'a> {
    /// The sample that an ensemble is.
    pub fn of(ensemble: &'a Ensemble) -> Self {
        Self { ensemble }
    }

    /// The estimates of a curve by the estimator chosen for it, and the plain averages beside them.
    pub fn curve(&self, curve: &Curve) -> Estimate {
        let (tally, weighted) = (&self.ensemble.tally, self.ensemble.layout.weight(0).is_some());
        let study = tally.study.as_deref();
        let controlled = study.is_some_and(|study| study.controlled[curve.number]) && tally.corrected.count() > 0;
        let moments = if controlled { &tally.corrected } else { &tally.records };
        let scale = |entry: usize| study.map_or(1.0, |study| study.scale[entry]);
        let error = |&(entry, moves): &(usize, bool)| {
            let numerical = if moves { scale(entry) + moments.mean()[entry].abs() } else { 0.0 };
            self.error(moments, entry).hypot(self.ensemble.tolerance * numerical)
        };
        let estimator = match (weighted, controlled) {
            (false, false) => "plain",
            (false, true) => "controlled",
            (true, false) => "weighted",
            (true, true) => "weighted, controlled",
        };
        let plain = |f: &dyn Fn(usize) -> f64| curve.entries.iter().map(|(entry, _)| f(*entry)).collect();
        Estimate {
            mean: curve.entries.iter().map(|(entry, _)| moments.mean()[*entry]).collect(),
            standard_error: Some(curve.entries.iter().map(error).collect()),
            estimator: estimator.into(),
            plain_mean: Some(plain(&|entry| tally.records.mean()[entry])),
            plain_standard_error: Some(plain(&|entry| tally.records.standard_error(entry))),
        }
    }

    /// The drift estimator of the heating rate; `None` without controls, and where these are made of weights.
    pub fn drift(&self) -> Option<Scalar> {
        let (tally, layout) = (&self.ensemble.tally, self.ensemble.layout);
        if tally.corrected.count() == 0 || layout.weight(0).is_some() {
            return None;
        }
        let study = tally.study.as_deref();
        let scale = study.map_or(1.0, |study| study.scale[layout.heating_rate()]);
        let mean = tally.corrected.mean()[layout.drift()];
        let effects = study.map(|study| &study.record[layout.heating_rate()]);
        let numerical = self.ensemble.tolerance * (scale + mean.abs());
        let shown = self.own(&tally.corrected, layout.drift());
        let error = self.with_unseen(shown, effects).hypot(numerical);
        Some(Scalar { mean, standard_error: Some(error) })
    }

    /// Probability of each Fock level at the end of the run, up to some levels beyond those that were seen if others might be.
    pub fn populations(&self, most: usize) -> Estimate {
        let (tally, study) = (&self.ensemble.tally, self.ensemble.tally.study.as_deref());
        let (moments, trajectories) = (&tally.fock, tally.trajectories as f64);
        let weight = 1.0 - self.ensemble.no_jump_probability.unwrap_or(0.0);
        let seen = moments.mean().len();
        let beyond = |population: f64| study.map_or(0.0, |study| study.beyond(population, weight, trajectories));
        let further = if beyond(0.0) > 0.0 { (FURTHER[0] + seen / 2).min(FURTHER[1]) } else { 0 };
        let levels = seen.max((seen + further).min(most));
        let population = |level: usize| moments.mean().get(level).copied().unwrap_or(0.0);
        let plain = |level: usize| if level < seen { moments.standard_error(level) } else { 0.0 };
        let error = |level: usize| {
            let effects = study.and_then(|study| study.fock.get(level).or(study.fock.last()));
            let shown = trajectories * plain(level) * plain(level);
            let unseen = effects.map_or(0.0, |effects| Study::unseen(effects, trajectories, shown));
            let variance = (unseen + beyond(population(level).abs())) / trajectories;
            plain(level).hypot(variance.sqrt()).hypot(self.ensemble.tolerance)
        };
        let mean: Vec<f64> = (0..levels).map(population).collect();
        Estimate {
            mean: mean.clone(),
            standard_error: Some((0..levels).map(error).collect()),
            estimator: if self.ensemble.layout.weight(0).is_some() { "weighted" } else { "plain" }.into(),
            plain_mean: Some(mean),
            plain_standard_error: Some((0..levels).map(plain).collect()),
        }
    }

    /// Mean number of jumps of every channel.
    pub fn jumps(&self) -> BTreeMap<String, Scalar> {
        let count = |(index, channel): (usize, &Channel)| {
            let entry = self.ensemble.layout.jumps(index);
            let error = self.record_error(entry);
            (
                channel.name.clone(),
                Scalar { mean: self.ensemble.tally.records.mean()[entry], standard_error: Some(error) },
            )
        };
        self.ensemble.channels.iter().enumerate().map(count).collect()
    }

    /// Standard error of the plain average of an entry of the records.
    pub fn record_error(&self, entry: usize) -> f64 {
        self.error(&self.ensemble.tally.records, entry)
    }

    /// What the sample shows of the error of a mean, and what it may not.
    fn error(&self, moments: &Moments, entry: usize) -> f64 {
        let (own, study) = (self.own(moments, entry), self.ensemble.tally.study.as_deref());
        let shown = study.map_or(own, |study| study.shown(entry, self.ensemble.tally.trajectories as f64, own));
        self.with_unseen(shown, study.map(|study| &study.record[entry]))
    }

    /// The variance of a trajectory's value that the sample shows.
    fn own(&self, moments: &Moments, entry: usize) -> f64 {
        self.ensemble.tally.trajectories as f64 * moments.standard_error(entry).powi(2)
    }

    /// The error of a mean of values that vary so much as is shown, and as events make them vary besides.
    fn with_unseen(&self, shown: f64, effects: Option<&Effects>) -> f64 {
        let trajectories = self.ensemble.tally.trajectories as f64;
        let unseen = effects.map_or(0.0, |effects| Study::unseen(effects, trajectories, shown));
        ((shown + unseen) / trajectories).sqrt()
    }
}
