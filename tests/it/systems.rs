//! Systems the tests share, and how they are run.

use fluctuator::ensemble::{self, Ensemble, Plan};
use fluctuator::hilbert::Cutoff;
use fluctuator::master::{self, Exact, Limits};
use fluctuator::model::{
    Model, OscillatorBath, OscillatorPreparation, OscillatorSpins, Spin, SpinBath, SpinPreparation,
};
use fluctuator::propagate::Tolerances;
use fluctuator::system::{Experiment, Observable};

/// Threads of a test's ensembles; results do not depend on it.
pub const THREADS: usize = 2;

/// An oscillator of frequency 1 with these spins and this bath of its own.
pub fn oscillator(spins: Vec<Spin>, oscillator_bath: Option<OscillatorBath>) -> Model {
    Model::OscillatorSpins(OscillatorSpins { frequency: 1.0, spins, oscillator_bath })
}

/// A spin of Eq. (35) in its ground state.
pub fn spin(tunnelling: f64, coupling: f64, gamma: f64, nbar: f64) -> Spin {
    let bath = Some(SpinBath { gamma, nbar });
    Spin { asymmetry: 0.0, tunnelling, coupling, initial: SpinPreparation::Ground, bath, dephasing: 0.0 }
}

/// An experiment with the usual observables, `points` output times up to `end` and an automatic cutoff.
pub fn experiment(model: Model, oscillator: OscillatorPreparation, end: f64, points: usize) -> Experiment {
    let mut observables = vec![Observable::Number, Observable::NumberSquared, Observable::X, Observable::P];
    observables.extend((0..model.spins().len()).map(Observable::Inversion));
    let times = (0..points).map(|i| end * i as f64 / (points - 1) as f64).collect();
    Experiment { model, oscillator, cutoff: Cutoff::Auto, times, observables, heating_window: [0, points - 1] }
}

/// Runs `trajectories` trajectories from `seed`.
pub fn trajectories(experiment: &Experiment, trajectories: u64, seed: u64) -> Ensemble {
    let plan = Plan { trajectories, seed, block: 32, threads: THREADS };
    run(experiment, &plan)
}

/// Runs a plan with the default tolerances.
pub fn run(experiment: &Experiment, plan: &Plan) -> Ensemble {
    let outcome = ensemble::run(experiment, &Tolerances::from_tolerance(1e-8), plan, &());
    outcome.expect("the ensemble runs").expect("nobody stops it")
}

/// The density-matrix solution.
pub fn exact(experiment: &Experiment) -> Exact {
    master::solve(experiment, &Limits::default(), |_| true).expect("small enough").expect("nobody stops it")
}

/// Mean of observable `observable` at time index `time`.
pub fn mean(ensemble: &Ensemble, time: usize, observable: usize) -> f64 {
    ensemble.tally.records.mean()[ensemble.layout.observable(time, observable)]
}

/// Sample variance over trajectories of the same.
pub fn variance(ensemble: &Ensemble, time: usize, observable: usize) -> f64 {
    ensemble.tally.records.variance(ensemble.layout.observable(time, observable))
}

/// Standard error of the same.
pub fn standard_error(ensemble: &Ensemble, time: usize, observable: usize) -> f64 {
    ensemble.tally.records.standard_error(ensemble.layout.observable(time, observable))
}
