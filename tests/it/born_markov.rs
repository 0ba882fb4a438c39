//! The Born–Markov equation (23): moments, density matrix and trajectories of its three forms against the reference file and
//! against each other.
//!
//! Trajectories must lie within 5 standard errors at every time and for every observable jointly: a test of 61 times × 6
//! observables fails correct code (Bonferroni) with probability below 366 × 5.7e-7 = 2.1e-4, once for the fixed seed.

use std::path::Path;

use fluctuator::analysis::{BornMarkovPoint, Point, exact_point, trajectory_point};
use fluctuator::bath::Coefficients;
use fluctuator::ensemble::{self, Estimator, Plan};
use fluctuator::hilbert::Cutoff;
use fluctuator::master::{self, Limits, MomentEquations};
use fluctuator::model::{BornMarkov, Form, Model, OscillatorPreparation};
use fluctuator::propagate::Tolerances;
use fluctuator::system::{Experiment, Observable};
use num_complex::Complex64;
use serde_json::Value;

use crate::systems::THREADS;

const OBSERVABLES: [Observable; 6] = [
    Observable::NUMBER,
    Observable::NUMBER_SQUARED,
    Observable::X,
    Observable::P,
    Observable::X_SQUARED,
    Observable::P_SQUARED,
];

/// One entry of the reference file.
struct Case {
    model: BornMarkov,
    alpha: Complex64,
    times: Vec<f64>,
    json: Value,
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number")).collect()
}

fn cases() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/born-markov-evolution.json");
    let json: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("readable")).expect("JSON");
    json.as_array().expect("cases").iter().map(case).collect()
}

fn case(json: &Value) -> Case {
    let of = |value: &Value| value.as_f64().expect("a number");
    let (case, given) = (&json["case"], &json["case"]["coefficients"]);
    let coefficients = Coefficients {
        gamma: of(&given["gamma"]),
        diffusion: of(&given["D0"]) + of(&given["D1"]),
        anomalous: of(&given["f1"]),
        frequency_shift_squared: of(&given["frequency_shift_squared"]),
    };
    let alpha = numbers(&case["coherent"]);
    Case {
        model: BornMarkov {
            mass: of(&case["mass"]),
            frequency: of(&case["frequency"]),
            form: Form::Bare,
            coefficients,
        },
        alpha: Complex64::new(alpha[0], alpha[1]),
        times: numbers(&json["times"]),
        json: json.clone(),
    }
}

impl Case {
    fn experiment(&self, form: Form) -> Experiment {
        Experiment {
            model: Model::BornMarkov(BornMarkov { form, ..self.model }),
            oscillator: OscillatorPreparation::Coherent(self.alpha),
            cutoff: Cutoff::Auto,
            times: self.times.clone(),
            observables: OBSERVABLES.to_vec(),
            heating_window: [0, self.times.len() - 1],
            functionals: vec![],
        }
    }
}

fn exact(experiment: &Experiment) -> Point {
    // A wrong equation may heat without end; it is refused in seconds.
    let limits = Limits { memory: 16 << 20, ..Limits::default() };
    let solution = master::solve(experiment, &limits, |_| true).expect("small").expect("nobody stops it");
    exact_point(experiment, &solution, Default::default())
}

fn trajectories(experiment: &Experiment, trajectories: u64, estimator: Estimator) -> Point {
    let sampling = Default::default();
    let plan = Plan { trajectories, seed: 5, block: 32, threads: THREADS, estimator, sampling };
    let outcome = ensemble::run(experiment, &Tolerances::from_tolerance(1e-8), &plan, &());
    trajectory_point(experiment, &outcome.expect("it runs").expect("nobody stops it"), Default::default())
}

fn beside(point: &Point) -> &BornMarkovPoint {
    point.born_markov.as_ref().expect("a Born–Markov result")
}

/// Largest deviation in standard errors of an observable at the times before `until`; 1e-7 of it is left to the numerics.
fn worst_of(name: &str, found: &Point, exact: &Point, until: f64) -> f64 {
    let (estimate, exact) = (&found.observables[name], &exact.observables[name]);
    let errors = estimate.standard_error.as_ref().expect("sampled");
    let before = found.times.iter().take_while(|time| **time < until).count();
    let z = |index: usize| {
        let deviation = (estimate.mean[index] - exact.mean[index]).abs() - 1e-7;
        if deviation <= 0.0 { 0.0 } else { deviation / errors[index] }
    };
    (0..before).map(z).fold(0.0, f64::max)
}

/// The same of all observables.
fn worst(found: &Point, exact: &Point, until: f64) -> f64 {
    let largest = found.observables.keys().map(|name| (worst_of(name, found, exact, until), name));
    let (worst, name) =
        largest.fold((0.0, ""), |worst, (z, name)| if z > worst.0 { (z, name.as_str()) } else { worst });
    println!("worst: {name}, {worst:.2} standard errors");
    worst
}

