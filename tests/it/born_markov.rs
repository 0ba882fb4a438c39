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
    Observable::Number,
    Observable::NumberSquared,
    Observable::X,
    Observable::P,
    Observable::XSquared,
    Observable::PSquared,
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
        }
    }
}

fn exact(experiment: &Experiment) -> Point {
    let solution = master::solve(experiment, &Limits::default(), |_| true).expect("small").expect("nobody stops it");
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

/// Largest deviation in standard errors of any observable at the times before `until`; a deviation below 1e-7 counts as none.
fn worst(found: &Point, exact: &Point, until: f64) -> f64 {
    let mut worst = 0.0f64;
    for (name, estimate) in &found.observables {
        let errors = estimate.standard_error.as_ref().expect("sampled");
        for (index, _) in found.times.iter().enumerate().filter(|(_, time)| **time < until) {
            let deviation = (estimate.mean[index] - exact.observables[name].mean[index]).abs() - 1e-7;
            worst = worst.max(if deviation <= 0.0 { 0.0 } else { deviation / errors[index] });
        }
    }
    worst
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

#[test]
fn density_matrix_of_the_reference_and_its_positivity() {
    for case in cases() {
        let point = exact(&case.experiment(Form::Bare));
        let names = [("number", "number"), ("x", "X"), ("p", "P"), ("x_squared", "X2"), ("p_squared", "P2")];
        for (ours, theirs) in names {
            let expected = numbers(&case.json["density_matrix"][theirs]);
            for (index, expected) in expected.iter().enumerate() {
                let found = point.observables[ours].mean[index];
                assert!((found - expected).abs() <= 1e-6, "{ours} at {}: {found}, {expected}", case.times[index]);
            }
        }
        eprintln!("not positive from {:?}, {:?}", beside(&point).not_positive_from, beside(&point).smallest_eigenvalue);
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

#[test]
fn weighted_trajectories_of_the_bare_equation() {
    for case in cases() {
        let experiment = case.experiment(Form::Bare);
        let begun = std::time::Instant::now();
        let found = trajectories(&experiment, 4096, Estimator::controlled(4096));
        let weights = beside(&found).weights.clone().expect("weights");
        let until = weights.used_up_from.unwrap_or(f64::INFINITY);
        let exact = exact(&experiment);
        eprintln!(
            "{:?} until {until}, worst {}, ess {:?} steps {:?}",
            begun.elapsed(),
            worst(&found, &exact, until),
            weights.effective_fraction,
            found.diagnostics
        );
        for index in [4, 20, 40, 60] {
            let n = &found.observables["number"];
            eprintln!(
                "t {} N {} ± {} plain {} ± {} exact {} w {} ± {}",
                case.times[index],
                n.mean[index],
                n.standard_error.as_ref().unwrap()[index],
                n.plain_mean.as_ref().unwrap()[index],
                n.plain_standard_error.as_ref().unwrap()[index],
                exact.observables["number"].mean[index],
                weights.mean[index],
                weights.standard_error[index]
            );
        }
    }
}

#[test]
fn trajectories_of_the_completed_and_the_secular_form() {
    for (case, form) in cases().iter().flat_map(|case| [Form::Completed, Form::Secular].map(|form| (case, form))) {
        let experiment = case.experiment(form);
        let begun = std::time::Instant::now();
        let found = trajectories(&experiment, 2048, Estimator::controlled(2048));
        eprintln!("{:?}", begun.elapsed());
        let exact = exact(&experiment);
        let n = &found.observables["number"];
        eprintln!(
            "{form:?} worst {} N {} ± {} plain {} ± {} exact {} bare {}",
            worst(&found, &exact, f64::INFINITY),
            n.mean[60],
            n.standard_error.as_ref().unwrap()[60],
            n.plain_mean.as_ref().unwrap()[60],
            n.plain_standard_error.as_ref().unwrap()[60],
            exact.observables["number"].mean[60],
            beside(&found).bare_number.as_ref().unwrap()[60]
        );
    }
}
