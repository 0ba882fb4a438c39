//! What is kept of blocks: the tally, and the counts of the times between jumps where they were asked for.

use serde::{Deserialize, Serialize};

use super::correlations::{Grid, Groups};
use super::tree::{Merge, Node};
use super::{BlockRecords, Layout, Tally};
use crate::Result;

/// All that a result needs of any number of blocks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// Moments, co-moments and diagnostics.
    pub tally: Tally,
    /// Times between jumps.
    pub groups: Option<Groups>,
}

impl Merge for Sums {
    fn merge(&mut self, right: Self) {
        self.tally.merge(right.tally);
        match (&mut self.groups, right.groups) {
            (Some(groups), Some(more)) => groups.add(more),
            (None, more) => self.groups = more,
            (Some(_), None) => {}
        }
    }
}

/// The shape that all sums of one run have.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    /// Where the quantities lie in the records.
    pub layout: Layout,
    /// Whether there are control variates.
    pub controlled: bool,
    /// The times between jumps that are counted, and the end of the run.
    pub grid: Option<(&'a Grid, f64)>,
}

impl Sums {
    /// Whether these can be merged with others at all: those read from a file might not.
    pub fn is_sound(&self) -> bool {
        let Tally { records, corrected, fock, .. } = &self.tally;
        [records, corrected, fock].iter().all(|moments| moments.mean().len() == moments.squares().len())
    }

    /// Whether these are sums of a run with this shape.
    pub fn fit(&self, shape: &Shape) -> bool {
        let Self { tally, groups } = self;
        let records = &tally.records;
        let moments = records.count() == 0 || records.mean().len() == shape.layout.len();
        let length = if shape.controlled { shape.layout.drift() + 1 } else { 0 };
        let corrected = tally.corrected.count() == if shape.controlled { records.count() } else { 0 }
            && (records.count() == 0 || tally.corrected.mean().len() == length);
        let study = tally.study.as_ref().is_some_and(|study| study.fit(&shape.layout)) || records.count() == 0;
        let groups = match (groups, shape.grid) {
            (None, None) => true,
            (Some(groups), Some((grid, end))) => groups.fit(grid, end),
            _ => false,
        };
        self.is_sound() && tally.clipped_at.is_none() && moments && corrected && study && groups
    }
}

/// A node of the tree with its sums.
pub type Stored = (Node, Sums);

/// Where finished blocks go that are to outlive the process.
pub trait Ledger: Sync {
    /// Takes block `block` in. It is durable when [`Ledger::settle`] has returned, or earlier.
    ///
    /// # Errors
    /// When blocks can no longer be stored; the run then ends with this error.
    fn keep(&self, block: u64, sums: &Sums) -> Result<()>;

    /// Whether records of single trajectories are to be kept with the blocks, and if so, with jumps.
    fn wants_records(&self) -> Option<bool> {
        None
    }

    /// Takes in the records of block `block`, before its sums; they become durable with them.
    ///
    /// # Errors
    /// As [`Ledger::keep`].
    fn keep_records(&self, _block: u64, _records: BlockRecords) -> Result<()> {
        Ok(())
    }

    /// Returns when all blocks that were taken in are durable. Nothing is concluded from blocks before that.
    ///
    /// # Errors
    /// When that is impossible.
    fn settle(&self) -> Result<()>;
}
