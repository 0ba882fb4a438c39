//! Products of operators of several parts, at most one factor for each.

use num_complex::Complex64;

use super::Factor;
use super::space::Place;

/// A product of [`Factor`]s of different parts; without any it is 1.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Word {
    /// In the order of the parts.
    factors: Vec<(Place, Factor)>,
}

impl Word {
    /// One factor alone.
    pub(super) fn of(place: Place, factor: Factor) -> Self {
        Self { factors: vec![(place, factor)] }
    }

    /// The part's number and what is done to it, for every part that something is done to.
    pub fn factors(&self) -> impl Iterator<Item = (usize, &Factor)> {
        self.factors.iter().map(|(place, factor)| (usize::from(place.0), factor))
    }

    /// What is done to a part.
    pub fn factor(&self, part: usize) -> Option<&Factor> {
        self.factors().find_map(|(place, factor)| (place == part).then_some(factor))
    }

    /// What it does to the parts before `place`, to that part, and to those after it.
    pub(super) fn around(&self, place: Place) -> (Self, Option<&Factor>, Self) {
        let at = self.factors.partition_point(|(part, _)| *part < place);
        let (before, rest) = self.factors.split_at(at);
        let (factor, after) = match rest.split_first() {
            Some(((part, factor), after)) if *part == place => (Some(factor), after),
            _ => (None, rest),
        };
        let product = |factors: &[(Place, Factor)]| Self { factors: factors.to_vec() };
        (product(before), factor, product(after))
    }

    /// Whether it is 1.
    pub fn is_identity(&self) -> bool {
        self.factors.is_empty()
    }

    /// The Hermitian adjoint: factors of different parts commute.
    pub fn adjoint(&self) -> Self {
        Self { factors: self.factors.iter().map(|(place, factor)| (*place, factor.adjoint())).collect() }
    }

    /// `self` times `other`, as a sum.
    pub(super) fn times(&self, other: &Self) -> Vec<(Complex64, Self)> {
        let mut sum = vec![(Complex64::ONE, Self::default())];
        let (mut left, mut right) = (self.factors.as_slice(), other.factors.as_slice());
        loop {
            let place = match (left.first(), right.first()) {
                (Some((one, _)), Some((other, _))) => *one.min(other),
                (Some((place, _)), None) | (None, Some((place, _))) => *place,
                (None, None) => return sum,
            };
            let take = |side: &mut &[(Place, Factor)]| {
                let (first, rest) = side.split_first().filter(|((at, _), _)| *at == place)?;
                *side = rest;
                Some(first.1.clone())
            };
            let terms = match (take(&mut left), take(&mut right)) {
                (Some(one), Some(other)) => one.times(&other),
                (one, other) => vec![(Complex64::ONE, one.or(other))],
            };
            let extended = sum.iter().flat_map(|(c, word)| {
                terms.iter().map(move |(d, factor)| {
                    let mut word = word.clone();
                    word.factors.extend(factor.clone().map(|factor| (place, factor)));
                    (c * d, word)
                })
            });
            sum = extended.collect();
        }
    }
}
