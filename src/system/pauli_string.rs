//! Products of Pauli matrices of several spins as two sets of bits, and words as such products beside what they do to the oscillator.

use num_complex::Complex64;

use crate::operator::{Band, Factor, Pauli, Word};

/// A product of Pauli matrices of different spins: τx where `flip` alone has the spin's bit, τz where `sign` alone has it, τy where both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PauliString {
    pub flip: usize,
    pub sign: usize,
}

impl PauliString {
    /// What a word does to the oscillator, and to the spins.
    pub fn of(word: &Word) -> (Band, Self) {
        let (mut band, mut string) = (Band::default(), Self::default());
        for (part, factor) in word.factors() {
            let bit = || 1 << (part - 1);
            match factor {
                Factor::Band(own) => band = own.clone(),
                Factor::Pauli(Pauli::X) => string.flip |= bit(),
                Factor::Pauli(Pauli::Z) => string.sign |= bit(),
                Factor::Pauli(Pauli::Y) => {
                    string.flip |= bit();
                    string.sign |= bit();
                }
                Factor::Fock { .. } | Factor::Transition { .. } => {
                    unreachable!("models are of an oscillator and spins")
                }
            }
        }
        (band, string)
    }

    /// i to the number of its τy = iτxτz.
    pub fn phase(self) -> Complex64 {
        Complex64::I.powu((self.flip & self.sign).count_ones())
    }

    /// The phase and the string of a product.
    pub fn times(self, other: Self) -> (Complex64, Self) {
        let product = Self { flip: self.flip ^ other.flip, sign: self.sign ^ other.sign };
        // A τz on the left passes the τx on the right.
        let passed = sign(self.sign & other.flip);
        (passed * self.phase() * other.phase() * product.phase().conj(), product)
    }

    /// ⟨row ^ flip|P|row⟩ for a row of spins with bits where they are in |+⟩.
    pub fn on(self, row: usize) -> Complex64 {
        sign(self.sign & !row) * self.phase()
    }
}

/// −1 to the number of `bits`.
fn sign(bits: usize) -> f64 {
    if bits.count_ones() % 2 == 1 { -1.0 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::{Operator, Space};

    /// All products of two spins' matrices with each other are those of the algebra, and so are their matrix elements.
    #[test]
    fn products_and_elements_are_those_of_the_algebra() {
        let mut space = Space::new();
        space.mode("a");
        let spins = [space.qubit("p"), space.qubit("q")];
        let of = |spin: usize| [Operator::from(1.0), spins[spin].x(), spins[spin].y(), spins[spin].z()];
        let all: Vec<Operator> = of(0).iter().flat_map(|one| of(1).map(|other| one * other)).collect();
        let string = |operator: &Operator| {
            let (word, c) = operator.terms().next().expect("a product of Pauli matrices");
            (c, PauliString::of(word).1)
        };
        for one in &all {
            for other in &all {
                let (c, known) = string(&(one * other));
                let (phase, found) = string(one).1.times(string(other).1);
                assert!(found == known && (phase - c).norm() < 1e-15, "{one:?} {other:?}");
            }
            // Levels of the second spin are the fastest index; row bits begin with the first spin.
            let row = |index: usize| (index >> 1) | (index & 1) << 1;
            let mut seen = 0;
            for (bra, ket, value) in one.elements(&[1, 2, 2]) {
                let string = string(one).1;
                assert_eq!((row(ket) ^ string.flip, string.on(row(ket))), (row(bra), value));
                seen += 1;
            }
            assert_eq!(seen, 4);
        }
    }
}
