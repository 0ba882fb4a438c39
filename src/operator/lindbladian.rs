//! Lindblad equations as data, and how operators move under them.

use num_complex::Complex64;

use super::{Operator, Space};

/// A jump operator √rate · L with its name.
#[derive(Debug, Clone, PartialEq)]
pub struct JumpOperator {
    /// Its name in files and tables.
    pub name: String,
    /// Its rate (1/time), at least 0.
    pub rate: f64,
    /// L, without the root of the rate.
    pub operator: Operator,
}

/// ρ̇ = 𝓛ρ = −i[H, ρ] + Σ rate (LρL† − ½{L†L, ρ}), ħ = 1.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lindbladian {
    /// The parts that the operators act on.
    pub space: Space,
    /// H, Hermitian.
    pub hamiltonian: Operator,
    /// The jump operators, in the order of the result files.
    pub jumps: Vec<JumpOperator>,
}

impl Lindbladian {
    /// Jump operators that happen.
    pub fn active(&self) -> impl Iterator<Item = &JumpOperator> {
        self.jumps.iter().filter(|jump| jump.rate > 0.0)
    }

    /// Γ = Σ rate L†L: ⟨Γ⟩ is how many jumps there are per unit time.
    pub fn decay(&self) -> Operator {
        self.active().map(|jump| jump.rate * (jump.operator.adjoint() * &jump.operator)).sum()
    }

    /// The effective Hamiltonian H − iΓ/2, by which kets move between jumps.
    pub fn effective_hamiltonian(&self) -> Operator {
        &self.hamiltonian - Complex64::new(0.0, 0.5) * self.decay()
    }

    /// Σ rate L†OL: ⟨O⟩ after a jump, times its rate, summed over the jumps.
    pub fn after_jumps(&self, operator: &Operator) -> Operator {
        let after = |l: &Operator| l.adjoint() * operator * l;
        self.active().map(|jump| jump.rate * after(&jump.operator)).sum()
    }

    /// 𝓛†O = i[H, O] + Σ rate (L†OL − ½{L†L, O}): d⟨O⟩/dt = ⟨𝓛†O⟩.
    pub fn adjoint(&self, operator: &Operator) -> Operator {
        let turned = Complex64::I * self.hamiltonian.commutator(operator);
        // ½(L†[O, L] + [L†, O]L), whose terms cancel before they are added up: no degree higher than need be.
        let jumped = |l: &Operator| {
            let raise = l.adjoint();
            &raise * operator.commutator(l) + raise.commutator(operator) * l
        };
        let jumps: Operator = self.active().map(|jump| 0.5 * jump.rate * jumped(&jump.operator)).sum();
        turned + jumps
    }
}
