//! Closed forms (see the module's tests one by one), through trajectories within 5σ and through the density matrix.

use fluctuator::ensemble::Ensemble;
use fluctuator::hilbert::Cutoff;
use fluctuator::io::run_file::RunFile;
use fluctuator::model::{Adiabatic, Model, OscillatorBath, OscillatorPreparation, Spin, SpinBath, SpinPreparation};
use fluctuator::system::{Experiment, Observable};
use num_complex::Complex64;

use crate::systems::{
    exact, exact_jumps, experiment, mean, oscillator, spin, standard_error, trajectories, variance, with_rates,
    worst_of_jumps,
};

/// Within 5 standard errors; correct code fails a fixed seed with probability 5.7e-7 per comparison.
fn within_five_sigma(what: &str, found: f64, error: f64, expected: f64) {
    assert!((found - expected).abs() <= 5.0 * error + 1e-7, "{what}: {found} ± {error}, expected {expected}");
}

/// ⟨N⟩ and the variance ⟨N²⟩ − ⟨N⟩² of the oscillator at time index `time`, exactly.
fn exact_moments(experiment: &Experiment, time: usize) -> (f64, f64) {
    let solution = exact(experiment);
    let (first, second) = (solution.observables[0][time], solution.observables[1][time]);
    (first, second - first * first)
}

/// ⟨N⟩ within 5σ; ⟨N²⟩ within 5σ of variance + mean².
fn check_moments(ensemble: &Ensemble, time: usize, (expected, spread): (f64, f64)) {
    within_five_sigma("⟨N⟩", mean(ensemble, time, 0), standard_error(ensemble, time, 0), expected);
    let second = spread + expected * expected;
    within_five_sigma("⟨N²⟩", mean(ensemble, time, 1), standard_error(ensemble, time, 1), second);
}

/// Largest deviation, in standard errors, of the curves of `found` from `curves` (by observable, then time; after t = 0)
/// and of its jump numbers from `jumps`. Correct code exceeds 5 with probability 5.7e-7 per comparison.
fn worst(found: &Ensemble, curves: &[(usize, Vec<f64>)], jumps: &[f64]) -> f64 {
    let mut worst = worst_of_jumps(found, jumps);
    for (observable, curve) in curves {
        for (time, expected) in curve.iter().enumerate().skip(1) {
            let deviation = (mean(found, time, *observable) - expected).abs() - 1e-7;
            worst = worst.max(deviation / standard_error(found, time, *observable));
        }
    }
    worst
}

/// The curves of [`worst`] by the density matrix.
fn exact_curves(experiment: &Experiment) -> Vec<(usize, Vec<f64>)> {
    exact(experiment).observables.into_iter().enumerate().collect()
}

#[test]
fn damped_fock_state_is_binomial() {
    let bath = |kappa| Some(OscillatorBath { kappa, nbar: 0.0 });
    let damped = |kappa| experiment(oscillator(vec![], bath(kappa)), OscillatorPreparation::Fock(9), 1.0, 2);
    let p = (-0.2f64).exp();
    let expected = (9.0 * p, 9.0 * p * (1.0 - p));
    assert!((expected.0 - 7.3686).abs() < 5e-5 && (expected.1 - 1.3357).abs() < 5e-5);
    let found = exact_moments(&damped(0.2), 1);
    assert!((found.0 - expected.0).abs() < 1e-9 && (found.1 - expected.1).abs() < 1e-8, "{found:?}");
    let ensemble = trajectories(&damped(0.2), 20_000, 1);
    check_moments(&ensemble, 1, expected);
    // The whole distribution: n is Binomial(9, e^{−κt}).
    let mut probability = (1.0 - p).powi(9);
    for n in 0..=9 {
        let fock = &ensemble.tally.fock;
        let error = (probability * (1.0 - probability) / fock.count() as f64).sqrt();
        within_five_sigma(&format!("P({n})"), fock.mean()[n], error, probability);
        probability *= (9 - n) as f64 / (n + 1) as f64 * p / (1.0 - p);
    }
    let wrong = trajectories(&damped(0.21), 20_000, 1);
    assert!((mean(&wrong, 1, 0) - expected.0).abs() > 5.0 * standard_error(&wrong, 1, 0), "κ wrong by 5 % passes");
}

