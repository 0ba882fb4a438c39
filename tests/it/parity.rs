//! Kets of definite parity on half the rows are those of the whole register: the same jumps, observables, populations and followed
//! quantities in every trajectory, however large kets are divided among threads.

use fluctuator::ensemble::{Estimator, Plan, Purpose, Streams};
use fluctuator::hilbert::{Cutoff, Ket, Window};
use fluctuator::model::{
    Model, OscillatorBath, OscillatorPreparation, OscillatorSpins, PureOscillator, PurePreparation, Spin,
    SpinPreparation,
};
use fluctuator::operator::Operator;
use fluctuator::propagate::Tolerances;
use fluctuator::system::{Chain, FollowedSet, Generator, Observable, OpenSystem, Readout, Register, Scratch, quantity};
use fluctuator::unravelling::{Recorder, Trajectory};

use crate::systems::{experiment, run, spin};

/// Spins without asymmetry where they couple, with every kind of channel.
fn model(spins: usize, coupling: f64, oscillator_bath: Option<OscillatorBath>) -> OscillatorSpins {
    let one = |i: usize| {
        let one = spin(0.8 + 0.3 * i as f64, coupling * (1.0 - 0.07 * i as f64), 1.0 + 0.2 * i as f64, 0.4);
        match i {
            1 => Spin { asymmetry: 0.6, coupling: 0.0, ..one },
            i if i % 2 == 0 => Spin { dephasing: 0.7, ..one },
            _ => one,
        }
    };
    let oscillator_dephasing = if oscillator_bath.is_some() { 0.3 } else { 0.0 };
    let alone = OscillatorSpins::new(1.1, (0..spins).map(one).collect());
    OscillatorSpins { oscillator_bath, oscillator_dephasing, ..alone }
}

struct Record<'a, S> {
    system: &'a S,
    set: &'a FollowedSet,
    observables: &'a [Observable],
    scratch: Scratch,
    values: Vec<f64>,
    jumps: Vec<(f64, usize)>,
    largest: usize,
}

impl<S: OpenSystem> Recorder for Record<'_, S> {
    fn output(&mut self, _index: usize, ket: &Ket) {
        let mut values = vec![0.0; self.observables.len()];
        Readout::new(self.system, self.observables).observe(self.system, 0.0, ket, &mut values);
        self.values.append(&mut values);
        let [mut values, mut rates] = [(); 2].map(|()| vec![0.0; self.set.width()]);
        let mut ket = ket.clone();
        ket.scale(1.0 / ket.norm_squared().sqrt());
        self.set.rates(None, &ket, &mut self.scratch, &mut values, &mut rates);
        self.values.extend(values.into_iter().chain(rates));
        self.largest = self.largest.max(ket.window().len());
    }

    fn jump(&mut self, time: f64, channel: usize) {
        self.jumps.push((time, channel));
    }
}

struct Found {
    values: Vec<f64>,
    jumps: Vec<(f64, usize)>,
    largest: usize,
}

/// One trajectory: what was observed and followed at five times, and the jumps.
fn trajectory<S: OpenSystem>(
    system: &S,
    quantities: &[Operator],
    (spins, end): (usize, f64),
    state: &PurePreparation,
    index: u64,
) -> Found {
    let times: Vec<f64> = (0..5).map(|i| end * f64::from(i) / 4.0).collect();
    let observables = Observable::all(spins);
    let set = FollowedSet::new(system, quantities.to_vec());
    let mut record = Record {
        system,
        set: &set,
        observables: &observables,
        scratch: set.scratch(),
        values: Vec::new(),
        jumps: Vec::new(),
        largest: 0,
    };
    let mut chance = Streams::new(11).open(index, Purpose::Jumps);
    let mut trajectory = Trajectory::new(system, &times, &Tolerances::from_tolerance(1e-10));
    trajectory.run(state, &mut chance, &mut record).expect("a trajectory");
    let Record { values, jumps, largest, .. } = record;
    Found { values, jumps, largest }
}

/// Largest difference of values and of the times of the jumps; infinite with other jumps.
fn difference(a: &Found, b: &Found) -> f64 {
    let same = a.jumps.len() == b.jumps.len() && a.jumps.iter().zip(&b.jumps).all(|(a, b)| a.1 == b.1);
    let values = a.values.iter().zip(&b.values).map(|(a, b)| (a - b).abs() / (1.0 + b.abs()));
    let times = a.jumps.iter().zip(&b.jumps).map(|(a, b)| (a.0 - b.0).abs());
    if same { values.chain(times).fold(0.0, f64::max) } else { f64::INFINITY }
}

