//! Who listens to a trajectory.

use crate::hilbert::Ket;

/// Receives what happens along a trajectory, in the order of time.
pub trait Recorder {
    /// The ket at output time number `index`; its norm is not 1 in general.
    fn output(&mut self, index: usize, ket: &Ket);

    /// A jump of channel `channel` at `time`.
    fn jump(&mut self, time: f64, channel: usize) {
        let _ = (time, channel);
    }
}
