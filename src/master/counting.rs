//! Mean numbers of jumps: ∫ tr(L†L ρ) dt of every channel, carried along with ρ as further entries of its vector.

use num_complex::Complex64;

use super::lindbladian::Lindbladian;
use super::sparse::{Operators, Sparse};
use crate::system::{Channel, Jump, OscillatorJump};

/// The integrals behind the entries of ρ, each in units of its rate times the duration, so that none is much larger than ρ.
pub struct Counting {
    /// Where ρ ends and the integrals begin.
    first: usize,
    /// Per channel the non-zero coefficients of d/dt of its integral, by place in the vector of ρ.
    coefficients: Vec<Vec<(usize, f64)>>,
    /// What one unit of each integral stands for.
    units: Vec<f64>,
}

impl Counting {
    /// For `channels` over a run of length `end`; `None` where a channel has no operator of its own.
    pub fn new(channels: &[Channel], operators: &Operators, lindbladian: &Lindbladian, end: f64) -> Option<Self> {
        let mut coefficients = Vec::new();
        for channel in channels {
            let square = operators.jump_squared(channel.jump)?;
            coefficients.push(match channel.rate > 0.0 {
                true => functional(lindbladian, &square.times((1.0 / end).into())),
                false => Vec::new(),
            });
        }
        let units = channels.iter().map(|channel| channel.rate * end).collect();
        Some(Self { first: lindbladian.dimension(), coefficients, units })
    }

    /// Number of integrals.
    pub fn len(&self) -> usize {
        self.units.len()
    }

    /// Fills in the derivatives of the integrals.
    pub fn apply(&self, from: &[f64], to: &mut [f64]) {
        for (out, coefficients) in to[self.first..].iter_mut().zip(&self.coefficients) {
            *out = coefficients.iter().map(|(place, value)| value * from[*place]).sum();
        }
    }

    /// Mean numbers of jumps so far.
    pub fn numbers<'a>(&'a self, vector: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        vector[self.first..].iter().zip(&self.units).map(|(integral, unit)| integral * unit)
    }
}

/// tr(Oρ) as the non-zero coefficients of the real vector of ρ.
fn functional(lindbladian: &Lindbladian, operator: &Sparse) -> Vec<(usize, f64)> {
    let dense = lindbladian.functional(operator);
    dense.into_iter().enumerate().filter(|(_, value)| *value != 0.0).collect()
}

impl Operators {
    /// J†J of a jump without its rate; `None` for channels that are made anew for every ket.
    fn jump_squared(&self, jump: Jump) -> Option<Sparse> {
        Some(match jump {
            Jump::SpinDown(spin) => self.on_spin(spin, &[(1, 1, 1.0)]),
            Jump::SpinUp(spin) => self.on_spin(spin, &[(0, 0, 1.0)]),
            Jump::Dephase(_) => Sparse::identity(self.lowering().dimension()),
            // |u|²N + |v|²(N + 1) + u*v a†² + v*u a², not cut at the highest level.
            Jump::Oscillator(OscillatorJump::Linear { lower, raise }) => {
                let (a, up) = (self.lowering(), self.lowering().adjoint());
                let mixed: Complex64 = lower.conj() * raise;
                self.number()
                    .times((lower.norm_sqr() + raise.norm_sqr()).into())
                    .plus(raise.norm_sqr().into(), &Sparse::identity(a.dimension()))
                    .plus(mixed, &up.product(&up))
                    .plus(mixed.conj(), &a.product(a))
            }
            Jump::Oscillator(OscillatorJump::Powers { raise, lower }) => {
                let (a, up) = (self.lowering(), self.lowering().adjoint());
                let power = |factor: &Sparse, power: u32, of: Sparse| (0..power).fold(of, |of, _| factor.product(&of));
                let jump = power(&up, raise, power(a, lower, Sparse::identity(a.dimension())));
                jump.adjoint().product(&jump)
            }
            Jump::Positive | Jump::Negative => return None,
        })
    }
}
