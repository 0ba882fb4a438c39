//! What is kept of finished blocks: their sums, or every block by itself.

use super::Tally;
use super::sums::Sums;
use super::tree::Merge;

/// What is kept of finished blocks.
pub trait Retained: Merge + Clone + From<Sums> + Send {
    /// The sums over all of them, where that is what is kept.
    fn into_sums(self) -> Option<Sums>;
}

impl Retained for Sums {
    fn into_sums(self) -> Option<Sums> {
        Some(self)
    }
}

/// The blocks one by one, in order.
#[derive(Clone)]
pub struct Singles(pub Vec<Tally>);

impl From<Sums> for Singles {
    fn from(sums: Sums) -> Self {
        Self(vec![sums.tally])
    }
}

impl Merge for Singles {
    fn merge(&mut self, right: Self) {
        self.0.extend(right.0);
    }
}

impl Retained for Singles {
    fn into_sums(self) -> Option<Sums> {
        None
    }
}
