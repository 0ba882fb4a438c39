//! Error against number of trajectories, by splitting one run into disjoint groups.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fit::{Fit, fit_line, fit_nested};
use crate::analysis::Point;

/// Fewest groups whose root mean square goes into a fitted slope.
const FEWEST_GROUPS: usize = 4;

/// Means and standard errors of one quantity: of the plain average, and of the estimator that is reported.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// An observable at the last time, or `heating_rate`.
    pub name: String,
    /// Name of the reported estimator.
    pub estimator: String,
    /// Mean and standard error of the plain average.
    pub plain: (f64, f64),
    /// Mean and standard error that are reported.
    pub reported: (f64, f64),
}

/// All readings of a result: `number` first, then the heating rate, then the other observables at the last time.
pub fn readings(point: &Point) -> Vec<Reading> {
    let last = |values: &Option<Vec<f64>>| values.as_ref().and_then(|values| values.last()).copied();
    let observable = |name: &String| {
        let estimate = point.observables.get(name)?;
        let reported = (*estimate.mean.last()?, last(&estimate.standard_error).unwrap_or(0.0));
        let plain = (
            last(&estimate.plain_mean).unwrap_or(reported.0),
            last(&estimate.plain_standard_error).unwrap_or(reported.1),
        );
        Some(Reading { name: name.clone(), estimator: estimate.estimator.clone(), plain, reported })
    };
    let rate = &point.heating_rate;
    let reported = (rate.value, rate.standard_error.unwrap_or(0.0));
    let number = "number".to_owned();
    let heating = Reading {
        name: "heating_rate".into(),
        estimator: point.observables.get(&number).map_or_else(String::new, |number| number.estimator.clone()),
        plain: (rate.plain_value.unwrap_or(reported.0), rate.plain_standard_error.unwrap_or(reported.1)),
        reported,
    };
    let others = point.observables.keys().filter(|name| **name != number).filter_map(observable);
    observable(&number).into_iter().chain([heating]).chain(others).collect()
}

/// Root mean squares over the groups of one size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Errors {
    /// Of the standard errors that the groups report.
    pub standard_error: f64,
    /// Of the actual deviations of the groups' means from the reference; absent for the only group that is its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
}

/// One size of group.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SamplingRung {
    /// Trajectories M of a group.
    pub trajectories: u64,
    /// Number of disjoint groups.
    pub groups: usize,
    /// The plain average.
    pub plain: Errors,
    /// The reported estimator.
    pub reported: Errors,
}

/// Fitted slopes of log error against log M; −½ is expected.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// Of the reported standard errors.
    pub standard_error: Option<Fit>,
    /// Of the actual deviations (see [`fit_nested`]).
    pub deviation: Option<Fit>,
}

/// One quantity against M.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuantityScaling {
    /// An observable at the last time, or `heating_rate`.
    pub name: String,
    /// Name of the reported estimator.
    pub estimator: String,
    /// Reference value.
    pub reference: f64,
    /// By size of group, smallest first.
    pub rungs: Vec<SamplingRung>,
    /// Slopes of the plain average.
    pub plain: Scaling,
    /// Slopes of the reported estimator, the same for all sizes.
    pub reported: Scaling,
    /// Variance of the plain mean over that of the reported one, by the standard errors of the largest groups: how many
    /// times fewer trajectories the reported estimator needs. Absent where the reported error is zero.
    pub variance_ratio: Option<f64>,
    /// Where no group was as large as the run that is judged: its plain and reported standard error as the estimators will tell
    /// them, from all trajectories there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted: Option<Prediction>,
}

/// Standard errors of a run that was not run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Its trajectories.
    pub trajectories: u64,
    /// Of the plain average.
    pub plain: f64,
    /// Of the reported estimator.
    pub reported: f64,
}

/// Error against number of trajectories.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// What the deviations are taken from: `density matrix` or `all trajectories`.
    pub reference: String,
    /// Trajectories in all.
    pub trajectories: u64,
    /// `number` at the end first.
    pub quantities: Vec<QuantityScaling>,
}

