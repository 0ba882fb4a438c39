//! Every model as a Lindblad equation made of operators.

use super::{BornMarkov, Form, Model, OscillatorSpins, Spin};
use crate::operator::{JumpOperator, Lindbladian, Mode, Operator, Parity, Qubit, Space};

/// The parts that a model's operators act on.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// All of them in order: the oscillator `a`, then `spin_0`, `spin_1`, …
    pub space: Space,
    /// The oscillator.
    pub oscillator: Mode,
    /// The spins in their energy eigenstates |±⟩: up is |+⟩.
    pub spins: Vec<Qubit>,
}

impl Model {
    /// Its parts.
    pub fn parts(&self) -> Parts {
        let mut space = Space::new();
        let oscillator = space.mode("a");
        let spins = (0..self.spins().len()).map(|i| space.qubit(&format!("spin_{i}"))).collect();
        Parts { space, oscillator, spins }
    }

    /// Its Lindblad equation; `None` for Eq. (23) as it stands, which is not of Lindblad form.
    pub fn lindbladian(&self) -> Option<Lindbladian> {
        let parts = self.parts();
        let a = parts.oscillator;
        let (hamiltonian, jumps) = match self {
            Self::OscillatorSpins(model) => (model.hamiltonian(&parts), model.jumps(&parts)),
            Self::Adiabatic(model) => {
                (model.frequency * a.number(), vec![named("position".into(), 2.0 * model.diffusion, a.x())])
            }
            Self::BornMarkov(model) => (model.hamiltonian(a), model.jumps(a)?),
        };
        Some(Lindbladian { space: parts.space, hamiltonian, jumps })
    }

    /// Whether H conserves (−1)^N Πτz and every jump keeps or reverses it (the paper's Sec. III). A model with spins does where no
    /// asymmetry couples to X; Eq. (23) in its bare form has no jump operators, and this is `false`.
    pub fn conserves_parity(&self) -> bool {
        self.lindbladian().is_some_and(|equation| equation.conserves(&Parity::of_all(&equation.space)))
    }
}

impl OscillatorSpins {
    /// H of Eq. (1)–(4) and (29), zero of energy without ½Ω₀.
    pub fn hamiltonian(&self, Parts { oscillator: a, spins, .. }: &Parts) -> Operator {
        let own = self.spins.iter().zip(spins).map(|(spin, q)| 0.5 * spin.splitting() * q.z()).sum::<Operator>();
        self.frequency * a.number() + own + a.x() * self.coupling(spins)
    }

    /// S = Σ gᵢ (cos θᵢ τzᵢ + sin θᵢ τxᵢ), what X couples to.
    pub fn coupling(&self, spins: &[Qubit]) -> Operator {
        let of = |(spin, q): (&Spin, &Qubit)| spin.coupling * (spin.cos_theta() * q.z() + spin.sin_theta() * q.x());
        self.spins.iter().zip(spins).map(of).sum()
    }

    /// The jump operators of Eq. (35) for every spin, and those of the oscillator by itself: its bath's, and √κφ N.
    fn jumps(&self, Parts { oscillator: a, spins, .. }: &Parts) -> Vec<JumpOperator> {
        let mut jumps = Vec::new();
        for (i, (spin, q)) in self.spins.iter().zip(spins).enumerate() {
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
        if self.oscillator_dephasing > 0.0 {
            jumps.push(named("oscillator_dephasing".into(), self.oscillator_dephasing, a.number()));
        }
        jumps
    }
}

impl BornMarkov {
    /// The Hamiltonian part of Eq. (23) in its form.
    fn hamiltonian(&self, a: Mode) -> Operator {
        let form = self.quadratic_form();
        let squeezing = form.squeezing * (a.lower() * a.lower());
        form.energy * a.number() + (&squeezing + squeezing.adjoint())
    }

    /// The jump operators of its completed or secular form; `None` in its bare one.
    fn jumps(&self, a: Mode) -> Option<Vec<JumpOperator>> {
        match self.form {
            Form::Bare => None,
            Form::Completed => {
                let [lower, raise] = self.completed_channel();
                Some(vec![named("completed".into(), 1.0, lower * a.lower() + raise * a.raise())])
            }
            Form::Secular => {
                let [down, up] = self.secular_rates();
                Some(vec![named("down".into(), down, a.lower()), named("up".into(), up, a.raise())])
            }
        }
    }
}

fn named(name: String, rate: f64, operator: Operator) -> JumpOperator {
    JumpOperator { name, rate, operator }
}
