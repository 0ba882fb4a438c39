//! Dephasing of the oscillator, √κφ N: closed forms, and all channels together against the density matrix.

use fluctuator::ensemble::{Ensemble, Estimator, Plan};
use fluctuator::model::{Model, OscillatorBath, OscillatorPreparation, OscillatorSpins, Spin};
use fluctuator::system::{Experiment, Observable};
use num_complex::Complex64;

use crate::controls::{Corrected, corrected};
use crate::systems::{
    THREADS, exact, exact_jumps, experiment, mean, run, spin, standard_error, trajectories, with_rates, worst_of_jumps,
};

/// Largest deviation of means after t = 0, given with their standard errors, from `curves`. Correct code exceeds 5 with probability
/// 5.7e-7 per comparison.
fn worst(curves: &[Vec<f64>], found: impl Fn(usize, usize) -> [f64; 2]) -> f64 {
    let deviation = |observable: usize, time: usize, expected: f64| {
        let [mean, error] = found(time, observable);
        ((mean - expected).abs() - 1e-7) / error
    };
    let all = curves.iter().enumerate().flat_map(|(o, curve)| (1..curve.len()).map(move |t| deviation(o, t, curve[t])));
    all.fold(0.0, f64::max)
}

/// The same of plain means, and of the numbers of jumps.
fn worst_plain(found: &Ensemble, curves: &[Vec<f64>], jumps: &[f64]) -> f64 {
    let means = worst(curves, |time, o| [mean(found, time, o), standard_error(found, time, o)]);
    means.max(worst_of_jumps(found, jumps))
}

/// An oscillator that is dephased, and nothing else: ⟨a⟩ = αe^{−iΩ₀t − κφt/2}, ⟨a²⟩ = α²e^{−2iΩ₀t − 2κφt}, N keeps its distribution, and
/// there are κφ⟨N²⟩t jumps.
#[test]
fn a_dephased_coherent_state_has_closed_forms() {
    let (alpha, kappa) = (Complex64::new(1.2, -0.5), 0.3);
    let dephased = |kappa: f64| {
        let model = OscillatorSpins { oscillator_dephasing: kappa, ..OscillatorSpins::new(1.0, vec![]) };
        let mut experiment = experiment(Model::OscillatorSpins(model), OscillatorPreparation::Coherent(alpha), 2.0, 5);
        experiment.observables.extend([Observable::X_SQUARED, Observable::P_SQUARED]);
        experiment
    };
    let right = dephased(kappa);
    let n = alpha.norm_sqr();
    let forms = |t: f64| {
        let a = alpha * Complex64::cis(-t) * (-kappa * t / 2.0).exp();
        let squared = alpha * alpha * Complex64::cis(-2.0 * t) * (-2.0 * kappa * t).exp();
        let spread = 2.0 * n + 1.0;
        [n, n * n + n, 2.0 * a.re, 2.0 * a.im, spread + 2.0 * squared.re, spread - 2.0 * squared.re]
    };
    let curves: Vec<Vec<f64>> = (0..6).map(|o| right.times.iter().map(|t| forms(*t)[o]).collect()).collect();
    let solution = exact(&right);
    for (found, expected) in solution.observables.iter().zip(&curves) {
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-7, "{found} {expected}");
        }
    }
    let jumps = [kappa * (n * n + n) * 2.0];
    assert!((solution.jumps[0][4] - jumps[0]).abs() < 1e-6, "{:?}", solution.jumps);
    let found = worst_plain(&trajectories(&right, 20_000, 21), &curves, &jumps);
    assert!(found <= 5.0, "{found} standard errors");
    let wrong = worst_plain(&trajectories(&dephased(1.2 * kappa), 20_000, 21), &curves, &jumps);
    assert!(wrong > 5.0, "a rate wrong by a fifth is at {wrong} standard errors only");
}

/// The oscillator's own channels and those of spins together, on a chain, on kets of definite parity, and on whole registers.
fn systems() -> [Experiment; 4] {
    let open = |spins: Vec<Spin>, oscillator| {
        let bath = Some(OscillatorBath { kappa: 0.2, nbar: 0.5 });
        let model =
            OscillatorSpins { oscillator_bath: bath, oscillator_dephasing: 0.4, ..OscillatorSpins::new(1.0, spins) };
        experiment(Model::OscillatorSpins(model), oscillator, 3.0, 4)
    };
    let dephased = Spin { dephasing: 0.5, ..spin(1.0, 0.4, 0.6, 0.3) };
    let asymmetric = Spin { asymmetry: 0.7, ..dephased };
    let coherent = OscillatorPreparation::Coherent(Complex64::new(0.9, 0.4));
    [
        open(vec![dephased], OscillatorPreparation::Fock(2)),
        open(vec![dephased, spin(1.3, 0.3, 0.2, 0.0)], OscillatorPreparation::Fock(1)),
        open(vec![asymmetric], coherent),
        open(vec![], coherent),
    ]
}

#[test]
fn all_channels_together_agree_with_the_density_matrix() {
    for experiment in systems() {
        let (solution, count) = (exact(&experiment), 4096);
        let jumps = exact_jumps(&experiment, &fluctuator::system::channels(&experiment.model));
        let counted: Vec<f64> = solution.jumps.iter().map(|curve| curve[3]).collect();
        for (a, b) in jumps.iter().zip(&counted) {
            assert!((a - b).abs() < 1e-5 * (1.0 + a.abs()), "{jumps:?} {counted:?}");
        }
        let found = worst_plain(&trajectories(&experiment, count, 22), &solution.observables, &jumps);
        assert!(found <= 5.0, "{found} standard errors of {:?}", experiment.model);
        let wrong = worst_plain(&trajectories(&with_rates(&experiment, 1.2), count, 22), &solution.observables, &jumps);
        assert!(wrong > 5.0, "rates wrong by a fifth are at {wrong} standard errors only");
        // With control variates, which know what jumps do to what they follow.
        let plan = Plan {
            trajectories: count,
            seed: 23,
            block: 32,
            threads: THREADS,
            estimator: Estimator::controlled(count),
            sampling: Default::default(),
        };
        let controlled = run(&experiment, &plan);
        let found = worst(&solution.observables, |time, observable| {
            let Corrected { mean, variance } = corrected(&controlled, time, observable);
            [mean, (variance / count as f64).sqrt()]
        });
        assert!(found <= 5.0, "{found} standard errors of {:?}", experiment.model);
    }
}
