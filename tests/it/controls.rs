//! Estimates with control variates: as exact as the requirement asks for, unbiased for every kind of system, and covered by
//! their error bars.

use std::collections::BTreeMap;

use fluctuator::analysis::{Deviations, Level, Point, trajectory_point};
use fluctuator::ensemble::{
    self, BlockRunner, CONTROLS, Closure, Ensemble, Estimator, Guide, Layout, Moments, Plan, Purpose, Streams,
    expected_quantities, least_squares,
};
use fluctuator::hilbert::Cutoff;
use fluctuator::model::{
    Adiabatic, Model, OscillatorBath, OscillatorPreparation, OscillatorSpins, PureOscillator, PurePreparation, Spin,
    SpinPreparation,
};
use fluctuator::propagate::Tolerances;
use fluctuator::system::{Chain, Experiment, FollowedSet, Observable, OpenSystem};
use num_complex::Complex64;

use crate::reference;
use crate::systems::{THREADS, exact, experiment, oscillator, run, spin, variance, with_rates};

/// An ensemble with control variates, with `pilot` pilot trajectories or as many as by default.
fn ensemble(experiment: &Experiment, trajectories: u64, seed: u64, pilot: Option<u64>) -> Ensemble {
    let estimator = pilot.map_or(Estimator::controlled(trajectories), |pilot| Estimator::Controlled { pilot });
    run(experiment, &Plan { trajectories, seed, block: 32, threads: THREADS, estimator, sampling: Default::default() })
}

/// A mean corrected by control variates.
pub struct Corrected {
    pub mean: f64,
    pub variance: f64,
}

/// The corrected mean of observable `observable` at time index `time`.
pub fn corrected(ensemble: &Ensemble, time: usize, observable: usize) -> Corrected {
    let (moments, entry) = (&ensemble.tally.corrected, ensemble.layout.observable(time, observable));
    Corrected { mean: moments.mean()[entry], variance: moments.variance(entry) }
}

/// One of the runs of Fig. 3.
struct Figure {
    name: &'static str,
    /// Variance of ⟨N⟩ at t = 10 with controls over that without, at most.
    ratio: f64,
    /// A factor of γ that is told from 1.
    wrong: f64,
}

const A: Figure = Figure { name: "fig3-gamma10-nbar0", ratio: 1.0 / 60.0, wrong: 1.01 };
const B: Figure = Figure { name: "fig3-gamma10-nbar1", ratio: 1.0 / 1500.0, wrong: 1.001 };
const C: Figure = Figure { name: "fig3-gamma100-nbar0", ratio: 1e-5, wrong: 1.0005 };

/// What is required, for 20 seeds at every `step`-th of 101 output times: the variances, pooled, and that the mean over
/// the seeds is within 4 of its reported standard errors at every time, from which the curve of a wrong rate is not.
///
/// By chance the mean of one time is further off with probability 6.3e-5.
fn check_figure(figure: &Figure, trajectories: u64, step: usize) {
    const SEEDS: u64 = 20;
    let reference = reference::load(figure.name);
    let pick = |curve: &[f64]| curve.iter().copied().step_by(step).collect::<Vec<f64>>();
    let times = pick(&reference.experiment.times);
    let experiment = Experiment { heating_window: [0, times.len() - 1], times, ..reference.experiment.clone() };
    let last = experiment.times.len() - 1;
    let (mut mean, mut square, mut variances) = (vec![0.0; last + 1], vec![0.0; last + 1], [0.0; 2]);
    for seed in 1..=SEEDS {
        let ensemble = ensemble(&experiment, trajectories, seed, None);
        let number = trajectory_point(&experiment, &ensemble, BTreeMap::new()).observables.remove("number");
        let number = number.expect("⟨N⟩");
        assert_eq!(number.estimator, "controlled");
        for (time, error) in number.standard_error.expect("errors").into_iter().enumerate() {
            mean[time] += number.mean[time] / SEEDS as f64;
            square[time] += (error / SEEDS as f64).powi(2);
        }
        variances[0] += variance(&ensemble, last, 0);
        variances[1] += corrected(&ensemble, last, 0).variance;
    }
    let worst = |truth: &[f64]| (1..=last).map(|t| (mean[t] - truth[t]).abs() / square[t].sqrt()).fold(0.0, f64::max);
    let right = worst(&pick(&reference.expect["number"]));
    let wrong = worst(&exact(&with_rates(&experiment, figure.wrong)).observables[0]);
    let ratio = variances[1] / variances[0];
    println!(
        "{}: variance 1/{:.0}, {right:.2} standard errors, {wrong:.1} from γ × {}",
        figure.name,
        1.0 / ratio,
        figure.wrong
    );
    assert!(ratio <= figure.ratio, "{}: the variance sinks to 1/{} only", figure.name, 1.0 / ratio);
    assert!(right <= 4.0, "{}: {right} standard errors", figure.name);
    assert!(wrong > 4.0, "{}: γ × {} is only {wrong} standard errors off", figure.name, figure.wrong);
}

