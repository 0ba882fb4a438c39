//! Operators as data: their algebra against matrices.

#![allow(clippy::unwrap_used)]

use fluctuator::operator::{
    Factor, Function, JumpOperator, Levels, Lindbladian, Mode, Operator, Qubit, Shape, Space, Word,
};
use nalgebra::DMatrix;
use num_complex::Complex64;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

type Matrix = DMatrix<Complex64>;

/// Levels of the mode in matrices, and those of them that products of [`FACTORS`] factors treat as if there were more.
const LEVELS: usize = 10;
const FACTORS: usize = 4;
const SAFE: usize = LEVELS - 1 - FACTORS;

/// A mode, a qubit and a three-level atom.
fn parts() -> (Space, Mode, Qubit, Levels) {
    let mut space = Space::new();
    let (a, q, atom) = (space.mode("a"), space.qubit("q"), space.levels("atom", 3));
    (space, a, q, atom)
}

/// How many primitive operators there are; polynomials in those below [`PLAIN`] have small whole numbers for coefficients.
const PRIMITIVES: u8 = 19;
const PLAIN: u8 = 14;

/// One of the primitive operators.
fn primitive(number: u8) -> Operator {
    let (_, a, q, atom) = parts();
    match number {
        0 | 1 => a.lower(),
        2 | 3 => a.raise(),
        4 => a.number(),
        5 => a.parity(),
        6 => q.x(),
        7 => q.y(),
        8 => q.z(),
        9 => q.lower(),
        10 => q.up(),
        11 => atom.transition(1, 0),
        12 => atom.transition(0, 2),
        13 => atom.transition(2, 2),
        14 => a.function(Function::new(Shape::Log, 2.0)),
        15 => a.function(Function::new(Shape::Reciprocal, 0.7)),
        16 => a.fock(2, 0),
        17 => a.fock(1, 1),
        _ => atom.spin()[0].clone(),
    }
}

/// Its matrix, written down without the algebra.
fn primitive_matrix(number: u8) -> Matrix {
    let c = Complex64::from;
    let mode = |element: &dyn Fn(usize, usize) -> f64| Matrix::from_fn(LEVELS, LEVELS, |i, j| c(element(i, j)));
    let diagonal = |f: &dyn Fn(f64) -> f64| mode(&|i, j| if i == j { f(i as f64) } else { 0.0 });
    // Down is level 0.
    let qubit = |entries: [Complex64; 4]| Matrix::from_row_slice(2, 2, &entries);
    let [zero, one, i] = [Complex64::ZERO, Complex64::ONE, Complex64::I];
    let atom = |to: usize, from: usize| Matrix::from_fn(3, 3, |i, j| if (i, j) == (to, from) { one } else { zero });
    let lower = mode(&|i, j| if i + 1 == j { (j as f64).sqrt() } else { 0.0 });
    let [modes, qubits, atoms] = [LEVELS, 2, 3].map(|d| Matrix::identity(d, d));
    let on_mode = |m: Matrix| m.kronecker(&qubits).kronecker(&atoms);
    let on_qubit = |m: Matrix| modes.kronecker(&m).kronecker(&atoms);
    let on_atom = |m: Matrix| modes.kronecker(&qubits).kronecker(&m);
    match number {
        0 | 1 => on_mode(lower),
        2 | 3 => on_mode(lower.adjoint()),
        4 => on_mode(diagonal(&|n| n)),
        5 => on_mode(diagonal(&|n| if n % 2.0 == 0.0 { 1.0 } else { -1.0 })),
        6 => on_qubit(qubit([zero, one, one, zero])),
        7 => on_qubit(qubit([zero, i, -i, zero])),
        8 => on_qubit(qubit([-one, zero, zero, one])),
        9 => on_qubit(qubit([zero, one, zero, zero])),
        10 => on_qubit(qubit([zero, zero, zero, one])),
        11 => on_atom(atom(1, 0)),
        12 => on_atom(atom(0, 2)),
        13 => on_atom(atom(2, 2)),
        14 => on_mode(diagonal(&|n| (1.0 + n / 2.0).ln())),
        15 => on_mode(diagonal(&|n| 1.0 / (1.0 + n / 0.7))),
        16 => on_mode(mode(&|i, j| if (i, j) == (2, 0) { 1.0 } else { 0.0 })),
        17 => on_mode(mode(&|i, j| if (i, j) == (1, 1) { 1.0 } else { 0.0 })),
        _ => {
            let root = c(0.5f64.sqrt());
            on_atom(Matrix::from_fn(3, 3, |i, j| if i.abs_diff(j) == 1 { root } else { zero }))
        }
    }
}

