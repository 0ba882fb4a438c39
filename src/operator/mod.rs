//! Operators and Lindblad equations as data: what a system is, before any ket.
//!
//! A [`Space`] names the parts of a system: modes, qubits, parts with levels. An [`Operator`] is a sum of products of one
//! [`Factor`] per part, c · Π factor, closed under sums, products, adjoints and commutators; on modes in normal order a†^p F(N) a^q. A [`Lindbladian`]
//! is a Hamiltonian with jump operators. From these follow the effective Hamiltonian, the motion 𝓛†O of every operator, the
//! parities that are conserved, and the part of a mode's motion that is linear. ħ = 1.
//!
//! Two levels that exchange quanta with a lossy resonator, and how fast these are lost:
//!
//! ```
//! use fluctuator::operator::{JumpOperator, Lindbladian, Space};
//!
//! let mut space = Space::new();
//! let (a, q) = (space.mode("a"), space.qubit("q"));
//! let exchange = a.raise() * q.lower();
//! let hamiltonian = 0.3 * (&exchange + exchange.adjoint());
//! let loss = JumpOperator { name: "loss".into(), rate: 0.5, operator: a.lower() };
//! let equation = Lindbladian { space, hamiltonian, jumps: vec![loss] };
//!
//! let motion = equation.adjoint(&(a.number() + q.up()));
//! assert_eq!(motion.named(&equation.space).to_string(), "-0.5*a'*a");
//! assert_eq!(equation.conserved_parities().len(), 1); // (−1)^{N + up}
//! ```

mod band;
mod conserved;
mod display;
mod elements;
mod factor;
mod lindbladian;
mod linear;
mod named;
mod space;
mod sum;
mod word;

pub use band::{Band, Function, Shape};
pub use conserved::Parity;
pub use display::Named;
pub use factor::{Factor, Pauli};
pub use lindbladian::{JumpOperator, Lindbladian};
pub use linear::LinearMotion;
pub use space::{Kind, Levels, Mode, Qubit, Space};
pub use sum::Operator;
pub use word::Word;
