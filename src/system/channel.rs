//! The jump channels of a model: their operators, rates and names, in one fixed order.

use num_complex::Complex64;

use crate::model::Model;
use crate::operator::{Band, Factor, JumpOperator, Operator};

/// What a jump does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Jump {
    /// |−⟩⟨+| on spin i.
    SpinDown(usize),
    /// |+⟩⟨−| on spin i.
    SpinUp(usize),
    /// τz on spin i.
    Dephase(usize),
    /// u a + v a† on the oscillator.
    Ladder {
        /// Coefficient u of a.
        lower: Complex64,
        /// Coefficient v of a†.
        raise: Complex64,
    },
    /// The positive channel of a generator that is not of Lindblad form, split anew for every ket.
    Positive,
    /// Its negative channel: a jump reverses the sign of the trajectory's weight.
    Negative,
}

/// A jump operator L = √rate × jump.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// Name in the result files, e.g. `spin_0_down`.
    pub name: String,
    /// Rate (1/time); a channel of rate zero is kept, so that all points of a sweep have the same channels.
    pub rate: f64,
    /// The operator without its rate.
    pub jump: Jump,
}

impl Jump {
    /// The jump that an operator of an oscillator and spins is, if it is one.
    pub fn of(operator: &Operator) -> Option<Self> {
        let terms: Vec<_> = operator.terms().collect();
        // The Pauli matrices of one spin, or a and a†.
        let mut spin = None;
        let (mut pauli, mut ladder) = ([Complex64::ZERO; 3], [Complex64::ZERO; 2]);
        for (word, c) in &terms {
            let mut factors = word.factors();
            let (Some((part, factor)), None) = (factors.next(), factors.next()) else { return None };
            match factor {
                Factor::Pauli(axis) if spin.is_none_or(|known| known == part) => {
                    spin = Some(part);
                    pauli[*axis as usize] = *c;
                }
                Factor::Band(band) if *band == Band::ladder(0, 1) => ladder[0] = *c,
                Factor::Band(band) if *band == Band::ladder(1, 0) => ladder[1] = *c,
                _ => return None,
            }
        }
        let [lower, raise] = ladder;
        let Some(spin) = spin else { return Some(Self::Ladder { lower, raise }) };
        let (spin, half, turned) = (spin - 1, Complex64::from(0.5), Complex64::new(0.0, 0.5));
        match pauli {
            _ if ladder != [Complex64::ZERO; 2] => None,
            [x, y, z] if [x, y, z] == [half, -turned, Complex64::ZERO] => Some(Self::SpinDown(spin)),
            [x, y, z] if [x, y, z] == [half, turned, Complex64::ZERO] => Some(Self::SpinUp(spin)),
            [x, y, z] if [x, y, z] == [Complex64::ZERO, Complex64::ZERO, Complex64::ONE] => Some(Self::Dephase(spin)),
            _ => None,
        }
    }
}

/// All channels of a model: those of its Lindblad equation, or of the bare Eq. (23) the two that it is split into.
///
/// # Panics
/// If a jump operator of the model is none that kets can take.
pub fn channels(model: &Model) -> Vec<Channel> {
    let Some(equation) = model.lindbladian() else {
        let split = [("positive", Jump::Positive), ("negative", Jump::Negative)];
        return split.map(|(name, jump)| Channel { name: name.into(), rate: 1.0, jump }).into();
    };
    let channel = |jump: JumpOperator| Channel {
        jump: Jump::of(&jump.operator).expect("models jump by spins or by ladder operators"),
        name: jump.name,
        rate: jump.rate,
    };
    equation.jumps.into_iter().map(channel).collect()
}
