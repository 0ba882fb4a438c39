//! How far two results agree: deviations in units of their combined standard error.

use statrs::distribution::{ContinuousCDF, Normal};

use super::functional::FunctionalEstimate;
use super::scalar::Estimate;
use super::summary::{Method, Point, Summary};
use crate::{Error, Result};

/// The largest deviation of one quantity.
#[derive(Debug, Clone, PartialEq)]
pub struct Deviation {
    /// Index of the sweep point.
    pub point: usize,
    /// Quantity: an observable, `heating_rate` or a jump channel.
    pub quantity: String,
    /// Time of the largest deviation; `None` for a single number.
    pub time: Option<f64>,
    /// Values in A and B there.
    pub values: [f64; 2],
    /// (A − B)/√(σ_A² + σ_B²) there; 0 where the values agree to the tolerance, infinite where they do not and neither has a
    /// standard error.
    pub z: f64,
    /// Largest |A − B| anywhere.
    pub largest_difference: f64,
    /// Root mean square of z over the entries that have a standard error.
    pub rms_z: f64,
}

/// The comparison of two results.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// One entry per point and quantity that both results have.
    pub deviations: Vec<Deviation>,
    /// Number of single comparisons with a standard error.
    pub comparisons: usize,
    /// Number of comparisons without one: to the tolerance alone. Numbers too small for it on both sides are not compared.
    pub exact_comparisons: usize,
    /// The seed of both results, where they share their random numbers: deviations are then smaller than independent ones would
    /// be, as the errors of both results are largely the same.
    pub shared_seed: Option<u64>,
}

/// Numerical errors, which are not part of a standard error: what two results may differ by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// In units of the curve's own scale, which is its largest value in either result.
    pub relative: f64,
    /// In units of one (per unit time for rates): smaller numbers are below what the program promises to resolve.
    pub absolute: f64,
}

impl Tolerance {
    /// `relative`, and what trajectories (10⁻⁸, `numerics.tolerance`) or density matrices (10⁻¹⁰) resolve.
    pub fn between(a: &Summary, b: &Summary, relative: f64) -> Self {
        let exact = |summary: &Summary| summary.provenance.method == Method::Exact;
        Self { relative, absolute: if exact(a) && exact(b) { 1e-10 } else { 1e-8 } }
    }
}

impl Agreement {
    /// Largest |z|.
    pub fn worst(&self) -> f64 {
        self.deviations.iter().fold(0.0, |worst, deviation| worst.max(deviation.z.abs()))
    }

    /// All comparisons.
    pub fn all_comparisons(&self) -> usize {
        self.comparisons + self.exact_comparisons
    }

    /// Upper bound (Bonferroni) on the probability that correct results deviate by more than `sigmas` anywhere.
    pub fn false_alarm(&self, sigmas: f64) -> f64 {
        (2.0 * Normal::standard().sf(sigmas) * self.comparisons as f64).min(1.0)
    }
}

/// Compares everything that `a` and `b` have in common, point by point.
///
/// Differences up to the `tolerance` count as agreement. Where neither result has a sampling error, a larger difference is an
/// infinite z.
///
/// # Errors
/// When the results have different points, parameters or times.
pub fn compare(a: &Summary, b: &Summary, tolerance: Tolerance) -> Result<Agreement> {
    if a.points.len() != b.points.len() {
        return Err(mismatch(format!("A has {} sweep points, B has {}", a.points.len(), b.points.len())));
    }
    let sampled = |summary: &Summary| summary.provenance.method == Method::Trajectories;
    let shared = sampled(a) && sampled(b) && a.provenance.seed == b.provenance.seed;
    let shared_seed = shared.then_some(a.provenance.seed);
    let mut agreement = Agreement { deviations: Vec::new(), comparisons: 0, exact_comparisons: 0, shared_seed };
    for (index, (a, b)) in a.points.iter().zip(&b.points).enumerate() {
        compare_points(index, a, b, tolerance, &mut agreement)?;
    }
    if agreement.deviations.is_empty() {
        return Err(mismatch("the results have no quantity in common".into()));
    }
    Ok(agreement)
}

fn mismatch(reason: String) -> Error {
    Error::Numerical(format!("cannot compare: {reason}"))
}