#[test]
fn fig3_gamma10_nbar0_as_required() {
    check_figure(&A, 512, 10);
}

#[test]
fn fig3_gamma10_nbar1_as_required() {
    check_figure(&B, 512, 10);
}

/// One trajectory in two jumps here: coefficients need more of them.
#[test]
fn fig3_gamma100_nbar0_as_required() {
    check_figure(&C, 1024, 10);
}

/// At all 101 times, some 15 s.
#[test]
fn fig3_at_every_time_as_required() {
    [A, B, C].iter().for_each(|figure| check_figure(figure, 1024, 1));
}

/// With more pilots larger sets of quantities are followed: functions of N that saturate as a spin does, and what each of unequal spins
/// does by itself. Variance of ⟨N⟩(10) plain over controlled, one seed each (measured: 9 800, 58 000, 145 000 and 9 300 for the two
/// spins with 8192 trajectories); 33 means against the density matrix, at 5 standard errors and 1e-7.
#[test]
fn larger_sets_of_quantities_take_more_of_the_variance() {
    let of = |spins: Vec<Spin>| experiment(oscillator(spins, None), OscillatorPreparation::Fock(0), 10.0, 11);
    let one = |nbar: f64| of(vec![spin(2.0, 1.0, 10.0, nbar)]);
    let two = of(vec![spin(2.0, 0.7, 10.0, 0.0), spin(1.3, 0.7, 6.0, 0.0)]);
    let cases = [(one(0.0), 8192, 6e3), (one(0.2), 8192, 3e4), (one(1.0), 8192, 1e5), (two, 8192, 1e3)];
    for (experiment, trajectories, least) in cases {
        let ensemble = ensemble(&experiment, trajectories, 1, None);
        let last = experiment.times.len() - 1;
        let gain = variance(&ensemble, last, 0) / corrected(&ensemble, last, 0).variance;
        let point = trajectory_point(&experiment, &ensemble, BTreeMap::new());
        let deviation = |experiment: &Experiment| worst(experiment, &point, &exact(experiment).observables);
        let (right, wrong) = (deviation(&experiment), deviation(&with_rates(&experiment, 1.001)));
        println!("gain {gain:.0}, right {right:.2}, wrong {wrong:.1}, {:?}", point.control_set);
        assert!(gain >= least, "the variance sinks to 1/{gain:.0}, not to 1/{least}");
        let set = point.control_set.as_ref().expect("there are control variates");
        let told = set.factor.is_some_and(|factor| factor > 100.0);
        assert!(told && set.quantities >= 13 && set.name.starts_with("usual"), "{set:?}");
        assert!(right <= 5.0 && wrong > 5.0, "{right} standard errors, {wrong} from rates a thousandth too large");
    }
}

/// A system of each kind, with every observable there is.
struct Case {
    name: &'static str,
    experiment: Experiment,
    /// Variance of ⟨N⟩ at the end with controls over that without, at most; twice what was measured.
    ratio: f64,
    /// A factor of all jump rates that the test must tell from 1.
    wrong: f64,
}

