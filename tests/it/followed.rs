//! The quantities behind the control variates: two systems give the same, observables follow from them, jumps change them as
//! counted by hand, and their martingales are ⟨O⟩_t − ⟨O⟩_0 − ∫⟨𝓛†O⟩dt.

use fluctuator::ensemble::{self, Estimator, Plan, Purpose, Streams};
use fluctuator::hilbert::{Cutoff, Ket, Window};
use fluctuator::model::{
    Adiabatic, Model, OscillatorBath, OscillatorPreparation, OscillatorSpins, PureOscillator, PurePreparation, Spin,
};
use fluctuator::propagate::Tolerances;
use fluctuator::system::{Chain, FollowedSet, Observable, OpenSystem, Readout, Register, quantity};
use fluctuator::unravelling::{Martingales, Recorder, Stretch, Trajectory};
use num_complex::Complex64;

use crate::controls::corrected;
use crate::systems::{THREADS, experiment, oscillator, spin};

const BATH: OscillatorBath = OscillatorBath { kappa: 0.3, nbar: 0.6 };

/// An oscillator that has a bath and is dephased, and spins.
fn open(frequency: f64, spins: Vec<Spin>) -> OscillatorSpins {
    let alone = OscillatorSpins::new(frequency, spins);
    OscillatorSpins { oscillator_bath: Some(BATH), oscillator_dephasing: 0.2, ..alone }
}

/// A spin with every channel there is, and such an oscillator.
fn chain_model() -> OscillatorSpins {
    let spins = vec![Spin { dephasing: 0.7, ..spin(2.0, 1.0, 3.0, 0.5) }];
    open(1.3, spins)
}

fn chain(cutoff: Cutoff) -> Chain {
    Chain::new(&chain_model(), cutoff).expect("one symmetric spin")
}

/// Registers of other kinds: asymmetric spins of which one is dephased, and Eq. (40).
fn registers() -> [Register; 2] {
    let asymmetric = Spin { asymmetry: 0.8, dephasing: 0.4, ..spin(1.5, 0.6, 2.0, 0.3) };
    let spins = vec![asymmetric, spin(1.1, 0.5, 1.0, 0.0)];
    let spins = Model::OscillatorSpins(open(0.9, spins));
    let adiabatic = Model::Adiabatic(Adiabatic { frequency: 1.2, diffusion: 0.4 });
    [&spins, &adiabatic].map(|model| Register::new(model, Cutoff::Auto))
}

/// Three spins on kets of definite parity: one dephased, one that is not coupled; the last has every channel.
fn of_parity(cutoff: Cutoff) -> Register {
    let spins = vec![
        Spin { dephasing: 0.4, ..spin(1.5, 0.6, 2.0, 0.3) },
        Spin { asymmetry: 0.5, ..spin(0.7, 0.0, 1.0, 0.2) },
        Spin { dephasing: 0.7, ..spin(1.1, 0.5, 1.0, 0.1) },
    ];
    let model = open(0.9, spins);
    Register::with_parity(&model, cutoff).expect("it conserves parity")
}

/// Kets at some times of some trajectories, not normalised.
fn kets<S: OpenSystem>(system: &S, oscillator: PureOscillator) -> Vec<Ket> {
    struct Kept(Vec<Ket>);
    impl Recorder for Kept {
        fn output(&mut self, _index: usize, ket: &Ket) {
            let mut ket = ket.clone();
            ket.scale(1.7);
            self.0.push(ket);
        }
    }
    let times = [0.0, 0.21, 0.5, 1.3, 2.2];
    let mut kept = Kept(Vec::new());
    let mut trajectory = Trajectory::new(system, &times, &Tolerances::from_tolerance(1e-10));
    for index in 0..12 {
        let excited =
            if system.channels().iter().any(|channel| channel.name.starts_with("spin")) { index % 2 } else { 0 };
        let state = PurePreparation { oscillator, excited: excited as u32 };
        let mut chance = Streams::new(5).open(index, Purpose::Jumps);
        trajectory.run(&state, &mut chance, &mut kept).expect("a trajectory");
    }
    kept.0
}

/// When kets are looked at: only a moving frame knows the difference.
const TIME: f64 = 0.3;

/// A register in a moving frame, two asymmetric spins of which one is dephased.
fn moving() -> Register {
    let asymmetric = Spin { asymmetry: 0.8, dephasing: 0.4, ..spin(1.5, 0.6, 2.0, 0.3) };
    let spins = vec![asymmetric, spin(1.1, 0.5, 1.0, 0.0)];
    let model = OscillatorSpins::new(0.9, spins);
    Register::displaced(&model, Complex64::new(-1.7, 2.2)).expect("no bath of the oscillator")
}

