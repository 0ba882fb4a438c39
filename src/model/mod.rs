//! What is simulated, as parameters and closed forms: no time stepping, no randomness, no files.

mod adiabatic;
mod oscillator_spins;
mod preparation;
mod spin;
mod thermal;

pub use adiabatic::{Adiabatic, QuantumNoise, adiabatic_number, heating_rate_adiabatic};
pub use oscillator_spins::{OscillatorBath, OscillatorSpins};
pub use preparation::{OscillatorPreparation, PureOscillator, PurePreparation, SpinPreparation};
pub use spin::{Spin, SpinBath};
pub use thermal::{Convention, excited_probability, occupation};

/// A system that can be simulated.
#[derive(Debug, Clone, PartialEq)]
pub enum Model {
    /// An oscillator coupled to K spins, Fig. 1(a)–(c) of arXiv:0712.2608.
    OscillatorSpins(OscillatorSpins),
    /// The oscillator alone after adiabatic elimination of the spin, Eq. (40).
    Adiabatic(Adiabatic),
}

impl Model {
    /// Number of spins K.
    pub fn spins(&self) -> &[Spin] {
        match self {
            Self::OscillatorSpins(model) => &model.spins,
            Self::Adiabatic(_) => &[],
        }
    }

    /// Oscillator frequency Ω₀ (angular, ħ = 1).
    pub fn frequency(&self) -> f64 {
        match self {
            Self::OscillatorSpins(model) => model.frequency,
            Self::Adiabatic(model) => model.frequency,
        }
    }
}
