//! Systems the tests share, and how they are run.

use fluctuator::ensemble::{self, Ensemble, Estimator, Plan};
use fluctuator::hilbert::Cutoff;
use fluctuator::master::{self, Exact, Limits};
use fluctuator::model::{
    Model, OscillatorBath, OscillatorPreparation, OscillatorSpins, Spin, SpinBath, SpinPreparation,
};
use fluctuator::propagate::Tolerances;
use fluctuator::system::{Channel, Experiment, Jump, Observable, OscillatorJump};

/// Threads of a test's ensembles; results do not depend on it.
pub const THREADS: usize = 2;

/// An oscillator of frequency 1 with these spins and this bath of its own.
pub fn oscillator(spins: Vec<Spin>, oscillator_bath: Option<OscillatorBath>) -> Model {
    Model::OscillatorSpins(OscillatorSpins { oscillator_bath, ..OscillatorSpins::new(1.0, spins) })
}

/// A spin of Eq. (35) in its ground state.
pub fn spin(tunnelling: f64, coupling: f64, gamma: f64, nbar: f64) -> Spin {
    let bath = Some(SpinBath { gamma, nbar });
    Spin { asymmetry: 0.0, tunnelling, coupling, initial: SpinPreparation::Ground, bath, dephasing: 0.0 }
}

/// An experiment with the usual observables, `points` output times up to `end` and an automatic cutoff.
pub fn experiment(model: Model, oscillator: OscillatorPreparation, end: f64, points: usize) -> Experiment {
    let mut observables = vec![Observable::NUMBER, Observable::NUMBER_SQUARED, Observable::X, Observable::P];
    observables.extend((0..model.spins().len()).map(Observable::inversion));
    let times = (0..points).map(|i| end * i as f64 / (points - 1) as f64).collect();
    let heating_window = [0, points - 1];
    Experiment { model, oscillator, cutoff: Cutoff::Auto, times, observables, heating_window, functionals: vec![] }
}

/// Runs `trajectories` trajectories from `seed`.
pub fn trajectories(experiment: &Experiment, trajectories: u64, seed: u64) -> Ensemble {
    let plan = Plan {
        trajectories,
        seed,
        block: 32,
        threads: THREADS,
        estimator: Estimator::Plain,
        sampling: Default::default(),
    };
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

/// The experiment with every jump rate multiplied by `factor`: the wrong model of the negative controls.
pub fn with_rates(experiment: &Experiment, factor: f64) -> Experiment {
    let mut wrong = experiment.clone();
    let Model::OscillatorSpins(model) = &mut wrong.model else { panic!("a spin model") };
    for spin in &mut model.spins {
        spin.dephasing *= factor;
        if let Some(bath) = &mut spin.bath {
            bath.gamma *= factor;
        }
    }
    if let Some(bath) = &mut model.oscillator_bath {
        bath.kappa *= factor;
    }
    model.oscillator_dephasing *= factor;
    wrong
}

/// Mean number of jumps per trajectory by channel, ∫tr(L†L ρ)dt by Simpson's rule on the density matrix, with the rates
/// of Eq. (35) taken from the model and not from the channels under test.
///
/// For an automatic cutoff, or channels of the spins alone.
pub fn exact_jumps(experiment: &Experiment, channels: &[Channel]) -> Vec<f64> {
    const CELLS: usize = 100;
    let Model::OscillatorSpins(model) = &experiment.model else { panic!("a spin model") };
    let end = *experiment.times.last().expect("times");
    let mut fine = experiment.clone();
    fine.times = (0..=CELLS).map(|i| end * i as f64 / CELLS as f64).collect();
    fine.heating_window = [0, CELLS];
    fine.observables = vec![Observable::NUMBER, Observable::NUMBER_SQUARED];
    fine.observables.extend((0..model.spins.len()).map(Observable::inversion));
    let solution = exact(&fine);
    let spin_bath = |i: usize| model.spins[i].bath.expect("a bath");
    let intensity = |jump: Jump, time: usize| match jump {
        Jump::SpinDown(i) => {
            spin_bath(i).gamma * (spin_bath(i).nbar + 1.0) * 0.5 * (1.0 + solution.observables[2 + i][time])
        }
        Jump::SpinUp(i) => spin_bath(i).gamma * spin_bath(i).nbar * 0.5 * (1.0 - solution.observables[2 + i][time]),
        Jump::Dephase(i) => 0.5 * model.spins[i].dephasing,
        Jump::Positive | Jump::Negative => unreachable!("a spin model"),
        Jump::Oscillator(OscillatorJump::Powers { raise, lower }) => {
            assert_eq!([raise, lower], [1, 1], "dephasing");
            model.oscillator_dephasing * solution.observables[1][time]
        }
        Jump::Oscillator(OscillatorJump::Linear { lower, raise }) => {
            assert!(lower.norm() == 0.0 || raise.norm() == 0.0, "a or a† alone");
            let (bath, number) = (model.oscillator_bath.expect("a bath"), solution.observables[0][time]);
            bath.kappa * if raise.norm() == 0.0 { (bath.nbar + 1.0) * number } else { bath.nbar * (number + 1.0) }
        }
    };
    let simpson = |time: usize| match time {
        0 | CELLS => 1.0,
        odd if odd % 2 == 1 => 4.0,
        _ => 2.0,
    };
    let mean = |channel: &Channel| {
        let sum: f64 = (0..=CELLS).map(|time| simpson(time) * intensity(channel.jump, time)).sum();
        sum * end / (3.0 * CELLS as f64)
    };
    channels.iter().map(mean).collect()
}

/// Largest deviation of the jump numbers of all channels from `expected`, in standard errors.
pub fn worst_of_jumps(ensemble: &Ensemble, expected: &[f64]) -> f64 {
    assert_eq!(ensemble.channels.len(), expected.len());
    let records = &ensemble.tally.records;
    let z = |(channel, expected): (usize, &f64)| {
        let entry = ensemble.layout.jumps(channel);
        ((records.mean()[entry] - expected) / records.standard_error(entry)).abs()
    };
    expected.iter().enumerate().map(z).fold(0.0, f64::max)
}
