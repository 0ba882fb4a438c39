//! Functionals of observables' curves: right values and errors for every kind of system and estimator, from run file to result.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use fluctuator::analysis::{exact_point, trajectory_point};
use fluctuator::ensemble::{Estimator, Plan, Sampling};
use fluctuator::model::{OscillatorBath, OscillatorPreparation, Spin, SpinPreparation};
use fluctuator::system::{Experiment, Functional, FunctionalKind, NamedFunctional, Observable};
use num_complex::Complex64;

use crate::cli::Sandbox;
use crate::durability::assert_same;
use crate::systems::{THREADS, exact, experiment, oscillator, run, spin, with_rates};

/// An experiment with every functional of every observable, over part of the run.
fn with_all(mut experiment: Experiment) -> Experiment {
    experiment.observables.extend([Observable::X_SQUARED, Observable::P_SQUARED]);
    let last = experiment.times.len() - 1;
    let functional = |(observable, kind)| NamedFunctional {
        name: format!("{}_{observable}", FunctionalKind::name(kind)),
        functional: Functional { observable, kind, window: [1, last - 1] },
    };
    let pairs = (0..experiment.observables.len()).flat_map(|place| FunctionalKind::ALL.map(|kind| (place, kind)));
    experiment.functionals = pairs.map(functional).collect();
    experiment
}

/// A chain, a register of asymmetric spins, an oscillator in a moving frame, and one that jumps seldom.
fn systems() -> Vec<(&'static str, Experiment, Sampling)> {
    let tilted = Spin { asymmetry: 0.8, dephasing: 0.2, ..spin(1.5, 0.4, 3.0, 0.3) };
    let two = oscillator(vec![tilted, spin(1.0, 0.4, 2.0, 0.1)], Some(OscillatorBath { kappa: 0.2, nbar: 0.3 }));
    let coherent = OscillatorPreparation::Coherent(Complex64::new(2.0, -1.0));
    let fock = OscillatorPreparation::Fock;
    vec![
        (
            "chain",
            with_all(experiment(oscillator(vec![spin(2.0, 1.0, 5.0, 0.2)], None), fock(1), 3.0, 7)),
            Sampling::Direct,
        ),
        ("register", with_all(experiment(two, fock(1), 2.0, 5)), Sampling::Direct),
        (
            "moving",
            with_all(experiment(oscillator(vec![spin(1.2, 0.3, 2.0, 0.5)], None), coherent, 2.0, 6)),
            Sampling::Direct,
        ),
        (
            "seldom",
            with_all(experiment(oscillator(vec![spin(2.0, 0.5, 0.05, 0.2)], None), fock(1), 2.0, 5)),
            Sampling::NoJump,
        ),
    ]
}

/// The largest deviation of all functionals from the density matrix of `truth`, in reported standard errors and 1e-6 beside them.
fn worst(experiment: &Experiment, truth: &Experiment, estimator: Estimator, sampling: Sampling) -> f64 {
    let plan = Plan { trajectories: 1024, seed: 3, block: 32, threads: THREADS, estimator, sampling };
    let point = trajectory_point(experiment, &run(experiment, &plan), BTreeMap::new());
    let known = exact_point(truth, &exact(truth), BTreeMap::new());
    assert_eq!(point.functionals.len(), experiment.functionals.len());
    let z = |(name, found): (&String, &fluctuator::analysis::FunctionalEstimate)| {
        let right = &known.functionals[name];
        assert_eq!((&found.observable, found.kind, found.window), (&right.observable, right.kind, right.window));
        (found.value - right.value).abs() / found.standard_error.unwrap().hypot(1e-6)
    };
    point.functionals.iter().map(z).fold(0.0, f64::max)
}

