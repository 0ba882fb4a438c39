//! How far two results agree: deviations in units of their combined standard error.

use statrs::distribution::{ContinuousCDF, Normal};

use super::summary::{Estimate, Point, Summary};
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
    /// (A − B)/√(σ_A² + σ_B²) there; 0 where the values agree to the absolute tolerance.
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
}

impl Agreement {
    /// Largest |z|.
    pub fn worst(&self) -> f64 {
        self.deviations.iter().fold(0.0, |worst, deviation| worst.max(deviation.z.abs()))
    }

    /// Upper bound (Bonferroni) on the probability that correct results deviate by more than `sigmas` anywhere.
    pub fn false_alarm(&self, sigmas: f64) -> f64 {
        (2.0 * Normal::standard().sf(sigmas) * self.comparisons as f64).min(1.0)
    }
}

/// Compares everything that `a` and `b` have in common, point by point.
///
/// Differences up to `tolerance` (absolute) count as agreement: numerical errors are not part of a standard error. Where
/// neither result has a sampling error, a larger difference is an infinite z.
///
/// # Errors
/// When the results have different points, parameters or times.
pub fn compare(a: &Summary, b: &Summary, tolerance: f64) -> Result<Agreement> {
    if a.points.len() != b.points.len() {
        return Err(mismatch(format!("A has {} sweep points, B has {}", a.points.len(), b.points.len())));
    }
    let mut agreement = Agreement { deviations: Vec::new(), comparisons: 0 };
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

fn compare_points(index: usize, a: &Point, b: &Point, tolerance: f64, agreement: &mut Agreement) -> Result<()> {
    if a.parameters != b.parameters {
        return Err(mismatch(format!(
            "point {index} has parameters {:?} in A and {:?} in B",
            a.parameters, b.parameters
        )));
    }
    let same_times = a.times.len() == b.times.len()
        && a.times.iter().zip(&b.times).all(|(s, t)| (s - t).abs() <= 1e-12 * s.abs().max(1.0));
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
    let mut single = |name: &str, a: (f64, f64), b: (f64, f64)| {
        let mut deviation = deviation(index, name, &[a], &[b], tolerance, agreement);
        deviation.time = None;
        agreement.deviations.push(deviation);
    };
    let rate = |point: &Point| (point.heating_rate.value, point.heating_rate.standard_error.unwrap_or(0.0));
    if a.heating_rate.window == b.heating_rate.window {
        single("heating_rate", rate(a), rate(b));
    }
    for (name, jumps) in &a.jumps {
        if let Some(other) = b.jumps.get(name) {
            let pair = |scalar: &super::Scalar| (scalar.mean, scalar.standard_error.unwrap_or(0.0));
            single(&format!("jumps of {name}"), pair(jumps), pair(other));
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
    tolerance: f64,
    agreement: &mut Agreement,
) -> Deviation {
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
        let z = if difference.abs() <= tolerance { 0.0 } else { difference / error };
        // A value that is not a number, or two without a sampling error, never agree by default.
        let z = if z.is_nan() { f64::INFINITY } else { z };
        if error > 0.0 && error.is_finite() {
            sum += z * z;
            count += 1;
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
