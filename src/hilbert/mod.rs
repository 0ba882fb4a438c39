//! Fock window ⊗ spin register: which amplitudes a ket holds, where they lie in memory, and initial kets.

mod cells;
mod cutoff;
mod ket;
pub mod lanes;
mod pieces;
mod product;
mod window;

pub use cells::Cells;
pub use cutoff::Cutoff;
pub use ket::{Ket, PAD, norm_squared};
pub use pieces::in_pieces;
pub use product::{OscillatorAmplitudes, product_ket};
pub use window::{LANES, Window};
