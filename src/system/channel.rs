//! The jump channels of a model: their operators, rates and names, in one fixed order.

use num_complex::Complex64;

use super::OscillatorJump;
use crate::model::Model;
use crate::operator::{Factor, JumpOperator, Operator};

/// What a jump does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Jump {
    /// |−⟩⟨+| on spin i.
    SpinDown(usize),
    /// |+⟩⟨−| on spin i.
    SpinUp(usize),
    /// τz on spin i.
    Dephase(usize),
    /// One on the oscillator alone.
    Oscillator(OscillatorJump),
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
        if let Some(jump) = OscillatorJump::of(operator) {
            return Some(Self::Oscillator(jump));
        }
        // The Pauli matrices of one spin.
        let (mut spin, mut pauli) = (None, [Complex64::ZERO; 3]);
        for (word, c) in operator.terms() {
            let mut factors = word.factors();
            let (Some((part, Factor::Pauli(axis))), None) = (factors.next(), factors.next()) else { return None };
            if spin.is_some_and(|known| known != part) {
                return None;
            }
            spin = Some(part);
            pauli[*axis as usize] = c;
        }
        let (spin, half, turned) = (spin? - 1, Complex64::from(0.5), Complex64::new(0.0, 0.5));
        match pauli {
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
        jump: Jump::of(&jump.operator).expect("models jump by spins or by powers of a and a†"),
        name: jump.name,
        rate: jump.rate,
    };
    equation.jumps.into_iter().map(channel).collect()
}
