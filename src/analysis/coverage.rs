//! Do error bars cover? Over many seeds, how often the exact mean lies within one and two of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use statrs::distribution::{ContinuousCDF, Normal};

use super::Point;
use crate::ensemble::{Ending, Stopped};

/// Half-widths of the intervals, in standard errors: 68.27 % and 95.45 % of normal deviations.
const SIGMAS: [f64; 2] = [1.0, 2.0];

/// A coverage this many binomial standard errors too low is called wrong: by chance 2.9e-7 each.
pub const THRESHOLD: f64 = 5.0;

/// The coverage of everything reported at one sweep point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointCoverage {
    /// The swept keys and their values here.
    pub parameters: BTreeMap<String, Value>,
    /// Independent runs, one per seed.
    pub seeds: u64,
    /// Mean number of trajectories of a run.
    pub mean_trajectories: f64,
    /// Fraction of the runs that reached their targets; absent without a target.
    pub target_reached: Option<f64>,
    /// One entry per quantity and kind of error bar.
    pub rows: Vec<Coverage>,
}

/// How the deviations of one estimate from the exact value, in units of its standard error, are distributed over seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// An observable, or `heating_rate`.
    pub quantity: String,
    /// The output time, or the end of the heating window.
    pub time: f64,
    /// Name of the estimator, or `mixed` where it was not the same in every run.
    pub estimator: String,
    /// True for `standard_error`, which the program answers for; false for the sample's own `plain_standard_error`.
    pub reported: bool,
    /// Runs that count; those without any deviation to speak of (a quantity that is exactly zero) do not.
    pub runs: u64,
    /// Coverage of one and of two standard errors.
    pub levels: Vec<Level>,
    /// Mean of z = (estimate − exact)/(standard error), over the runs whose standard error is not 0; 0 if the estimate is
    /// unbiased.
    pub mean_z: f64,
    /// Variance of z; 1 if the standard error is right, below if it is generous.
    pub variance_z: f64,
}

/// How often the exact value was within an interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Probability that a normal deviation is within it.
    pub nominal: f64,
    /// Fraction of the runs in which it was.
    pub seen: f64,
    /// Binomial standard error √(p(1 − p)/runs) of that fraction, p the nominal one.
    pub binomial_error: f64,
}

impl Level {
    /// Whether the coverage is too low to be chance, by [`THRESHOLD`].
    pub fn is_low(&self) -> bool {
        self.seen < self.nominal - THRESHOLD * self.binomial_error
    }

    /// Whether it is as it should be, neither too low nor too high.
    pub fn is_right(&self) -> bool {
        (self.seen - self.nominal).abs() <= THRESHOLD * self.binomial_error
    }
}

/// z-scores of one estimate, counted.
#[derive(Debug, Clone, Default)]
pub struct Deviations {
    runs: u64,
    inside: [u64; 2],
    finite: u64,
    mean: f64,
    squares: f64,
}

impl Deviations {
    /// Adds one run. Deviations up to `tolerance` (absolute) are numerical: they say nothing where the standard error is 0.
    pub fn push(&mut self, estimate: f64, standard_error: f64, exact: f64, tolerance: f64) {
        let deviation = estimate - exact;
        if standard_error == 0.0 && deviation.abs() <= tolerance {
            return;
        }
        let z = deviation / standard_error;
        self.runs += 1;
        SIGMAS.iter().zip(&mut self.inside).for_each(|(sigmas, inside)| *inside += u64::from(z.abs() <= *sigmas));
        // Without an error bar the run is outside every interval; there is no z to average.
        if z.is_finite() {
            self.finite += 1;
            let from_mean = z - self.mean;
            self.mean += from_mean / self.finite as f64;
            self.squares += from_mean * (z - self.mean);
        }
    }

    /// Runs counted.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// Mean of the finite z.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Sample variance of the finite z; 0 for fewer than two.
    pub fn variance(&self) -> f64 {
        self.squares / self.finite.saturating_sub(1).max(1) as f64
    }

    /// Coverage of one and of two standard errors.
    pub fn levels(&self) -> [Level; 2] {
        let runs = self.runs as f64;
        [0, 1].map(|i| {
            let nominal = 1.0 - 2.0 * Normal::standard().sf(SIGMAS[i]);
            let binomial_error = (nominal * (1.0 - nominal) / runs).sqrt();
            Level { nominal, seen: self.inside[i] as f64 / runs, binomial_error }
        })
    }
}

/// Collects the results of one sweep point, seed by seed.
#[derive(Debug, Clone)]
pub struct Tester {
    exact: Point,
    tolerance: f64,
    seeds: u64,
    trajectories: u64,
    reached: Option<u64>,
    every_time: bool,
    /// By quantity, output time (none for the heating rate) and whether the error bar is the reported one: the estimator and
    /// its deviations.
    deviations: BTreeMap<(String, Option<usize>, bool), (String, Deviations)>,
}

/// A mean and its standard error.
type Found = (Option<f64>, Option<f64>);