fn compare_points(index: usize, a: &Point, b: &Point, tolerance: Tolerance, agreement: &mut Agreement) -> Result<()> {
    if a.parameters != b.parameters {
        return Err(mismatch(format!(
            "point {index} has parameters {:?} in A and {:?} in B",
            a.parameters, b.parameters
        )));
    }
    let end = a.times.last().copied().unwrap_or(0.0);
    let same_times =
        a.times.len() == b.times.len() && a.times.iter().zip(&b.times).all(|(s, t)| (s - t).abs() <= 1e-12 * end);
    if !same_times {
        return Err(mismatch(format!("point {index} has different output times in A and B")));
    }
    for (name, a_curve) in &a.observables {
        if let Some(b_curve) = b.observables.get(name) {
            let mut deviation = deviation(index, name, &values(a_curve), &values(b_curve), tolerance, agreement);
            deviation.time = deviation.time.map(|entry| a.times[entry as usize]);
            agreement.deviations.push(deviation);
        }
    }
    let mut single = |name: &str, a: (f64, f64), b: (f64, f64), tolerance: Tolerance| {
        let mut deviation = deviation(index, name, &[a], &[b], tolerance, agreement);
        deviation.time = None;
        agreement.deviations.push(deviation);
    };
    let rate = |point: &Point| (point.heating_rate.value, point.heating_rate.standard_error.unwrap_or(0.0));
    let [from, to] = a.heating_rate.window;
    let windows = [from - b.heating_rate.window[0], to - b.heating_rate.window[1]];
    if windows.iter().all(|shift| shift.abs() <= 1e-12 * end) {
        // The difference of two numbers over the time between.
        let absolute = 2.0 * tolerance.absolute / (to - from);
        single("heating_rate", rate(a), rate(b), Tolerance { absolute, ..tolerance });
    }
    for (name, one) in &a.functionals {
        let same = |other: &&FunctionalEstimate| {
            let shifts = [0, 1].map(|i| (one.window[i] - other.window[i]).abs());
            (&one.observable, one.kind) == (&other.observable, other.kind) && shifts.iter().all(|s| *s <= 1e-12 * end)
        };
        if let Some(other) = b.functionals.get(name).filter(same) {
            let pair = |found: &FunctionalEstimate| (found.value, found.standard_error.unwrap_or(0.0));
            let absolute = one.size(&a.times) * tolerance.absolute;
            single(name, pair(one), pair(other), Tolerance { absolute, ..tolerance });
        }
    }
    for (name, jumps) in &a.jumps {
        if let Some(other) = b.jumps.get(name) {
            let pair = |scalar: &super::Scalar| (scalar.mean, scalar.standard_error.unwrap_or(0.0));
            single(&format!("jumps of {name}"), pair(jumps), pair(other), tolerance);
        }
    }
    Ok(())
}

/// (mean, standard error) at every time.
fn values(estimate: &Estimate) -> Vec<(f64, f64)> {
    let errors = estimate.standard_error.clone().unwrap_or_else(|| vec![0.0; estimate.mean.len()]);
    estimate.mean.iter().copied().zip(errors).collect()
}

fn deviation(
    point: usize,
    quantity: &str,
    a: &[(f64, f64)],
    b: &[(f64, f64)],
    tolerance: Tolerance,
    agreement: &mut Agreement,
) -> Deviation {
    let scale = a.iter().chain(b).map(|(value, _)| value.abs()).filter(|value| value.is_finite()).fold(0.0, f64::max);
    let allowed = tolerance.relative * scale + tolerance.absolute;
    let mut worst = Deviation {
        point,
        quantity: quantity.to_owned(),
        time: Some(0.0),
        values: [a[0].0, b[0].0],
        z: 0.0,
        largest_difference: 0.0,
        rms_z: 0.0,
    };
    let (mut sum, mut count) = (0.0, 0usize);
    for (entry, (&(x, x_error), &(y, y_error))) in a.iter().zip(b).enumerate() {
        let (difference, error) = (x - y, x_error.hypot(y_error));
        let z = if difference.abs() <= allowed { 0.0 } else { difference / error };
        // A value that is not a number, or two without a sampling error, never agree by default.
        let z = if z.is_nan() { f64::INFINITY } else { z };
        if error > 0.0 && error.is_finite() {
            sum += z * z;
            count += 1;
        } else if scale > allowed {
            agreement.exact_comparisons += 1;
        }
        if z.abs() > worst.z.abs() || entry == 0 {
            worst = Deviation { time: Some(entry as f64), values: [x, y], z, ..worst };
        }
        worst.largest_difference = worst.largest_difference.max(difference.abs());
    }
    agreement.comparisons += count;
    worst.rms_z = if count > 0 { (sum / count as f64).sqrt() } else { 0.0 };
    worst
}