fn cases() -> Vec<Case> {
    let bath = |kappa: f64, nbar: f64| Some(OscillatorBath { kappa, nbar });
    let case = |name, model: Model, initial, end, ratio, wrong| {
        let mut experiment = experiment(model, initial, end, 5);
        experiment.observables.extend([Observable::X_SQUARED, Observable::P_SQUARED, Observable::ENERGY]);
        Case { name, experiment, ratio, wrong }
    };
    let fock = OscillatorPreparation::Fock;
    let dephased = Spin { dephasing: 0.5, ..spin(2.0, 1.0, 4.0, 0.5) };
    let asymmetric = Spin { asymmetry: 1.0, ..spin(2.0, 0.5, 5.0, 0.5) };
    let mixed = Spin { initial: SpinPreparation::Mixed { excited_probability: 0.3 }, ..spin(2.0, 0.7, 5.0, 0.5) };
    let two = vec![spin(2.0, 0.5, 5.0, 0.5), spin(1.0, 0.4, 3.0, 0.0)];
    let coherent = OscillatorPreparation::Coherent(Complex64::new(1.2, -0.5));
    let thermal = OscillatorPreparation::Thermal(0.5);
    let adiabatic = Model::Adiabatic(Adiabatic { frequency: 1.0, diffusion: 0.2 });
    let mut cases = vec![
        case("a chain with every channel", oscillator(vec![dephased], bath(0.2, 0.5)), fock(1), 4.0, 1e-3, 1.01),
        case("two spins", oscillator(two, None), fock(0), 3.0, 5e-4, 1.01),
        case("an asymmetric spin", oscillator(vec![asymmetric], None), fock(1), 4.0, 2e-3, 1.03),
        case("the adiabatic limit", adiabatic, fock(1), 4.0, 1e-9, 1.01),
        case("no spins, coherent", oscillator(vec![], bath(0.5, 0.5)), coherent, 4.0, 0.5, 1.1),
        case("mixed initial states", oscillator(vec![mixed], None), thermal, 3.0, 1.5e-4, 1.01),
        case("a hard cutoff", oscillator(vec![dephased], bath(0.2, 0.5)), fock(1), 4.0, 7e-3, 1.03),
        case("a thermal state under a hard cutoff", oscillator(vec![mixed], None), thermal, 3.0, 1.0, 3.0),
    ];
    for case in &mut cases[6..] {
        case.experiment.cutoff = Cutoff::Levels(8);
    }
    cases
}

/// Largest deviation of a result from the exact one over all observables and times, in reported standard errors.
fn worst(experiment: &Experiment, point: &Point, truth: &[Vec<f64>]) -> f64 {
    const NUMERICAL: f64 = 1e-7;
    let mut worst = 0.0f64;
    for (observable, truth) in experiment.observables.iter().zip(truth) {
        let found = &point.observables[&observable.to_string()];
        let errors = found.standard_error.as_ref().expect("errors");
        for ((mean, error), truth) in found.mean.iter().zip(errors).zip(truth) {
            worst = worst.max(((mean - truth).abs() - NUMERICAL).max(0.0) / error.max(1e-300));
        }
    }
    worst
}

/// The experiment with all jump rates times `factor`.
fn faster(experiment: &Experiment, factor: f64) -> Experiment {
    match experiment.model {
        Model::OscillatorSpins(_) => with_rates(experiment, factor),
        Model::BornMarkov(_) => unreachable!("tested in born_markov"),
        Model::Adiabatic(adiabatic) => {
            let diffusion = factor * adiabatic.diffusion;
            Experiment { model: Model::Adiabatic(Adiabatic { diffusion, ..adiabatic }), ..experiment.clone() }
        }
    }
}

