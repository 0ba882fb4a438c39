//! The waiting-time law, by Kolmogorov–Smirnov tests on the jump records, and its independence of the output grid.

use fluctuator::ensemble::{Purpose, Streams};
use fluctuator::hilbert::{Cutoff, Ket};
use fluctuator::model::{Model, OscillatorPreparation, PureOscillator, PurePreparation};
use fluctuator::propagate::Tolerances;
use fluctuator::system::Chain;
use fluctuator::unravelling::{Recorder, Trajectory};
use nalgebra::{DMatrix, DVector};
use num_complex::Complex64;

use crate::systems::{experiment, oscillator, spin};

/// Keeps the jump record.
#[derive(Default)]
struct Jumps(Vec<(f64, usize)>);

impl Recorder for Jumps {
    fn output(&mut self, _index: usize, _ket: &Ket) {}

    fn jump(&mut self, time: f64, channel: usize) {
        self.0.push((time, channel));
    }
}

/// Jump records of trajectories 0 … count − 1 with output at `points` equidistant times up to `end`.
fn records(model: &Model, excited: u32, end: f64, points: usize, count: u64) -> Vec<Vec<(f64, usize)>> {
    let Model::OscillatorSpins(spins) = model else { panic!("a spin model") };
    let chain = Chain::new(spins, Cutoff::Auto).expect("a chain");
    let experiment = experiment(model.clone(), OscillatorPreparation::Fock(0), end, points);
    let mut trajectory = Trajectory::new(&chain, &experiment.times, &Tolerances::from_tolerance(1e-8));
    let state = PurePreparation { oscillator: PureOscillator::Fock(0), excited };
    let run = |index| {
        let mut jumps = Jumps::default();
        let mut chance = Streams::new(11).open(index, Purpose::Jumps);
        trajectory.run(&state, &mut chance, &mut jumps).expect("runs");
        jumps.0
    };
    (0..count).map(run).collect()
}

/// √n · sup|F_n − F| of first-jump times against the distribution 1 − survival, jumps after `end` left out of the sup.
fn kolmogorov(records: &[Vec<(f64, usize)>], survival: impl Fn(f64) -> f64) -> f64 {
    let mut first: Vec<f64> = records.iter().filter_map(|record| record.first().map(|jump| jump.0)).collect();
    first.sort_by(f64::total_cmp);
    let n = records.len() as f64;
    let distance = |(i, t): (usize, &f64)| {
        let cdf = 1.0 - survival(*t);
        (cdf - i as f64 / n).abs().max((cdf - (i + 1) as f64 / n).abs())
    };
    n.sqrt() * first.iter().enumerate().map(distance).fold(0.0, f64::max)
}

/// √n·sup exceeds this with probability 2e^{−2·2.75²} = 5.4e-7 (5σ) for a correct law.
const CRITICAL: f64 = 2.75;

#[test]
fn a_spin_alone_waits_exponentially() {
    let model = oscillator(vec![spin(2.0, 0.0, 1.5, 0.0)], None);
    let records = records(&model, 1, 20.0, 3, 20_000);
    let right = kolmogorov(&records, |t| (-1.5 * t).exp());
    let wrong = kolmogorov(&records, |t| (-1.5 * 1.05 * t).exp());
    assert!(right <= CRITICAL, "distance {right}");
    assert!(wrong > CRITICAL, "a rate wrong by 5 % is at distance {wrong} only");
}

/// ‖e^{−iH_eff t}ψ₀‖² at multiples of `step` by a dense matrix exponential in the full space, n̄ = 0, ω = 0.
fn dense_survival(tunnelling: f64, coupling: f64, gamma: f64, levels: usize, step: f64, count: usize) -> Vec<f64> {
    let index = |n: usize, up: usize| 2 * n + up;
    let mut generator = DMatrix::<Complex64>::zeros(2 * levels, 2 * levels);
    for n in 0..levels {
        for up in 0..2 {
            let energy = n as f64 + if up == 1 { 0.5 } else { -0.5 } * tunnelling;
            let decay = if up == 1 { gamma / 2.0 } else { 0.0 };
            generator[(index(n, up), index(n, up))] = Complex64::new(-decay, -energy);
            if n + 1 < levels {
                let element = Complex64::new(0.0, -coupling * ((n + 1) as f64).sqrt());
                generator[(index(n + 1, 1 - up), index(n, up))] = element;
                generator[(index(n, up), index(n + 1, 1 - up))] = element;
            }
        }
    }
    let propagator = (generator * Complex64::from(step)).exp();
    let mut ket = DVector::<Complex64>::zeros(2 * levels);
    ket[0] = Complex64::ONE;
    let mut survival = Vec::with_capacity(count);
    for _ in 0..count {
        survival.push(ket.norm_squared());
        ket = &propagator * ket;
    }
    survival
}

#[test]
fn a_coupled_spin_follows_the_norm_of_the_no_jump_ket() {
    let (gamma, end, count) = (10.0, 10.0, 2001);
    let records = records(&oscillator(vec![spin(2.0, 1.0, gamma, 0.0)], None), 0, end, 101, 10_000);
    let distance = |coupling: f64| {
        let step = end / (count - 1) as f64;
        let survival = dense_survival(2.0, coupling, gamma, 60, step, count);
        let interpolate = |t: f64| {
            let cell = ((t / step) as usize).min(count - 2);
            let fraction = t / step - cell as f64;
            survival[cell] * (1.0 - fraction) + survival[cell + 1] * fraction
        };
        kolmogorov(&records, interpolate)
    };
    assert!(distance(1.0) <= CRITICAL, "distance {}", distance(1.0));
    assert!(distance(1.05) > CRITICAL, "a coupling wrong by 5 % is at distance {} only", distance(1.05));
}

#[test]
fn the_output_grid_changes_no_jump() {
    let model = oscillator(vec![spin(2.0, 1.0, 10.0, 1.0)], None);
    let sparse = records(&model, 0, 5.0, 2, 50);
    for points in [11, 1001] {
        assert_eq!(sparse, records(&model, 0, 5.0, points, 50), "{points} output times");
    }
    assert!(sparse.iter().map(Vec::len).sum::<usize>() > 1000);
}
