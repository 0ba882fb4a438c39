//! The spins that kernels are measured with.

use fluctuator::model::{OscillatorSpins, Spin, SpinBath, SpinPreparation};

/// An oscillator with spins without asymmetry, each with a splitting and a bath of its own.
pub fn bathed(spins: usize) -> OscillatorSpins {
    let spin = |i: usize| Spin {
        asymmetry: 0.0,
        tunnelling: 1.0 + 0.1 * i as f64,
        coupling: 0.1,
        initial: SpinPreparation::Ground,
        bath: Some(SpinBath { gamma: 1.0, nbar: 0.1 }),
        dephasing: 0.0,
    };
    OscillatorSpins::new(1.0, (0..spins).map(spin).collect())
}