/// Compares some trajectories with and without parity; returns how many jumps and levels there were.
fn check(model: &OscillatorSpins, cutoff: Cutoff, n: usize, end: f64, trajectories: u64) -> (usize, usize) {
    let spins = model.spins.len();
    let whole = Register::new(&Model::OscillatorSpins(model.clone()), cutoff);
    let half = Register::with_parity(model, cutoff).expect("it conserves parity");
    let mut wrong = model.clone();
    wrong.spins[spins - 1].bath.as_mut().expect("a bath").gamma *= 1.0 + 1e-4;
    let wrong = Register::with_parity(&wrong, cutoff).expect("it conserves parity");
    let quantities = quantity::followed(&half);
    let (mut jumps, mut largest) = (0, 0);
    for index in 0..trajectories {
        let state = PurePreparation { oscillator: PureOscillator::Fock(n), excited: index as u32 % (1 << spins) };
        let known = trajectory(&whole, &quantities, (spins, end), &state, index);
        let found = trajectory(&half, &quantities, (spins, end), &state, index);
        let worst = difference(&found, &known);
        assert!(worst < 1e-8, "{spins} spins, {cutoff:?}, trajectory {index}: {worst}");
        // Negative control: a rate one in ten thousand too large is seen.
        let worst = difference(&trajectory(&wrong, &quantities, (spins, end), &state, index), &known);
        assert!(worst > 1e-6, "{spins} spins, trajectory {index}: {worst} with a wrong rate");
        jumps += known.jumps.len();
        largest = largest.max(known.largest);
    }
    (jumps, largest)
}

#[test]
fn trajectories_on_half_the_rows_are_those_of_the_whole_register() {
    let bath = Some(OscillatorBath { kappa: 0.3, nbar: 0.6 });
    for spins in [1, 2, 3, 5] {
        for (bath, cutoff) in [(None, Cutoff::Auto), (bath, Cutoff::Auto), (bath, Cutoff::Levels(20))] {
            let (jumps, _) = check(&model(spins, 0.6 / spins as f64, bath), cutoff, 3, 2.0, 6);
            assert!(jumps > 10, "{spins} spins: {jumps} jumps");
        }
    }
    // Wide windows from an odd level on.
    let (_, levels) = check(&model(3, 0.3, None), Cutoff::Auto, 3001, 1.5, 2);
    assert!(levels > 200, "{levels} levels");
    // A rotating frame, and so many rows that it turns a few levels at a time.
    let fast = OscillatorSpins { frequency: 30.0, ..model(9, 0.1, None) };
    let (_, levels) = check(&fast, Cutoff::Auto, 21, 0.3, 2);
    let half = Register::with_parity(&fast, Cutoff::Auto).expect("it conserves parity");
    let rotation = half.generator(Window::around(21, 21 + levels)).rotation();
    assert!(rotation == 30.0 && levels * half.rows() > 4096, "{rotation}, {levels} levels");
}

#[test]
fn one_spin_is_a_chain() {
    let model = model(1, 0.9, Some(OscillatorBath { kappa: 0.3, nbar: 0.6 }));
    let (chain, half) = (
        Chain::new(&model, Cutoff::Auto).expect("a chain"),
        Register::with_parity(&model, Cutoff::Auto).expect("it conserves parity"),
    );
    let mut jumps = 0;
    for index in 0..8 {
        let state = PurePreparation { oscillator: PureOscillator::Fock(2), excited: index as u32 % 2 };
        let chain = trajectory(&chain, &[], (0, 2.0), &state, index).jumps;
        let half = trajectory(&half, &[], (0, 2.0), &state, index).jumps;
        jumps += chain.len();
        assert_eq!(chain.len(), half.len(), "{chain:?} {half:?}");
        assert!(chain.iter().zip(&half).all(|(a, b)| a.1 == b.1 && (a.0 - b.0).abs() < 1e-8), "{chain:?} {half:?}");
    }
    assert!(jumps > 24, "{jumps} jumps");
}

/// Kets so large that threads share them.
#[test]
fn large_kets_are_the_same_however_they_are_divided() {
    let model = model(12, 0.05, None);
    let (_, levels) = check(&model, Cutoff::Auto, 1, 0.15, 1);
    assert!((2 * (levels + 8)) << 11 > 1 << 16, "kets of {levels} levels are not divided");
    let mut experiment = experiment(Model::OscillatorSpins(model), OscillatorPreparation::Fock(1), 0.1, 3);
    experiment.observables.truncate(2);
    let on = |threads| {
        let estimator = Estimator::Plain;
        run(&experiment, &Plan { trajectories: 3, seed: 5, block: 1, threads, estimator, sampling: Default::default() })
    };
    assert_eq!(on(1), on(4));
}