/// The experiment with γ times `factor`.
fn damped(experiment: &Experiment, factor: f64) -> Experiment {
    let mut wrong = experiment.clone();
    let Model::BornMarkov(model) = &mut wrong.model else { panic!("a Born–Markov model") };
    model.coefficients.gamma *= factor;
    wrong
}

#[test]
fn moments_of_the_reference() {
    for case in cases() {
        let deviation = |factor: f64| {
            let mut model = case.model;
            model.coefficients.gamma *= factor;
            let found = MomentEquations::new(&model).solve(OscillatorPreparation::Coherent(case.alpha), &case.times);
            let expected = ["X", "P", "X2", "P2"].map(|name| numbers(&case.json["moments"][name]));
            let of = |(i, m): (usize, &master::Moments)| {
                [m.x, m.p, m.x_squared, m.p_squared]
                    .iter()
                    .zip(&expected)
                    .fold(0.0f64, |d, (x, e)| d.max((x - e[i]).abs()))
            };
            found.iter().enumerate().map(of).fold(0.0, f64::max)
        };
        assert!(deviation(1.0) <= 1e-7, "{}", deviation(1.0));
        // Negative control.
        assert!(deviation(1.00001) > 1e-7, "γ wrong by 1e-5 passes: {}", deviation(1.00001));
    }
}

/// Long after, the moments are those of the steady state; in secular form it is thermal, n̄ = 1/(e^{Ω₀/T} − 1), for either bath.
/// A coherent state begins with least uncertainty, and heating rates are the slopes of ⟨N⟩.
#[test]
fn steady_states_rates_and_uncertainty() {
    let case = &cases()[0];
    for form in [Form::Bare, Form::Completed, Form::Secular] {
        let model = BornMarkov { form, mass: 1.7, frequency: 0.8, ..case.model };
        let equations = MomentEquations::new(&model);
        let step = 1e-3;
        let times = [0.0, 3.0 - step, 3.0, 3.0 + step, 1000.0];
        let found = equations.solve(OscillatorPreparation::Coherent(case.alpha), &times);
        let slope = (found[3].number - found[1].number) / (2.0 * step);
        assert!((found[2].heating_rate - slope).abs() < 1e-6, "{form:?}: {} {slope}", found[2].heating_rate);
        assert!((found[0].uncertainty_product - 0.5).abs() < 1e-12, "{form:?}: {:?}", found[0]);
        let (late, steady) = (found[4], equations.steady_state().expect("damped and bound"));
        for (late, steady) in [
            (late.x_squared, steady.x_squared),
            (late.p_squared, steady.p_squared),
            (late.symmetrised, steady.symmetrised),
            (late.number, steady.number),
            (late.uncertainty_product, steady.uncertainty_product),
        ] {
            assert!((late - steady).abs() < 1e-10, "{form:?}: {late} {steady}");
        }
    }
    for (gamma, diffusion) in [(0.1 * 0.5f64.tanh(), 0.1), (0.1, 0.1 / 0.5f64.tanh())] {
        let coefficients = Coefficients { gamma, diffusion, anomalous: 0.03, frequency_shift_squared: -0.2 };
        let model = BornMarkov { mass: 1.0, frequency: 1.0, form: Form::Secular, coefficients };
        let steady = MomentEquations::new(&model).steady_state().expect("damped");
        let occupation = 1.0 / 1f64.exp_m1();
        assert!((steady.number - occupation).abs() < 1e-12, "{steady:?}");
        assert!((steady.uncertainty_product - occupation - 0.5).abs() < 1e-12, "{steady:?}");
    }
    // Nothing to tend to: no damping, or no restoring force.
    for (gamma, shift) in [(0.0, 0.0), (0.1, -1.5)] {
        let coefficients = Coefficients { gamma, diffusion: 0.1, anomalous: 0.0, frequency_shift_squared: shift };
        let model = BornMarkov { mass: 1.0, frequency: 1.0, form: Form::Bare, coefficients };
        assert!(MomentEquations::new(&model).steady_state().is_none(), "γ = {gamma}, Ω̃₀² = {shift}");
    }
}

