//! Do error bars cover? Over many seeds, how often the exact mean lies within one and two of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Point;
use super::deviations::{Deviations, Level};
use super::truth::Known;
use crate::ensemble::{Ending, Stopped};

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
    /// An observable, or another quantity of [`Known`].
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

/// Collects the results of one sweep point, seed by seed.
#[derive(Debug, Clone)]
pub struct Tester {
    parameters: BTreeMap<String, Value>,
    known: Vec<Known>,
    units: u64,
    seeds: u64,
    trajectories: u64,
    reached: Option<u64>,
    /// By quantity and whether the error bar is the reported one: the estimator and its deviations.
    deviations: Vec<[Option<(String, Deviations)>; 2]>,
}

impl Tester {
    /// Results of `units` independent units each will be held against what is `known` at the point with these `parameters`.
    pub fn new(parameters: BTreeMap<String, Value>, known: Vec<Known>, units: u64) -> Self {
        let deviations = vec![[None, None]; known.len()];
        Self { parameters, known, units, seeds: 0, trajectories: 0, reached: None, deviations }
    }

    /// Adds the result of one seed.
    pub fn push(&mut self, point: &Point, ending: Ending) {
        self.seeds += 1;
        self.trajectories += point.trajectories;
        if ending.looks > 0 {
            let reached = u64::from(ending.stopped == Stopped::Target);
            self.reached = Some(self.reached.unwrap_or(0) + reached);
        }
        for (known, deviations) in self.known.iter().zip(&mut self.deviations) {
            let names = [known.estimator_in(point), "plain"];
            for ((found, estimator), entry) in known.found_in(point).into_iter().zip(names).zip(deviations) {
                let Some(found) = found else { continue };
                let (name, deviations) =
                    entry.get_or_insert_with(|| (estimator.to_owned(), Deviations::of_units(self.units)));
                if name != estimator {
                    *name = "mixed".to_owned();
                }
                deviations.push(found.mean, found.error, known.exact, known.tolerance);
            }
        }
    }

    /// What has been seen so far, the reported error bars first.
    pub fn result(&self) -> PointCoverage {
        let mut rows = Vec::new();
        for (index, reported) in [(0, true), (1, false)] {
            for (known, deviations) in self.known.iter().zip(&self.deviations) {
                let Some((estimator, deviations)) = &deviations[index] else { continue };
                if deviations.runs() < 2 || deviations.is_numerical() {
                    continue;
                }
                rows.push(Coverage {
                    quantity: known.quantity.clone(),
                    time: known.time,
                    estimator: estimator.clone(),
                    reported,
                    runs: deviations.runs(),
                    levels: deviations.levels().to_vec(),
                    mean_z: deviations.mean(),
                    variance_z: deviations.variance(),
                });
            }
        }
        PointCoverage {
            parameters: self.parameters.clone(),
            seeds: self.seeds,
            mean_trajectories: self.trajectories as f64 / self.seeds as f64,
            target_reached: self.reached.map(|reached| reached as f64 / self.seeds as f64),
            rows,
        }
    }
}