/// Σ coefficient · product of primitives.
type Expression = Vec<((i8, i8), Vec<u8>)>;

fn coefficient((re, im): (i8, i8)) -> Complex64 {
    Complex64::new(f64::from(re), f64::from(im))
}

fn operator(expression: &Expression) -> Operator {
    let product = |factors: &[u8]| factors.iter().fold(Operator::from(1.0), |product, n| product * primitive(*n));
    expression.iter().map(|(c, factors)| coefficient(*c) * product(factors)).sum()
}

fn matrix(expression: &Expression) -> Matrix {
    let dimension = LEVELS * 6;
    let product = |factors: &[u8]| {
        factors.iter().fold(Matrix::identity(dimension, dimension), |product, n| product * primitive_matrix(*n))
    };
    expression
        .iter()
        .fold(Matrix::zeros(dimension, dimension), |sum, (c, factors)| sum + product(factors) * coefficient(*c))
}

fn dense(operator: &Operator) -> Matrix {
    let dimension = LEVELS * 6;
    let mut matrix = Matrix::zeros(dimension, dimension);
    for (row, column, value) in operator.elements(&[LEVELS, 2, 3]) {
        matrix[(row, column)] += value;
    }
    matrix
}

/// Largest element of the difference, in columns of levels that are safe from the edge, relative to the largest there.
fn deviation(one: &Matrix, other: &Matrix) -> f64 {
    let columns = SAFE * 6;
    let largest = |m: &Matrix| m.columns(0, columns).iter().fold(0.0f64, |largest, x| largest.max(x.norm()));
    largest(&(one - other)) / (1.0 + largest(one))
}

fn expressions(primitives: u8, factors: usize) -> impl Strategy<Value = Expression> {
    let term = ((-3i8..4, -3i8..4), prop::collection::vec(0..primitives, 0..=factors));
    prop::collection::vec(term, 1..4)
}

/// The same cases every time.
pub fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(15), ..ProptestConfig::default() }
}

