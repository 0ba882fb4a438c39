//! Every reference case, made with another solver at 1e-10, through the density matrix and through trajectories.
//!
//! The trajectories must lie within 5 standard errors of every value at every time jointly. A case has at most
//! 101 times × 6 observables, so (Bonferroni) correct code fails a case with probability below 606 × 5.7e-7 = 3.5e-4, and
//! any of the eleven below 4e-3, once for the fixed seed.

use std::collections::BTreeMap;
use std::path::Path;

use fluctuator::analysis::{
    Agreement, FORMAT_VERSION, Method, Point, Provenance, Summary, Tolerance, compare, exact_point, trajectory_point,
};
use fluctuator::hilbert::Cutoff;
use fluctuator::model::{Model, OscillatorPreparation, OscillatorSpins, Spin, SpinBath, SpinPreparation};
use fluctuator::system::{Experiment, Observable};
use num_complex::Complex64;
use serde_json::Value;

use crate::systems;

/// A file of `tests/reference`.
pub struct Reference {
    /// The case, with an automatic cutoff.
    pub experiment: Experiment,
    levels: usize,
    cutoff_change: f64,
    /// Curves by the name of the observable.
    pub expect: BTreeMap<String, Vec<f64>>,
    fock: Vec<f64>,
}

/// Reads `name`.json.
pub fn load(name: &str) -> Reference {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name).with_extension("json");
    let json: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("readable")).expect("JSON");
    let case = &json["case"];
    let spins: Vec<Spin> = case["spins"].as_array().expect("spins").iter().map(read_spin).collect();
    let numbers = |value: &Value| -> Vec<f64> {
        value.as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number")).collect()
    };
    let initial = &case["initial"]["oscillator"];
    let oscillator = if let Some(n) = initial["fock"].as_u64() {
        OscillatorPreparation::Fock(n as usize)
    } else {
        let alpha = numbers(&initial["coherent"]);
        OscillatorPreparation::Coherent(Complex64::new(alpha[0], alpha[1]))
    };
    let frequency = case["frequency"].as_f64().expect("frequency");
    let mut observables = vec![Observable::NUMBER, Observable::NUMBER_SQUARED, Observable::X, Observable::P];
    observables.extend((0..spins.len()).map(Observable::inversion));
    let times = numbers(&json["times"]);
    let heating_window = [0, times.len() - 1];
    let model = Model::OscillatorSpins(OscillatorSpins::new(frequency, spins));
    let expect = json["expect"].as_object().expect("expect").iter();
    Reference {
        experiment: Experiment {
            model,
            oscillator,
            cutoff: Cutoff::Auto,
            times,
            observables,
            heating_window,
            functionals: vec![],
        },
        levels: case["cutoff"].as_u64().expect("cutoff") as usize,
        cutoff_change: json["cutoff_change"].as_f64().expect("cutoff_change"),
        expect: expect.map(|(name, curve)| (name.clone(), numbers(curve))).collect(),
        fock: numbers(&json["fock_probabilities_at_end"]),
    }
}

fn read_spin(spin: &Value) -> Spin {
    let number = |key: &str| spin[key].as_f64().expect("a number");
    let initial = match spin["initial"].as_str() {
        Some("ground") => SpinPreparation::Ground,
        Some("excited") => SpinPreparation::Excited,
        _ => {
            let p = spin["initial"].as_f64().or_else(|| spin["initial"]["excited_probability"].as_f64());
            SpinPreparation::Mixed { excited_probability: p.expect("a probability") }
        }
    };
    let bath = spin.get("bath").filter(|bath| !bath.is_null()).map(|bath| SpinBath {
        gamma: bath["gamma"].as_f64().expect("gamma"),
        nbar: bath["nbar"].as_f64().expect("nbar"),
    });
    Spin {
        asymmetry: number("asymmetry"),
        tunnelling: number("tunneling"),
        coupling: number("coupling"),
        initial,
        bath,
        dephasing: 0.0,
    }
}

