//! Ensembles in a moving frame: observables, populations and control variates are the laboratory's, in every trajectory and in the
//! mean.

use fluctuator::analysis::trajectory_point;
use fluctuator::ensemble::{BlockRunner, Estimator, Guide, Layout, Plan, Purpose, Streams, expected_quantities};
use fluctuator::hilbert::{Cutoff, Ket};
use fluctuator::model::{
    Model, OscillatorBath, OscillatorPreparation, PureOscillator, PurePreparation, Spin, SpinPreparation,
};
use fluctuator::propagate::Tolerances;
use fluctuator::system::{Experiment, FollowedSet, MovingFrame, Observable, OpenSystem, Register, Scratch};
use fluctuator::unravelling::{Recorder, Trajectory};
use num_complex::Complex64;

use crate::systems::{THREADS, exact, experiment, oscillator, run, spin, with_rates};

/// An experiment that observes all there is.
fn observing_all(spins: Vec<Spin>, alpha: Complex64, end: f64) -> Experiment {
    let mut all = experiment(oscillator(spins, None), OscillatorPreparation::Coherent(alpha), end, 4);
    all.observables.extend([Observable::X_SQUARED, Observable::P_SQUARED, Observable::ENERGY]);
    all
}

/// A spin that X turns and shifts, with every channel of its own and a mixed initial state.
fn tilted() -> Spin {
    let initial = SpinPreparation::Mixed { excited_probability: 0.3 };
    Spin { asymmetry: 0.7, dephasing: 0.5, initial, ..spin(1.2, 0.2, 2.0, 0.4) }
}

/// Quantities, and the rates at which jumps change them, at the output times of a trajectory.
struct Followers<'a> {
    system: &'a Register,
    set: &'a FollowedSet,
    times: &'a [f64],
    scratch: Scratch,
    found: Vec<Vec<f64>>,
}

impl Recorder for Followers<'_> {
    fn output(&mut self, index: usize, ket: &Ket) {
        let [mut values, mut rates] = [(); 2].map(|()| vec![0.0; self.set.width()]);
        let mut ket = ket.clone();
        ket.scale(1.0 / ket.norm_squared().sqrt());
        let alpha = self.system.displacement(self.times[index]);
        self.set.rates(alpha, &ket, &mut self.scratch, &mut values, &mut rates);
        self.found.extend([values, rates]);
    }
}

fn followed(system: &Register, experiment: &Experiment, alpha: Complex64, index: u64) -> Vec<Vec<f64>> {
    let mut trajectory = Trajectory::new(system, &experiment.times, &Tolerances::from_tolerance(1e-10));
    let set = FollowedSet::usual(system);
    let scratch = set.scratch();
    let mut followers = Followers { system, set: &set, times: &experiment.times, scratch, found: Vec::new() };
    let state = PurePreparation { oscillator: PureOscillator::Coherent(alpha), excited: index as u32 % 4 };
    let mut chance = Streams::new(9).open(index, Purpose::Jumps);
    trajectory.run(&state, &mut chance, &mut followers).expect("a trajectory");
    followers.found
}

fn difference<'a>(a: impl IntoIterator<Item = &'a f64>, b: impl IntoIterator<Item = &'a f64>) -> f64 {
    a.into_iter().zip(b).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs() / (1.0 + b.abs())))
}

#[test]
fn quantities_and_their_rates_are_those_of_the_laboratory() {
    let alpha = Complex64::new(-2.5, 3.0);
    let experiment = observing_all(vec![tilted(), spin(0.9, 0.3, 1.0, 0.2)], alpha, 2.0);
    let Model::OscillatorSpins(model) = &experiment.model else { panic!("a spin model") };
    let laboratory = Register::new(&experiment.model, Cutoff::Auto);
    let moving = Register::displaced(model, alpha).expect("no bath of the oscillator");
    // Any frame does, also one that does not begin with the vacuum.
    let elsewhere = Register::displaced(model, 0.5 * alpha).expect("no bath of the oscillator");
    let ahead = Experiment { times: experiment.times.iter().map(|t| t * (1.0 + 1e-6)).collect(), ..experiment.clone() };
    for index in 0..8 {
        let known = followed(&laboratory, &experiment, alpha, index);
        for system in [&moving, &elsewhere] {
            let found = followed(system, &experiment, alpha, index);
            let largest = difference(found.iter().flatten(), known.iter().flatten());
            assert!(largest < 1e-7, "trajectory {index}: {largest}");
        }
        // Negative control: a millionth of the time too late is seen.
        let late = followed(&moving, &ahead, alpha, index);
        assert!(difference(late.iter().flatten(), known.iter().flatten()) > 3e-7);
    }
}

