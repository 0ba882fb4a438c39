//! Waiting times and g²(τ) of jumps against closed forms, within the errors they report.

use fluctuator::analysis::{Emission, emission};
use fluctuator::ensemble::{
    self, BlockRecords, CorrelationGrid, Correlations, Estimator, Groups, Plan, Purpose, RecordedJump, Recording,
    Streams, Tallies,
};
use fluctuator::model::{OscillatorPreparation, SpinPreparation};
use fluctuator::propagate::Tolerances;
use fluctuator::system::{Channel, Experiment, Jump};
use fluctuator::unravelling::Chance;

use crate::systems::{THREADS, experiment, oscillator, spin};

/// The emission statistics of `channel` in `trajectories` trajectories.
fn statistics(experiment: &Experiment, grid: &CorrelationGrid, trajectories: u64, channel: &str) -> Emission {
    let plan = Plan {
        trajectories,
        seed: 5,
        block: 32,
        threads: THREADS,
        estimator: Estimator::Plain,
        sampling: Default::default(),
    };
    let recording = Recording { sink: None, correlations: Some(grid) };
    let outcome =
        ensemble::run_recording(experiment, &Tolerances::from_tolerance(1e-8), &plan, &(), recording).expect("runs");
    let ensemble = outcome.expect("nobody stops it");
    emission(&ensemble.correlations.expect("asked for"), &ensemble.channels).remove(channel).expect("it was counted")
}

/// Largest deviation from `expected` (a function of both edges of a bin) in standard errors.
fn worst(values: &Option<Vec<f64>>, errors: &Option<Vec<f64>>, width: f64, expected: impl Fn(f64, f64) -> f64) -> f64 {
    let (values, errors) = (values.as_ref().expect("values"), errors.as_ref().expect("errors"));
    let z = |(bin, (value, error)): (usize, (&f64, &f64))| {
        (value - expected(bin as f64 * width, (bin + 1) as f64 * width)) / error
    };
    values.iter().zip(errors).enumerate().map(z).fold(0.0, |worst: f64, z| worst.max(z.abs()))
}

/// Mean of e^{−rate τ} over a bin.
fn mean_exponential(rate: f64, from: f64, to: f64) -> f64 {
    ((-rate * from).exp() - (-rate * to).exp()) / (rate * (to - from))
}

/// A jackknife over 64 groups has 63 degrees of freedom: a correct value is beyond 6 of its errors with probability 1.1e-7.
/// Over the 100 bins compared in this file that is a false alarm in 1.1e-5 (Bonferroni).
const SIGMAS: f64 = 6.0;

#[test]
fn a_driven_spin_emits_one_by_one() {
    let (gamma, nbar, width) = (1.5, 0.5, 0.2);
    let mut driven = spin(2.0, 0.0, gamma, nbar);
    driven.initial = SpinPreparation::Mixed { excited_probability: nbar / (2.0 * nbar + 1.0) };
    let experiment = experiment(oscillator(vec![driven], None), OscillatorPreparation::Fock(0), 24.0, 2);
    let grid = CorrelationGrid { bins: 20, max_delay: 20.0 * width, from: 0.0, channels: vec![0] };
    let seen = statistics(&experiment, &grid, 32_768, "spin_0_down");

    assert_eq!(seen.groups, 64);
    let (down, up) = (gamma * (nbar + 1.0), gamma * nbar);
    let z = (seen.rate.mean - down * up / (down + up)) / seen.rate.standard_error.expect("an error");
    assert!(z.abs() < SIGMAS, "the rate of emission is off by {z} errors");

    // After an emission the spin is down: p₊(τ) = p₊(∞)(1 − e^{−γ(2n̄+1)τ}), and the next emission waits for both jumps.
    let g2 = |scale: f64| {
        let expected = |from, to| 1.0 - mean_exponential(scale * (down + up), from, to);
        worst(&seen.g2, &seen.g2_standard_error, width, expected)
    };
    let waits = |scale: f64| {
        let (fast, slow) = (scale * down, scale * up);
        let expected = |from, to| {
            fast * slow / (fast - slow) * (mean_exponential(slow, from, to) - mean_exponential(fast, from, to))
        };
        worst(&seen.waiting_time, &seen.waiting_time_standard_error, width, expected)
    };
    assert!(g2(1.0) < SIGMAS, "g² is off by {} errors", g2(1.0));
    assert!(waits(1.0) < SIGMAS, "waiting times are off by {} errors", waits(1.0));
    // Negative controls: rates wrong by a tenth are seen.
    assert!(g2(1.1) > SIGMAS && g2(0.9) > SIGMAS, "g² cannot tell rates: {} and {}", g2(1.1), g2(0.9));
    assert!(waits(1.05) > SIGMAS && waits(0.95) > SIGMAS, "nor waiting times: {} and {}", waits(1.05), waits(0.95));
}

