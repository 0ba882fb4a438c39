//! The instrument that judges error bars: it passes right ones, finds wrong ones, and knows the truth independently.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use approx::assert_relative_eq;
use fluctuator::analysis::suite::{Counter, Far, Pool, Setting, Verdict};
use fluctuator::analysis::{Point, truth};
use fluctuator::ensemble::{Estimator, Plan};
use fluctuator::io::run_file::RunFile;
use fluctuator::master::{self, Limits};
use fluctuator::model::{Adiabatic, Model, OscillatorBath, OscillatorPreparation, Spin, SpinPreparation};
use fluctuator::system::Experiment;

use crate::cli::Sandbox;
use crate::systems::{THREADS, exact, experiment, oscillator, run, spin};

const SEEDS: u64 = 100;
const TRAJECTORIES: u64 = 256;

/// Fig. 3's spin at γ and n̄ = 1 for a short while.
fn hot(gamma: f64) -> Experiment {
    experiment(oscillator(vec![spin(2.0, 1.0, gamma, 1.0)], None), OscillatorPreparation::Fock(0), 1.0, 2)
}

/// Results of the hot spin, one per seed.
fn results(seeds: u64) -> Vec<Point> {
    let experiment = hot(10.0);
    let of = |seed| {
        let plan = Plan {
            trajectories: TRAJECTORIES,
            seed,
            block: 8,
            threads: THREADS,
            estimator: Estimator::controlled(TRAJECTORIES),
            sampling: Default::default(),
        };
        fluctuator::analysis::trajectory_point(&experiment, &run(&experiment, &plan), BTreeMap::new())
    };
    (1..=seeds).map(of).collect()
}

/// What the controls are made with.
const TESTED: [&str; 4] = ["number", "inversion_0", "jumps.spin_0_down", "jumps.spin_0_up"];

/// The verdict on these at the end, against the truth at `gamma`.
fn verdict(points: &[Point], gamma: f64) -> (Verdict, Vec<String>) {
    let experiment = hot(gamma);
    let mut known = truth(&experiment, &exact(&experiment), 1e-8);
    known.retain(|known| known.time > 0.0 && TESTED.contains(&known.quantity.as_str()));
    let [system, estimator, sampling] = ["hot", "default", "direct"].map(str::to_owned);
    let setting =
        Setting { system, estimator, sampling, trajectories: TRAJECTORIES, units: TRAJECTORIES, first_seed: 1 };
    let mut counter = Counter::new(setting, &known);
    points.iter().for_each(|point| counter.push(point));
    let (cells, pool) = counter.finish();
    let low = cells.iter().filter(|cell| cell.is_low()).map(|cell| cell.quantity.clone()).collect();
    (Verdict::of(&cells, pool, Vec::new()), low)
}

fn scale(errors: &mut Option<Vec<f64>>, factor: f64) {
    errors.iter_mut().flatten().for_each(|error| *error *= factor);
}

/// The negative controls: error bars half as wide, or twice, and rates that are off by 2 %.
#[test]
fn right_error_bars_pass_and_wrong_ones_are_found() {
    let points = results(SEEDS);
    let (right, low) = verdict(&points, 10.0);
    assert!(right.passes() && low.is_empty(), "{right:?}");
    assert_eq!((right.cells, right.frequent), (4, 4));
    assert!(right.median_inflation.unwrap() > 0.8, "{right:?}");

    let scaled = |factor: f64| {
        let mut points = points.clone();
        for point in &mut points {
            point.observables.values_mut().for_each(|curve| scale(&mut curve.standard_error, factor));
            let errors = point.jumps.values_mut().filter_map(|jumps| jumps.standard_error.as_mut());
            errors.for_each(|error| *error *= factor);
        }
        points
    };
    let (halved, low) = verdict(&scaled(0.5), 10.0);
    assert!(low == TESTED && !halved.passes(), "{halved:?}");
    let (missing, _) = verdict(&scaled(0.0), 10.0);
    assert_eq!((missing.low, missing.runs_beyond as u64), (4, SEEDS));
    let (wide, _) = verdict(&scaled(2.0), 10.0);
    assert!(wide.low == 0 && !wide.passes() && wide.median_inflation.unwrap() > 1.6, "{wide:?}");

    let (other, low) = verdict(&points, 10.2);
    assert!(!low.is_empty() && !other.passes(), "2 % in γ: {other:?}");
}

