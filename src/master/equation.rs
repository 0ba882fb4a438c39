//! The equation of motion of ρ as left and right factors: dρ/dt = Gρ + ρG† + Σ AρB†.

use num_complex::Complex64;

use super::sparse::{Operators, Sparse};
use crate::bath::Coefficients;
use crate::model::{BornMarkov, Form, Model};

/// A generator that keeps ρ Hermitian: with every AρB† stands BρA†.
#[derive(Debug, Clone)]
pub struct Equation {
    /// G: −iH_eff for an equation of Lindblad form.
    pub effective: Sparse,
    /// The pairs (A, B).
    pub sandwiches: Vec<(Sparse, Sparse)>,
}

impl Equation {
    /// The equation of a model.
    pub fn of(model: &Model, operators: &Operators) -> Self {
        match model {
            Model::BornMarkov(model) => born_markov(model, operators),
            Model::OscillatorSpins(_) | Model::Adiabatic(_) => {
                Self::lindblad(&operators.hamiltonian(), operators.jumps(model))
            }
        }
    }

    /// −i[H, ρ] + Σ (LρL† − ½{L†L, ρ}).
    fn lindblad(hamiltonian: &Sparse, jumps: Vec<Sparse>) -> Self {
        let mut effective = hamiltonian.times(-Complex64::I);
        for jump in &jumps {
            effective = effective.plus((-0.5).into(), &jump.adjoint().product(jump));
        }
        Self { effective, sandwiches: jumps.into_iter().map(|jump| (jump.clone(), jump)).collect() }
    }
}

/// Eq. (23) written out with X and P, or its completed or secular form.
fn born_markov(model: &BornMarkov, operators: &Operators) -> Equation {
    let Coefficients { gamma, diffusion, anomalous, frequency_shift_squared } = model.coefficients;
    let (x, p) = (operators.position(), operators.momentum());
    let free = operators.number().times(model.frequency.into());
    let shift = 0.5 * model.mass * frequency_shift_squared;
    let hamiltonian = free.plus(shift.into(), &operators.quadrature_squared(1.0));
    match model.form {
        // [X,{P,ρ}] = XPρ + XρP − PρX − ρPX, [X,[P,ρ]] = XPρ − XρP − PρX + ρPX, [X,[X,ρ]] = X²ρ − 2XρX + ρX².
        Form::Bare => {
            let effective = hamiltonian
                .times(-Complex64::I)
                .plus(Complex64::new(-anomalous, -gamma), &operators.position_momentum())
                .plus((-diffusion).into(), &operators.quadrature_squared(1.0));
            let mixed = |sign: f64| x.times(Complex64::new(anomalous, sign * gamma));
            let sandwiches =
                vec![(x.times((2.0 * diffusion).into()), x.clone()), (mixed(-1.0), p.clone()), (p, mixed(-1.0))];
            Equation { effective, sandwiches }
        }
        Form::Completed => {
            let strength = (2.0 * diffusion).sqrt();
            let xp = x.product(&p);
            let drag = xp.clone().plus(Complex64::ONE, &xp.adjoint()).times((0.5 * gamma).into());
            let momentum = if strength > 0.0 { Complex64::new(anomalous, gamma) / strength } else { Complex64::ZERO };
            let jump = x.times(strength.into()).plus(momentum, &p);
            Equation::lindblad(&hamiltonian.plus(Complex64::ONE, &drag), vec![jump])
        }
        Form::Secular => {
            let [down, up] = model.secular_rates().map(|rate| Complex64::from(rate.sqrt()));
            let jumps = vec![operators.lowering().times(down), operators.lowering().adjoint().times(up)];
            Equation::lindblad(&operators.number().times(model.secular_frequency().into()), jumps)
        }
    }
}
