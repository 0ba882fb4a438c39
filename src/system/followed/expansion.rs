//! Operators, and what jumps make of them, as strings of Pauli matrices beside weights of levels.

use std::collections::BTreeMap;

use num_complex::Complex64;

use super::weight::{Path, Weight};
use crate::operator::{Band, Operator};
use crate::system::pauli_string::PauliString;
use crate::system::readout::binomial;

/// Σ c · [`PauliString`].
pub type SpinOperator = BTreeMap<PauliString, Complex64>;

/// α*^p α^q · A · w: between levels n and n + `shift`, of an operator A of the spins and the weight w(n).
#[derive(Debug, Clone)]
pub struct Contribution {
    pub shift: u32,
    pub power: [u32; 2],
    pub weight: Weight,
    pub spins: SpinOperator,
}

/// c · F ⊗ P of an operator, with the powers of α* and α that it goes with in a moving frame.
struct Term {
    c: Complex64,
    band: Band,
    string: PauliString,
    power: [u32; 2],
}

/// A jump operator as c · F ⊗ P.
type JumpTerms = Vec<(Complex64, Band, PauliString)>;

/// How operators are expanded for the kets of one system.
pub struct Expansion {
    jumps: Vec<(f64, JumpTerms)>,
    /// Whether kets live in a moving frame, where a is a + α.
    moves: bool,
    /// Whether kets have a parity, so that what reverses it vanishes.
    of_parity: bool,
}

impl Expansion {
    /// For jump operators with their rates.
    pub fn new<'a>(jumps: impl Iterator<Item = (f64, &'a Operator)>, moves: bool, of_parity: bool) -> Self {
        let terms = |operator: &Operator| -> JumpTerms {
            let term = |(word, c)| {
                let (band, string) = PauliString::of(word);
                (c, band, string)
            };
            operator.terms().map(term).collect()
        };
        Self { jumps: jumps.map(|(rate, operator)| (rate, terms(operator))).collect(), moves, of_parity }
    }

    /// The coefficients of 1 in an operator, with their powers of α* and α.
    pub fn constants(&self, operator: &Operator) -> Vec<(Complex64, [u32; 2])> {
        let constant = |term: &Term| term.band.is_identity() && term.string == PauliString::default();
        self.terms(operator).into_iter().filter(constant).map(|term| (term.c, term.power)).collect()
    }

    /// ⟨O⟩ of a Hermitian operator but for constants, as real parts of contributions.
    pub fn value(&self, operator: &Operator) -> Vec<Contribution> {
        let mut found = Vec::new();
        for Term { c, band, string, power } in self.terms(operator) {
            if !(band.is_identity() && string == PauliString::default()) {
                self.add(&mut found, power, (c, string), &Path::of(band));
            }
        }
        found
    }

    /// Σ rate ⟨L†OL⟩ of the same.
    pub fn after_jumps(&self, operator: &Operator) -> Vec<Contribution> {
        let mut found = Vec::new();
        for term in self.terms(operator) {
            if !(term.band.is_identity() && term.string == PauliString::default()) {
                self.add_after_jumps(&mut found, &term);
            }
        }
        found
    }

    /// Σ rate ⟨L†L⟩.
    pub fn decay(&self) -> Vec<Contribution> {
        let mut found = Vec::new();
        let one = Term { c: Complex64::ONE, band: Band::default(), string: PauliString::default(), power: [0; 2] };
        self.add_after_jumps(&mut found, &one);
        found
    }

    fn terms(&self, operator: &Operator) -> Vec<Term> {
        let mut terms = Vec::new();
        for (word, c) in operator.terms() {
            let (band, string) = PauliString::of(word);
            if !self.moves {
                terms.push(Term { c, band, string, power: [0; 2] });
                continue;
            }
            assert!(!band.alternating && band.functions().is_empty(), "in a moving frame polynomials are followed");
            for i in 0..=band.raise {
                for j in 0..=band.lower {
                    let c = c * binomial(band.raise, i) * binomial(band.lower, j);
                    let power = [band.raise - i, band.lower - j];
                    terms.push(Term { c, band: Band::ladder(i, j), string, power });
                }
            }
        }
        terms
    }

    fn add_after_jumps(&self, found: &mut Vec<Contribution>, Term { c, band, string, power }: &Term) {
        // Jumps of the oscillator alone leave the spins as they are: one weight for all of them.
        let mut oscillator: BTreeMap<i64, Vec<(Complex64, Path)>> = BTreeMap::new();
        for (rate, terms) in &self.jumps {
            let alone = terms.iter().all(|(_, _, spins)| *spins == PauliString::default());
            for (left, bra, onto) in terms {
                for (right, ket, from) in terms {
                    let path = Path { bra: bra.clone(), middle: band.clone(), ket: ket.clone() };
                    let factor = *rate * left.conj() * right;
                    if alone {
                        oscillator.entry(path.shift()).or_default().push((factor, path));
                        continue;
                    }
                    let (first, product) = onto.times(*string);
                    let (second, product) = product.times(*from);
                    self.add(found, *power, (c * factor * first * second, product), &path);
                }
            }
        }
        for paths in oscillator.into_values() {
            let [re, im] = [Complex64::ONE, -Complex64::I].map(|turn| -> Weight {
                let part = paths.iter().map(|(factor, path)| ((factor * turn).re, path.clone()));
                part.filter(|(factor, _)| *factor != 0.0).collect()
            });
            for (c, weight) in [(*c, re), (Complex64::I * c, im)] {
                self.add_weighted(found, *power, (c, *string), weight);
            }
        }
    }

    fn add(&self, found: &mut Vec<Contribution>, power: [u32; 2], term: (Complex64, PauliString), path: &Path) {
        self.add_weighted(found, power, term, vec![(1.0, path.clone())]);
    }

    /// Of two contributions that are each other's adjoints, one is taken twice: that whose ket is above its bra.
    fn add_weighted(
        &self,
        found: &mut Vec<Contribution>,
        power: [u32; 2],
        (c, string): (Complex64, PauliString),
        weight: Weight,
    ) {
        let Some(shift) = weight.first().map(|(_, path)| path.shift()) else { return };
        let Ok(shift) = u32::try_from(shift) else { return };
        if self.of_parity && (shift + string.flip.count_ones()) % 2 == 1 {
            return;
        }
        let c = if shift > 0 { 2.0 * c } else { c };
        let same = |known: &&mut Contribution| (known.shift, known.power) == (shift, power) && known.weight == weight;
        match found.iter_mut().find(same) {
            Some(known) => *known.spins.entry(string).or_default() += c,
            None => found.push(Contribution { shift, power, weight, spins: BTreeMap::from([(string, c)]) }),
        }
    }
}