/// A verdict on nothing but luck: as many far deviations as chance gives pass, more do not.
#[test]
fn far_deviations_are_held_against_chance() {
    let pool = |expected: f64, runs: u64| {
        // Two values in each run: they count once.
        let far = |i: u64| Far {
            system: "x".into(),
            estimator: "plain".into(),
            sampling: "direct".into(),
            seed: i / 2,
            quantity: "number".into(),
            time: 1.0,
            z: 6.0,
        };
        Verdict::of(&[], Pool { values: 1, expected, far: (0..2 * runs).map(far).collect() }, Vec::new()).passes()
    };
    assert!(pool(0.5, 1) && pool(0.5, 5) && !pool(0.5, 15));
    assert!(pool(100.0, 100) && !pool(100.0, 170));
    assert!(!Verdict::of(&[], Pool::default(), vec!["failed".into()]).passes());
}

fn jumps(experiment: &Experiment) -> Vec<Vec<f64>> {
    exact(experiment).jumps
}

/// ∫ tr(L†Lρ) dt where it is known in closed form.
#[test]
fn mean_numbers_of_jumps_are_exact() {
    let times = |experiment: &Experiment| experiment.times.clone();
    // A spin alone decays, is excited and dephased; uncoupled.
    let (gamma, nbar, dephasing) = (0.7, 0.4, 3.0);
    let excited = Spin { initial: SpinPreparation::Excited, dephasing, ..spin(2.0, 0.0, gamma, nbar) };
    let alone = experiment(oscillator(vec![excited], None), OscillatorPreparation::Fock(0), 3.0, 4);
    let [down, up, dephased] = &jumps(&alone)[..] else { panic!("three channels") };
    for (time, t) in times(&alone).into_iter().enumerate() {
        let (total, stationary) = (gamma * (2.0 * nbar + 1.0), nbar / (2.0 * nbar + 1.0));
        let time_excited = stationary * t + (1.0 - stationary) * (1.0 - (-total * t).exp()) / total;
        assert_relative_eq!(down[time], gamma * (nbar + 1.0) * time_excited, epsilon = 1e-9);
        assert_relative_eq!(up[time], gamma * nbar * (t - time_excited), epsilon = 1e-9);
        assert_relative_eq!(dephased[time], 0.5 * dephasing * t, epsilon = 1e-9);
    }
    // The quanta of an oscillator in a warm bath: N(t) relaxes to n̄.
    let (kappa, nbar) = (0.3, 0.8);
    let bath = Some(OscillatorBath { kappa, nbar });
    let relaxing = experiment(oscillator(vec![], bath), OscillatorPreparation::Fock(5), 2.0, 3);
    let [loss, gain] = &jumps(&relaxing)[..] else { panic!("two channels") };
    for (time, t) in times(&relaxing).into_iter().enumerate() {
        let quanta = nbar * t + (5.0 - nbar) * (1.0 - (-kappa * t).exp()) / kappa;
        assert_relative_eq!(loss[time], kappa * (nbar + 1.0) * quanta, epsilon = 1e-8);
        assert_relative_eq!(gain[time], kappa * nbar * (quanta + t), epsilon = 1e-8);
    }
    // Eq. (40): ⟨X²⟩ of a coherent state turns, and grows by no diffusion of X itself but by that of P half of the time.
    let diffusion = 0.05;
    let model = Model::Adiabatic(Adiabatic { frequency: 1.0, diffusion });
    let turning = experiment(model, OscillatorPreparation::Fock(0), std::f64::consts::TAU, 2);
    // d⟨P²⟩/dt = 8Γ of diffusion in the units X = a + a†, shared as it turns: ⟨X²⟩ = 1 + 4Γ(t − ½ sin 2t).
    let t = std::f64::consts::TAU;
    assert_relative_eq!(jumps(&turning)[0][1], 2.0 * diffusion * (t + 2.0 * diffusion * t * t), epsilon = 1e-8);
}

/// Everything that a run reports with an error is asked for, and the counted jumps agree with the density matrix.
#[test]
fn all_that_has_an_error_is_tested() {
    let experiment = hot(10.0);
    let known = truth(&experiment, &exact(&experiment), 1e-8);
    let point = &results(1)[0];
    let names: Vec<&str> = known.iter().map(|known| known.quantity.as_str()).collect();
    for name in ["number", "heating_rate", "heating_slope", "heating_drift", "jumps.spin_0_down", "level.0", "level.5"]
    {
        assert!(names.contains(&name), "{name}");
    }
    for known in known.iter().filter(|known| !known.quantity.starts_with("level")) {
        let found = known.found_in(point)[0].unwrap_or_else(|| panic!("no {}", known.quantity));
        assert!(found.z(known).abs() < 5.0, "{}: {found:?}, exactly {}", known.quantity, known.exact);
    }
}

fn fault(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("runs/faults").join(format!("{name}.toml"))
}