#[test]
fn thermal_oscillator_bath() {
    let (kappa, nbar) = (1.0 / 0.129, 0.063);
    let model = oscillator(vec![], Some(OscillatorBath { kappa, nbar }));
    let from_one = experiment(model.clone(), OscillatorPreparation::Fock(1), 0.1, 3);
    let p = (-kappa * 0.1f64).exp();
    let expected =
        (nbar + (1.0 - nbar) * p, p * (1.0 - p) * (1.0 + 2.0 * nbar) + nbar * (1.0 - p) * (1.0 + nbar * (1.0 - p)));
    assert!((expected.0 - 0.494_596).abs() < 1e-6 && (expected.1 - 0.314_889).abs() < 1e-6);
    let found = exact_moments(&from_one, 2);
    assert!((found.0 - expected.0).abs() < 1e-9 && (found.1 - expected.1).abs() < 1e-9, "{found:?} {expected:?}");
    check_moments(&trajectories(&from_one, 50_000, 2), 2, expected);
    // From |0⟩: ⟨N⟩ = n̄(1 − e^{−κt}), a heating rate of κn̄ at t = 0.
    let short = 1e-4;
    let from_zero = experiment(model, OscillatorPreparation::Fock(0), short, 2);
    let rate = exact(&from_zero).observables[0][1] / short;
    assert!((rate - kappa * nbar).abs() < kappa * kappa * nbar * short, "{rate} against {}", kappa * nbar);
}

#[test]
fn coherent_state_stays_coherent_in_every_trajectory() {
    let (alpha, kappa) = (Complex64::new(1.2, -0.7), 0.4);
    let model = oscillator(vec![], Some(OscillatorBath { kappa, nbar: 0.0 }));
    let experiment = experiment(model, OscillatorPreparation::Coherent(alpha), 5.0, 11);
    let ensemble = trajectories(&experiment, 64, 3);
    let solution = exact(&experiment);
    for (time, t) in experiment.times.iter().enumerate() {
        let now = alpha * Complex64::new(-kappa / 2.0 * t, -t).exp();
        let expected = [now.norm_sqr(), now.norm_sqr() * (now.norm_sqr() + 1.0), 2.0 * now.re, 2.0 * now.im];
        for (observable, expected) in expected.into_iter().enumerate() {
            let found = mean(&ensemble, time, observable);
            assert!((found - expected).abs() < 1e-7, "observable {observable} at {t}: {found}, expected {expected}");
            assert!(variance(&ensemble, time, observable) < 1e-13, "no spread over trajectories");
            assert!((solution.observables[observable][time] - expected).abs() < 1e-8, "density matrix");
        }
    }
    assert!(ensemble.tally.records.mean()[ensemble.layout.jumps(0)] > 1.0, "there were jumps");
}

#[test]
fn spin_alone_is_a_telegraph_signal() {
    const COUNT: u64 = 40_000;
    let (gamma, nbar) = (0.8, 0.6);
    let mut lone = spin(1.3, 0.0, gamma, nbar);
    lone.initial = SpinPreparation::Excited;
    let experiment = experiment(oscillator(vec![lone], None), OscillatorPreparation::Fock(0), 4.0, 9);
    let ensemble = trajectories(&experiment, COUNT, 4);
    let solution = exact(&experiment);
    let (stationary, total) = (nbar / (2.0 * nbar + 1.0), gamma * (2.0 * nbar + 1.0));
    let excited = |t: f64| stationary + (1.0 - stationary) * (-total * t).exp();
    let inversion: Vec<f64> = experiment.times.iter().map(|t| 2.0 * excited(*t) - 1.0).collect();
    for (time, t) in experiment.times.iter().enumerate() {
        assert!((solution.observables[4][time] - inversion[time]).abs() < 1e-9);
        // Each trajectory is at ±1: the spread is that of a coin, 4P₊(1 − P₊).
        let spread = 4.0 * excited(*t) * (1.0 - excited(*t));
        let of_sample = mean(&ensemble, time, 4);
        let coin = (1.0 - of_sample * of_sample) * COUNT as f64 / (COUNT - 1) as f64;
        assert!((variance(&ensemble, time, 4) - coin).abs() < 1e-9, "every value is ±1");
        assert!((coin - spread).abs() < 5.0 * 2.0 * (spread / COUNT as f64).sqrt() + 1e-12);
    }
    // Jumps: γ(n̄+1)∫P₊ downwards, γn̄∫(1 − P₊) upwards. Ten comparisons.
    let time_excited = stationary * 4.0 + (1.0 - stationary) * (1.0 - (-total * 4.0).exp()) / total;
    let jumps = [gamma * (nbar + 1.0) * time_excited, gamma * nbar * (4.0 - time_excited)];
    let deviation = |found: &Ensemble| worst(found, &[(4, inversion.clone())], &jumps);
    assert!(deviation(&ensemble) <= 5.0, "{} standard errors", deviation(&ensemble));
    let wrong = deviation(&trajectories(&with_rates(&experiment, 1.05), COUNT, 4));
    assert!(wrong > 5.0, "rates wrong by 5 % are at {wrong} standard errors only");
}