/// H_eff on `ket` in units of 1, on some threads.
fn applied(system: &Register, ket: &Ket, threads: usize) -> Ket {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let (mut generator, mut to) = (system.generator(ket.window()), ket.clone());
    pool.install(|| generator.apply(ket.sector, ket.data(), None, to.data_mut()));
    to.scale(generator.scale());
    to
}

/// Rows so long that few of them are a block, which threads take one by one.
#[test]
fn large_applications_are_the_same_however_they_are_divided() {
    const SPINS: usize = 5;
    let bath = Some(OscillatorBath { kappa: 0.3, nbar: 0.6 });
    // Dephasing would be all there is of H_eff at such levels.
    let model = OscillatorSpins { oscillator_dephasing: 0.0, ..model(SPINS, 2.0, bath) };
    let whole = Register::new(&Model::OscillatorSpins(model.clone()), Cutoff::Auto);
    let half = Register::with_parity(&model, Cutoff::Auto).expect("it conserves parity");
    let window = Window::around(9001, 17_200);
    assert_eq!(half.generator(window).rotation(), 0.0);
    let mut ket = Ket::zeros(window, half.rows());
    ket.sector = 1;
    let mut noise = 0.3f64;
    for row in 0..ket.rows() {
        let (re, im) = ket.row_mut(row);
        for cell in re.iter_mut().chain(im) {
            noise = (noise * 997.0 + 0.123).fract();
            *cell = noise - 0.5;
        }
    }
    // The last spin is in |+⟩ where the level, the others in |+⟩ and the sector add up to an odd number.
    let spread = |ket: &Ket| {
        let mut spread = Ket::zeros(window, whole.rows());
        for row in 0..ket.rows() {
            let (re, im) = ket.row(row);
            for j in 0..window.len() {
                let tied = (window.lo() + j + row.count_ones() as usize + ket.sector) % 2;
                let cells = spread.row_mut(row | tied << (SPINS - 1));
                (cells.0[j], cells.1[j]) = (re[j], im[j]);
            }
        }
        spread
    };
    let largest = |ket: &Ket| ket.data().iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    let difference = |a: &Ket, b: &Ket| {
        a.data().iter().zip(b.data()).fold(0.0, |largest: f64, (a, b)| largest.max((a - b).abs())) / largest(b)
    };
    assert!(size_of_val(spread(&ket).data()) > 4 << 20, "one block only");
    let known = applied(&whole, &spread(&ket), 1);
    let mut found = applied(&half, &ket, 1);
    assert_eq!(known, applied(&whole, &spread(&ket), 4));
    assert_eq!(found, applied(&half, &ket, 4));
    // A flip and a level more keep the parity.
    let worst = difference(&spread(&found), &known);
    assert!(worst < 1e-13, "{worst}");
    // Negative control: a coupling one in a hundred thousand too large is seen.
    let mut wrong = model.clone();
    wrong.spins[3].coupling *= 1.0 + 1e-5;
    found = applied(&Register::with_parity(&wrong, Cutoff::Auto).expect("it conserves parity"), &ket, 1);
    let worst = difference(&spread(&found), &known);
    assert!(worst > 1e-8, "{worst}");
}

#[test]
fn parity_is_taken_where_it_is_definite() {
    let of = |spins: Vec<Spin>, oscillator| {
        let experiment = experiment(crate::systems::oscillator(spins, None), oscillator, 1.0, 2);
        Register::of(&experiment).rows()
    };
    let mixed = Spin { initial: SpinPreparation::Mixed { excited_probability: 0.3 }, ..spin(1.0, 0.2, 1.0, 0.1) };
    let (pair, thermal) = (vec![mixed, spin(1.0, 0.1, 1.0, 0.1)], OscillatorPreparation::Thermal(0.4));
    assert_eq!(of(pair.clone(), thermal), 2);
    assert_eq!(of(pair.clone(), OscillatorPreparation::Coherent(0.3.into())), 4);
    assert_eq!(of(vec![Spin { asymmetry: 0.1, ..pair[0] }, pair[1]], thermal), 4);
    assert_eq!(of(vec![Spin { asymmetry: 0.1, coupling: 0.0, ..pair[0] }, pair[1]], thermal), 2);
    assert_eq!(of(vec![], thermal), 1);
}
