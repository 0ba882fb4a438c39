//! The waiting-time law, by Kolmogorov–Smirnov tests on the jump records, its independence of the output grid, and what weighted
//! trajectories grow by while they wait.

use std::ops::Range;

use fluctuator::bath::Coefficients;
use fluctuator::ensemble::{Purpose, Streams};
use fluctuator::hilbert::{Cutoff, Ket};
use fluctuator::model::{BornMarkov, Form, Model, OscillatorPreparation, PureOscillator, PurePreparation};
use fluctuator::propagate::Tolerances;
use fluctuator::system::{Chain, OpenSystem, Quadratic};
use fluctuator::unravelling::{Chance, Recorder, Trajectory};
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
    let state = PurePreparation { oscillator: PureOscillator::Fock(0), excited };
    let run = |range: Range<u64>| -> Vec<Vec<(f64, usize)>> {
        let mut trajectory = Trajectory::new(&chain, &experiment.times, &Tolerances::from_tolerance(1e-8));
        let one = |index| {
            let mut jumps = Jumps::default();
            let mut chance = Streams::new(11).open(index, Purpose::Jumps);
            trajectory.run(&state, &mut chance, &mut jumps).expect("runs");
            jumps.0
        };
        range.map(one).collect()
    };
    std::thread::scope(|scope| {
        let second = scope.spawn(|| run(count / 2..count));
        let mut records = run(0..count / 2);
        records.extend(second.join().expect("runs"));
        records
    })
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

/// How far the first jumps are from the law with `survival` at multiples of `step`, in standard errors, in the direction
/// of another law: the mean of ln(p_other/p) over the cells they fall into, the most telling number (Neyman and Pearson)
/// for telling the two apart, against its mean and variance under p. A record without a jump is in the last cell.
fn towards(other: &[f64], survival: &[f64], step: f64, records: &[Vec<(f64, usize)>]) -> f64 {
    let cells = |survival: &[f64]| -> Vec<f64> {
        let fallen = survival.windows(2).map(|pair| pair[0] - pair[1]);
        fallen.chain(survival.last().copied()).map(|p| p.max(1e-12)).collect()
    };
    let (p, other) = (cells(survival), cells(other));
    let telling: Vec<f64> = p.iter().zip(&other).map(|(p, other)| (other / p).ln()).collect();
    let mean: f64 = p.iter().zip(&telling).map(|(p, x)| p * x).sum();
    let variance: f64 = p.iter().zip(&telling).map(|(p, x)| p * (x - mean).powi(2)).sum();
    let cell = |record: &Vec<(f64, usize)>| record.first().map_or(p.len() - 1, |jump| (jump.0 / step) as usize);
    let n = records.len() as f64;
    let found = records.iter().map(|record| telling[cell(record).min(p.len() - 1)]).sum::<f64>() / n;
    (found - mean) / (variance / n).sqrt()
}

#[test]
fn a_coupled_spin_follows_the_norm_of_the_no_jump_ket() {
    let (gamma, end, count) = (10.0, 5.0, 1001);
    let step = end / (count - 1) as f64;
    let survival = |coupling: f64, gamma: f64| dense_survival(2.0, coupling, gamma, 60, step, count);
    let records_at = |gamma: f64| records(&oscillator(vec![spin(2.0, 1.0, gamma, 0.0)], None), 0, end, 51, 50_000);
    let (records, law) = (records_at(gamma), survival(1.0, gamma));
    // Any deviation from the law; of one in the rate, 10 % are seen.
    let distance = |survival: &[f64]| {
        let interpolate = |t: f64| {
            let cell = ((t / step) as usize).min(count - 2);
            let fraction = t / step - cell as f64;
            survival[cell] * (1.0 - fraction) + survival[cell + 1] * fraction
        };
        kolmogorov(&records, interpolate)
    };
    assert!(distance(&law) <= CRITICAL, "distance {}", distance(&law));
    let coupling = distance(&survival(1.05, gamma));
    assert!(coupling > CRITICAL, "a coupling wrong by 5 % is at distance {coupling} only");
    let rate = distance(&survival(1.0, gamma / 1.1));
    assert!(rate > CRITICAL, "a rate wrong by 10 % is at distance {rate} only");

    // A deviation towards larger rates (5σ: 5.7e-7), of which 5 % are seen.
    let larger = survival(1.0, 1.05 * gamma);
    let right = towards(&larger, &law, step, &records);
    assert!(right.abs() <= 5.0, "{right} standard errors");
    let wrong = towards(&larger, &law, step, &records_at(1.05 * gamma));
    assert!(wrong > 5.0, "a rate wrong by 5 % is at {wrong} standard errors only");
    println!("{} {coupling} {rate} {right} {wrong}", distance(&law));
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

/// No threshold is ever reached.
struct Never;

impl Chance for Never {
    fn uniform(&mut self) -> f64 {
        0.0
    }
}

/// Rates of the positive and the negative channel, and the weight, at every output.
struct Rates<'a> {
    system: &'a Quadratic,
    rates: Vec<[f64; 2]>,
    weights: Vec<f64>,
}

impl Recorder for Rates<'_> {
    fn output(&mut self, _index: usize, ket: &Ket) {
        let mut rates = [0.0; 2];
        self.system.weights(ket, &mut rates);
        self.rates.push(rates.map(|rate| rate / ket.norm_squared()));
    }

    fn weigh(&mut self, _index: usize, weight: f64) {
        self.weights.push(weight);
    }
}

/// Of the bare Eq. (23), while nothing jumps: the weight grows by e^{∫2r₋} and the probability of that sinks by e^{−∫(r₊+r₋)}, with
/// both integrals by Simpson's rule on the outputs. Only the norm of H_eff joins the two: it sinks by e^{−∫(r₊−r₋)}.
#[test]
fn a_weight_grows_by_twice_the_negative_rate() {
    let coefficients = Coefficients { gamma: 0.1, diffusion: 0.12, anomalous: 0.05, frequency_shift_squared: -0.2 };
    let model = BornMarkov { mass: 1.3, frequency: 0.9, form: Form::Bare, coefficients };
    let system = Quadratic::new(&model, OscillatorPreparation::Fock(2), Cutoff::Auto);
    let step = 0.005;
    let times: Vec<f64> = (0..=600).map(|i| step * f64::from(i)).collect();
    let mut trajectory = Trajectory::new(&system, &times, &Tolerances::from_tolerance(1e-10));
    let state = PurePreparation { oscillator: PureOscillator::Fock(2), excited: 0 };
    let mut found = Rates { system: &system, rates: Vec::new(), weights: Vec::new() };
    let report = trajectory.run(&state, &mut Never, &mut found).expect("runs");
    let integral = |of: &dyn Fn(&[f64; 2]) -> f64| -> f64 {
        found.rates.windows(3).step_by(2).map(|r| step / 3.0 * (of(&r[0]) + 4.0 * of(&r[1]) + of(&r[2]))).sum()
    };
    let growth = integral(&|[_, negative]| 2.0 * negative);
    assert!(growth > 0.1, "{growth}: there is something to miss");
    let logarithm = found.weights[600].ln();
    assert!((logarithm - growth).abs() < 1e-8, "ln of the weight {logarithm}, by the rates {growth}");
    let survival = -integral(&|[positive, negative]| positive + negative);
    let found = report.log_survival;
    assert!((found - survival).abs() < 1e-8, "ln of the probability of no jump {found}, by the rates {survival}");
}