#[test]
fn spins_without_tunnelling_displace_the_oscillator() {
    // H = a†a + Σ(ω/2 + gX)τz: α(t) = α₀e^{−it} − S(1 − e^{−it}), S = Σ ±g; 2 spins, four equally simple branches.
    let couplings = [0.3, 0.2];
    let probabilities = [0.25, 0.6];
    let bare = |i: usize| Spin {
        asymmetry: 0.7,
        tunnelling: 0.0,
        coupling: couplings[i],
        initial: SpinPreparation::Mixed { excited_probability: probabilities[i] },
        bath: None,
        dephasing: 0.0,
    };
    let alpha = Complex64::new(0.8, 0.3);
    let experiment =
        experiment(oscillator(vec![bare(0), bare(1)], None), OscillatorPreparation::Coherent(alpha), 6.0, 7);
    let ensemble = trajectories(&experiment, 4096, 5);
    let solution = exact(&experiment);
    for (time, t) in experiment.times.iter().enumerate() {
        let phase = Complex64::new(0.0, -t).exp();
        let mut expected = [0.0; 3];
        for branch in 0..4 {
            let up = |i: usize| branch >> i & 1 == 1;
            let weight: f64 = (0..2).map(|i| if up(i) { probabilities[i] } else { 1.0 - probabilities[i] }).product();
            let shift: f64 = (0..2).map(|i| if up(i) { couplings[i] } else { -couplings[i] }).sum();
            let now = alpha * phase - shift * (1.0 - phase);
            for (sum, value) in expected.iter_mut().zip([now.norm_sqr(), 2.0 * now.re, 2.0 * now.im]) {
                *sum += weight * value;
            }
        }
        for (observable, expected) in [0, 2, 3].into_iter().zip(expected) {
            let found = solution.observables[observable][time];
            assert!((found - expected).abs() < 1e-8, "observable {observable} at {t}: {found}, expected {expected}");
            let (value, error) = (mean(&ensemble, time, observable), standard_error(&ensemble, time, observable));
            within_five_sigma("displaced", value, error, expected);
        }
    }
}

/// "thermal" in a run file is the stationary state of the spin's bath: p₊ = 1/(1 + e^{ω̃/T}), and there it stays.
#[test]
fn a_thermal_spin_without_coupling_stays_as_it_is() {
    let spin = "tunnelling = 1.2\nasymmetry = 0.9\ncoupling = 0.0\nbath = { gamma = 1.5, temperature = 1.1 }";
    for initial in ["\"thermal\"", "{ temperature = 1.1 }"] {
        let text = format!(
            "version = 1\n[model]\nkind = \"oscillator-spins\"\nfrequency = 1.0\n[[model.spins]]\n{spin}\ninitial = {initial}\n\
             [time]\nend = 2.0\npoints = 5\n[output]\nobservables = [\"inversion\"]\n"
        );
        let experiment = &RunFile::parse(&text, "thermal", &[]).expect("sound").points[0].experiment;
        // √(1.2² + 0.9²) = 1.5.
        let expected = -(0.5f64 * 1.5 / 1.1).tanh();
        let place = experiment.observables.iter().position(|o| *o == Observable::inversion(0)).expect("observed");
        let (solution, ensemble) = (exact(experiment), trajectories(experiment, 10_000, 3));
        for time in 0..5 {
            let found = solution.observables[place][time];
            assert!((found - expected).abs() < 1e-9, "{initial}: {found}, expected {expected}");
            let (value, error) = (mean(&ensemble, time, place), standard_error(&ensemble, time, place));
            within_five_sigma(initial, value, error, expected);
            assert!((value - expected / 2.0).abs() > 5.0 * error, "half of it is not told from that");
        }
    }
}