/// Quantities, and the rates at which jumps change them, as the system gives them.
fn followed<S: OpenSystem>(system: &S, set: &FollowedSet, ket: &Ket) -> [Vec<f64>; 2] {
    let [mut values, mut rates] = [(); 2].map(|()| vec![1.0; set.width()]);
    set.rates(system.displacement(TIME), ket, &mut set.scratch(), &mut values, &mut rates);
    [values, rates].map(|mut cells| {
        cells.truncate(set.order());
        cells
    })
}

/// The same by collapsing a copy channel by channel: Σ ‖L_mψ‖²/‖ψ‖² (y after − y before).
fn by_hand<S: OpenSystem>(system: &S, set: &FollowedSet, ket: &Ket) -> [Vec<f64>; 2] {
    let mut scratch = set.scratch();
    let mut follow = |ket: &Ket| {
        let mut values = vec![0.0; set.width()];
        set.values(system.displacement(TIME), ket, &mut scratch, &mut values);
        values.truncate(set.order());
        values
    };
    let before = follow(ket);
    let mut rates = vec![0.0; set.order()];
    let mut weights = vec![0.0; system.channels().len()];
    system.weights(ket, &mut weights);
    for (channel, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        let (mut after, mut spare) = (ket.clone(), Ket::zeros(Window::around(0, 1), ket.rows()));
        system.collapse(channel, &mut after, &mut spare);
        let changes: Vec<f64> = follow(&after).iter().zip(&before).map(|(after, before)| after - before).collect();
        for (rate, change) in rates.iter_mut().zip(changes) {
            *rate += weight / ket.norm_squared() * change;
        }
    }
    [before, rates]
}

/// Largest difference, in units of 1 + the size of the second.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |max: f64, (a, b)| max.max((a - b).abs() / (1.0 + b.abs())))
}

/// The ket of a chain as one of a register.
fn on_register(ket: &Ket) -> Ket {
    let window = ket.window();
    let mut spread = Ket::zeros(window, 2);
    let (re, im) = ket.row(0);
    for j in 0..window.len() {
        let row = (window.lo() + j + ket.sector) % 2;
        (spread.row_mut(row).0[j], spread.row_mut(row).1[j]) = (re[j], im[j]);
    }
    spread
}

#[test]
fn chain_and_register_follow_the_same() {
    for cutoff in [Cutoff::Auto, Cutoff::Levels(16)] {
        let (chain, register) = (chain(cutoff), Register::new(&Model::OscillatorSpins(chain_model()), cutoff));
        let (mut largest, mut wrong) = (0.0f64, f64::INFINITY);
        let ours = FollowedSet::usual(&chain);
        let (theirs, all) = (FollowedSet::new(&register, ours.operators().to_vec()), FollowedSet::usual(&register));
        let vanishing: Vec<usize> = (0..all.order()).filter(|i| ours.place(&all.operators()[*i]).is_none()).collect();
        assert_eq!((ours.order(), vanishing.len()), (13, 4));
        for ket in kets(&chain, PureOscillator::Fock(3)) {
            let spread = on_register(&ket);
            let ([found, rates], [others, other_rates]) =
                (followed(&chain, &ours, &ket), followed(&register, &theirs, &spread));
            largest = largest.max(difference(&found, &others)).max(difference(&rates, &other_rates));
            // What conserves no parity vanishes.
            let every = followed(&register, &all, &spread);
            for values in every {
                largest = vanishing.iter().fold(largest, |largest, i| largest.max(values[*i].abs()));
            }
            // Negative control: the other chain.
            let mut other = ket.clone();
            other.sector = 1 - ket.sector;
            wrong = wrong.min(difference(&followed(&chain, &ours, &other)[0], &others));
        }
        assert!(largest < 1e-11 && wrong > 1e-3, "{cutoff:?}: {largest}, on the other chain {wrong}");
    }
}