/// Some 280 values: by chance one is further off with probability 1.6e-4.
#[test]
fn controlled_means_are_exact_for_every_kind_of_system() {
    for Case { name, experiment, ratio, wrong } in cases() {
        let estimator = Estimator::controlled(512);
        let plan =
            Plan { trajectories: 512, seed: 11, block: 32, threads: THREADS, estimator, sampling: Default::default() };
        // The hard cutoffs are meant to clip; the density matrix does it in the same way.
        let tolerances = Tolerances { max_clipped: 1.0, ..Tolerances::from_tolerance(1e-8) };
        let ensemble = ensemble::run(&experiment, &tolerances, &plan, &()).expect("it runs").expect("nobody stops it");
        let point = trajectory_point(&experiment, &ensemble, BTreeMap::new());
        let deviation = |experiment: &Experiment| worst(experiment, &point, &exact(experiment).observables);
        let last = experiment.times.len() - 1;
        let found = corrected(&ensemble, last, 0).variance / variance(&ensemble, last, 0);
        let (right, wrong) = (deviation(&experiment), deviation(&faster(&experiment, wrong)));
        println!("{name}: ratio {found:.2e} right {right:.2} wrong {wrong:.1}");
        assert!(right <= 5.0, "{name}: {right} standard errors");
        assert!(wrong > 5.0, "{name}: wrong rates are only {wrong} standard errors off");
        // Where a hard cutoff leaves the mean of a thermal state unknown, the controls leave 0.57 to 0.84 of the variance or are not
        // taken (16 seeds): never more than all of it.
        assert!(ratio >= 0.9 || point.observables["number"].estimator == "controlled", "{name}");
        assert!(found <= ratio, "{name}: the variance sinks to {found} only, not {ratio}");
    }
}

/// A value and its controls.
type Row = (f64, [f64; CONTROLS]);

/// The negative control of all these tests: compensators off by two per cent do not leave the means where they are. Coefficients are
/// fitted to the second half of the trajectories and used for the first.
#[test]
fn a_wrong_compensator_is_noticed() {
    const HALF: usize = 1024;
    let experiment =
        experiment(oscillator(vec![spin(2.0, 1.0, 10.0, 1.0)], None), OscillatorPreparation::Fock(0), 2.0, 3);
    let Model::OscillatorSpins(model) = &experiment.model else { panic!("a spin model") };
    let truth = exact(&experiment).observables;
    let state = PurePreparation { oscillator: PureOscillator::Fock(0), excited: 0 };
    let worst = |factor: f64| {
        let chain = |model: &OscillatorSpins| Chain::new(model, Cutoff::Auto).expect("one symmetric spin");
        // The quantities of a model whose jumps come `factor` times as often change by them as much faster.
        let mut hasty = model.clone();
        hasty.spins[0].bath.as_mut().expect("a bath").gamma *= factor;
        let (system, set) = (chain(model), FollowedSet::usual(&chain(&hasty)));
        let expected = expected_quantities(&system, &set, &experiment);
        let closure = Closure::identity(set.order());
        let guide = Guide::new(&system, &experiment, (set, closure), expected);
        let mut runner = BlockRunner::new(&system, &experiment, &Tolerances::from_tolerance(1e-8), 7, Some(&guide));
        let mut path = |index: usize| {
            let mut chance = Streams::new(7).open(index as u64, Purpose::Jumps);
            runner.path(&state, &mut chance, &[]).expect("it runs")
        };
        let paths: Vec<_> = (0..2 * HALF).map(&mut path).collect();
        let layout = Layout::new(&experiment, system.channels().len());
        [0, 1, 4].map(|observable| {
            let entry = layout.observable(2, observable);
            let rows = paths.iter().map(|path| (path.record[entry], path.controls[entry]));
            let rows: Vec<Row> = rows.collect();
            let (used, fitted) = rows.split_at(HALF);
            let mean = |f: &dyn Fn(&Row) -> f64| fitted.iter().map(f).sum::<f64>() / HALF as f64;
            let [y, c]: [Vec<f64>; 2] =
                [vec![mean(&|row| row.0)], (0..CONTROLS).map(|i| mean(&|row| row.1[i])).collect()];
            let gram: Vec<f64> = (0..CONTROLS * CONTROLS)
                .map(|k| mean(&|row| (row.1[k / CONTROLS] - c[k / CONTROLS]) * (row.1[k % CONTROLS] - c[k % CONTROLS])))
                .collect();
            let right: Vec<f64> = (0..CONTROLS).map(|i| mean(&|row| (row.1[i] - c[i]) * (row.0 - y[0]))).collect();
            let beta = least_squares(&gram, &right, CONTROLS);
            let mut moments = Moments::default();
            for (y, c) in used {
                moments.push(&[y - c.iter().zip(&beta).map(|(c, beta)| c * beta).sum::<f64>()]);
            }
            (moments.mean()[0] - truth[observable][2]).abs() / moments.standard_error(0)
        })
    };
    let (right, wrong) = (worst(1.0), worst(1.02));
    println!("{right:?} {wrong:?}");
    assert!(right.iter().all(|z| *z <= 5.0), "{right:?}");
    assert!(wrong.iter().any(|z| *z > 5.0), "{wrong:?}");
}

