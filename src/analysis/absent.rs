//! What a sample cannot tell is left out of its point: errors of a single unit, curves beyond the bare equation's sample.

use super::scalar::Estimate;
use super::summary::{HeatingRate, Point};

/// The mean weight is 1 for certain. Where the spread of the weights says that a sample knows it no better than this its trajectories
/// cancel no more: those of (Σw)²/Σw² that count are fewer than four, and no mean of wO nor its error says anything.
const LARGEST_WEIGHT_ERROR: f64 = 0.5;

/// Leaves out of a point of `units` independent units (trajectories, or blocks of a stratified run) what they do not tell.
pub fn leave_out(mut point: Point, units: u64) -> Point {
    if units < 2 {
        leave_out_errors(&mut point);
    }
    let known = known_times(&point);
    if known < point.times.len() {
        end_at(&mut point, known);
    }
    point.closed_forms.retain(|_, curve| curve.iter().all(|number| number.is_finite()));
    point
}

/// One unit has no spread.
fn leave_out_errors(point: &mut Point) {
    let estimates = point.observables.values_mut().chain(std::iter::once(&mut point.fock_distribution));
    estimates.for_each(|estimate| (estimate.standard_error, estimate.plain_standard_error) = (None, None));
    let rate = &mut point.heating_rate;
    (rate.standard_error, rate.plain_standard_error) = (None, None);
    let scalars = rate.slope.iter_mut().chain(&mut rate.plain_slope).chain(&mut rate.drift);
    scalars.chain(point.jumps.values_mut()).for_each(|scalar| scalar.standard_error = None);
    let functionals = point.functionals.values_mut();
    functionals.for_each(|found| (found.standard_error, found.plain_standard_error) = (None, None));
    if let Some(found) = &mut point.born_markov {
        found.weights = None;
    }
}

/// The number of output times up to which the sample of weighted trajectories says anything, or all of them.
fn known_times(point: &Point) -> usize {
    let times = point.times.len();
    let Some(found) = &point.born_markov else { return times };
    let balanced = |time: usize| {
        found.weights.as_ref().is_none_or(|weights| {
            // The squared error of the mean weight over its square, as the sample shows it.
            let trajectories = point.trajectories as f64;
            let square = (1.0 / weights.effective_fraction[time] - 1.0) / trajectories;
            square <= LARGEST_WEIGHT_ERROR * LARGEST_WEIGHT_ERROR
        })
    };
    let finite = |time: usize| {
        let parts = |estimate: &Estimate| {
            let Estimate { mean, standard_error, plain_mean, plain_standard_error, .. } = estimate;
            let others =
                [standard_error, plain_mean, plain_standard_error].map(|values| values.as_ref().map(|v| v[time]));
            mean[time].is_finite() && others.into_iter().flatten().all(f64::is_finite)
        };
        point.observables.values().all(parts)
    };
    (0..times).find(|time| !(balanced(*time) && finite(*time))).unwrap_or(times)
}

/// Ends the curves after the first `known` output times.
fn end_at(point: &mut Point, known: usize) {
    point.times.truncate(known);
    for estimate in point.observables.values_mut() {
        estimate.mean.truncate(known);
        let others = [&mut estimate.standard_error, &mut estimate.plain_mean, &mut estimate.plain_standard_error];
        others.into_iter().flatten().for_each(|values| values.truncate(known));
    }
    point.closed_forms.values_mut().for_each(|curve| curve.truncate(known));
    // It was that of the end of the run.
    let estimator = point.fock_distribution.estimator.clone();
    point.fock_distribution = Estimate { estimator, ..Estimate::default() };
    if let Some(found) = &mut point.born_markov {
        found.end_at(known);
        if let Some(weights) = &mut found.weights {
            weights.ends_at = point.times.last().copied();
        }
    }
    let end = point.times.last().copied().unwrap_or(f64::NEG_INFINITY);
    point.functionals.retain(|_, functional| functional.window[1] <= end);
    if end < point.heating_rate.window[1] {
        point.heating_rate = heating_rate(point);
    }
}

/// The rate by difference over what is left of the window. Its error is at most the sum of those at both ends.
fn heating_rate(point: &Point) -> HeatingRate {
    let last = point.times.len().saturating_sub(1);
    let [from, _] = point.heating_rate.window;
    let from = point.times.iter().position(|time| *time >= from).filter(|from| *from < last).unwrap_or(0);
    let window = [from, last].map(|index| point.times.get(index).copied().unwrap_or(0.0));
    let number = point.observables.get("number");
    let rate = |of: fn(&Estimate) -> Option<&Vec<f64>>, sign: f64| {
        let values = number.and_then(of)?;
        Some((values.get(last)? + sign * values.get(from)?) / (window[1] - window[0]))
    };
    HeatingRate {
        value: rate(|number| Some(&number.mean), -1.0).unwrap_or(f64::NAN),
        standard_error: rate(|number| number.standard_error.as_ref(), 1.0),
        plain_value: rate(|number| number.plain_mean.as_ref(), -1.0),
        plain_standard_error: rate(|number| number.plain_standard_error.as_ref(), 1.0),
        slope: None,
        plain_slope: None,
        drift: None,
        window,
        ..point.heating_rate.clone()
    }
}
