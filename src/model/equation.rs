//! Every model as a Lindblad equation made of operators.

use super::{Adiabatic, BornMarkov, Form, Model, OscillatorSpins};
use crate::operator::{JumpOperator, Lindbladian, Mode, Operator, Qubit, Space};

/// A model's Lindblad equation with the parts that its observables are of.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelEquation {
    /// The equation.
    pub lindbladian: Lindbladian,
    /// The oscillator, `a`.
    pub oscillator: Mode,
    /// The spins, `spin_0`, `spin_1`, …, in their energy eigenstates |±⟩: up is |+⟩.
    pub spins: Vec<Qubit>,
}

impl Model {
    /// The Lindblad equation of this model; `None` for Eq. (23) as it stands, which is not of
    /// Lindblad form.
    pub fn equation(&self) -> Option<ModelEquation> {
        match self {
            Self::OscillatorSpins(model) => Some(model.equation()),
            Self::Adiabatic(model) => Some(model.equation()),
            Self::BornMarkov(model) => model.equation(),
        }
    }
}

impl OscillatorSpins {
    /// Eq. (35) with any number of spins, and the oscillator's own bath.
    pub fn equation(&self) -> ModelEquation {
        let mut space = Space::new();
        let a = space.mode("a");
        let spins: Vec<_> = (0..self.spins.len()).map(|i| space.qubit(&format!("spin_{i}"))).collect();
        let mut hamiltonian = vec![self.frequency * a.number()];
        let mut jumps = Vec::new();
        for (i, (spin, q)) in self.spins.iter().zip(&spins).enumerate() {
            let coupled = spin.cos_theta() * q.z() + spin.sin_theta() * q.x();
            hamiltonian.extend([0.5 * spin.splitting() * q.z(), spin.coupling * (a.x() * coupled)]);
            let mut jump = |kind: &str, rate, operator| jumps.push(named(format!("spin_{i}_{kind}"), rate, operator));
            if let Some(bath) = spin.bath {
                jump("down", bath.down(), q.lower());
                jump("up", bath.up(), q.raise());
            }
            if spin.dephasing > 0.0 {
                jump("dephasing", spin.dephasing / 2.0, q.z());
            }
        }
        if let Some(bath) = self.oscillator_bath {
            jumps.push(named("oscillator_loss".into(), bath.kappa * (bath.nbar + 1.0), a.lower()));
            jumps.push(named("oscillator_gain".into(), bath.kappa * bath.nbar, a.raise()));
        }
        let hamiltonian = hamiltonian.into_iter().sum();
        ModelEquation { lindbladian: Lindbladian { space, hamiltonian, jumps }, oscillator: a, spins }
    }
}

impl Adiabatic {
    /// Eq. (40).
    pub fn equation(&self) -> ModelEquation {
        let (space, a) = oscillator();
        let jumps = vec![named("position".into(), 2.0 * self.diffusion, a.x())];
        let hamiltonian = self.frequency * a.number();
        ModelEquation { lindbladian: Lindbladian { space, hamiltonian, jumps }, oscillator: a, spins: Vec::new() }
    }
}

impl BornMarkov {
    /// Eq. (23) in its completed or secular form; `None` in its bare one.
    pub fn equation(&self) -> Option<ModelEquation> {
        let (space, a) = oscillator();
        let jumps = match self.form {
            Form::Bare => return None,
            Form::Completed => {
                let [lower, raise] = self.completed_channel();
                vec![named("completed".into(), 1.0, lower * a.lower() + raise * a.raise())]
            }
            Form::Secular => {
                let [down, up] = self.secular_rates();
                vec![named("down".into(), down, a.lower()), named("up".into(), up, a.raise())]
            }
        };
        let form = self.quadratic_form();
        let squeezing: Operator = form.squeezing * (a.lower() * a.lower());
        let hamiltonian = form.energy * a.number() + (&squeezing + squeezing.adjoint());
        let lindbladian = Lindbladian { space, hamiltonian, jumps };
        Some(ModelEquation { lindbladian, oscillator: a, spins: Vec::new() })
    }
}

fn oscillator() -> (Space, Mode) {
    let mut space = Space::new();
    let a = space.mode("a");
    (space, a)
}

fn named(name: String, rate: f64, operator: Operator) -> JumpOperator {
    JumpOperator { name, rate, operator }
}