/// A generated equation: H = A + A†, two jump operators.
fn lindbladian(hamiltonian: &Expression, jumps: [&Expression; 2], rates: [f64; 2]) -> Lindbladian {
    let half = operator(hamiltonian);
    let jump = |i: usize| JumpOperator { name: format!("jump_{i}"), rate: rates[i], operator: operator(jumps[i]) };
    Lindbladian { space: parts().0, hamiltonian: &half + half.adjoint(), jumps: vec![jump(0), jump(1)] }
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn products_are_those_of_matrices(expression in expressions(PRIMITIVES, FACTORS)) {
        let found = dense(&operator(&expression));
        let expected = matrix(&expression);
        prop_assert!(deviation(&expected, &found) < 1e-12, "{}", operator(&expression).named(&parts().0));
    }

    #[test]
    fn adjoints_of_products_are_products_of_adjoints(
        one in expressions(PRIMITIVES, FACTORS), other in expressions(PRIMITIVES, FACTORS),
    ) {
        let (a, b) = (operator(&one), operator(&other));
        let (left, right) = ((&a * &b).adjoint(), b.adjoint() * a.adjoint());
        prop_assert!((&left - &right).size() <= 1e-12 * left.size(), "{}", (left - right).named(&parts().0));
        prop_assert_eq!(a.adjoint().adjoint(), a);
    }

    /// Polynomials, (−1)^N included: what cancels is gone, not small.
    #[test]
    fn the_jacobi_identity_is_exact(
        one in expressions(PLAIN, 3), other in expressions(PLAIN, 3), third in expressions(PLAIN, 3),
    ) {
        let [a, b, c] = [operator(&one), operator(&other), operator(&third)];
        let turn = |a: &Operator, b: &Operator, c: &Operator| a.commutator(&b.commutator(c));
        let sum = turn(&a, &b, &c) + turn(&b, &c, &a) + turn(&c, &a, &b);
        prop_assert!(sum.is_zero(), "{}", sum.named(&parts().0));
        prop_assert!((&a * &b - (&b * &a + a.commutator(&b))).is_zero());
        prop_assert!((a.anticommutator(&b) - (&b * &a + &a * &b)).is_zero());
    }

    #[test]
    fn the_adjoint_generator_keeps_one_and_hermiticity(
        hamiltonian in expressions(PLAIN, 3), one in expressions(PLAIN, 2), other in expressions(PLAIN, 2),
        observed in expressions(PLAIN, 2), rates in [0.0..2.0f64, 0.0..2.0f64],
    ) {
        let equation = lindbladian(&hamiltonian, [&one, &other], rates);
        prop_assert!(equation.hamiltonian.is_hermitian());
        prop_assert!(equation.adjoint(&1.0.into()).is_zero());
        let o = operator(&observed);
        let (left, right) = (equation.adjoint(&o).adjoint(), equation.adjoint(&o.adjoint()));
        prop_assert!((&left - &right).size() <= 1e-12 * left.size());
        // The same from its other definition: after jumps, and by the effective Hamiltonian.
        let effective = equation.effective_hamiltonian();
        let between = Complex64::I * (effective.adjoint() * &o - &o * effective);
        let left = left.adjoint() - (between + equation.after_jumps(&o));
        prop_assert!(left.size() <= 1e-11 * (1.0 + right.size()), "{}", left.named(&equation.space));
    }

    /// tr(O 𝓛ρ) = tr(ρ 𝓛†O), with 𝓛ρ from matrices made without the algebra, for ρ far from the edge; with a wrong rate it is not.
    #[test]
    fn the_adjoint_generator_is_adjoint(
        hamiltonian in expressions(PRIMITIVES, 1), one in expressions(PRIMITIVES, 1), other in expressions(PRIMITIVES, 1),
        observed in expressions(PRIMITIVES, 1), rates in [0.1..2.0f64, 0.1..2.0f64],
        ket in prop::collection::vec((-1.0..1.0f64, -1.0..1.0f64), SAFE * 6),
    ) {
        let half = matrix(&hamiltonian);
        let h = &half + half.adjoint();
        let mut psi = Matrix::zeros(LEVELS * 6, 1);
        ket.iter().enumerate().for_each(|(i, (re, im))| psi[(i, 0)] = Complex64::new(*re, *im));
        let rho = &psi * psi.adjoint() / Complex64::from(psi.norm_squared().max(1e-9));
        let mut moved = (&h * &rho - &rho * &h) * -Complex64::I;
        for (jump, rate) in [&one, &other].into_iter().zip(rates) {
            let l = matrix(jump);
            let gone = l.adjoint() * &l;
            let change = &l * &rho * l.adjoint() - (&gone * &rho + &rho * gone) * Complex64::from(0.5);
            moved += change * Complex64::from(rate);
        }
        let o = matrix(&observed);
        let expected = (&o * &moved).trace();
        let found = |rates: [f64; 2]| {
            let equation = lindbladian(&hamiltonian, [&one, &other], rates);
            (&rho * dense(&equation.adjoint(&operator(&observed)))).trace()
        };
        let size = 1.0 + o.norm() * moved.norm();
        prop_assert!((found(rates) - expected).norm() <= 1e-12 * size, "{} {expected}", found(rates));
    }

    /// Every choice of charges is tried on the matrices: those that are conserved are the products of those that were found.
    #[test]
    fn all_conserved_parities_are_found(
        hamiltonian in expressions(PRIMITIVES, 2), one in expressions(PRIMITIVES, 2), other in expressions(PRIMITIVES, 1),
    ) {
        let equation = lindbladian(&hamiltonian, [&one, &other], [1.0, 0.5]);
        let found = equation.conserved_parities();
        let [h, l, m] = [&equation.hamiltonian, &equation.jumps[0].operator, &equation.jumps[1].operator];
        let mut conserved = 0;
        for bits in 0..16u8 {
            let bit = |i: u8| bits >> i & 1 == 1;
            let odd = |index: usize| {
                let (n, up, level) = (index / 6, index / 3 % 2, index % 3);
                (bit(0) && n % 2 == 1) ^ (bit(1) && up == 1) ^ (bit(2) && level == 1) ^ (bit(3) && level == 2)
            };
            let changes = |operator: &Operator| {
                let elements = dense(operator);
                let size = operator.size();
                let mut seen = [false; 2];
                for row in 0..SAFE * 6 {
                    for column in 0..SAFE * 6 {
                        if elements[(row, column)].norm() > 1e-10 * size {
                            seen[usize::from(odd(row) != odd(column))] = true;
                        }
                    }
                }
                seen
            };
            let definite = |operator: &Operator| changes(operator) != [true, true];
            if !changes(h)[1] && definite(l) && definite(m) {
                conserved += 1;
            }
        }
        prop_assert_eq!(conserved, 1 << found.len());
        for parity in &found {
            prop_assert_eq!(parity.reversed_by(h), Some(false));
            prop_assert!(parity.reversed_by(l).is_some() && parity.reversed_by(m).is_some());
            for (row, column, _) in h.elements(&[LEVELS, 2, 3]) {
                let levels = |index: usize| [index / 6, index / 3 % 2, index % 3];
                prop_assert_eq!(parity.is_odd(&levels(row)), parity.is_odd(&levels(column)));
            }
        }
    }

    /// In a displaced vacuum a is α, to any power in normal order; there and back is nothing.
    #[test]
    fn displaced_operators_see_a_shifted_mode(
        expression in expressions(5, 4), re in -1.5..1.5f64, im in -1.5..1.5f64,
    ) {
        let (_, a, ..) = parts();
        let alpha = Complex64::new(re, im);
        let before = operator(&expression);
        let moved = before.displaced(a, alpha).unwrap();
        let power = |base: Complex64, exponent: u32| (0..exponent).fold(Complex64::ONE, |product, _| product * base);
        let expected: Complex64 = before.terms().map(|(word, c)| {
            let [raise, lower] = match word.factor(0) {
                Some(Factor::Band(band)) => [band.raise, band.lower],
                _ => [0; 2],
            };
            c * power(alpha.conj(), raise) * power(alpha, lower)
        }).sum();
        prop_assert!((moved.coefficient(&Word::default()) - expected).norm() < 1e-11 * (1.0 + moved.size()));
        let back = moved.displaced(a, -alpha).unwrap();
        prop_assert!((back - &before).size() <= 1e-10 * (1.0 + moved.size()));
        prop_assert_eq!(a.parity().displaced(a, alpha), None);
    }
}

