//! An operator as a real linear combination of others.

use std::collections::BTreeMap;

use num_complex::Complex64;

use crate::operator::{Operator, Parity, Word};

/// What is left of an operator may be this part of it before it counts as something else.
const ROUNDING: f64 = 1e-10;

/// A share of an operator that is rounding.
const NOTHING: f64 = 1e-15;

/// All real linear combinations of some quantities, up to constants.
pub struct Span {
    /// The norms of the quantities.
    sizes: Vec<f64>,
    parity: Option<Parity>,
    /// Orthonormal vectors, each with how it is made of the quantities.
    basis: Vec<(Vector, Vec<f64>)>,
}

impl Span {
    /// Of `quantities`; in kets of definite `parity` words that reverse it count as zero.
    pub fn new(quantities: &[Operator], parity: Option<Parity>) -> Self {
        let sizes = quantities.iter().map(|quantity| Vector::of(quantity, parity.as_ref()).norm()).collect();
        let mut span = Self { sizes, parity, basis: Vec::new() };
        // Gram and Schmidt, from the last quantity on: what it makes of the others is left out.
        for (index, quantity) in quantities.iter().enumerate().rev() {
            let mut made = vec![0.0; quantities.len()];
            made[index] = 1.0;
            span.add(quantity, made);
        }
        span
    }

    /// Makes it larger by a quantity, which is `made` of all of them, and says whether it was: not where the quantity is a combination
    /// of those before, or zero.
    pub fn add(&mut self, quantity: &Operator, mut made: Vec<f64>) -> bool {
        let mut vector = Vector::of(quantity, self.parity.as_ref());
        let whole = vector.norm();
        for (other, from) in &self.basis {
            let share = vector.dot(other);
            if share != 0.0 {
                vector.add(-share, other);
                made.iter_mut().zip(from).for_each(|(made, from)| *made -= share * from);
            }
        }
        let norm = vector.norm();
        let larger = norm > ROUNDING * whole;
        if larger {
            vector.0.values_mut().for_each(|c| *c /= norm);
            made.iter_mut().for_each(|c| *c /= norm);
            self.basis.push((vector, made));
        }
        larger
    }

    /// Coefficients of the combination that is `operator`, those of the last quantities where several will do; all zero where there
    /// is none.
    pub fn coefficients(&self, operator: &Operator) -> Vec<f64> {
        let mut rest = Vector::of(operator, self.parity.as_ref());
        let mut coefficients = vec![0.0; self.sizes.len()];
        let size = rest.norm();
        for (vector, made) in &self.basis {
            let share = rest.dot(vector);
            rest.add(-share, vector);
            coefficients.iter_mut().zip(made).for_each(|(sum, made)| *sum += share * made);
        }
        if rest.norm() > ROUNDING * size {
            coefficients.fill(0.0);
        }
        // What a quantity contributes by rounding only is nothing.
        let sized = coefficients.iter_mut().zip(&self.sizes);
        sized.filter(|(c, quantity)| c.abs() * *quantity <= NOTHING * size).for_each(|(c, _)| *c = 0.0);
        coefficients
    }
}

/// The coefficients of an operator's words but 1.
struct Vector(BTreeMap<Word, Complex64>);

impl Vector {
    fn of(operator: &Operator, parity: Option<&Parity>) -> Self {
        let counts = |word: &Word| !(word.is_identity() || parity.is_some_and(|parity| parity.reversed_by_word(word)));
        Self(operator.terms().filter(|(word, _)| counts(word)).map(|(word, c)| (word.clone(), c)).collect())
    }

    fn dot(&self, other: &Self) -> f64 {
        self.0.iter().map(|(word, c)| other.0.get(word).map_or(0.0, |d| (c.conj() * d).re)).sum()
    }

    fn norm(&self) -> f64 {
        self.dot(self).sqrt()
    }

    fn add(&mut self, factor: f64, other: &Self) {
        for (word, c) in &other.0 {
            *self.0.entry(word.clone()).or_default() += factor * c;
        }
    }
}
