//! No-jump and stratified sampling: the same means with honest error bars, fewer trajectories, weighted jump records.

use fluctuator::ensemble::{Ensemble, Estimator, Plan, Sampling};
use fluctuator::model::OscillatorPreparation;
use fluctuator::system::Experiment;

use crate::cli::Sandbox;
use crate::systems::{exact, experiment, mean, oscillator, run, spin, standard_error, variance, with_rates};

/// A weakly coupled, slow spin: 98 % of all trajectories never jump.
fn rare() -> Experiment {
    experiment(oscillator(vec![spin(2.0, 0.3, 0.2, 0.01)], None), OscillatorPreparation::Fock(0), 3.0, 4)
}

fn sampled(experiment: &Experiment, sampling: Sampling, trajectories: u64, seed: u64) -> Ensemble {
    let plan = Plan { trajectories, seed, block: 16, threads: 2, estimator: Estimator::Plain, sampling };
    run(experiment, &plan)
}

#[test]
fn rare_jumps_are_sampled_far_better() {
    let experiment = rare();
    let truth = exact(&experiment);
    let wrong = exact(&with_rates(&experiment, 1.2));
    let direct = sampled(&experiment, Sampling::Direct, 4096, 1);
    assert_eq!(direct.no_jump_probability, None);
    for sampling in [Sampling::NoJump, Sampling::Stratified] {
        let ensemble = sampled(&experiment, sampling, 4096, 1);
        let p0 = ensemble.no_jump_probability.expect("not left to chance");
        assert!((0.97..0.99).contains(&p0), "{p0}");
        let (mut worst, mut worst_of_wrong) = (0.0f64, 0.0f64);
        for time in 1..4 {
            // ⟨N⟩, ⟨N²⟩ and the inversion; 5σ each: a false alarm with probability 1e-5.
            for observable in [0, 1, 4] {
                let error = standard_error(&ensemble, time, observable);
                let z = |exact: f64| (mean(&ensemble, time, observable) - exact).abs() / error;
                worst = worst.max(z(truth.observables[observable][time]));
                worst_of_wrong = worst_of_wrong.max(z(wrong.observables[observable][time]));
            }
        }
        assert!(worst <= 5.0 && worst_of_wrong > 5.0, "{sampling:?}: {worst}, rates wrong by 20 %: {worst_of_wrong}");
    }
    // Per trajectory, at the end: less than a hundredth of the variance.
    let conditioned = sampled(&experiment, Sampling::NoJump, 4096, 1);
    let ratio = variance(&direct, 3, 0) / variance(&conditioned, 3, 0);
    assert!(ratio > 100.0, "variance falls by {ratio}");
}

#[test]
fn their_error_bars_cover() {
    // One jump that decides nearly everything, where strata matter: γ = 1, the spin excited, a short run.
    let mut excited = spin(2.0, 1.0, 1.0, 0.0);
    excited.initial = fluctuator::model::SpinPreparation::Excited;
    let experiment = experiment(oscillator(vec![excited], None), OscillatorPreparation::Fock(0), 1.0, 2);
    let truth = exact(&experiment);
    const SEEDS: u64 = 400;
    let mut errors = Vec::new();
    for sampling in [Sampling::NoJump, Sampling::Stratified] {
        let (mut scores, mut squares) = (Vec::new(), 0.0);
        for seed in 0..SEEDS {
            let ensemble = sampled(&experiment, sampling, 1024, seed);
            scores.push((mean(&ensemble, 1, 0) - truth.observables[0][1]) / standard_error(&ensemble, 1, 0));
            squares += standard_error(&ensemble, 1, 0).powi(2) / SEEDS as f64;
        }
        errors.push(squares);
        let n = SEEDS as f64;
        let mean = scores.iter().sum::<f64>() / n;
        let spread = scores.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / (n - 1.0);
        // 64 blocks tell their own spread to a t distribution with 63 degrees of freedom, of variance 63/61.
        let allowed = 5.0 * (2.0 / n).sqrt() + 2.0 / 61.0;
        assert!(mean.abs() <= 5.0 / n.sqrt(), "{sampling:?}: mean z {mean}");
        assert!((spread - 1.0).abs() <= allowed, "{sampling:?}: variance of z {spread}");
        // The control: error bars too small by a quarter would be seen.
        assert!((spread / 0.75f64.powi(2) - 1.0).abs() > allowed, "{sampling:?}: the test says nothing");
    }
    assert!(errors[1] < 0.9 * errors[0], "strata reduce the variance: {errors:?}");
}

#[test]
fn jump_records_carry_their_weight() {
    let sandbox = Sandbox::new();
    let rare = "--set model.spins.0.bath.gamma=0.05 --set output.jumps=true --trajectories 256";
    for threads in 1..=2 {
        let out = format!("--threads {threads} --out out/{threads}");
        sandbox.expect(0, &format!("run run.toml {rare} --set ensemble.sampling=no-jump {out}"));
    }
    assert_eq!(sandbox.points("out/1"), sandbox.points("out/2"));
    let point = sandbox.summary("out/1")["points"][0].clone();
    let weight = 1.0 - point["no_jump_probability"].as_f64().expect("conditioned");
    assert!((0.001..0.5).contains(&weight), "{weight}");
    let mut records = crate::records::Contents::of(&sandbox.path("out/1/records.nc"));
    let (weights, counts) = (records.numbers("weight"), records.numbers("jump_count"));
    assert!(weights.iter().all(|w| *w == weight) && counts.iter().all(|count| *count >= 1.0), "every one jumps");
    let weighted = weights.iter().zip(&counts).map(|(w, count)| w * count).sum::<f64>() / 256.0;
    let reported: f64 =
        ["spin_0_down", "spin_0_up"].map(|name| point["jumps"][name]["mean"].as_f64().unwrap()).iter().sum();
    assert!((weighted - reported).abs() < 1e-12, "{weighted} {reported}");
}