#[test]
fn without_baths_norm_and_energy_are_conserved() {
    let free = |asymmetry, tunnelling, coupling| Spin {
        asymmetry,
        tunnelling,
        coupling,
        initial: SpinPreparation::Excited,
        bath: None,
        dephasing: 0.0,
    };
    let model = oscillator(vec![free(0.4, 0.9, 0.3), free(0.0, 1.2, 0.5), free(-0.8, 0.5, 0.2)], None);
    let mut experiment = experiment(model, OscillatorPreparation::Coherent(Complex64::new(1.0, 1.0)), 20.0, 41);
    experiment.observables.push(Observable::ENERGY);
    let energy = experiment.observables.len() - 1;
    let ensemble = trajectories(&experiment, 2, 6);
    let start = mean(&ensemble, 0, energy);
    for time in 0..experiment.times.len() {
        let found = mean(&ensemble, time, energy);
        assert!((found - start).abs() < 1e-8, "energy {found} at t = {}, {start} at first", experiment.times[time]);
    }
    assert!(ensemble.tally.counts.norm_defect < 1e-8);
    // A chain, too.
    let mut chain = experiment.clone();
    chain.model = oscillator(vec![free(0.0, 1.2, 0.5)], None);
    chain.oscillator = OscillatorPreparation::Fock(3);
    chain.observables = vec![Observable::NUMBER, Observable::ENERGY];
    let ensemble = trajectories(&chain, 2, 6);
    for time in 0..chain.times.len() {
        assert!((mean(&ensemble, time, 1) - mean(&ensemble, 0, 1)).abs() < 1e-8);
    }
    assert!(ensemble.tally.counts.norm_defect < 1e-8);
}

#[test]
fn adiabatic_equation_heats_at_two_gamma() {
    let diffusion = 0.1;
    let model = Model::Adiabatic(Adiabatic { frequency: 1.0, diffusion });
    let experiment = experiment(model, OscillatorPreparation::Fock(2), 5.0, 11);
    let solution = exact(&experiment);
    let ensemble = trajectories(&experiment, 8192, 7);
    for (time, t) in experiment.times.iter().enumerate() {
        let expected = 2.0 + 2.0 * diffusion * t;
        assert!((solution.observables[0][time] - expected).abs() < 1e-8, "{} at {t}", solution.observables[0][time]);
        within_five_sigma("⟨N⟩", mean(&ensemble, time, 0), standard_error(&ensemble, time, 0), expected);
    }
    let records = &ensemble.tally.records;
    let (rate, error) =
        (records.mean()[ensemble.layout.heating_rate()], records.standard_error(ensemble.layout.heating_rate()));
    within_five_sigma("heating rate", rate, error, 2.0 * diffusion);
    assert!((rate - 2.1 * diffusion).abs() > 0.5 * error, "the error bar says something");
}

#[test]
fn chain_and_register_are_the_same_physics() {
    // A vanishing asymmetry keeps the parity but forces the register; the random numbers are the same.
    let chain = experiment(oscillator(vec![spin(2.0, 1.0, 10.0, 1.0)], None), OscillatorPreparation::Fock(0), 3.0, 7);
    let mut tilted = spin(2.0, 1.0, 10.0, 1.0);
    tilted.asymmetry = 1e-13;
    let register = Experiment { model: oscillator(vec![tilted], None), ..chain.clone() };
    let (chain, register) = (trajectories(&chain, 32, 8), trajectories(&register, 32, 8));
    for entry in 0..chain.layout.len() {
        let (a, b) = (chain.tally.records.mean()[entry], register.tally.records.mean()[entry]);
        assert!((a - b).abs() < 1e-6, "entry {entry}: {a} {b}");
    }
}

#[test]
fn dephasing_leaves_populations_alone_and_shrinks_the_coupling() {
    // Dephasing and relaxation together against the density matrix: one curve per observable, one number per channel.
    let mut dephased = spin(1.0, 0.4, 0.5, 0.3);
    dephased.dephasing = 0.6;
    dephased.bath = Some(SpinBath { gamma: 0.5, nbar: 0.3 });
    let model = oscillator(vec![dephased], Some(OscillatorBath { kappa: 0.1, nbar: 0.4 }));
    for oscillator in [OscillatorPreparation::Thermal(0.7), OscillatorPreparation::Coherent(Complex64::new(0.9, 0.0))] {
        let experiment = experiment(model.clone(), oscillator, 6.0, 7);
        let ensemble = trajectories(&experiment, 10_240, 9);
        let (curves, jumps) = (exact_curves(&experiment), exact_jumps(&experiment, &ensemble.channels));
        // 35 comparisons, the initial values among them only where they are sampled.
        for (observable, curve) in &curves {
            let (value, error) = (mean(&ensemble, 0, *observable), standard_error(&ensemble, 0, *observable));
            within_five_sigma("at t = 0", value, error, curve[0]);
        }
        let right = worst(&ensemble, &curves, &jumps);
        assert!(right <= 5.0, "{right} standard errors");
        let wrong = worst(&trajectories(&with_rates(&experiment, 1.05), 10_240, 9), &curves, &jumps);
        assert!(wrong > 5.0, "rates wrong by 5 % are at {wrong} standard errors only");
    }
}