/// The density matrix in the file's own Fock space, against the file.
fn check_exact(name: &str) {
    let reference = load(name);
    let experiment = Experiment { cutoff: Cutoff::Levels(reference.levels), ..reference.experiment };
    let exact = systems::exact(&experiment);
    let allowed = reference.cutoff_change.max(1e-6);
    for (observable, curve) in experiment.observables.iter().zip(&exact.observables) {
        let expected = &reference.expect[&observable.to_string()];
        for ((time, found), expected) in experiment.times.iter().zip(curve).zip(expected) {
            let deviation = (found - expected).abs();
            assert!(deviation <= allowed, "{name}: {observable} at t = {time}: {found}, expected {expected}");
        }
    }
    for (level, (found, expected)) in exact.fock.iter().zip(&reference.fock).enumerate() {
        assert!((found - expected).abs() <= allowed, "{name}: level {level}: {found}, expected {expected}");
    }
}

/// The comparison of `trajectories` trajectories of `simulated` with the file's curves.
fn agreement(reference: &Reference, simulated: &Experiment, trajectories: u64, seed: u64) -> Agreement {
    let ensemble = systems::trajectories(simulated, trajectories, seed);
    let found = trajectory_point(simulated, &ensemble, BTreeMap::new());
    // The file's curves in the form of an exact result.
    let expected = fluctuator::master::Exact {
        observables: simulated.observables.iter().map(|o| reference.expect[&o.to_string()].clone()).collect(),
        fock: reference.fock.clone(),
        ..Default::default()
    };
    let expected = exact_point(simulated, &expected, BTreeMap::new());
    let tolerance = Tolerance { relative: 0.0, absolute: reference.cutoff_change.max(1e-6) };
    compare(&summary(found, Method::Trajectories), &summary(expected, Method::Exact), tolerance).expect("comparable")
}

fn summary(point: Point, method: Method) -> Summary {
    let provenance = Provenance {
        program: String::new(),
        git_commit: None,
        run_file: String::new(),
        overrides: Vec::new(),
        run_file_hash: String::new(),
        method,
        title: String::new(),
        seed: 0,
        sweep: None,
        trajectories: point.trajectories,
        trajectories_asked: None,
        models: Vec::new(),
        questions: Vec::new(),
        complete: true,
        endings: Vec::new(),
        wall_time_seconds: 0.0,
        threads: 1,
        cpu_features: Vec::new(),
        peak_memory_bytes: None,
    };
    Summary { format_version: FORMAT_VERSION, provenance, points: vec![point] }
}

fn check_trajectories(name: &str) {
    let reference = load(name);
    let agreement = agreement(&reference, &reference.experiment, 4096, 1);
    let worst = agreement.worst();
    assert!(worst <= 5.0, "{name}: {worst} standard errors: {:#?}", agreement.deviations);
}

macro_rules! cases {
    ($($module:ident: $name:literal,)*) => {$(
        mod $module {
            #[test]
            fn density_matrix() {
                super::check_exact($name);
            }

            #[test]
            fn trajectories() {
                super::check_trajectories($name);
            }
        }
    )*};
}

cases! {
    fig3_gamma10_nbar0: "fig3-gamma10-nbar0",
    fig3_gamma10_nbar1: "fig3-gamma10-nbar1",
    fig3_gamma10_nbar5: "fig3-gamma10-nbar5",
    fig3_gamma100_nbar0: "fig3-gamma100-nbar0",
    fig3_gamma100_nbar1: "fig3-gamma100-nbar1",
    fig3_gamma100_nbar5: "fig3-gamma100-nbar5",
    fig3_eq29: "fig3-eq29-gamma10-nbar0",
    asymmetric_spin: "asymmetric-spin",
    coherent_underdamped: "coherent-underdamped",
    two_spins: "two-spins",
    two_spins_no_bath_thermal: "two-spins-no-bath-thermal",
}

/// Negative control: the same test with enough trajectories tells γ from 1.05 γ.
#[test]
fn a_rate_wrong_by_five_percent_is_rejected() {
    let reference = load("fig3-gamma10-nbar0");
    let worst = |factor: f64| {
        let mut experiment = reference.experiment.clone();
        let Model::OscillatorSpins(model) = &mut experiment.model else { panic!("a spin model") };
        for spin in &mut model.spins {
            spin.bath = spin.bath.map(|bath| SpinBath { gamma: factor * bath.gamma, ..bath });
        }
        agreement(&reference, &experiment, 65_536, 2).worst()
    };
    let (right, wrong) = (worst(1.0), worst(1.05));
    assert!(right <= 5.0, "the right rate deviates by {right} standard errors");
    assert!(wrong > 5.0, "a rate wrong by 5 % deviates by only {wrong} standard errors");
}