#[test]
fn density_matrix_of_the_reference() {
    for case in cases() {
        let deviation = |factor: f64| {
            let point = exact(&damped(&case.experiment(Form::Bare), factor));
            let names = [("number", "number"), ("x", "X"), ("p", "P"), ("x_squared", "X2"), ("p_squared", "P2")];
            let of = |(ours, theirs): &(&str, &str)| {
                let expected = numbers(&case.json["density_matrix"][*theirs]);
                point.observables[*ours].mean.iter().zip(expected).fold(0.0f64, |d, (x, e)| d.max((x - e).abs()))
            };
            assert!(beside(&point).not_positive_from.is_none(), "this ρ stays positive");
            names.iter().map(of).fold(0.0, f64::max)
        };
        assert!(deviation(1.0) <= 1e-6, "{}", deviation(1.0));
        // Negative control.
        assert!(deviation(1.0001) > 1e-6, "γ wrong by 1e-4 passes: {}", deviation(1.0001));
    }
}

#[test]
fn density_matrices_obey_the_moment_equations() {
    for (case, form) in cases().iter().flat_map(|case| [Form::Bare, Form::Completed, Form::Secular].map(|f| (case, f)))
    {
        let mut experiment = case.experiment(form);
        // Another mass and frequency, so that no unit can be left out.
        let Model::BornMarkov(model) = &mut experiment.model else { panic!("a Born–Markov model") };
        (model.mass, model.frequency) = (2.3, 0.7);
        model.coefficients.diffusion *= 3.0;
        let point = exact(&experiment);
        let moments = &beside(&point).moments;
        let curves = [
            ("number", &moments.number),
            ("x", &moments.x),
            ("p", &moments.p),
            ("x_squared", &moments.x_squared),
            ("p_squared", &moments.p_squared),
        ];
        for (name, curve) in curves {
            for (found, expected) in point.observables[name].mean.iter().zip(curve) {
                assert!(
                    (found - expected).abs() < 1e-7 * (1.0 + expected.abs()),
                    "{form:?} {name}: {found} {expected}"
                );
            }
        }
    }
}

/// Without Lindblad form rounding grows on the highest levels, the sooner the more of them there are, and sooner still if
/// operators are cut before they are multiplied: an automatic cutoff keeps few enough, and what goes astray on levels too many
/// or too few is noticed by the moment equations and refused.
#[test]
fn density_matrices_that_go_astray_are_refused() {
    let mut experiment = cases()[0].experiment(Form::Bare);
    experiment.oscillator = OscillatorPreparation::Coherent(Complex64::ONE);
    experiment.times = (0..=20).map(f64::from).collect();
    experiment.heating_window = [0, 20];
    let Model::BornMarkov(model) = &mut experiment.model else { panic!("a Born–Markov model") };
    // The spin bath (25) with γ₀ = 0.1, Λ = 5 at T = 1: the state is Gaussian and above the least uncertainty, so ρ > 0.
    model.coefficients =
        Coefficients { gamma: 0.0444, diffusion: 0.0962, anomalous: 0.0985, frequency_shift_squared: 0.0 };
    let point = exact(&experiment);
    let least = beside(&point).smallest_eigenvalue.as_ref().expect("eigenvalues").iter().copied().fold(0.0, f64::min);
    assert!(least > -1e-12, "{least:e}");
    let pairs = point.observables["number"].mean.iter().zip(&beside(&point).moments.number);
    let deviation = pairs.fold(0.0f64, |most, (found, known)| most.max((found - known).abs()));
    assert!(deviation < 1e-11, "{deviation:e}");
    for levels in [8, 120] {
        experiment.cutoff = Cutoff::Levels(levels);
        let refused = master::solve(&experiment, &Limits::default(), |_| true).expect_err("astray");
        assert!(refused.to_string().contains("its moment equations"), "{refused}");
    }
    // In a longer run more levels only make it worse, and an automatic cutoff does not go on until the memory is full.
    experiment.cutoff = Cutoff::Auto;
    experiment.times = (0..=40).map(f64::from).collect();
    experiment.heating_window = [0, 40];
    let limits = Limits { memory: 4 << 20, ..Limits::default() };
    let refused = master::solve(&experiment, &limits, |_| true).expect_err("unstable");
    assert!(refused.to_string().contains("is unstable from t = "), "{refused}");
}

#[test]
fn weighted_trajectories_of_the_bare_equation() {
    // Where the effective sample falls below a tenth.
    for (case, used_up) in cases().iter().zip([13.0, 11.5]) {
        let experiment = case.experiment(Form::Bare);
        let found = trajectories(&experiment, 4096, Estimator::controlled(4096));
        let weights = beside(&found).weights.clone().expect("weights");
        let until = weights.used_up_from.expect("the sign problem grows");
        println!("used up from t = {until}");
        assert!((until - used_up).abs() <= 1.0, "used up from t = {until}, not about {used_up}");
        let right = worst(&found, &exact(&experiment), until);
        assert!(right <= 5.0, "{right} standard errors");
        let wrong = worst_of("number", &found, &exact(&damped(&experiment, 1.3)), until);
        assert!(wrong > 5.0, "γ wrong by 30 % is only {wrong} standard errors off");
        // The mean weight is 1, the weights do fluctuate, and no trajectory may count for nothing.
        for (index, time) in found.times.iter().enumerate().take_while(|(_, time)| **time < until) {
            let (deviation, error) = (weights.mean[index] - 1.0, weights.standard_error[index]);
            assert!(deviation.abs() <= 5.0 * error, "mean weight at {time}: {} ± {error}", weights.mean[index]);
        }
        assert!(weights.standard_error[20] > 1e-3);
    }
}

