//! Quantum trajectories of a harmonic oscillator coupled to two-level systems (TLS, "fluctuators").
//!
//! The systems are those of Schlosshauer, Hines and Milburn, arXiv:0712.2608. Equation numbers in this documentation are
//! theirs; ħ = k_B = 1, X = a + a†, P = −i(a − a†), N = a†a. With |±⟩ᵢ the energy eigenstates of spin i, τz and τx the
//! Pauli operators in that basis, ω̃ᵢ = √(ωᵢ² + Δᵢ²) and θᵢ = atan2(Δᵢ, ωᵢ),
//!
//! ```text
//! H = Ω₀ a†a + Σᵢ (ω̃ᵢ/2) τzᵢ + X Σᵢ gᵢ (cos θᵢ τzᵢ + sin θᵢ τxᵢ)                  (1)–(4), (29)
//! dρ/dt = −i[H, ρ] + Σ_m (L_m ρ L_m† − ½{L_m†L_m, ρ})                               (35)
//! L_m: √(γᵢ(n̄ᵢ+1)) |−⟩⟨+|ᵢ, √(γᵢn̄ᵢ) |+⟩⟨−|ᵢ, √(γφᵢ/2) τzᵢ, √(κ(n̄ₒ+1)) a, √(κn̄ₒ) a†
//! ```
//!
//! or the adiabatic limit `dρ/dt = −iΩ₀[N, ρ] − Γ[X,[X, ρ]]` (40), or the Born–Markov equation (23) of Sec. II
//! ([`model::BornMarkov`], there with X = (a + a†)/√(2MΩ₀)), whose trajectories carry weights where it is not of Lindblad form. Instead of ρ the engine evolves kets: between jumps
//! dψ/dt = −iH_eff ψ with H_eff = H − (i/2) Σ L†L; the next jump falls where ‖ψ‖² has sunk to a uniform random number,
//! and takes channel m with probability ∝ ‖L_m ψ‖² (Dalibard, Castin and Mølmer, PRL 68, 580 (1992); Dum, Zoller and
//! Ritsch, PRA 45, 4879 (1992); Carmichael 1993). The mean over trajectories of ⟨ψ|O|ψ⟩/⟨ψ|ψ⟩ is tr(Oρ); control variates
//! made of compensated jumps ([`unravelling::Martingales`]) take most of its statistical error away.
//!
//! # The map
//!
//! | module | what it holds |
//! |---|---|
//! | [`bath`] | spectral densities of Sec. II and the coefficients of the Born–Markov equation (23) |
//! | [`operator`] | operators and Lindblad equations as data: 𝓛†O, conserved parities, linear motion |
//! | [`model`] | what is simulated, as parameters and closed forms, and as a Lindblad equation |
//! | [`hilbert`] | the active Fock window ⊗ spin register, kets, initial states |
//! | [`system`] | the model as operators on kets: H_eff, jump channels, observables |
//! | [`propagate`] | evolution between jumps with dense output, the window that follows the ket |
//! | [`unravelling`] | waiting time, jump, one trajectory, the trunk they share, its martingales |
//! | [`master`] | the density matrix of the same experiment, by an independent propagator |
//! | [`ensemble`] | random streams, blocks, mergeable moments, control variates, the parallel run and where it stops |
//! | [`analysis`] | estimates with their errors, the summary, agreement, coverage, convergence |
//! | [`io`] | run file, result files, pictures, stored blocks, talk between MPI ranks |
//! | [`cli`] | the `fluctuator` program |
//!
//! **Import rule** (checked by a test): a module imports only what stands to its right in
//! `cli → io → analysis → ensemble → unravelling | master → propagate → system → hilbert → model → operator → bath → error`;
//! `unravelling` and `master` never import each other.
//!
//! # Example
//!
//! Eq. (35) at γ = 10, n̄ = 1: 1024 trajectories against the density matrix.
//!
//! ```
//! use fluctuator::analysis::trajectory_point;
//! use fluctuator::ensemble::{self, Estimator, Plan, Sampling};
//! use fluctuator::io::run_file::RunFile;
//! use fluctuator::master::{self, Limits};
//!
//! # fn main() -> fluctuator::Result<()> {
//! let text = r#"
//!     version = 1
//!     [model]
//!     kind = "oscillator-spins"
//!     frequency = 1.0
//!     spins = [{ tunnelling = 2.0, coupling = 1.0, bath = { gamma = 10.0, nbar = 1.0 } }]
//!     [time]
//!     end = 1.0
//!     points = 5
//! "#;
//! let point = &RunFile::parse(text, "example", &[])?.points[0];
//! let plan = Plan {
//!     trajectories: 1024,
//!     seed: 1,
//!     block: 32,
//!     threads: 2,
//!     estimator: Estimator::controlled(1024),
//!     sampling: Sampling::Direct,
//! };
//! let ensemble = ensemble::run(&point.experiment, &point.tolerances, &plan, &())?.expect("nobody stops it");
//! let exact = master::solve(&point.experiment, &Limits::default(), |_| true)?.expect("nobody stops it");
//!
//! let found = trajectory_point(&point.experiment, &ensemble, Default::default());
//! let number = &found.observables["number"]; // ⟨N⟩(t), corrected by control variates
//! let (mean, error) = (number.mean[4], number.standard_error.as_ref().expect("sampled")[4]);
//! assert!((mean - exact.observables[0][4]).abs() < 5.0 * error);
//! assert!(error < 0.1 * number.plain_standard_error.as_ref().expect("sampled")[4]);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

pub mod analysis;
pub mod bath;
pub mod cli;
pub mod ensemble;
pub mod error;
pub mod hilbert;
pub mod io;
pub mod master;
pub mod model;
pub mod operator;
pub mod propagate;
pub mod system;
pub mod unravelling;

pub use error::{Error, Result};