#[test]
fn observables_are_combinations_of_the_quantities() {
    fn check<S: OpenSystem>(system: &S, spins: usize, oscillator: PureOscillator) {
        let set = FollowedSet::usual(system);
        // Parity and products of spins are none, coherences where S and Ṡ tell them.
        let name = |observable: &Observable| observable.to_string();
        let mut observables = Observable::all(spins);
        observables.retain(|o| !["parity", "spin", "pair"].iter().any(|family| name(o).starts_with(family)));
        assert_eq!(observables.len(), 7 + spins);
        let constants: Vec<Vec<f64>> = kets(system, oscillator)
            .iter()
            .map(|ket| {
                let [values, _] = followed(system, &set, ket);
                let mut observed = vec![0.0; observables.len()];
                Readout::new(system, &observables).observe(system, TIME, ket, &mut observed);
                let dot = |expression: Vec<f64>| expression.iter().zip(&values).map(|(c, y)| c * y).sum::<f64>();
                let combined = quantity::expressions(system, set.operators(), &observables).into_iter().map(dot);
                observed.iter().zip(combined).map(|(observed, combined)| observed - combined).collect()
            })
            .collect();
        for constant in &constants {
            let largest = difference(constant, &constants[0]);
            assert!(largest < 1e-11, "{largest}: {observables:?} {constant:?}, before {:?}", constants[0]);
        }
    }
    let coherent = PureOscillator::Coherent(Complex64::new(0.8, -1.1));
    check(&chain(Cutoff::Auto), 1, PureOscillator::Fock(2));
    check(&of_parity(Cutoff::Auto), 3, PureOscillator::Fock(2));
    let [spins, adiabatic] = registers();
    check(&spins, 2, coherent);
    check(&adiabatic, 0, coherent);
    check(&moving(), 2, coherent);
}

#[test]
fn jumps_change_the_quantities_as_counted_by_hand() {
    fn check<S: OpenSystem>(system: &S, oscillator: PureOscillator, order: usize) {
        let set = FollowedSet::new(system, quantity::candidates(system).operators);
        assert!(set.order() == order, "{} quantities", set.order());
        for ket in kets(system, oscillator) {
            let ([values, rates], [before, counted]) = (followed(system, &set, &ket), by_hand(system, &set, &ket));
            let largest = difference(&values, &before).max(difference(&rates, &counted));
            assert!(largest < 1e-11, "{largest}: {rates:?}, by hand {counted:?}");
            // Negative control: the test sees a rate one in a million too large, wherever jumps change anything.
            let larger: Vec<f64> = rates.iter().map(|rate| rate * (1.0 + 1e-6)).collect();
            assert!(difference(&larger, &counted) > 1e-8, "{rates:?}");
        }
    }
    for cutoff in [Cutoff::Auto, Cutoff::Levels(16)] {
        check(&chain(cutoff), PureOscillator::Fock(2), 51);
        check(&of_parity(cutoff), PureOscillator::Fock(2), 57);
    }
    let [spins, adiabatic] = registers();
    for (register, order) in [(spins, 60), (adiabatic, 6), (moving(), 22)] {
        check(&register, PureOscillator::Coherent(Complex64::new(0.8, -1.1)), order);
    }
}

/// M_N along a trajectory by [`Martingales`], and N_t − N_0 − ∫⟨𝓛†N⟩dt with 𝓛†N = −P S − κ(N − n̄) taken from the amplitudes
/// of the chain and integrated by Simpson's rule on the dense output.
struct Twice<'a> {
    model: &'a OscillatorSpins,
    martingales: Martingales<'a, Chain>,
    times: &'a [f64],
    cells: usize,
    integral: f64,
    initial: Option<f64>,
    reached: usize,
    largest: f64,
}

impl<'a> Twice<'a> {
    fn new(model: &'a OscillatorSpins, martingales: Martingales<'a, Chain>, times: &'a [f64], cells: usize) -> Self {
        Self { model, martingales, times, cells, integral: 0.0, initial: None, reached: 0, largest: 0.0 }
    }

    fn number(ket: &Ket) -> f64 {
        let lo = ket.window().lo();
        (0..ket.window().len()).map(|j| (lo + j) as f64 * ket.level_population(j)).sum::<f64>() / ket.norm_squared()
    }

    fn drift(&self, ket: &Ket) -> f64 {
        let (re, im) = ket.row(0);
        let lo = ket.window().lo();
        // 2 Im ⟨a τx⟩ = ⟨P τx⟩.
        let lowered: f64 =
            (1..re.len()).map(|j| ((lo + j) as f64).sqrt() * (re[j - 1] * im[j] - im[j - 1] * re[j])).sum();
        let coupling = self.model.spins[0].coupling * self.model.spins[0].sin_theta();
        let loss = self.model.oscillator_bath.map_or(0.0, |bath| bath.kappa * (Self::number(ket) - bath.nbar));
        -2.0 * coupling * lowered / ket.norm_squared() - loss
    }

