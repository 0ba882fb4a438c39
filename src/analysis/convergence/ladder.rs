//! Error against a setting of the numerics, by the same random numbers at every rung of a ladder of settings.

use serde::{Deserialize, Serialize};

use super::fit::{Fit, fit_line};
use crate::ensemble::Ensemble;
use crate::system::Experiment;

/// Differences above this fraction of the value (or of 1) are no longer small and stay out of fitted slopes.
const CEILING: f64 = 0.1;

/// What one trajectory ended with.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// ⟨N⟩ at the last time, the heating rate, then the other observables at the last time.
    pub values: Vec<f64>,
    /// Number of jumps by channel.
    pub jumps: Vec<f64>,
    /// Population a hard cutoff clipped.
    pub clipped: f64,
}

impl Record {
    /// The record of an ensemble of one trajectory (or the mean of several).
    pub fn of(experiment: &Experiment, ensemble: &Ensemble) -> Self {
        let (mean, layout, last) = (ensemble.tally.records.mean(), ensemble.layout, experiment.times.len() - 1);
        let number = experiment.number_index();
        let others = (0..experiment.observables.len()).filter(|observable| *observable != number);
        let entries = [layout.observable(last, number), layout.heating_rate()];
        let entries = entries.into_iter().chain(others.map(|observable| layout.observable(last, observable)));
        Self {
            values: entries.map(|entry| mean[entry]).collect(),
            jumps: (0..ensemble.channels.len()).map(|channel| mean[layout.jumps(channel)]).collect(),
            clipped: ensemble.tally.counts.clipped,
        }
    }

    /// Names of the values.
    pub fn names(experiment: &Experiment) -> Vec<String> {
        let number = experiment.number_index();
        let others = experiment.observables.iter().enumerate().filter(|(index, _)| *index != number);
        let others = others.map(|(_, observable)| observable.to_string());
        ["number".to_owned(), "heating_rate".to_owned()].into_iter().chain(others).collect()
    }
}

/// Differences from the reference at one setting.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LadderRung {
    /// The setting: a tolerance or a number of levels.
    pub setting: f64,
    /// Difference of the means over trajectories.
    pub mean: f64,
    /// Its standard error.
    pub mean_error: f64,
    /// Root mean square difference of a trajectory; a few that took another channel may make up all of it.
    pub rms: f64,
    /// Median |difference| of a trajectory: the error of one that did not.
    pub median: f64,
    /// Largest |difference| of a trajectory.
    pub largest: f64,
    /// Trajectories with another number of jumps in some channel than the reference.
    pub diverged: u64,
    /// Largest population that a hard cutoff clipped.
    pub clipped: f64,
}

impl LadderRung {
    /// The error of a mean that must be reckoned with: its difference and the standard error of that, in quadrature.
    pub fn error(&self) -> f64 {
        self.mean.hypot(self.mean_error)
    }
}

/// One quantity along the ladder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuantityLadder {
    /// An observable at the last time, or `heating_rate`.
    pub name: String,
    /// Mean of the reference.
    pub reference: f64,
    /// In the order of the settings, the most accurate last.
    pub rungs: Vec<LadderRung>,
    /// Slope of log₁₀ rms, over the rungs at which no trajectory diverged.
    pub rms_fit: Option<Fit>,
    /// Slope of log₁₀ median.
    pub median_fit: Option<Fit>,
}

/// Error against one setting.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ladder {
    /// Key of the run file.
    pub key: String,
    /// True when fits are against log₁₀ of the setting, false when against the setting itself.
    pub logarithmic: bool,
    /// What the differences are taken from.
    pub reference: String,
    /// Trajectories per rung.
    pub trajectories: u64,
    /// ⟨N⟩ at the end first.
    pub quantities: Vec<QuantityLadder>,
}

impl Ladder {
    /// A ladder of `rungs` (setting and records, the most accurate last) against the records of `reference`. Fits are
    /// against log₁₀ of the setting if `logarithmic`, and leave out differences below `floor` times the value (or 1).
    pub fn new(
        key: &str,
        (logarithmic, floor): (bool, f64),
        against: &str,
        names: &[String],
        reference: &[Record],
        rungs: &[(f64, Vec<Record>)],
    ) -> Self {
        let quantity = |(index, name): (usize, &String)| {
            let mean = reference.iter().map(|record| record.values[index]).sum::<f64>() / reference.len() as f64;
            let rungs: Vec<LadderRung> =
                rungs.iter().map(|(setting, records)| rung(*setting, index, records, reference)).collect();
            let fit = |part: fn(&LadderRung) -> f64, with_diverged: bool| {
                let size = mean.abs().max(1.0);
                let range = floor * size..CEILING * size;
                let x = |setting: f64| if logarithmic { setting.log10() } else { setting };
                let seen =
                    rungs.iter().filter(|rung| range.contains(&part(rung)) && (with_diverged || rung.diverged == 0));
                fit_line(&seen.map(|rung| (x(rung.setting), part(rung).log10())).collect::<Vec<_>>())
            };
            QuantityLadder {
                name: name.clone(),
                reference: mean,
                rms_fit: fit(|rung| rung.rms, false),
                median_fit: fit(|rung| rung.median, true),
                rungs,
            }
        };
        Self {
            key: key.into(),
            logarithmic,
            reference: against.into(),
            trajectories: reference.len() as u64,
            quantities: names.iter().enumerate().map(quantity).collect(),
        }
    }