/// 145 functionals in all by each estimator, at 5 standard errors; with rates that are too large they are off by more.
#[test]
fn functionals_are_those_of_the_density_matrix() {
    for (name, experiment, sampling) in systems() {
        // Rare jumps show in few trajectories.
        let wrong = with_rates(&experiment, if name == "seldom" { 2.0 } else { 1.3 });
        for estimator in [Estimator::Plain, Estimator::Controlled { pilot: 64 }] {
            let right = worst(&experiment, &experiment, estimator, sampling);
            assert!(right < 5.0, "{name}, {estimator:?}: {right} standard errors");
            if estimator != Estimator::Plain {
                let off = worst(&experiment, &wrong, estimator, sampling);
                assert!(off > 5.0, "{name}: only {off} standard errors with wrong rates");
            }
        }
    }
}

/// ⟨X²⟩ at two times of a slow oscillator deviates together: the error of the difference is less than that of either.
#[test]
fn errors_know_what_times_have_in_common() {
    let model = oscillator(vec![spin(2.0, 1.0, 5.0, 0.2)], None);
    let mut experiment = experiment(model, OscillatorPreparation::Fock(1), 3.0, 31);
    let named = |(name, kind)| NamedFunctional {
        name: str::to_owned(name),
        functional: Functional { observable: 0, kind, window: [29, 30] },
    };
    experiment.functionals =
        [("change", FunctionalKind::Difference), ("end", FunctionalKind::Value)].map(named).to_vec();
    let plan = Plan {
        trajectories: 1024,
        seed: 3,
        block: 32,
        threads: THREADS,
        estimator: Estimator::Plain,
        sampling: Sampling::Direct,
    };
    let point = trajectory_point(&experiment, &run(&experiment, &plan), BTreeMap::new());
    let error = |name: &str| point.functionals[name].standard_error.unwrap();
    let curve = &point.observables["number"];
    assert_eq!(
        (point.functionals["end"].value, error("end")),
        (curve.mean[30], curve.standard_error.as_ref().unwrap()[30])
    );
    assert!(error("change") < 0.5 * error("end"), "{} of {}", error("change"), error("end"));
}

/// A spin that is excited at first has decayed by the second output time, but for one trajectory in 360: seldom seen among 366, it changes
/// the slope of the whole window. (By what happens up to the window's end alone 30 of 100 seeds were more than 5 standard errors off.)
#[test]
fn errors_know_what_early_times_miss() {
    let decaying = Spin { initial: SpinPreparation::Excited, ..spin(0.45, 0.003, 1.18, 0.0) };
    let mut experiment = experiment(oscillator(vec![decaying], None), OscillatorPreparation::Fock(0), 20.0, 5);
    let observable = experiment.observables.iter().position(|one| *one == Observable::inversion(0)).unwrap();
    let named = |kind| NamedFunctional {
        name: FunctionalKind::name(kind).to_owned(),
        functional: Functional { observable, kind, window: [1, 4] },
    };
    experiment.functionals = FunctionalKind::ALL.map(named).to_vec();
    let known = exact_point(&experiment, &exact(&experiment), BTreeMap::new());
    for seed in 1..=20 {
        let plan = Plan {
            trajectories: 366,
            seed,
            block: 32,
            threads: THREADS,
            estimator: Estimator::Controlled { pilot: 32 },
            sampling: Sampling::Direct,
        };
        let point = trajectory_point(&experiment, &run(&experiment, &plan), BTreeMap::new());
        for (name, found) in &point.functionals {
            let z = (found.value - known.functionals[name].value) / found.standard_error.unwrap().hypot(1e-7);
            assert!(z.abs() < 5.0, "{name}, seed {seed}: {z} standard errors");
        }
    }
}

const FUNCTIONALS: &str = "functionals = [
    { name = \"width\", observable = \"x_squared\", kind = \"mean\", window = [0.5, 1.0] },
    { name = \"flip\", observable = \"inversion\", kind = \"difference\" },
]
";

/// A sandbox whose run file asks for two functionals.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let text = sandbox.read("run.toml");
    let (head, observables) = text.split_once("observables = [").unwrap();
    sandbox.write("run.toml", &format!("{head}observables = [\"x_squared\", {observables}{FUNCTIONALS}"));
    sandbox
}