impl Sampling {
    /// ⟨N⟩ at the end.
    pub fn number(&self) -> Option<&QuantityScaling> {
        self.quantities.first()
    }
}

impl QuantityScaling {
    /// Plain and reported standard error at `trajectories`: measured where groups of that size were run, else as predicted, else
    /// carried over from the nearest size by 1/√M.
    pub fn at(&self, trajectories: u64) -> Option<[f64; 2]> {
        let measured = self.rungs.iter().any(|rung| rung.trajectories == trajectories);
        if let Some(predicted) = self.predicted.filter(|known| !measured && known.trajectories == trajectories) {
            return Some([predicted.plain, predicted.reported]);
        }
        let distance =
            |rung: &&SamplingRung| ((rung.trajectories as f64 / trajectories as f64).ln().abs() * 1e6) as u64;
        let rung = self.rungs.iter().min_by_key(distance)?;
        let scale = (rung.trajectories as f64 / trajectories as f64).sqrt();
        Some([rung.plain.standard_error * scale, rung.reported.standard_error * scale])
    }
}

/// Readings of disjoint groups of trajectories, by size.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    by_size: BTreeMap<u64, Vec<Vec<Reading>>>,
    predicted: Option<(u64, Vec<Reading>)>,
}

impl Groups {
    /// Adds the result of one group. Groups of one size must be disjoint.
    pub fn push(&mut self, point: &Point) {
        self.by_size.entry(point.trajectories).or_default().push(readings(point));
    }

    /// Takes the result that the run to be judged will have, as far as the trajectories tell.
    pub fn predict(&mut self, point: &Point) {
        self.predicted = Some((point.trajectories, readings(point)));
    }

    /// The study, with deviations from `exact` or, without it, from the mean over all trajectories (then one degree of
    /// freedom is lost).
    pub fn finish(self, exact: Option<&Point>) -> Sampling {
        let Some((&largest, whole)) = self.by_size.last_key_value() else { return Sampling::default() };
        let names: Vec<Reading> = whole.first().cloned().unwrap_or_default();
        let exact = exact.map(readings);
        let quantity = |(index, reading): (usize, &Reading)| {
            let known = exact.as_ref().and_then(|exact| exact.iter().find(|known| known.name == reading.name));
            self.quantity(index, reading, known.map(|known| known.reported.0))
        };
        Sampling {
            reference: if exact.is_some() { "density matrix" } else { "all trajectories" }.into(),
            trajectories: largest * whole.len() as u64,
            quantities: names.iter().enumerate().map(quantity).collect(),
        }
    }

