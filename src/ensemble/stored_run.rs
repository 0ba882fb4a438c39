//! What is there of a run before it begins, whether it is of that run at all, and who helps.

use std::ops::Range;

use super::dispatch::Processes;
use super::range_set::RangeSet;
use super::stopping::Ladder;
use super::sums::{Ledger, Shape, Stored};
use super::{Plan, Tree};
use crate::{Error, Result};

/// What was stored of a run, and where what is run beside it goes.
#[derive(Default)]
pub struct StoredRun<'a> {
    /// Finished nodes of the run's tree, in any order, none of which shares a block with another.
    pub stored: Vec<Stored>,
    /// Where further blocks go.
    pub ledger: Option<&'a dyn Ledger>,
    /// The blocks to run, where others run the rest.
    pub shard: Option<Range<u64>>,
    /// Blocks of the shard that are stored together with blocks of others: they are not run either.
    pub elsewhere: RangeSet,
    /// Whether all that is there counts, when the run ends before it is complete, or only the blocks up to the first gap.
    pub scattered: bool,
    /// Other processes that run blocks of it, too.
    pub others: Option<&'a dyn Processes>,
}

/// Whether all nodes have the run's shape, whole blocks each, and fit between its looks.
pub fn check(stored: &[Stored], shape: &Shape, plan: &Plan, first_look: Option<u64>) -> Result<()> {
    let top = plan.trajectories.div_ceil(plan.block);
    let mut cuts = Ladder::rungs(first_look, plan.block);
    cuts.push(top);
    cuts.sort_unstable();
    let cut = Tree::<super::Sums>::with_cuts(cuts);
    let mut seen = RangeSet::default();
    for (node, sums) in stored {
        let (blocks, held) = (node.blocks(), sums.tally.trajectories);
        let range = blocks.start * plan.block..(blocks.end * plan.block).min(plan.trajectories);
        let about = |reason: &str| {
            Err(Error::Stored(format!("trajectories {}–{} {reason}", range.start, range.end.saturating_sub(1))))
        };
        if !node.is_sound() || blocks.start >= top || cut.is_cut(*node) {
            return about("are stored together with others that this run has to do without");
        }
        if held != range.end - range.start || !sums.fit(shape) {
            return about("are stored with sums that do not belong to this run");
        }
        if seen.missing(blocks.clone()).count() != blocks.end - blocks.start {
            return about("are stored twice");
        }
        seen.insert(blocks);
    }
    Ok(())
}