#[test]
fn records_and_populations_are_those_of_the_laboratory() {
    let alpha = Complex64::new(3.0, -6.5);
    let experiment = observing_all(vec![tilted()], alpha, 2.0);
    let laboratory = Register::new(&experiment.model, Cutoff::Auto);
    let moving = Register::of(&experiment);
    assert_eq!(MovingFrame::of(&experiment).expect("it pays").at(0.0), alpha);
    let tolerances = Tolerances::from_tolerance(1e-8);
    let guide = |system: &Register| {
        let set = FollowedSet::usual(system);
        let expected = expected_quantities(system, &set, &experiment);
        let closure = fluctuator::ensemble::Closure::identity(set.order());
        Guide::new(system, &experiment, (set, closure), expected)
    };
    let (guides, number) = ([&laboratory, &moving].map(guide), experiment.number_index());
    for index in 0..12 {
        let tally = |system: &Register, guide: &Guide| {
            let mut runner = BlockRunner::new(system, &experiment, &tolerances, 4, Some(guide));
            runner.run(index..index + 1).expect("it runs")
        };
        let (known, found) = (tally(&laboratory, &guides[0]), tally(&moving, &guides[1]));
        assert!(found.counts.largest_window <= 48 && known.counts.largest_window > 100);
        let estimates = ..Layout::new(&experiment, moving.channels().len()).estimates();
        let largest = difference(&found.records.mean()[estimates], &known.records.mean()[estimates]);
        assert!(largest < 1e-6, "trajectory {index}: {largest}");
        // Populations at the end: one by one, their sum and their mean.
        let (found, known_levels) = (found.fock.mean(), known.fock.mean());
        assert!(difference(found, known_levels) < 1e-8);
        let moment = |power: i32| -> f64 { found.iter().enumerate().map(|(n, p)| (n as f64).powi(power) * p).sum() };
        let last = experiment.times.len() - 1;
        let mean = known.records.mean()[last * experiment.observables.len() + number];
        assert!((moment(0) - 1.0).abs() < 1e-9, "{}", moment(0));
        assert!((moment(1) - mean).abs() < 1e-6 * mean, "{} {mean}", moment(1));
    }
}

/// Largest deviation from the density matrix in standard errors, over all observables and times, and the ratio of the controlled to
/// the plain standard error of ⟨N⟩ at the end.
fn deviation(experiment: &Experiment, truth: &[Vec<f64>]) -> (f64, f64) {
    let estimator = Estimator::Controlled { pilot: 64 };
    let plan =
        Plan { trajectories: 1024, seed: 3, block: 32, threads: THREADS, estimator, sampling: Default::default() };
    let point = trajectory_point(experiment, &run(experiment, &plan), Default::default());
    assert!(point.diagnostics.displacement.is_some() && point.diagnostics.largest_window <= 48);
    let mut largest = 0.0f64;
    for (observable, truth) in experiment.observables.iter().zip(truth) {
        let found = &point.observables[&observable.to_string()];
        let errors = found.standard_error.as_ref().expect("sampled");
        for time in 1..experiment.times.len() {
            largest = largest.max((found.mean[time] - truth[time]).abs() / errors[time]);
        }
    }
    let number = &point.observables["number"];
    let last = |errors: &Option<Vec<f64>>| *errors.as_ref().expect("sampled").last().expect("an end");
    (largest, last(&number.standard_error) / last(&number.plain_standard_error))
}