    /// The rung of ⟨N⟩ at a setting.
    pub fn at(&self, setting: f64) -> Option<&LadderRung> {
        self.number()?.rungs.iter().find(|rung| rung.setting == setting)
    }

    /// ⟨N⟩ at the end.
    pub fn number(&self) -> Option<&QuantityLadder> {
        self.quantities.first()
    }

    /// The least accurate setting from which on the error of ⟨N⟩ stays below `error`.
    pub fn enough_for(&self, error: f64) -> Option<f64> {
        let rungs = &self.number()?.rungs;
        let accurate = rungs.iter().rev().take_while(|rung| rung.error() < error);
        accurate.last().map(|rung| rung.setting)
    }
}

fn rung(setting: f64, index: usize, records: &[Record], reference: &[Record]) -> LadderRung {
    let pairs = || records.iter().zip(reference);
    let differences: Vec<f64> = pairs().map(|(a, b)| a.values[index] - b.values[index]).collect();
    let n = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n;
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let mut sizes: Vec<f64> = differences.iter().map(|d| d.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    LadderRung {
        setting,
        mean,
        mean_error: (variance / n).sqrt(),
        rms: (differences.iter().map(|d| d * d).sum::<f64>() / n).sqrt(),
        median: sizes.get(sizes.len() / 2).copied().unwrap_or(0.0),
        largest: sizes.last().copied().unwrap_or(0.0),
        diverged: pairs().filter(|(a, b)| a.jumps != b.jumps).count() as u64,
        clipped: records.iter().fold(0.0, |most, record| record.clipped.max(most)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn record(value: f64, jumps: f64) -> Record {
        Record { values: vec![value], jumps: vec![jumps], clipped: 0.0 }
    }

    #[test]
    fn orders_and_diverged_trajectories_are_told_apart() {
        let reference: Vec<Record> = (0..5).map(|i| record(f64::from(i), 2.0)).collect();
        // Error 3τ on every trajectory, and one trajectory that took another channel.
        let at = |tolerance: f64| {
            let mut records: Vec<Record> = (0..5).map(|i| record(f64::from(i) + 3.0 * tolerance, 2.0)).collect();
            records[4] = record(5.0, 3.0);
            (tolerance, records)
        };
        let ladder =
            Ladder::new("x", (true, 1e-11), "y", &["number".into()], &reference, &[at(1e-2), at(1e-4), at(1e-6)]);
        let number = ladder.number().expect("one quantity");
        assert_relative_eq!(number.median_fit.expect("three rungs").slope, 1.0, max_relative = 1e-9);
        assert!(number.rungs.iter().all(|rung| rung.diverged == 1 && rung.largest == 1.0 && rung.rms > 0.4));
        assert_eq!(number.rms_fit, None, "the rms is that of one trajectory, and not small");
        assert_relative_eq!(ladder.at(1e-4).expect("a rung").median, 3e-4, max_relative = 1e-9);
        assert_eq!(ladder.at(1e-5), None);
    }

    #[test]
    fn what_is_enough_stays_enough() {
        let reference = [record(0.0, 0.0), record(0.0, 0.0)];
        // The middle rung is accurate by accident of no matter: a worse one follows it.
        let rungs = [8.0, 16.0, 24.0, 32.0].into_iter().zip([1e-1, 1e-6, 1e-3, 1e-5]);
        let rungs: Vec<(f64, Vec<Record>)> =
            rungs.map(|(levels, error)| (levels, vec![record(error, 0.0), record(error, 0.0)])).collect();
        let ladder = Ladder::new("x", (false, 1e-11), "y", &["number".into()], &reference, &rungs);
        assert_eq!(ladder.enough_for(1e-2), Some(16.0));
        assert_eq!(ladder.enough_for(1e-4), Some(32.0));
        assert_eq!(ladder.enough_for(1e-7), None);
    }
}
