//! Operators: sums of words with complex coefficients, and their arithmetic.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::iter::Sum;
use std::ops::{Add, Mul, Neg, Sub};

use num_complex::Complex64;

use super::Word;
use super::factor::Terms;
use super::space::Place;

/// What is left of a sum is rounding where its terms were so much larger.
const ROUNDING: f64 = 256.0 * f64::EPSILON;

/// Σ c · [`Word`].
///
/// Made by the parts of a [`Space`](super::Space) and by arithmetic: `+`, `−`, `*` (between operators, and by numbers from the
/// left), [`adjoint`](Self::adjoint), [`commutator`](Self::commutator). What cancels is gone: an operator that is zero has no terms.
///
/// All operators of a calculation must be of one space. Products of operators of different spaces mean nothing, and panic where a
/// mode of the one is no mode of the other.
///
/// ```
/// use fluctuator::operator::Space;
///
/// let mut space = Space::new();
/// let a = space.mode("a").lower();
/// let one = a.commutator(&a.adjoint());
/// assert_eq!(one, 1.0.into());
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Operator {
    terms: BTreeMap<Word, Complex64>,
}

impl Operator {
    /// From terms that may repeat words.
    pub(super) fn of(terms: impl IntoIterator<Item = (Word, Complex64)>) -> Self {
        let mut sums: BTreeMap<Word, (Complex64, f64)> = BTreeMap::new();
        for (word, c) in terms {
            let (sum, size) = sums.entry(word).or_default();
            *sum += c;
            *size += c.norm();
        }
        let matters = |(_, (sum, size)): &(Word, (Complex64, f64))| sum.norm() > ROUNDING * size;
        Self { terms: sums.into_iter().filter(matters).map(|(word, (sum, _))| (word, sum)).collect() }
    }

    /// On one part.
    pub(super) fn on(place: Place, terms: Terms) -> Self {
        Self::of(terms.into_iter().map(|(c, factor)| {
            let word = factor.map_or_else(Word::default, |factor| Word::of(place, factor));
            (word, c)
        }))
    }

    /// The words and their coefficients, in order.
    pub fn terms(&self) -> impl ExactSizeIterator<Item = (&Word, Complex64)> {
        self.terms.iter().map(|(word, c)| (word, *c))
    }

    /// The coefficient of a word.
    pub fn coefficient(&self, word: &Word) -> Complex64 {
        self.terms.get(word).copied().unwrap_or_default()
    }

    /// Whether nothing is left.
    pub fn is_zero(&self) -> bool {
        self.terms.is_empty()
    }

    /// The largest modulus of a coefficient.
    pub fn size(&self) -> f64 {
        self.terms.values().fold(0.0, |size, c| size.max(c.norm()))
    }

    /// The Hermitian adjoint O†.
    pub fn adjoint(&self) -> Self {
        Self::of(self.terms().map(|(word, c)| (word.adjoint(), c.conj())))
    }

    /// Whether O† = O, to rounding.
    pub fn is_hermitian(&self) -> bool {
        (self - self.adjoint()).size() <= ROUNDING * self.size()
    }

    /// [self, other] = self·other − other·self.
    pub fn commutator(&self, other: &Self) -> Self {
        let products = self.products(other).chain(other.products(self).map(|(word, c)| (word, -c)));
        Self::of(products)
    }

    /// self·other + other·self.
    pub fn anticommutator(&self, other: &Self) -> Self {
        Self::of(self.products(other).chain(other.products(self)))
    }

    /// The terms of self·other.
    fn products<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (Word, Complex64)> + 'a {
        self.terms().flat_map(move |(left, c)| {
            other.terms().flat_map(move |(right, d)| {
                left.times(right).into_iter().map(move |(weight, word)| (word, c * d * weight))
            })
        })
    }
}

impl From<Complex64> for Operator {
    fn from(number: Complex64) -> Self {
        Self::of([(Word::default(), number)])
    }
}

impl From<f64> for Operator {
    fn from(number: f64) -> Self {
        Complex64::from(number).into()
    }
}

impl<T: Borrow<Operator>> Add<T> for &Operator {
    type Output = Operator;

    fn add(self, other: T) -> Operator {
        Operator::of(self.terms().chain(other.borrow().terms()).map(|(word, c)| (word.clone(), c)))
    }
}

impl<T: Borrow<Operator>> Sub<T> for &Operator {
    type Output = Operator;

    fn sub(self, other: T) -> Operator {
        self + -other.borrow()
    }
}

impl<T: Borrow<Operator>> Mul<T> for &Operator {
    type Output = Operator;

    fn mul(self, other: T) -> Operator {
        Operator::of(self.products(other.borrow()))
    }
}

impl<T: Borrow<Operator>> Add<T> for Operator {
    type Output = Self;

    fn add(self, other: T) -> Self {
        &self + other
    }
}

impl<T: Borrow<Operator>> Sub<T> for Operator {
    type Output = Self;

    fn sub(self, other: T) -> Self {
        &self - other
    }
}

impl<T: Borrow<Operator>> Mul<T> for Operator {
    type Output = Self;

    fn mul(self, other: T) -> Self {
        &self * other
    }
}

impl Mul<&Operator> for Complex64 {
    type Output = Operator;

    fn mul(self, operator: &Operator) -> Operator {
        Operator::of(operator.terms().map(|(word, c)| (word.clone(), self * c)))
    }
}

impl Mul<Operator> for Complex64 {
    type Output = Operator;

    fn mul(self, operator: Operator) -> Operator {
        self * &operator
    }
}

impl Mul<&Operator> for f64 {
    type Output = Operator;

    fn mul(self, operator: &Operator) -> Operator {
        Complex64::from(self) * operator
    }
}

impl Mul<Operator> for f64 {
    type Output = Operator;

    fn mul(self, operator: Operator) -> Operator {
        self * &operator
    }
}

impl Neg for &Operator {
    type Output = Operator;

    fn neg(self) -> Operator {
        -1.0 * self
    }
}

impl Neg for Operator {
    type Output = Self;

    fn neg(self) -> Self {
        -&self
    }
}

impl Sum for Operator {
    fn sum<I: Iterator<Item = Self>>(operators: I) -> Self {
        Self::of(operators.flat_map(|operator| operator.terms))
    }
}