/// |α|² = 100: the density matrix is that of the laboratory, on levels that hold all but 10⁻¹⁴ of it.
#[test]
fn controlled_means_are_those_of_the_density_matrix() {
    let experiment = observing_all(vec![tilted()], Complex64::new(-6.0, 8.0), 1.0);
    let truth = exact(&Experiment { cutoff: Cutoff::Levels(192), ..experiment.clone() });
    assert!(truth.top_population < 1e-14 && truth.trace_defect < 1e-9, "{truth:?}");
    let truth = truth.observables;
    // 24 values: false alarm below 2e-5, deterministic for this seed.
    let (largest, gain) = deviation(&experiment, &truth);
    println!("largest deviation {largest:.2} σ, error of ⟨N⟩ {gain:.3} of the plain one");
    assert!(largest < 5.0, "{largest} standard errors");
    assert!(gain < 0.5, "controls take away too little: {gain}");
    // Negative control: jumps twice as frequent are seen.
    let (wrong, _) = deviation(&with_rates(&experiment, 2.0), &truth);
    assert!(wrong > 5.0, "the test cannot see a wrong rate: {wrong}");
}

#[test]
fn the_frame_moves_where_that_pays() {
    let alpha = Complex64::new(0.0, 20.0);
    let pays = |experiment: &Experiment| MovingFrame::of(experiment).is_some();
    let moving = observing_all(vec![spin(1.0, 0.1, 1.0, 0.1)], alpha, 5.0);
    assert!(pays(&moving));
    let with = |change: fn(&mut Experiment)| {
        let mut changed = moving.clone();
        change(&mut changed);
        changed
    };
    assert!(!pays(&with(|experiment| experiment.cutoff = Cutoff::Levels(600))));
    assert!(!pays(&with(|experiment| experiment.oscillator = OscillatorPreparation::Fock(400))));
    assert!(!pays(&with(|experiment| experiment.oscillator = OscillatorPreparation::Coherent(0.5.into()))));
    // Long enough for the spins to carry the ket away.
    assert!(!pays(&with(|experiment| experiment.times = vec![0.0, 1000.0])));
    // (4.6 + 2‖S‖t/π)² levels of the frame are as many as the laboratory's 4·4.6|α| at t = 229.07, or at half that with two spins,
    // whatever the sign of their couplings.
    for (couplings, even) in [(vec![0.1], 229.07), (vec![-0.1], 229.07), (vec![0.1, -0.1], 114.53)] {
        for (end, expected) in [(0.999 * even, true), (1.001 * even, false)] {
            let spins = couplings.iter().map(|coupling| spin(1.0, *coupling, 1.0, 0.1)).collect();
            assert_eq!(pays(&observing_all(spins, alpha, end)), expected, "{couplings:?} until {end}");
        }
    }
    assert!(!pays(&with(|experiment| {
        let Model::OscillatorSpins(model) = &mut experiment.model else { panic!("a spin model") };
        model.oscillator_bath = Some(OscillatorBath { kappa: 0.1, nbar: 0.0 });
    })));
}

#[test]
fn a_million_quanta_take_a_small_window() {
    let spins = vec![spin(1.0, 0.02, 1.0, 0.1)];
    let experiment = experiment(oscillator(spins, None), OscillatorPreparation::Coherent(1000.0.into()), 10.0, 11);
    let plan = Plan {
        trajectories: 2,
        seed: 1,
        block: 2,
        threads: 1,
        estimator: Estimator::Plain,
        sampling: Default::default(),
    };
    let ensemble = run(&experiment, &plan);
    let counts = ensemble.tally.counts;
    assert!(counts.largest_window <= 40, "{} levels", counts.largest_window);
    assert!(counts.highest_level > 1_000_000);
    let fock = ensemble.tally.fock.mean();
    let (norm, mean) =
        fock.iter().enumerate().fold((0.0, 0.0), |(norm, mean), (n, p)| (norm + p, mean + p * (n as f64 - 1e6)));
    let number = ensemble.tally.records.mean()[ensemble.layout.observable(10, 0)];
    assert!((norm - 1.0).abs() < 1e-9, "{norm}");
    assert!((mean - (number - 1e6)).abs() < 1e-3, "{mean} {number}");
    // Spins of this coupling can put 2g|α|t = 400 quanta in or out at most.
    assert!((number - 1e6).abs() < 400.0);
}