impl Tester {
    /// Results will be held against `exact`, which is good to `tolerance`: at the last output time, or at every one.
    pub fn new(exact: Point, tolerance: f64, every_time: bool) -> Self {
        Self { exact, tolerance, seeds: 0, trajectories: 0, reached: None, every_time, deviations: BTreeMap::new() }
    }

    /// Adds the result of one seed.
    pub fn push(&mut self, point: &Point, ending: Ending) {
        self.seeds += 1;
        self.trajectories += point.trajectories;
        if ending.looks > 0 {
            let reached = u64::from(ending.stopped == Stopped::Target);
            self.reached = Some(self.reached.unwrap_or(0) + reached);
        }
        let at = |values: &Option<Vec<f64>>, time: usize| values.as_ref()?.get(time).copied();
        let last = self.exact.times.len().saturating_sub(1);
        for (name, curve) in &point.observables {
            for time in if self.every_time { 0 } else { last }..=last {
                let exact = self.exact.observables.get(name).and_then(|exact| exact.mean.get(time).copied());
                let Some(exact) = exact else { continue };
                let reported = (curve.mean.get(time).copied(), at(&curve.standard_error, time));
                let plain = (at(&curve.plain_mean, time), at(&curve.plain_standard_error, time));
                self.add((name, Some(time)), &curve.estimator, [reported, plain], exact);
            }
        }
        let (rate, exact) = (&point.heating_rate, self.exact.heating_rate.value);
        let (reported, plain) =
            ((Some(rate.value), rate.standard_error), (rate.plain_value, rate.plain_standard_error));
        self.add(("heating_rate", None), &rate.estimator, [reported, plain], exact);
    }

    fn add(&mut self, (name, time): (&str, Option<usize>), estimator: &str, [reported, plain]: [Found; 2], exact: f64) {
        for (found, estimator, is_reported) in [(reported, estimator, true), (plain, "plain", false)] {
            let (Some(mean), Some(error)) = found else { continue };
            let entry = self.deviations.entry((name.to_owned(), time, is_reported));
            let (name, deviations) = entry.or_insert_with(|| (estimator.to_owned(), Deviations::default()));
            if name != estimator {
                *name = "mixed".to_owned();
            }
            deviations.push(mean, error, exact, self.tolerance);
        }
    }

    /// What has been seen so far, the reported error bars first.
    pub fn result(&self) -> PointCoverage {
        let end = self.exact.heating_rate.window[1];
        type Entry<'a> = (&'a (String, Option<usize>, bool), &'a (String, Deviations));
        let row = |((quantity, time, reported), (estimator, deviations)): Entry| Coverage {
            quantity: quantity.clone(),
            time: time.and_then(|time| self.exact.times.get(time).copied()).unwrap_or(end),
            estimator: estimator.clone(),
            reported: *reported,
            runs: deviations.runs(),
            levels: deviations.levels().to_vec(),
            mean_z: deviations.mean(),
            variance_z: deviations.variance(),
        };
        let mut rows: Vec<Coverage> =
            self.deviations.iter().filter(|(_, (_, deviations))| deviations.runs() > 1).map(row).collect();
        rows.sort_by_key(|row| !row.reported);
        PointCoverage {
            parameters: self.exact.parameters.clone(),
            seeds: self.seeds,
            mean_trajectories: self.trajectories as f64 / self.seeds as f64,
            target_reached: self.reached.map(|reached| reached as f64 / self.seeds as f64),
            rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn quantiles_of_a_normal_distribution_cover_and_others_do_not() {
        let normal = Normal::standard();
        let levels = |scale: f64| {
            let mut deviations = Deviations::default();
            let z = (0..1000).map(|i| normal.inverse_cdf((i as f64 + 0.5) / 1000.0));
            z.for_each(|z| deviations.push(3.0 + scale * z * 0.1, 0.1, 3.0, 0.0));
            (deviations.levels(), deviations.variance())
        };
        let (right, variance) = levels(1.0);
        assert_relative_eq!(right[0].seen, 0.682, epsilon = 0.002);
        assert_relative_eq!(right[1].nominal, 0.9545, epsilon = 1e-4);
        assert_relative_eq!(variance, 1.0, epsilon = 0.01);
        assert!(right.iter().all(|level| level.is_right() && !level.is_low()));
        assert!(levels(1.4).0.iter().all(|level| !level.is_right() && level.is_low()), "error bars too small");
        assert!(levels(0.6).0.iter().all(|level| !level.is_right() && !level.is_low()), "error bars too large");
    }

    #[test]
    fn a_missing_error_bar_is_never_right() {
        let mut deviations = Deviations::default();
        deviations.push(1e-9, 0.0, 0.0, 1e-6);
        assert_eq!(deviations.runs(), 0, "zero within the numerical tolerance says nothing");
        deviations.push(1.0, 0.0, 0.0, 1e-6);
        assert_eq!((deviations.runs(), deviations.levels()[1].seen, deviations.mean()), (1, 0.0, 0.0));
    }
}
