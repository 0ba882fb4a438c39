//! The bath that was traced out in Sec. II: its spectral density and what the Born–Markov equation (23) keeps of it.

mod coefficients;
mod density;
mod kernels;
mod ohmic;
mod quadrature;
mod spins;
mod statistics;
mod surrogate;
mod table;
mod traced;

pub use coefficients::{BathCoefficients, Coefficients, Value};
pub use density::SpectralDensity;
pub use kernels::Kernels;
pub use spins::{BathSpin, SpinList, StaticPart};
pub use statistics::BathKind;
pub use table::Table;
pub use traced::Bath;
