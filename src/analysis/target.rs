//! What accuracy a run is asked for, and how far a result is from it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use super::{Point, trajectory_point};
use crate::ensemble::Ensemble;
use crate::system::Experiment;

/// An accuracy asked of one quantity.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Of what.
    pub quantity: Quantity,
    /// How accurate.
    pub accuracy: Accuracy,
}

/// What a target speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Quantity {
    /// The heating rate.
    HeatingRate,
    /// A functional of an observable's curve.
    Functional {
        /// Its name, as in the result.
        name: String,
    },
    /// An observable at the output times with these indices.
    Observable {
        /// Its name, as in the result.
        name: String,
        /// Indices of output times.
        times: Range<usize>,
    },
}

/// How small a standard error is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Accuracy {
    /// A standard error of at most this, in the quantity's own units.
    Absolute(f64),
    /// A standard error of at most this fraction of |mean|.
    Relative(f64),
}

impl Target {
    /// The largest standard error in `point` over the one asked for: met up to 1.
    pub fn excess(&self, point: &Point) -> f64 {
        let ratio = |mean: f64, error: Option<f64>| {
            let error = error.unwrap_or(f64::INFINITY);
            let ratio = match self.accuracy {
                Accuracy::Absolute(allowed) => error / allowed,
                Accuracy::Relative(allowed) => error / (allowed * mean.abs()),
            };
            if ratio.is_nan() { f64::INFINITY } else { ratio }
        };
        match &self.quantity {
            Quantity::HeatingRate => {
                let rate = &point.heating_rate;
                ratio(rate.value, rate.standard_error)
            }
            Quantity::Functional { name } => match point.functionals.get(name) {
                Some(found) => ratio(found.value, found.standard_error),
                None => f64::INFINITY,
            },
            Quantity::Observable { name, times } => {
                let Some(curve) = point.observables.get(name) else { return f64::INFINITY };
                let at = |values: &Option<Vec<f64>>, time: usize| values.as_ref()?.get(time).copied();
                let ratio = |time: usize| {
                    let mean = curve.mean.get(time).copied().unwrap_or(f64::NAN);
                    ratio(mean, at(&curve.standard_error, time))
                };
                times.clone().map(ratio).fold(0.0, f64::max)
            }
        }
    }
}

impl fmt::Display for Target {
    /// E.g. `standard error of number ≤ 0.001`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, allowed) = match self.accuracy {
            Accuracy::Absolute(allowed) => ("standard", allowed),
            Accuracy::Relative(allowed) => ("relative", allowed),
        };
        match &self.quantity {
            Quantity::HeatingRate => write!(f, "{word} error of heating_rate ≤ {allowed:?}"),
            Quantity::Observable { name, .. } | Quantity::Functional { name } => {
                write!(f, "{word} error of {name} ≤ {allowed:?}")
            }
        }
    }
}

/// The largest [`Target::excess`] of an ensemble: its targets are all reached up to 1.
///
/// It is the reported standard error that counts, with its allowance for unseen events. 0 where nothing is left to chance.
pub fn excess(targets: &[Target], experiment: &Experiment, ensemble: &Ensemble) -> f64 {
    if !experiment.is_sampled() && ensemble.channels.iter().all(|channel| channel.rate == 0.0) {
        return 0.0;
    }
    let point = trajectory_point(experiment, ensemble, BTreeMap::new());
    targets.iter().map(|target| target.excess(&point)).fold(0.0, f64::max)
}

/// Trajectories that would reach the targets, judged from `trajectories` with this excess: the error falls as 1/√M.
pub fn trajectories_needed(trajectories: u64, excess: f64) -> f64 {
    trajectories as f64 * excess * excess
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Diagnostics, Estimate};

    fn excess_of(mean: f64, error: f64, accuracy: Accuracy) -> f64 {
        let estimate =
            Estimate { mean: vec![0.0, mean], standard_error: Some(vec![9.0, error]), ..Estimate::default() };
        let point = serde_json::json!({
            "parameters": {}, "trajectories": 9, "times": [0.0, 1.0], "observables": {}, "jumps": {},
            "heating_rate": { "value": 0.0, "window": [0.0, 1.0], "paper": null, "quantum_noise": null },
            "fock_distribution": Estimate::default(), "closed_forms": {}, "diagnostics": Diagnostics::default(),
        });
        let mut point: Point = serde_json::from_value(point).unwrap();
        point.observables.insert("x".into(), estimate);
        Target { quantity: Quantity::Observable { name: "x".into(), times: 1..2 }, accuracy }.excess(&point)
    }

    #[test]
    fn the_reported_error_counts() {
        assert_eq!(excess_of(2.0, 0.5, Accuracy::Absolute(0.25)), 2.0);
        assert_eq!(excess_of(-2.0, 0.5, Accuracy::Relative(0.25)), 1.0);
        assert_eq!(excess_of(f64::NAN, f64::NAN, Accuracy::Absolute(0.25)), f64::INFINITY);
        assert_eq!(excess_of(0.0, 0.5, Accuracy::Relative(0.25)), f64::INFINITY);
    }
}
