//! Events too rare to have been seen: error bars know of them from the rates, where the sample's own do not.

use std::collections::BTreeMap;

use fluctuator::analysis::{Deviations, Estimate, Level, Point, trajectory_point};
use fluctuator::ensemble::{Estimator, Plan};
use fluctuator::model::OscillatorPreparation;
use fluctuator::system::Experiment;

use crate::systems::{THREADS, exact, experiment, oscillator, run, spin};

/// Fig. 3's spin in a bath, from the ground state to `end`.
fn fig3(gamma: f64, nbar: f64, end: f64, points: usize) -> Experiment {
    experiment(oscillator(vec![spin(2.0, 1.0, gamma, nbar)], None), OscillatorPreparation::Fock(0), end, points)
}

fn point(experiment: &Experiment, trajectories: u64, seed: u64, estimator: Estimator) -> Point {
    let plan = Plan { trajectories, seed, block: 32, threads: THREADS, estimator, sampling: Default::default() };
    trajectory_point(experiment, &run(experiment, &plan), BTreeMap::new())
}

/// Largest deviation of ⟨N⟩ after t = 0: in reported standard errors, and of the plain average in the sample's own.
fn deviations(number: &Estimate, truth: &[f64]) -> [f64; 2] {
    let worst = |mean: &[f64], errors: &Option<Vec<f64>>| {
        let errors = errors.as_ref().expect("errors");
        let deviation = |time: usize| (mean[time] - truth[time]).abs() / errors[time].max(1e-300);
        (1..truth.len()).map(deviation).fold(0.0, f64::max)
    };
    let plain = number.plain_mean.as_ref().expect("a plain mean");
    [worst(&number.mean, &number.standard_error), worst(plain, &number.plain_standard_error)]
}

/// Before the first few quanta are exchanged: dense outputs, a few trajectories, an adiabatic spin with a thousand jumps per
/// trajectory of which none in ten thousand leaves a quantum. By chance one of 140 values is further off than 5 standard errors
/// with probability 8e-5.
#[test]
fn rare_quanta_are_allowed_for() {
    for (gamma, nbar, end, points, trajectories) in
        [(10.0, 0.5, 0.15, 41, 256), (10.0, 0.1, 0.5, 6, 1024), (100.0, 0.3, 1.0, 11, 256), (1e4, 0.5, 0.1, 11, 64)]
    {
        let experiment = fig3(gamma, nbar, end, points);
        let truth = &exact(&experiment).observables[0];
        for estimator in [Estimator::Plain, Estimator::controlled(trajectories)] {
            let point = point(&experiment, trajectories, 1, estimator);
            let [reported, own] = deviations(&point.observables["number"], truth);
            assert!(reported <= 5.0, "γ = {gamma}, {estimator:?}: {reported} standard errors");
            // Negative control: the sample's own error knows nothing of what it has not seen.
            assert!(own > 5.0, "γ = {gamma}: the sample's own error is only {own} off");
        }
    }
}

/// Over 200 seeds, every observable at every output time. Error bars may be generous here, but never too small: 5 binomial
/// standard errors, by chance 2.9e-7 each.
fn check_every_time(experiment: &Experiment, trajectories: u64) {
    const SEEDS: u64 = 200;
    let truth = exact(experiment).observables;
    let points: Vec<Point> =
        (0..SEEDS).map(|seed| point(experiment, trajectories, seed, Estimator::controlled(trajectories))).collect();
    let mut own_is_low = false;
    for (observable, truth) in experiment.observables.iter().zip(&truth) {
        for (time, truth) in truth.iter().enumerate().skip(1) {
            let covers = |pick: &dyn Fn(&Estimate) -> (f64, f64)| {
                let mut deviations = Deviations::default();
                for point in &points {
                    let (mean, error) = pick(&point.observables[&observable.to_string()]);
                    deviations.push(mean, error, *truth, 1e-9);
                }
                deviations.runs() == 0 || !deviations.levels().iter().any(Level::is_low)
            };
            let at = |values: &Option<Vec<f64>>| values.as_ref().expect("there")[time];
            let reported = covers(&|found| (found.mean[time], at(&found.standard_error)));
            assert!(reported, "{observable} at {} of {trajectories} trajectories", experiment.times[time]);
            own_is_low |= !covers(&|found| (at(&found.plain_mean), at(&found.plain_standard_error)));
        }
    }
    // Negative control: there is something to miss.
    assert!(own_is_low, "the sample's own errors cover everything, too");
}

#[test]
fn error_bars_of_a_hot_spin_cover_at_every_time() {
    check_every_time(&fig3(10.0, 5.0, 1.0, 6), 128);
}

#[test]
fn error_bars_of_a_cool_spin_cover_at_every_time() {
    check_every_time(&fig3(10.0, 0.1, 0.5, 6), 512);
}