#[test]
fn emissions_and_absorptions_of_a_spin_alternate() {
    let experiment =
        experiment(oscillator(vec![spin(2.0, 0.0, 1.5, 0.5)], None), OscillatorPreparation::Fock(0), 8.0, 2);
    let grid = CorrelationGrid { bins: 8, max_delay: 4.0, from: 0.0, channels: vec![0, 1] };
    let [all, down, up] = ["all", "spin_0_down", "spin_0_up"].map(|name| statistics(&experiment, &grid, 2048, name));
    assert!(all.g2.is_none(), "of all jumps only waiting times are counted");
    assert!((all.rate.mean - down.rate.mean - up.rate.mean).abs() < 1e-12);
    // Between two emissions lies exactly one absorption, so waiting for any jump is shorter.
    let first = |emission: &Emission| emission.waiting_time.as_ref().expect("waits")[0];
    assert!(first(&all) > first(&down) && first(&all) > first(&up));
}

/// τz² = 1: dephasing jumps come at the rate γφ/2 whatever the state, also of a spin that is coupled.
#[test]
fn dephasing_jumps_are_independent() {
    let (rate, width) = (1.5, 0.2);
    let mut dephased = spin(2.0, 0.2, 1.0, 0.3);
    dephased.dephasing = 2.0 * rate;
    let experiment = experiment(oscillator(vec![dephased], None), OscillatorPreparation::Fock(1), 6.0, 2);
    let grid = CorrelationGrid { bins: 10, max_delay: 10.0 * width, from: 0.0, channels: vec![2] };
    let seen = statistics(&experiment, &grid, 4096, "spin_0_dephasing");
    let g2 = |level: f64| worst(&seen.g2, &seen.g2_standard_error, width, |_, _| level);
    let waits = |scale: f64| {
        let expected = |from, to| scale * rate * mean_exponential(scale * rate, from, to);
        worst(&seen.waiting_time, &seen.waiting_time_standard_error, width, expected)
    };
    assert!(g2(1.0) < SIGMAS && waits(1.0) < SIGMAS, "off by {} and {} errors", g2(1.0), waits(1.0));
    assert!(g2(1.1) > SIGMAS && waits(1.1) > SIGMAS, "wrong by a tenth: {} and {} errors", g2(1.1), waits(1.1));
}

/// A process of independent jumps whose rate falls from 8 to 2 has g² = 1 at every delay, although its mean rate alone
/// would say otherwise. The rate is resolved by the ensemble itself; trajectories are made here, by thinning.
#[test]
fn a_transient_of_independent_jumps_has_g2_of_one() {
    let (end, width, highest) = (6.0, 0.1, 8.0);
    let rate = |t: f64| 2.0 + 6.0 * (-t).exp();
    let grid = CorrelationGrid { bins: 20, max_delay: 2.0, from: 0.0, channels: vec![0] };
    let mut groups = Groups::default();
    for block in 0..256 {
        let mut records = BlockRecords::new(32 * block);
        for trajectory in 0..32 {
            let mut chance = Streams::new(9).open(32 * block + trajectory, Purpose::Jumps);
            let mut time = 0.0;
            loop {
                time -= chance.uniform().ln() / highest;
                if time >= end {
                    break;
                }
                if chance.uniform() < rate(time) / highest {
                    records.jumps_mut().push(RecordedJump { time, channel: 0 });
                }
            }
            records.finish_trajectory(1.0, []);
        }
        groups.add(Groups::of(block, Tallies::of(&grid, end, &records)));
    }
    let correlations = Correlations::new(&grid, end, groups);
    let channels = [Channel { name: "made".into(), rate: 1.0, jump: Jump::SpinDown(0) }];
    let seen = emission(&correlations, &channels).remove("made").expect("it was counted");
    let off = worst(&seen.g2, &seen.g2_standard_error, width, |_, _| 1.0);
    assert!(off < SIGMAS, "g² is off by {off} errors");
    // The errors are neither too large nor too small: the mean of z² over 20 correlated bins is near 1.
    let (g2, errors) = (seen.g2.expect("g²"), seen.g2_standard_error.expect("errors"));
    let squares: f64 = g2.iter().zip(&errors).map(|(g, e)| ((g - 1.0) / e).powi(2)).sum();
    assert!((0.2..3.0).contains(&(squares / 20.0)), "mean of z²: {}", squares / 20.0);

    // Negative control: normalised by the mean rate, which is what a stationary process would need, it is not 1.
    let total = correlations.total().expect("counted");
    let stationary = |bin: usize| {
        let pairs = total.kinds[1].pairs[bin] / total.weight;
        pairs / (seen.rate.mean.powi(2) * width * correlations.lattice.window())
    };
    assert!((stationary(0) - 1.0) / errors[0] > 5.0 * SIGMAS, "{} is not seen to be wrong", stationary(0));
}
