//! Events too rare to have been seen: error bars know of them from the rates, where the sample's own do not.

use std::collections::BTreeMap;

use fluctuator::analysis::{Deviations, Estimate, Level, Point, trajectory_point};
use fluctuator::ensemble::{self, Estimator, Plan};
use fluctuator::io::run_file::RunFile;
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

/// Every observable, as what is observed has a say in which jumps are forced.
const EVERYTHING: &str = r#"
[output]
observables = ["number", "number_squared", "x", "p", "x_squared", "p_squared", "parity", "energy", "inversion", "spin_x", "spin_y", "pair_xx", "pair_yy", "pair_zz"]
"#;

/// The largest deviations of observables at output times from the density matrix over runs of these seeds, in reported standard errors.
fn farthest<const COUNT: usize>(text: &str, seen: [(&str, usize); COUNT], seeds: &[u64]) -> [f64; COUNT] {
    let point = &RunFile::parse(text, "test", &[]).expect("sound").points[0];
    let place = |name: &str| point.experiment.observables.iter().position(|known| known.to_string() == name);
    let exact = exact(&point.experiment).observables;
    let truth = seen.map(|(observable, time)| exact[place(observable).expect("it is observed")][time]);
    let mut farthest = [0.0f64; COUNT];
    for &seed in seeds {
        let plan = Plan { seed, ..point.plan(THREADS) };
        let ensemble = ensemble::run(&point.experiment, &point.tolerances, &plan, &());
        let found = trajectory_point(&point.experiment, &ensemble.expect("it runs").expect("it ends"), BTreeMap::new());
        for ((farthest, (observable, time)), truth) in farthest.iter_mut().zip(seen).zip(truth) {
            let found = &found.observables[observable];
            let error = found.standard_error.as_ref().expect("errors")[time];
            *farthest = farthest.max((found.mean[time] - truth).abs() / error);
        }
    }
    farthest
}

/// Two spins in a cold, lossy field that is empty at first: parity and spin pairs are no combinations of the followed quantities. A jump's
/// change was taken out of them as if they had controls: one seed in six was more than 5 standard errors off.
#[test]
fn what_no_control_follows_changes_as_it_does() {
    const TEXT: &str = r#"
version = 1
[model]
kind = "oscillator-spins"
frequency = 1.14
spins = [
  { tunnelling = 4.32, coupling = 0.0755 },
  { tunnelling = 1.07, coupling = 0.0766, bath = { gamma = 43.1, temperature = 0.302 } },
]
oscillator_bath = { kappa = 19.7, nbar = 0.0 }
[initial]
oscillator = { fock = 0 }
[time]
end = 0.483
points = 5
[ensemble]
trajectories = 404
[output]
observables = ["number", "parity", "pair_xx"]
"#;
    let seeds: Vec<u64> = (1..=32).collect();
    let off = farthest(TEXT, [("parity", 1), ("pair_xx_0_1", 1)], &seeds);
    assert!(off.iter().all(|off| *off < 5.0), "{off:?} standard errors");
}

/// A spin of three rarely flips, beside some fifty other jumps, and shifts the field later: by more than 0.008 in one of 20 000
/// trajectories. The seeds are those of 100 that were more than 5 standard errors off as long as the frequent jumps were forced as often.
#[test]
fn rare_jumps_are_forced_rather_than_frequent_ones() {
    const TEXT: &str = r#"
version = 1
[model]
kind = "oscillator-spins"
frequency = 1.0
spins = [
  { tunnelling = 2.41, coupling = 0.0487, bath = { gamma = 109.8, nbar = 0.0968 }, dephasing = 35.1 },
  { asymmetry = 4.91, tunnelling = 0.0, coupling = 0.0122, bath = { gamma = 3.07e-4, temperature = 1.89, convention = "detailed-balance" }, dephasing = 43.1, initial = "excited" },
  { tunnelling = 1.77, coupling = 0.0298, bath = { gamma = 4.76e-3, nbar = 0.622 }, dephasing = 0.0379 },
]
[initial]
oscillator = { thermal = 0.0582 }
[time]
end = 1.64
points = 3
[ensemble]
trajectories = 103
block = 8
"#;
    let [off] = farthest(&format!("{TEXT}{EVERYTHING}"), [("x", 1)], &[1, 10, 60, 62, 74, 91]);
    assert!(off < 5.0, "{off} standard errors");
}

/// A spin that jumps all the time, now and then twice in the same direction: one in 1000 trajectories then differs by 0.1 in the other
/// spin's inversion. The seeds are those of 800 that were more than 5 standard errors off.
#[test]
fn a_frequent_jump_where_it_is_rare_is_forced() {
    const TEXT: &str = r#"
version = 1
[model]
kind = "oscillator-spins"
frequency = 1.0
spins = [
  { tunnelling = 2.0, coupling = 0.5, bath = { gamma = 20.0, nbar = 1.0 } },
  { tunnelling = 1.2, coupling = 0.5, bath = { gamma = 1e-4, nbar = 0.0 } },
]
[initial]
oscillator = { fock = 0 }
[time]
end = 1.0
points = 4
[ensemble]
trajectories = 128
"#;
    let [off] = farthest(&format!("{TEXT}{EVERYTHING}"), [("inversion_1", 1)], &[25, 149, 234, 279, 388, 588, 636]);
    assert!(off < 5.0, "{off} standard errors");
}

/// From two quanta a third loss is possible only because another spin displaces the field; it happens in one of 12 000 trajectories, and
/// turns the weakly coupled spin by 0.13, on whose τx and τy all other trajectories agree to 10⁻⁵. Few trials reach the state that it
/// happens in, and hardly one chose that jump: one run in three was more than 5 standard errors off.
#[test]
fn a_jump_that_is_possible_in_few_trials_is_sought_out() {
    const TEXT: &str = r#"
version = 1
[model]
kind = "oscillator-spins"
frequency = 3.50
spins = [
  { asymmetry = 1.77, tunnelling = 0.0, coupling = 0.325, bath = { gamma = 135.3, nbar = 0.0 }, dephasing = 0.0257 },
  { asymmetry = 5.86, tunnelling = 0.0, coupling = 0.321, bath = { gamma = 6.00, nbar = 0.0577 }, dephasing = 32.9, initial = "thermal" },
  { asymmetry = 0.0, tunnelling = 11.3, coupling = 0.0447, dephasing = 0.184, initial = "ground" },
]
oscillator_bath = { kappa = 11.8, nbar = 0.0717 }
[initial]
oscillator = { fock = 2 }
[time]
end = 0.0517
points = 5
[ensemble]
trajectories = 1506
[numerics]
tolerance = 1e-10
"#;
    let seeds: Vec<u64> = (1..=12).collect();
    let seen = [("spin_x_2", 3), ("spin_y_2", 2), ("spin_y_2", 3), ("spin_y_2", 4)];
    let off = farthest(&format!("{TEXT}{EVERYTHING}"), seen, &seeds);
    assert!(off.iter().all(|off| *off < 5.0), "{off:?} standard errors");
}
