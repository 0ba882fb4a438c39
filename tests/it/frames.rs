//! Trajectories in a rotating or in a moving frame are those of the laboratory: the same jumps, replayed in small steps by other
//! means.

use fluctuator::ensemble::{Purpose, Streams};
use fluctuator::hilbert::{Cutoff, Ket, Window};
use fluctuator::model::{OscillatorSpins, PureOscillator, PurePreparation, Spin};
use fluctuator::propagate::Tolerances;
use fluctuator::system::{Generator, Jump, Observable, OpenSystem, Readout, Register};
use fluctuator::unravelling::{Recorder, Trajectory};
use num_complex::Complex64;

use crate::systems::{oscillator, spin};

/// |α|² = 100.
const ALPHA: Complex64 = Complex64::new(6.0, 8.0);
const LEVELS: usize = 280;

/// A ket in the laboratory frame, row by row, up to a global phase.
type Amplitudes = Vec<Vec<Complex64>>;

fn set(row: usize, spin: usize) -> bool {
    row >> spin & 1 == 1
}

fn sign(row: usize, spin: usize) -> f64 {
    if set(row, spin) { 1.0 } else { -1.0 }
}

/// What X is multiplied with, on one row and level.
fn coupled(spins: &[Spin], ket: &Amplitudes, row: usize, n: usize) -> Complex64 {
    spins.iter().enumerate().fold(Complex64::ZERO, |sum, (i, spin)| {
        sum + spin.coupling * spin.cos_theta() * sign(row, i) * ket[row][n]
            + spin.coupling * spin.sin_theta() * ket[row ^ (1 << i)][n]
    })
}

/// −iH_effψ with H as in the documentation of the crate, term by term.
fn slope(spins: &[Spin], ket: &Amplitudes) -> Amplitudes {
    let own = |row: usize| -> (f64, f64) {
        let terms = spins.iter().enumerate().map(|(i, spin)| {
            let rate = spin.bath.map_or(0.0, |bath| bath.gamma * (bath.nbar + if set(row, i) { 1.0 } else { 0.0 }));
            (0.5 * spin.splitting() * sign(row, i), 0.5 * rate)
        });
        terms.fold((0.0, 0.0), |sum, term| (sum.0 + term.0, sum.1 + term.1))
    };
    (0..ket.len())
        .map(|row| {
            let (energy, decay) = own(row);
            let kicked: Vec<Complex64> = (0..LEVELS).map(|n| coupled(spins, ket, row, n)).collect();
            (0..LEVELS)
                .map(|n| {
                    let below = if n > 0 { (n as f64).sqrt() * kicked[n - 1] } else { Complex64::ZERO };
                    let above = if n + 1 < LEVELS { ((n + 1) as f64).sqrt() * kicked[n + 1] } else { Complex64::ZERO };
                    let energy = n as f64 - ALPHA.norm_sqr() + energy;
                    Complex64::new(-decay, -energy) * ket[row][n] - Complex64::I * (below + above)
                })
                .collect()
        })
        .collect()
}

/// One Runge–Kutta step of fourth order.
fn advance(spins: &[Spin], ket: &mut Amplitudes, h: f64) {
    let shifted = |by: f64, slope: &Amplitudes| -> Amplitudes {
        ket.iter().zip(slope).map(|(k, s)| k.iter().zip(s).map(|(k, s)| k + by * s).collect()).collect()
    };
    let a = slope(spins, ket);
    let b = slope(spins, &shifted(0.5 * h, &a));
    let c = slope(spins, &shifted(0.5 * h, &b));
    let d = slope(spins, &shifted(h, &c));
    for (row, cells) in ket.iter_mut().enumerate() {
        for (n, x) in cells.iter_mut().enumerate() {
            *x += h / 6.0 * (a[row][n] + 2.0 * (b[row][n] + c[row][n]) + d[row][n]);
        }
    }
}

/// The values of [`OBSERVABLES`].
fn observe(spins: &[Spin], ket: &Amplitudes) -> Values {
    let (mut sums, mut norm, mut energy) = ([0.0; 3], 0.0, 0.0);
    let (mut lowered, mut twice) = (Complex64::ZERO, Complex64::ZERO);
    for (row, cells) in ket.iter().enumerate() {
        for (n, x) in cells.iter().enumerate() {
            let (p, level) = (x.norm_sqr(), n as f64);
            norm += p;
            sums[0] += level * p;
            sums[1] += level * level * p;
            sums[2] += sign(row, 0) * p;
            let own = |(i, spin): (usize, &Spin)| 0.5 * spin.splitting() * sign(row, i);
            energy += (level + spins.iter().enumerate().map(own).sum::<f64>()) * p;
            if n > 0 {
                lowered += level.sqrt() * cells[n - 1].conj() * x;
                energy += 2.0 * level.sqrt() * (coupled(spins, ket, row, n - 1).conj() * x).re;
            }
            if n > 1 {
                twice += (level * (level - 1.0)).sqrt() * cells[n - 2].conj() * x;
            }
        }
    }
    let [x_squared, p_squared] = [1.0, -1.0].map(|sign| 2.0 * sums[0] + norm + sign * 2.0 * twice.re);
    [sums[0], sums[1], 2.0 * lowered.re, 2.0 * lowered.im, sums[2], x_squared, p_squared, energy].map(|sum| sum / norm)
}

type Values = [f64; 8];

const OBSERVABLES: [Observable; 8] = [
    Observable::NUMBER,
    Observable::NUMBER_SQUARED,
    Observable::X,
    Observable::P,
    Observable::inversion(0),
    Observable::X_SQUARED,
    Observable::P_SQUARED,
    Observable::ENERGY,
];

