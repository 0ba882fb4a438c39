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
