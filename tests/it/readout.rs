//! What is read off kets, against the observables' matrices on the same states.

#![allow(clippy::unwrap_used)]

use fluctuator::ensemble::{Purpose, Streams};
use fluctuator::hilbert::{Cutoff, Ket, Window};
use fluctuator::model::{Model, OscillatorSpins, Spin};
use fluctuator::operator::Operator;
use fluctuator::system::{Chain, Observable, OpenSystem, Readout, Register};
use fluctuator::unravelling::Chance;
use num_complex::Complex64;

use crate::systems::spin;

/// Spins that are all different, with asymmetries or without.
fn spins(count: usize, asymmetric: bool) -> OscillatorSpins {
    let one = |i: usize| {
        let asymmetry = if asymmetric { 0.4 - 0.7 * i as f64 } else { 0.0 };
        Spin { asymmetry, ..spin(1.0 + 0.3 * i as f64, 0.5 - 0.2 * i as f64, 1.0, 0.5) }
    };
    OscillatorSpins::new(1.3, (0..count).map(one).collect())
}

/// A ket of `system` with amplitudes drawn at random, not normalised.
fn arbitrary(system: &impl OpenSystem, lo: usize, sector: usize, chance: &mut impl Chance) -> Ket {
    let mut ket = Ket::zeros(Window::around(lo, lo + 6), system.rows());
    ket.sector = sector;
    for row in 0..system.rows() {
        for j in 0..ket.window().len() {
            let (re, im) = ket.row_mut(row);
            (re[j], im[j]) = (chance.uniform() - 0.5, chance.uniform() - 0.5);
        }
    }
    ket
}

/// The same as a vector on all spins (bit i of the row for spin i) and the levels up to two beyond the window, level and spins in the
/// order of the operators' parts.
fn dense(system: &impl OpenSystem, ket: &Ket) -> (Vec<usize>, Vec<Complex64>) {
    let spins = system.model().spins().len();
    let levels = ket.window().hi() + 2;
    let dimensions: Vec<usize> = std::iter::once(levels).chain(std::iter::repeat_n(2, spins)).collect();
    let mut vector = vec![Complex64::ZERO; levels << spins];
    for row in 0..ket.rows() {
        let (re, im) = ket.row(row);
        for j in 0..ket.window().len() {
            let n = ket.window().lo() + j;
            let tied = (n + row.count_ones() as usize + ket.sector) % 2;
            let full = if system.has_parity() { row | tied << (spins - 1) } else { row };
            let index = (0..spins).fold(n, |index, spin| 2 * index + (full >> spin & 1));
            vector[index] = Complex64::new(re[j], im[j]);
        }
    }
    (dimensions, vector)
}

/// ⟨O⟩ of a vector.
fn expectation(operator: &Operator, (dimensions, vector): &(Vec<usize>, Vec<Complex64>)) -> f64 {
    let elements = operator.elements(dimensions).into_iter();
    let sum: Complex64 = elements.map(|(row, column, value)| vector[row].conj() * value * vector[column]).sum();
    sum.re / vector.iter().map(Complex64::norm_sqr).sum::<f64>()
}

/// Reads all observables but `but` off some kets of `system`, and compares with their matrices, displaced by where the frame is.
fn check(system: &impl OpenSystem, but: Option<Observable>) {
    const TIME: f64 = 0.37;
    let model = system.model();
    let mut observables = Observable::all(model.spins().len());
    observables.retain(|observable| Some(*observable) != but);
    let mode = model.parts().oscillator;
    let mut readout = Readout::new(system, &observables);
    let mut chance = Streams::new(5).open(0, Purpose::Jumps);
    let mut seen = vec![0.0f64; observables.len()];
    for (lo, sector) in [(0, 0), (0, 1), (3, 0), (4, 1)] {
        let sector = if system.has_parity() { sector } else { 0 };
        let ket = arbitrary(system, lo, sector, &mut chance);
        let known = dense(system, &ket);
        let mut values = vec![0.0; observables.len()];
        readout.observe(system, TIME, &ket, &mut values);
        for ((observable, found), seen) in observables.iter().zip(values).zip(&mut seen) {
            let operator = observable.operator(model);
            let operator = match system.displacement(TIME) {
                Some(alpha) => operator.displaced(mode, alpha).unwrap(),
                None => operator,
            };
            let expected = expectation(&operator, &known);
            assert!((found - expected).abs() < 1e-12 * (1.0 + expected.abs()), "{observable}: {found} {expected}");
            *seen = seen.max(expected.abs());
        }
    }
    // Negative control: all of them are there to be wrong, but for those that reverse the parity of kets that have one.
    for (observable, seen) in observables.iter().zip(seen) {
        let odd = ["x", "p", "spin_x", "spin_y"].contains(&observable.family());
        assert!(seen > 1e-3 || (odd && system.has_parity() && seen == 0.0), "{observable}: {seen}");
    }
}

#[test]
fn all_observables_are_read_as_their_matrices_say() {
    check(&Chain::new(&spins(1, false), Cutoff::Auto).unwrap(), None);
    for count in 0..=3 {
        check(&Register::new(&Model::OscillatorSpins(spins(count, true)), Cutoff::Auto), None);
        let moving = Register::displaced(&spins(count, true), Complex64::new(0.8, -1.7)).unwrap();
        check(&moving, Some(Observable::PARITY));
    }
    for count in 1..=4 {
        check(&Register::with_parity(&spins(count, false), Cutoff::Auto).unwrap(), None);
    }
}
