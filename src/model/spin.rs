//! One two-level system: its energies, its coupling to the oscillator and its own bosonic bath.

use super::SpinPreparation;

/// The bosonic bath of one spin, Eq. (35): jumps √(γ(n̄+1)) |−⟩⟨+| and √(γn̄) |+⟩⟨−|.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpinBath {
    /// Relaxation rate γ ≥ 0 at zero temperature (1/time).
    pub gamma: f64,
    /// Bose occupation n̄ ≥ 0 of the bath at the spin's splitting.
    pub nbar: f64,
}

impl SpinBath {
    /// Rate γ(n̄+1) of |+⟩ → |−⟩.
    pub fn down(&self) -> f64 {
        self.gamma * (self.nbar + 1.0)
    }

    /// Rate γn̄ of |−⟩ → |+⟩.
    pub fn up(&self) -> f64 {
        self.gamma * self.nbar
    }

    /// Stationary excited probability p₊ = n̄/(2n̄+1).
    pub fn excited_probability(&self) -> f64 {
        self.nbar / (2.0 * self.nbar + 1.0)
    }
}

/// A two-level system (TLS) with H = (ω/2)σz + (Δ/2)σx, coupled to the oscillator by g X σz, Eq. (1)–(4).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spin {
    /// Asymmetry energy ω.
    pub asymmetry: f64,
    /// Tunnelling matrix element Δ, in (Δ/2)σx. The paper's Eq. (35) writes Δσx: give twice its Δ.
    pub tunnelling: f64,
    /// Coupling g to X = a + a†.
    pub coupling: f64,
    /// Initial state in the energy basis.
    pub initial: SpinPreparation,
    /// Bosonic bath, if any.
    pub bath: Option<SpinBath>,
    /// Pure-dephasing rate γφ ≥ 0, jump operator √(γφ/2) τz.
    pub dephasing: f64,
}

impl Spin {
    /// Splitting ω̃ = √(ω² + Δ²) between the energy eigenstates |±⟩, Eq. (14).
    pub fn splitting(&self) -> f64 {
        self.asymmetry.hypot(self.tunnelling)
    }

    /// cos θ with θ = atan2(Δ, ω): the part of σz that is diagonal in the energy basis, Eq. (16).
    pub fn cos_theta(&self) -> f64 {
        if self.splitting() == 0.0 { 1.0 } else { self.asymmetry / self.splitting() }
    }

    /// sin θ: the part of σz that flips the energy eigenstates, Eq. (16).
    pub fn sin_theta(&self) -> f64 {
        if self.splitting() == 0.0 { 0.0 } else { self.tunnelling / self.splitting() }
    }

    /// Probability of starting in |+⟩.
    pub fn initial_excited_probability(&self) -> f64 {
        match self.initial {
            SpinPreparation::Ground => 0.0,
            SpinPreparation::Excited => 1.0,
            SpinPreparation::Thermal => self.bath.map_or(0.0, |bath| bath.excited_probability()),
            SpinPreparation::Mixed { excited_probability } => excited_probability,
        }
    }
}
