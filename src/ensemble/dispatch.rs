//! Where blocks are handed out and taken in again, by threads of this process and on behalf of others.

use serde::{Deserialize, Serialize};

use super::Watcher;
use super::retained::Retained;
use super::scheduler::{Offer, Scheduler};
use super::stopping::Stopped;
use super::sums::{Ledger, Sums};
use super::tree::Tree;
use crate::Error;

/// Why there are no sums of a block.
#[derive(Debug)]
pub enum Failure {
    /// A hard cutoff clipped one of its trajectories.
    Clipped(Clipping),
    /// Anything else.
    Other(Error),
}

/// A trajectory that a hard cutoff clips by more than is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Clipping {
    /// Its number.
    pub trajectory: u64,
    /// The population that was clipped.
    pub population: f64,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Hands out blocks and takes in what came of them: the run itself, or a line to it from another process.
pub trait Dispatch: Sync {
    /// The next block; waits for one; `None` when no more will come.
    fn claim(&self) -> Option<u64>;

    /// Takes in what came of a block that was claimed here.
    fn bring(&self, block: u64, outcome: Result<Sums, Failure>);

    /// A block that was claimed here will never come: nobody need wait for it.
    fn abandon(&self);

    /// Whether blocks in hand should be dropped at once.
    fn gives_up(&self) -> bool;
}

/// The dispatch of the run itself, which others may ask for a block without waiting for it.
pub trait RootDispatch: Dispatch {
    /// What there is now.
    fn offer(&self) -> Offer;
}

/// Other processes that run blocks of the same run.
pub trait Processes: Sync {
    /// Hands out blocks to them and brings what they made of them, until there are no more and none is in their hands.
    fn serve(&self, dispatch: &dyn RootDispatch);
}

/// The dispatch of blocks by the process that holds the run together.
pub struct RunDispatch<'a, T, L> {
    /// Which block comes next, and what is done.
    pub scheduler: &'a Scheduler<T, Failure>,
    /// Where the next horizon is, or why there is none.
    pub look: L,
    /// Where finished blocks go before they count.
    pub ledger: Option<&'a dyn Ledger>,
    /// Who may stop the run.
    pub watcher: &'a dyn Watcher,
}

impl<T, L> Dispatch for RunDispatch<'_, T, L>
where
    T: Retained,
    L: Fn(u64, &Tree<T>) -> Result<u64, Stopped> + Sync,
{
    fn claim(&self) -> Option<u64> {
        self.scheduler.claim(|| self.watcher.stop())
    }

    fn bring(&self, block: u64, outcome: Result<Sums, Failure>) {
        let stored = outcome.and_then(|sums| {
            self.ledger.map_or(Ok(()), |ledger| ledger.keep(block, &sums))?;
            Ok(sums)
        });
        match stored {
            Ok(sums) => {
                self.watcher.finished(sums.tally.trajectories);
                self.scheduler.finish(block, sums.into(), &self.look);
            }
            Err(failure) => self.scheduler.fail(block, failure),
        }
    }

    fn abandon(&self) {
        self.scheduler.give_up();
    }

    fn gives_up(&self) -> bool {
        self.watcher.give_up()
    }
}

impl<T, L> RootDispatch for RunDispatch<'_, T, L>
where
    T: Retained,
    L: Fn(u64, &Tree<T>) -> Result<u64, Stopped> + Sync,
{
    fn offer(&self) -> Offer {
        self.scheduler.offer(|| self.watcher.stop())
    }
}