/// Short runs of few trajectories, to t = 1, over 1000 seeds: the exact value lies within the corrected mean's error bars as
/// often as it should, and the corrected mean is not off to one side, although its coefficients were fitted to few
/// trajectories. Negative control: with error bars `wrong` times as large it does not.
fn check_coverage(nbar: f64, trajectories: u64, pilot: Option<u64>, wrong: f64, names: &[&str]) {
    const SEEDS: u64 = 1000;
    let model = oscillator(vec![spin(2.0, 1.0, 10.0, nbar)], None);
    let experiment = experiment(model, OscillatorPreparation::Fock(0), 1.0, 2);
    let truth = exact(&experiment).observables;
    let estimator = pilot.map_or(Estimator::controlled(trajectories), |pilot| Estimator::Controlled { pilot });
    let point = |seed| {
        let plan = Plan { trajectories, seed, block: 32, threads: 1, estimator, sampling: Default::default() };
        trajectory_point(&experiment, &run(&experiment, &plan), BTreeMap::new())
    };
    let every_second = |first| (first..SEEDS).step_by(2).map(point).collect::<Vec<Point>>();
    let points = std::thread::scope(|scope| {
        let odd = scope.spawn(|| every_second(1));
        [every_second(0), odd.join().expect("no panic")].concat()
    });
    for (observable, truth) in experiment.observables.iter().zip(&truth) {
        let name = observable.to_string();
        if !names.contains(&name.as_str()) {
            continue;
        }
        let deviations = |scale: f64| {
            let mut deviations = Deviations::default();
            for point in &points {
                let found = &point.observables[&name];
                let error = scale * found.standard_error.as_ref().expect("errors")[1];
                deviations.push(found.mean[1], error, truth[1], 0.0);
            }
            deviations
        };
        let found = deviations(1.0);
        let [one, two] = found.levels().map(|level| level.seen);
        println!(
            "{nbar} {trajectories} {pilot:?} {name}: {one} {two}, mean z {:.3}, variance {:.2}",
            found.mean(),
            found.variance()
        );
        // 5 binomial standard errors, by chance 2.9e-7 each, and 5 of the mean of as many normal deviations: 5.7e-7.
        assert!(found.levels().iter().all(|level| !level.is_low()), "{name}: {:?}", found.levels());
        assert!(found.mean().abs() <= 5.0 / (SEEDS as f64).sqrt(), "{name}: mean z = {}", found.mean());
        assert!(deviations(wrong).levels().iter().any(Level::is_low), "{name}: wrong error bars are not seen");
    }
}

#[test]
fn error_bars_of_128_trajectories_cover() {
    check_coverage(1.0, 128, None, 0.75, &["number", "inversion_0"]);
}

/// They are 15 % wider than the true error, as 64 trajectories beside the 128 have a say in them.
#[test]
fn error_bars_of_128_trajectories_with_32_pilots_cover() {
    check_coverage(1.0, 128, Some(32), 0.7, &["number", "inversion_0"]);
}

#[test]
fn error_bars_of_256_trajectories_cover() {
    check_coverage(1.0, 256, None, 0.75, &["number", "inversion_0"]);
}

/// 64 pilots with half a jump each would teach a law that weights rarer histories wrongly (coverage 88 to 90 % instead of
/// 95 %), so none is learned from so few.
#[test]
fn error_bars_cover_where_pilots_hardly_jump() {
    check_coverage(0.0, 512, None, 0.75, &["number", "number_squared", "inversion_0"]);
}
