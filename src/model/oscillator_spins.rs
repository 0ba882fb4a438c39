//! Fig. 1(a)–(c): an oscillator coupled to K spins, each with or without a bosonic bath of its own.

use super::Spin;

/// The oscillator's own loss (a real resonator's finite quality factor): √(κ(n̄+1)) a and √(κn̄) a†.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OscillatorBath {
    /// Energy damping rate κ ≥ 0 (1/time).
    pub kappa: f64,
    /// Bose occupation n̄ ≥ 0 of the bath at Ω₀.
    pub nbar: f64,
}

/// H = Ω₀ a†a + Σᵢ (ω̃ᵢ/2) τzᵢ + X Σᵢ gᵢ (cos θᵢ τzᵢ + sin θᵢ τxᵢ), X = a + a†, Eq. (1)–(4) and (29).
///
/// τz and τx act on the energy eigenstates |±⟩ᵢ of spin i. ħ = 1; energies and rates share one unit.
#[derive(Debug, Clone, PartialEq)]
pub struct OscillatorSpins {
    /// Oscillator frequency Ω₀ > 0.
    pub frequency: f64,
    /// The spins; none is allowed.
    pub spins: Vec<Spin>,
    /// The oscillator's own bath, if any.
    pub oscillator_bath: Option<OscillatorBath>,
    /// The oscillator's dephasing rate κφ ≥ 0 (1/time): L = √κφ N, by which a coherence |n⟩⟨m| decays at κφ(n − m)²/2.
    pub oscillator_dephasing: f64,
}

impl OscillatorSpins {
    /// An oscillator coupled to spins, without jumps of its own.
    pub fn new(frequency: f64, spins: Vec<Spin>) -> Self {
        Self { frequency, spins, oscillator_bath: None, oscillator_dephasing: 0.0 }
    }

    /// Whether the oscillator has no jumps of its own.
    pub fn oscillator_is_free(&self) -> bool {
        self.oscillator_bath.is_none() && self.oscillator_dephasing == 0.0
    }
}