/// They are in the table, in both results, in what `compare` compares, and the same from shards.
#[test]
fn functionals_go_all_the_way() {
    let sandbox = sandbox();
    const RUN: &str = "run run.toml --set ensemble.block=8 --trajectories 400";
    let shown = sandbox.expect(0, &format!("{RUN} --out whole")).stdout;
    assert!(shown.contains("functional") && shown.contains("width") && shown.contains("flip"), "{shown}");
    let point = &sandbox.summary("whole")["points"][0]["functionals"];
    assert_eq!((&point["width"]["kind"], &point["flip"]["observable"]), (&"mean".into(), &"inversion_0".into()));
    let netcdf = std::fs::read(sandbox.path("whole/result.nc")).unwrap();
    for name in [&b"functional_width_standard_error"[..], b"functional_flip_window_end"] {
        assert!(netcdf.windows(name.len()).any(|window| window == name), "{}", String::from_utf8_lossy(name));
    }
    (0..2).for_each(|shard| drop(sandbox.expect(0, &format!("{RUN} --quiet --shard {shard}/2 --out {shard}"))));
    sandbox.expect(0, "merge 1 0 --quiet --out merged");
    assert_same(&sandbox, "whole", "merged");
    sandbox.expect(0, "exact run.toml --out right --quiet");
    let compared = sandbox.expect(0, "compare whole right").stdout;
    assert!(compared.contains("width") && compared.contains("flip"), "{compared}");
    let wrong = "exact run.toml --out wrong --quiet --set model.spins.0.bath.gamma=1.0";
    sandbox.expect(0, wrong);
    sandbox.expect(1, "compare whole wrong");
}

/// A run goes on until a functional is known as well as was asked for; what is wrong with a run file is said.
#[test]
fn functionals_are_targets_and_are_checked() {
    let sandbox = sandbox();
    let text = sandbox.read("run.toml");
    let target = "target = { functional = \"width\", relative_error = 0.01 }\nmin_trajectories = 64\n";
    let with_target: String = text
        .lines()
        .filter(|line| !line.starts_with("trajectories"))
        .map(|line| format!("{line}\n{}", if line == "[ensemble]" { target } else { "" }))
        .collect();
    sandbox.write("target.toml", &with_target);
    sandbox.expect(0, "run target.toml --out reached --quiet --set ensemble.estimator=plain");
    let summary = sandbox.summary("reached");
    let width = &summary["points"][0]["functionals"]["width"];
    let ratio = width["standard_error"].as_f64().unwrap() / width["value"].as_f64().unwrap();
    assert!(summary["provenance"]["endings"][0]["stopped"] == "target" && ratio <= 0.01, "{ratio}");
    let cases = [
        ("name = \"width\"", "name = \"2width\"", "output.functionals.0.name"),
        ("name = \"flip\"", "name = \"width\"", "another functional has this name"),
        ("observable = \"x_squared\", kind", "observable = \"energy\", kind", "must be one that is observed"),
        ("kind = \"mean\"", "kind = \"median\"", "\"value\", \"mean\", \"difference\", \"rate\", \"slope\""),
        ("window = [0.5, 1.0]", "window = [1.0, 0.5]", "two different output times"),
        ("window = [0.5, 1.0]", "time = 0.5", "only a value has one time"),
        ("kind = \"difference\"", "kind = \"value\", window = [0, 1]", "name it with `time`"),
        ("kind = \"difference\"", "kind = \"difference\", width = 1", "output.functionals.1.width"),
    ];
    for (from, to, said) in cases {
        assert!(text.contains(from), "{from}");
        sandbox.write("wrong.toml", &text.replacen(from, to, 1));
        let stderr = sandbox.expect(2, "check wrong.toml").stderr;
        assert!(stderr.contains(said), "{to}: {stderr}");
    }
    sandbox.write("wrong.toml", &with_target.replacen("functional = \"width\"", "functional = \"wide\"", 1));
    let stderr = sandbox.expect(2, "check wrong.toml").stderr;
    assert!(stderr.contains("ensemble.target.functional") && stderr.contains("width, flip"), "{stderr}");
}