#[test]
fn a_hard_cutoff_is_the_same_truncation_in_both_methods() {
    let mut experiment =
        experiment(oscillator(vec![spin(2.0, 1.0, 10.0, 0.0)], None), OscillatorPreparation::Fock(0), 4.0, 5);
    experiment.cutoff = Cutoff::Levels(6);
    let plan = fluctuator::ensemble::Plan {
        trajectories: 16_384,
        seed: 10,
        block: 32,
        threads: 2,
        estimator: fluctuator::ensemble::Estimator::Plain,
        sampling: Default::default(),
    };
    let tolerances = fluctuator::propagate::Tolerances {
        max_clipped: 1.0,
        ..fluctuator::propagate::Tolerances::from_tolerance(1e-8)
    };
    let run = |experiment: &Experiment| {
        let ensemble = fluctuator::ensemble::run(experiment, &tolerances, &plan, &());
        ensemble.expect("clipping is allowed").expect("not stopped")
    };
    let ensemble = run(&experiment);
    assert!(ensemble.tally.counts.clipped > 1e-4 && ensemble.tally.counts.highest_level == 6);
    let (curves, jumps) = (exact_curves(&experiment), exact_jumps(&experiment, &ensemble.channels));
    // 21 comparisons; x and p vanish by parity in every trajectory.
    let deviation =
        |found: &Ensemble| worst(found, &[curves[0].clone(), curves[1].clone(), curves[4].clone()], &jumps[..]);
    assert!(deviation(&ensemble) <= 5.0, "{} standard errors", deviation(&ensemble));
    let faster = deviation(&run(&with_rates(&experiment, 1.05)));
    assert!(faster > 5.0, "rates wrong by 5 % are at {faster} standard errors only");
    let free = deviation(&run(&Experiment { cutoff: Cutoff::Levels(7), ..experiment.clone() }));
    assert!(free > 5.0, "another truncation is at {free} standard errors only");
}

/// Jumps of the oscillator's own bath carry the ket far out of its first window, with nothing else to widen it.
#[test]
fn ladder_jumps_take_the_window_along() {
    let kappa = 1.0;
    let bath = |nbar| Some(OscillatorBath { kappa, nbar });
    // A large coherent state falls from 100 quanta to 5 and stays coherent, without any spread.
    let alpha = Complex64::new(10.0, 0.0);
    let falling = experiment(oscillator(vec![], bath(0.0)), OscillatorPreparation::Coherent(alpha), 3.0, 4);
    let ensemble = trajectories(&falling, 32, 11);
    for (time, t) in falling.times.iter().enumerate() {
        let expected = 100.0 * (-kappa * t).exp();
        assert!((mean(&ensemble, time, 0) - expected).abs() < 1e-6, "{} at t = {t}", mean(&ensemble, time, 0));
        assert!(variance(&ensemble, time, 0) < 1e-10);
    }
    // Number states rise from 0 towards n̄ = 3 and fall from 40: ⟨N⟩ = n̄ + (n₀ − n̄)e^{−κt}.
    for (start, nbar) in [(0, 3.0), (40, 0.0), (40, 2.0)] {
        let moving = experiment(oscillator(vec![], bath(nbar)), OscillatorPreparation::Fock(start), 3.0, 4);
        let ensemble = trajectories(&moving, 8192, 12);
        for (time, t) in moving.times.iter().enumerate() {
            let expected = nbar + (start as f64 - nbar) * (-kappa * t).exp();
            within_five_sigma("⟨N⟩", mean(&ensemble, time, 0), standard_error(&ensemble, time, 0), expected);
        }
        // A spin that hardly couples forces the chain and changes nothing.
        let spins = vec![spin(1.0, 1e-9, 0.5, 0.1)];
        let chained = Experiment { model: oscillator(spins, bath(nbar)), ..moving.clone() };
        let ensemble = trajectories(&chained, 4096, 13);
        let expected = nbar + (start as f64 - nbar) * (-3.0 * kappa).exp();
        within_five_sigma("⟨N⟩ on the chain", mean(&ensemble, 3, 0), standard_error(&ensemble, 3, 0), expected);
    }
}
