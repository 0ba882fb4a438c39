//! The bath that was traced out in Sec. II: its spectral density and what the Born–Markov equation (23) keeps of it.

mod coefficients;

pub use coefficients::{BathCoefficients, Coefficients, Value};