/// What runs/faults says is right, by the density matrix.
#[test]
fn the_right_values_of_known_faults() {
    let point = |name: &str| RunFile::load(&fault(name), &[]).unwrap().points.remove(0);
    let check = |name: &str, observable: &str, value: f64, digits: f64| {
        let point = point(name);
        let exact = master::solve(&point.experiment, &Limits::default(), |_| true).unwrap().unwrap();
        let place = point.experiment.observables.iter().position(|o| o.to_string() == observable).unwrap();
        assert_relative_eq!(*exact.observables[place].last().unwrap(), value, epsilon = digits);
        exact
    };
    check("dephasing-target", "number", 0.186238, 5e-7);
    check("rare-dephasing-and-loss", "number", 0.14212370, 5e-9);
    let lost = check("plain-number-squared", "number_squared", 399.610, 5e-4);
    assert_relative_eq!(lost.fock[19], 0.0099, epsilon = 5e-5);
    check("plain-energy", "energy", 1999.00, 5e-3);
    check("biased-stratified", "number", 0.00126448, 5e-9);
    check("asymmetric-late-jump", "number", 35.8108, 5e-5);
    // All are lost but e⁻⁵.
    check("zero-error-rate", "number", (-5.0f64).exp(), 1e-9);
}

/// Over fewer seeds than `fluctuator coverage FILE --seeds 200 --every-time` has, and without the files that take minutes:
/// `FLUCTUATOR_FAULTS=full cargo test --release --test it known_faults -- --ignored` runs all 200 of all.
#[test]
fn known_faults_are_covered() {
    const LONG: [&str; 5] = ["biased-direct", "cold-target", "cold-thermal-start", "ion-scaled", "cold-resonant-spin"];
    let full = std::env::var("FLUCTUATOR_FAULTS").is_ok_and(|value| value == "full");
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("runs/faults");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    assert!(files.len() >= 18);
    files.sort();
    let sandbox = Sandbox::new();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        if !full && LONG.contains(&name.as_str()) {
            continue;
        }
        let seeds = if full { 200 } else { 16 };
        let mut command = assert_cmd::Command::new(assert_cmd::cargo::cargo_bin!("fluctuator"));
        command.current_dir(sandbox.path("")).arg("coverage").arg(&file);
        let seeds = seeds.to_string();
        let assertion = command.args(["--seeds", &seeds, "--every-time", "--seed", "1"]).assert();
        let output = assertion.get_output();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

/// The quick part of the suite: rare events of every kind, all quantities, estimators and samplings.
#[test]
fn the_quick_part_of_the_suite_holds() {
    let done = Sandbox::new().expect(0, "coverage --suite --quick");
    assert!(done.stdout.contains("All error bars hold."), "{}", done.stdout);
}

#[test]
fn the_suite_can_be_listed_chosen_and_interrupted() {
    let sandbox = Sandbox::new();
    let listed = sandbox.expect(0, "coverage --suite --list").stdout;
    assert!(listed.matches("version = 1").count() >= 60);
    let refused = sandbox.expect(2, "coverage --suite --only nothing-like-it");
    assert!(refused.error().contains("--list"), "{}", refused.stderr);
    sandbox.expect(2, "coverage --suite --quick --seeds 1");
    sandbox.expect(2, "coverage");
    sandbox.expect(2, "coverage run.toml --suite");

    let chosen = "coverage --suite --only number-state-alone --seeds 4 --estimator plain --sampling direct";
    let done = sandbox.expect(0, chosen);
    assert!(done.stdout.contains("All error bars hold."), "{}", done.stdout);
    let report: serde_json::Value = serde_json::from_str(&sandbox.read("out/suite/suite.json")).unwrap();
    assert_eq!((&report["complete"], &report["verdict"]["low"]), (&true.into(), &0.into()));

    // With far too many seeds no system is ever complete.
    let running = sandbox.spawn("coverage --suite --only frequent-and-rare --seeds 1000000 --out out/cut");
    std::thread::sleep(Duration::from_millis(1500));
    running.interrupt();
    // A signal that comes before the program listens ends it without an exit code.
    assert!(matches!(running.code(), Some(130) | None));
}

#[test]
fn random_systems_are_compared_and_written_out() {
    let sandbox = Sandbox::new();
    let done = sandbox.expect(0, "coverage --random 1 --seed 4");
    assert!(done.stdout.contains("All agree."), "{}", done.stdout);
    let report: serde_json::Value = serde_json::from_str(&sandbox.read("out/random/random.json")).unwrap();
    assert_eq!(report["systems"], 1);
    let text = report["worst"][0]["run_file"].as_str().unwrap().to_owned();
    sandbox.write("again.toml", &text);
    sandbox.expect(0, "check again.toml");
    sandbox.expect(2, "coverage --random 0");
}