/// [Jx, Jy] = iJz and J² = J(J + 1).
#[test]
fn spins_of_any_size_are_spins() {
    for count in 2..7 {
        let mut space = Space::new();
        let [x, y, z] = space.levels("spin", count).spin();
        assert!((x.commutator(&y) - Complex64::I * &z).size() < 1e-14);
        let j = 0.5 * f64::from(count - 1);
        let square = &x * &x + &y * &y + &z * &z - Operator::from(j * (j + 1.0));
        assert!(square.size() < 1e-13, "{}", square.named(&space));
    }
}

/// A driven Kerr resonator: λ = −iδ − κ/2, ε = −i·drive, and −2iK a†a² is left.
#[test]
fn the_linear_motion_of_a_driven_resonator_is_found() {
    let mut space = Space::new();
    let (a, q) = (space.mode("a"), space.qubit("q"));
    let (n, lower) = (a.number(), a.lower());
    let kerr = a.raise() * a.raise() * &lower * &lower;
    let hamiltonian = 0.7 * &n + 0.2 * kerr + 1.5 * a.x() + 0.3 * (a.x() * q.x());
    let loss = JumpOperator { name: "loss".into(), rate: 0.4, operator: lower.clone() };
    let motion = Lindbladian { space, hamiltonian, jumps: vec![loss] }.linear_motion(a);
    assert!((motion.rate - Complex64::new(-0.2, -0.7)).norm() < 1e-15);
    assert!((motion.drive - Complex64::new(0.0, -1.5)).norm() < 1e-15);
    assert_eq!(motion.squeezing, Complex64::ZERO);
    let rest = Complex64::new(0.0, -0.4) * (n * lower) - Complex64::new(0.0, 0.3) * q.x();
    assert!((motion.rest - rest).size() < 1e-15);
}

#[test]
fn operators_are_written_as_by_hand() {
    let (space, a, q, atom) = parts();
    let text = |operator: Operator| operator.named(&space).to_string();
    assert_eq!(text(a.number() * a.number()), "a'*a + a'^2*a^2");
    assert_eq!(text(Operator::default()), "0");
    assert_eq!(text(-0.5 * (a.x() * q.y())), "-0.5*a*q.y - 0.5*a'*q.y");
    assert_eq!(text(atom.transition(2, 2)), "1 - atom(0,0) - atom(1,1)");
    assert_eq!(text(a.function(Function::new(Shape::Log, 3.0)) * a.raise()), "a'*log(1 + (a.n + 1)/3)");
    assert_eq!(text(a.parity() * q.x()), "a.parity*q.x");
    assert_eq!(text(Complex64::new(1.0, -2.0) * (a.fock(2, 0) * q.z())), "(1 - 2i)*a(2,0)*q.z");
}