    fn simpson(&self, stretch: &Stretch, length: f64) -> f64 {
        let instants: Vec<f64> = (0..=self.cells).map(|i| length * i as f64 / self.cells as f64).collect();
        let mut kets = vec![Ket::zeros(Window::around(0, 1), 1); instants.len()];
        (stretch.evaluate)(&instants, &mut kets);
        let weight = |i: usize| {
            if i == 0 || i == self.cells {
                1.0
            } else if i % 2 == 1 {
                4.0
            } else {
                2.0
            }
        };
        let sum: f64 = kets.iter().enumerate().map(|(i, ket)| weight(i) * self.drift(ket)).sum();
        sum * length / (3.0 * self.cells as f64)
    }
}

impl Recorder for Twice<'_> {
    fn output(&mut self, _index: usize, _ket: &Ket) {}

    fn stretch(&mut self, stretch: &Stretch) {
        let initial = *self.initial.get_or_insert(Self::number(stretch.start));
        let mut found = Vec::new();
        self.martingales.stretch(stretch, |index, m| found.push((index, m[0])));
        for (index, m) in found {
            let length = (self.times[index] - stretch.begin).min(stretch.length);
            let mut ket = vec![Ket::zeros(Window::around(0, 1), 1)];
            (stretch.evaluate)(&[length], &mut ket);
            let expected = Self::number(&ket[0]) - initial - self.integral - self.simpson(stretch, length);
            self.largest = self.largest.max((m - expected).abs());
            self.reached += 1;
        }
        self.integral += self.simpson(stretch, stretch.length);
    }
}

#[test]
fn martingales_are_what_the_adjoint_generator_leaves() {
    let times: Vec<f64> = (0..=20).map(|i| 0.25 * f64::from(i)).collect();
    let fig3 = OscillatorSpins::new(1.0, vec![spin(2.0, 1.0, 10.0, 1.0)]);
    for model in [fig3, chain_model()] {
        let system = Chain::new(&model, Cutoff::Auto).expect("one symmetric spin");
        let set = FollowedSet::usual(&system);
        let run = |cells: usize| {
            let tolerances = Tolerances::from_tolerance(1e-8);
            let mut trajectory = Trajectory::new(&system, &times, &tolerances);
            let mut largest = 0.0f64;
            for index in 0..8 {
                let mut martingales = Martingales::new(&system, &set, &times, tolerances.ket);
                martingales.begin(None);
                let mut twice = Twice::new(&model, martingales, &times, cells);
                let state = PurePreparation { oscillator: PureOscillator::Fock(1), excited: 0 };
                let mut chance = Streams::new(3).open(index, Purpose::Jumps);
                trajectory.run(&state, &mut chance, &mut twice).expect("a trajectory");
                assert_eq!(twice.reached, times.len());
                largest = largest.max(twice.largest);
            }
            largest
        };
        // Measured: 1.5e-7 at most, where M reaches 12 and the tolerance is 1e-8.
        let found = run(100);
        assert!(found < 5e-7, "{found}");
        // Negative control: one parabola a stretch is not enough (1.2e-4 and 1.4e-3).
        let coarse = run(2);
        assert!(coarse > 2e-5, "{coarse}");
    }
}

#[test]
fn a_tighter_tolerance_changes_controlled_means_little() {
    let model = oscillator(vec![spin(2.0, 1.0, 10.0, 1.0)], None);
    let experiment = experiment(model, OscillatorPreparation::Fock(0), 5.0, 6);
    let plan = Plan {
        trajectories: 256,
        seed: 4,
        block: 32,
        threads: THREADS,
        estimator: Estimator::Controlled { pilot: 64 },
        sampling: Default::default(),
    };
    let curve = |tolerance: f64| -> Vec<f64> {
        let outcome = ensemble::run(&experiment, &Tolerances::from_tolerance(tolerance), &plan, &());
        let ensemble = outcome.expect("it runs").expect("nobody stops it");
        (0..6).map(|time| corrected(&ensemble, time, 0).mean).collect()
    };
    // Measured, relative to 1 + |⟨N⟩|: 7.0e-6, 6.5e-8 and 1.2e-8; the standard error at the end is 2e-4.
    let [loose, usual, tight, tightest] = [1e-3, 1e-6, 1e-8, 1e-10].map(curve);
    let [loose, usual, tight] = [loose, usual, tight].map(|curve| difference(&curve, &tightest));
    assert!(usual < 1e-6 && tight < 1e-7, "{usual}, {tight}");
    // Negative control: a tolerance that is too large shows.
    assert!(loose > 1e-6, "{loose}");
}