struct Record<'a> {
    system: &'a Register,
    times: &'a [f64],
    jumps: Vec<(f64, usize)>,
    outputs: Vec<Values>,
}

impl Recorder for Record<'_> {
    fn output(&mut self, index: usize, ket: &Ket) {
        let mut values = Values::default();
        Readout::new(self.system, &OBSERVABLES).observe(self.system, self.times[index], ket, &mut values);
        self.outputs.push(values);
    }

    fn jump(&mut self, time: f64, channel: usize) {
        self.jumps.push((time, channel));
    }
}

/// The outputs with the same jumps, `late` later, in steps of at most 10⁻⁴.
fn replay(system: &Register, spins: &[Spin], times: &[f64], jumps: &[(f64, usize)], late: f64) -> Vec<Values> {
    let mut amplitude = Complex64::from((-0.5 * ALPHA.norm_sqr()).exp());
    let mut ground = vec![Complex64::ZERO; LEVELS];
    for (n, cell) in ground.iter_mut().enumerate() {
        *cell = amplitude;
        amplitude *= ALPHA / ((n + 1) as f64).sqrt();
    }
    let mut ket = vec![vec![Complex64::ZERO; LEVELS]; 1 << spins.len()];
    ket[0] = ground;
    let mut stops: Vec<(f64, Option<usize>)> = times.iter().map(|t| (*t, None)).collect();
    stops.extend(jumps.iter().map(|(t, channel)| (t + late, Some(*channel))));
    stops.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut now, mut outputs) = (0.0, Vec::new());
    for (stop, jump) in stops {
        let steps = ((stop - now) / 1e-4f64).ceil();
        for _ in 0..steps as usize {
            advance(spins, &mut ket, (stop - now) / steps);
        }
        now = stop;
        let Some(channel) = jump else {
            outputs.push(observe(spins, &ket));
            continue;
        };
        let (spin, up) = match system.channels()[channel].jump {
            Jump::SpinDown(spin) => (spin, false),
            Jump::SpinUp(spin) => (spin, true),
            _ => unreachable!("spins only"),
        };
        let empty = vec![Complex64::ZERO; LEVELS];
        ket = (0..ket.len())
            .map(|row| if set(row, spin) == up { ket[row ^ (1 << spin)].clone() } else { empty.clone() })
            .collect();
    }
    outputs
}

fn difference(ours: &[Values], others: &[Values]) -> f64 {
    let pairs = ours.iter().flatten().zip(others.iter().flatten());
    pairs.fold(0.0, |largest, (a, b)| f64::max(largest, (a - b).abs() / (1.0 + b.abs())))
}

/// Most levels held, and the largest relative difference from the replay, with the jumps where they were and a little later.
fn check(system: &Register, spins: &[Spin], end: f64, stream: u64) -> (usize, [f64; 2]) {
    let times: Vec<f64> = (0..=4).map(|i| end * f64::from(i) / 4.0).collect();
    let mut trajectory = Trajectory::new(system, &times, &Tolerances::from_tolerance(1e-8));
    let mut record = Record { system, times: &times, jumps: Vec::new(), outputs: Vec::new() };
    let state = PurePreparation { oscillator: PureOscillator::Coherent(ALPHA), excited: 0 };
    let mut chance = Streams::new(5).open(stream, Purpose::Jumps);
    let report = trajectory.run(&state, &mut chance, &mut record).expect("a trajectory");
    assert!(!record.jumps.is_empty());
    let differences =
        [0.0, 1e-5].map(|late| difference(&record.outputs, &replay(system, spins, &times, &record.jumps, late)));
    (report.window.largest, differences)
}

/// One spin, and two in both ways in which X couples to several, with the durations of their trajectories.
fn models() -> [(&'static str, Vec<Spin>, f64); 2] {
    let tilted = Spin { asymmetry: 0.7, ..spin(1.0, 0.15, 4.0, 0.5) };
    [("one", vec![spin(1.0, 0.2, 6.0, 0.4)], 1.5), ("two", vec![spin(0.8, 0.1, 3.0, 0.3), tilted], 0.8)]
}

#[test]
fn a_rotating_frame_is_the_laboratory_with_the_same_jumps() {
    for (name, spins, end) in models() {
        let system = Register::new(&oscillator(spins.clone(), None), Cutoff::Auto);
        let turning = system.generator(Window::around(30, 190)).rotation();
        assert_eq!(turning, 1.0, "no rotating frame");
        let (_, [right, late]) = check(&system, &spins, end, 0);
        println!("{name}: {right:.1e}, jumps 1e-5 late {late:.1e}");
        assert!(right < 1e-7, "{name}: {right}");
        // Negative control: jumps that come 10⁻⁵ late are seen.
        assert!(late > 3e-7, "{name}: {late}");
    }
}

#[test]
fn a_moving_frame_is_the_laboratory_with_the_same_jumps() {
    for (name, spins, end) in models() {
        let model = OscillatorSpins::new(1.0, spins.clone());
        let system = Register::displaced(&model, ALPHA).expect("no bath of the oscillator");
        let (levels, [right, late]) = check(&system, &spins, end, 0);
        println!("{name}: {levels} levels, {right:.1e}, jumps 1e-5 late {late:.1e}");
        // The laboratory's window has some 200.
        assert!(levels <= 40, "{name}: {levels} levels");
        assert!(right < 1e-7, "{name}: {right}");
        assert!(late > 3e-7, "{name}: {late}");
    }
}
