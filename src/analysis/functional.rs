//! Functionals of observables' curves in a result, with their errors.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::sample::{Curve, Sample};
use crate::ensemble::Ensemble;
use crate::master::Exact;
use crate::system::{Experiment, Functional, FunctionalKind};

/// What is made of the curve of an observable between two output times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FunctionalEstimate {
    /// Name of the observable.
    pub observable: String,
    /// What is made of its curve: `value`, `mean`, `difference`, `rate` or `slope`.
    pub kind: FunctionalKind,
    /// [t₀, t₁].
    pub window: [f64; 2],
    /// Best estimate.
    pub value: f64,
    /// Its standard error, over trajectories: what ⟨O⟩ at different times has in common is in it. Absent for `exact`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<f64>,
    /// Name of the estimator behind `value`.
    pub estimator: String,
    /// The plain average over trajectories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain_value: Option<f64>,
    /// Standard error of the plain average: the sample's alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain_standard_error: Option<f64>,
}

impl FunctionalEstimate {
    /// Of `functional`, exactly.
    fn exactly(experiment: &Experiment, functional: Functional, value: f64) -> Self {
        Self {
            observable: experiment.observables[functional.observable].to_string(),
            kind: functional.kind,
            window: functional.window.map(|index| experiment.times[index]),
            value,
            standard_error: None,
            estimator: "exact".into(),
            plain_value: None,
            plain_standard_error: None,
        }
    }

    /// The most that errors of 1 at every one of the output `times` make of it.
    pub fn size(&self, times: &[f64]) -> f64 {
        let window = self.window.map(|time| times.partition_point(|other| *other < time).min(times.len() - 1));
        Functional { observable: 0, kind: self.kind, window }.size(times)
    }
}

/// Those of a sample.
pub fn of_trajectories(
    experiment: &Experiment,
    ensemble: &Ensemble,
    sample: &Sample,
) -> BTreeMap<String, FunctionalEstimate> {
    let one = |place: usize| {
        let entry = ensemble.layout.functional(place);
        let found = sample.curve(&Curve { number: ensemble.layout.curve(entry), entries: vec![(entry, true)] });
        let first = |values: Option<Vec<f64>>| values.and_then(|values| values.first().copied());
        FunctionalEstimate {
            standard_error: first(found.standard_error),
            estimator: found.estimator,
            plain_value: first(found.plain_mean),
            plain_standard_error: first(found.plain_standard_error),
            ..FunctionalEstimate::exactly(experiment, experiment.functional(place), found.mean[0])
        }
    };
    all(experiment, one)
}

/// Those of a density matrix.
pub fn of_density_matrix(experiment: &Experiment, exact: &Exact) -> BTreeMap<String, FunctionalEstimate> {
    all(experiment, |place| {
        let functional = experiment.functional(place);
        let curve = &exact.observables[functional.observable];
        FunctionalEstimate::exactly(experiment, functional, functional.of(&experiment.times, |time| curve[time]))
    })
}

/// Those that were asked for, by name.
fn all(experiment: &Experiment, one: impl Fn(usize) -> FunctionalEstimate) -> BTreeMap<String, FunctionalEstimate> {
    experiment
        .functionals
        .iter()
        .zip(Experiment::HEATING_FUNCTIONALS..)
        .map(|(named, place)| (named.name.clone(), one(place)))
        .collect()
}
