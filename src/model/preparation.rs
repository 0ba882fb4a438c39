//! Initial states: what may be mixed, and the pure states it is sampled as.

use num_complex::Complex64;

/// Initial state of the oscillator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OscillatorPreparation {
    /// Number state |n⟩.
    Fock(usize),
    /// Coherent state |α⟩, a|α⟩ = α|α⟩.
    Coherent(Complex64),
    /// Thermal state with mean occupation n̄ ≥ 0, sampled as number states.
    Thermal(f64),
}

/// Initial state of a spin, diagonal in its energy basis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SpinPreparation {
    /// The lower eigenstate |−⟩.
    Ground,
    /// The upper eigenstate |+⟩.
    Excited,
    /// The stationary state of the spin's own bath, p₊ = n̄/(2n̄+1).
    Thermal,
    /// |+⟩ with this probability, else |−⟩.
    Mixed {
        /// Probability of |+⟩, 0 to 1.
        excited_probability: f64,
    },
}

/// A pure oscillator state, as one trajectory starts from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PureOscillator {
    /// Number state |n⟩.
    Fock(usize),
    /// Coherent state |α⟩.
    Coherent(Complex64),
}

/// A pure product state: one draw from a preparation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PurePreparation {
    /// State of the oscillator.
    pub oscillator: PureOscillator,
    /// Bit i is set when spin i starts in |+⟩.
    pub excited: u32,
}
