//! What is simulated, as parameters and closed forms: no time stepping, no randomness, no files.

mod adiabatic;
mod born_markov;
mod equation;
mod oscillator_spins;
mod preparation;
mod spin;
mod thermal;

pub use adiabatic::{Adiabatic, QuantumNoise, adiabatic_number, adiabaticity, heating_rate_adiabatic};
pub use born_markov::{BornMarkov, Form, QuadraticForm};
pub use equation::Parts;
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
    /// The oscillator alone in the Born–Markov limit of Fig. 1(a), Eq. (23).
    BornMarkov(BornMarkov),
}

impl Model {
    /// Number of spins K.
    pub fn spins(&self) -> &[Spin] {
        match self {
            Self::OscillatorSpins(model) => &model.spins,
            Self::Adiabatic(_) | Self::BornMarkov(_) => &[],
        }
    }

    /// Oscillator frequency Ω₀ (angular, ħ = 1).
    pub fn frequency(&self) -> f64 {
        match self {
            Self::OscillatorSpins(model) => model.frequency,
            Self::Adiabatic(model) => model.frequency,
            Self::BornMarkov(model) => model.frequency,
        }
    }

    /// x₀ and p₀ with X = x₀(a + a†), P = −ip₀(a − a†): 1 and 1 unless a mass is named (Sec. II).
    pub fn quadrature_units(&self) -> [f64; 2] {
        match self {
            Self::OscillatorSpins(_) | Self::Adiabatic(_) => [1.0; 2],
            Self::BornMarkov(model) => model.quadrature_units(),
        }
    }

    /// Whether its trajectories carry weights of either sign: Eq. (23) as it stands.
    pub fn is_weighted(&self) -> bool {
        matches!(self, Self::BornMarkov(model) if model.form == Form::Bare)
    }
}