    fn quantity(&self, index: usize, first: &Reading, exact: Option<f64>) -> QuantityScaling {
        let lost = usize::from(exact.is_none());
        let centre = |part: fn(&Reading) -> (f64, f64)| {
            let whole = self.by_size.values().next_back().map_or(&[][..], Vec::as_slice);
            exact.unwrap_or(whole.iter().map(|group| part(&group[index]).0).sum::<f64>() / whole.len() as f64)
        };
        let errors = |groups: &[Vec<Reading>], part: fn(&Reading) -> (f64, f64)| {
            let (centre, count) = (centre(part), groups.len());
            let sum = |f: &dyn Fn((f64, f64)) -> f64| groups.iter().map(|group| f(part(&group[index]))).sum::<f64>();
            Errors {
                standard_error: (sum(&|(_, error)| error * error) / count as f64).sqrt(),
                deviation: (count > lost)
                    .then(|| (sum(&|(mean, _)| (mean - centre).powi(2)) / (count - lost) as f64).sqrt()),
            }
        };
        let rung = |(&trajectories, groups): (&u64, &Vec<Vec<Reading>>)| SamplingRung {
            trajectories,
            groups: groups.len(),
            plain: errors(groups, |reading| reading.plain),
            reported: errors(groups, |reading| reading.reported),
        };
        let rungs: Vec<SamplingRung> = self.by_size.iter().map(rung).collect();
        let scaling = |part: fn(&SamplingRung) -> Errors| {
            let logarithm = |r: &SamplingRung| (r.trajectories, part(r).standard_error);
            let errors = |rung: &SamplingRung| {
                let many = rung.groups >= FEWEST_GROUPS;
                many.then(|| Some((rung.trajectories as f64, part(rung).deviation?, rung.groups - lost))).flatten()
            };
            let deviations: Vec<_> = rungs.iter().filter_map(errors).collect();
            Scaling {
                standard_error: fit_line(&logarithms(rungs.iter().map(logarithm))),
                deviation: fit_nested(&deviations),
            }
        };
        let largest = rungs.last();
        let ratio = largest.map(|r| (r.plain.standard_error / r.reported.standard_error).powi(2));
        QuantityScaling {
            name: first.name.clone(),
            estimator: first.estimator.clone(),
            reference: centre(|reading| reading.reported),
            plain: scaling(|rung| rung.plain),
            reported: scaling(|rung| rung.reported),
            variance_ratio: ratio.filter(|ratio| ratio.is_finite()),
            predicted: self.predicted.as_ref().and_then(|(trajectories, readings)| {
                let Reading { plain, reported, .. } = readings.get(index)?;
                Some(Prediction { trajectories: *trajectories, plain: plain.1, reported: reported.1 })
            }),
            rungs,
        }
    }
}

/// log₁₀ of both coordinates, positive finite ones only.
fn logarithms(points: impl Iterator<Item = (u64, f64)>) -> Vec<(f64, f64)> {
    let positive = points.filter(|(_, y)| *y > 0.0 && y.is_finite());
    positive.map(|(x, y)| ((x as f64).log10(), y.log10())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    /// Groups whose plain means lie at ±1/√M about 2, and whose reported means at a tenth of that.
    fn groups() -> Groups {
        let mut groups = Groups::default();
        for (size, count) in [(16, 8), (64, 4), (256, 2)] {
            let error = 1.0 / f64::from(size).sqrt();
            let reading = |sign: f64| Reading {
                name: "number".into(),
                estimator: "controlled".into(),
                plain: (2.0 + sign * error, error),
                reported: (2.0 + 0.1 * sign * error, 0.1 * error),
            };
            let list = (0..count).map(|i| vec![reading(if i % 2 == 0 { 1.0 } else { -1.0 })]);
            groups.by_size.insert(size as u64, list.collect());
        }
        groups
    }

    #[test]
    fn plain_and_reported_errors_are_kept_apart() {
        let sampling = groups().finish(None);
        assert_eq!((sampling.reference.as_str(), sampling.trajectories), ("all trajectories", 512));
        let number = sampling.number().expect("one quantity");
        assert_relative_eq!(number.reference, 2.0);
        assert_relative_eq!(number.variance_ratio.expect("finite"), 100.0, max_relative = 1e-9);
        let [plain, reported] = number.at(64).expect("rungs");
        assert_relative_eq!(plain, 0.125, max_relative = 1e-12);
        assert_relative_eq!(reported, 0.0125, max_relative = 1e-12);
        assert_relative_eq!(number.at(1024).expect("rungs")[0], 1.0 / 32.0, max_relative = 1e-12);
        let slope = number.reported.standard_error.expect("three rungs").slope;
        assert_relative_eq!(slope, -0.5, max_relative = 1e-9);
        // One degree of freedom is lost to the mean of all: 8 deviations of the same size count as 7.
        let rung = number.rungs[0];
        assert_relative_eq!(
            rung.plain.deviation.expect("eight groups"),
            0.25 * (8.0f64 / 7.0).sqrt(),
            max_relative = 1e-9
        );
        assert_eq!(number.plain.deviation, None, "two rungs have four groups or more");
    }
}
