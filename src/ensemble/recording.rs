//! What a run keeps of single trajectories.

use super::correlations::Grid;
use super::records::RecordSink;

/// What is kept of single trajectories, beside the tally.
#[derive(Default)]
pub struct Recording<'a> {
    /// Where records go.
    pub sink: Option<&'a mut dyn RecordSink>,
    /// What is counted of the times between jumps.
    pub correlations: Option<&'a Grid>,
}

impl Recording<'_> {
    /// Whether the runner has to keep records at all, and with them the jumps.
    pub(super) fn wants(&self) -> Option<bool> {
        let jumps = self.correlations.is_some() || self.sink.as_ref().is_some_and(|sink| sink.wants_jumps());
        (jumps || self.sink.is_some()).then_some(jumps)
    }
}