/// From the vacuum with D < MΩ₀γ Eq. (23) makes the population of the first level negative at once, at the rate D/(MΩ₀) − γ:
/// the density matrix says so, and weighted trajectories, whose kets are states, average to that ρ all the same.
#[test]
fn what_is_not_positive_is_seen_and_sampled() {
    let mut experiment = cases()[0].experiment(Form::Bare);
    experiment.oscillator = OscillatorPreparation::Fock(0);
    experiment.times = (0..=20).map(|i| 0.05 * f64::from(i)).collect();
    experiment.heating_window = [0, 20];
    let Model::BornMarkov(model) = &mut experiment.model else { panic!("a Born–Markov model") };
    model.coefficients = Coefficients { gamma: 0.1, diffusion: 0.02, anomalous: 0.0, frequency_shift_squared: 0.0 };
    let exact = exact(&experiment);
    let eigenvalues = beside(&exact).smallest_eigenvalue.as_ref().expect("eigenvalues");
    assert_eq!(beside(&exact).not_positive_from, Some(0.05));
    assert!((eigenvalues[1] + 0.08 * 0.05).abs() < 0.002, "{}", eigenvalues[1]);
    assert!(beside(&exact).moments.uncertainty_product[1] < 0.5);
    let found = trajectories(&experiment, 4096, Estimator::controlled(4096));
    let right = worst(&found, &exact, f64::INFINITY);
    assert!(right <= 5.0, "{right} standard errors");
    let populations = (&found.fock_distribution, &exact.fock_distribution.mean);
    assert!(populations.0.mean[1] < 0.0 && populations.1[1] < 0.0, "{populations:?}");
    let errors = populations.0.standard_error.as_ref().expect("sampled");
    for (level, error) in errors.iter().enumerate().take(6) {
        let deviation = (populations.0.mean[level] - populations.1[level]).abs();
        assert!(deviation <= 5.0 * error + 1e-4, "level {level}: {deviation}, {error}");
    }
}

#[test]
fn trajectories_of_the_completed_and_the_secular_form() {
    for (case, form) in cases().iter().flat_map(|case| [Form::Completed, Form::Secular].map(|form| (case, form))) {
        let experiment = case.experiment(form);
        let found = trajectories(&experiment, 4096, Estimator::controlled(4096));
        let solution = exact(&experiment);
        let right = worst(&found, &solution, f64::INFINITY);
        assert!(right <= 5.0, "{form:?}: {right} standard errors");
        for (level, expected) in solution.fock_distribution.mean.iter().enumerate().take(8) {
            let (found, error) = (&found.fock_distribution.mean, &found.fock_distribution.standard_error);
            let allowed = 5.0 * error.as_ref().expect("sampled")[level] + 1e-4;
            assert!(
                (found[level] - expected).abs() <= allowed,
                "{form:?}, level {level}: {}, {expected}",
                found[level]
            );
        }
        // Without jumps (γ↑ = 0 from the vacuum of the moving frame) there is nothing to tell two rates apart by chance.
        if found.jumps.values().any(|jumps| jumps.mean > 0.0) {
            let wrong = worst_of("number", &found, &exact(&damped(&experiment, 1.02)), f64::INFINITY);
            assert!(wrong > 5.0, "{form:?}: γ wrong by 2 % is only {wrong} standard errors off");
        }
        // What the form has changed against the bare equation is reported.
        let bare = beside(&found).bare_number.as_ref().expect("the bare ⟨N⟩");
        let reference = numbers(&case.json["density_matrix"]["number"]);
        bare.iter().zip(reference).for_each(|(bare, reference)| assert!((bare - reference).abs() < 1e-7));
    }
}

#[test]
fn threads_change_nothing() {
    let experiment =
        Experiment { times: vec![0.0, 1.0, 4.0], heating_window: [0, 2], ..cases()[0].experiment(Form::Bare) };
    let run = |threads: usize| {
        let estimator = Estimator::controlled(512);
        let plan = Plan { trajectories: 512, seed: 3, block: 32, threads, estimator, sampling: Default::default() };
        ensemble::run(&experiment, &Tolerances::from_tolerance(1e-8), &plan, &())
            .expect("it runs")
            .expect("complete")
            .tally
    };
    assert_eq!(run(1), run(3));
}
