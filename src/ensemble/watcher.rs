//! Who watches a run and may end it.

use super::Ensemble;
use super::stopping::Stopped;

/// Who hears of progress, may find that the trajectories so far are enough, and may ask the run to stop.
pub trait Watcher: Sync {
    /// `trajectories` more are done.
    fn finished(&self, trajectories: u64);

    /// True when no further block should be begun; what comes before the first block is dropped then.
    fn stop(&self) -> bool;

    /// True when the blocks in hand should be dropped, too, in the middle of a trajectory.
    fn give_up(&self) -> bool {
        false
    }

    /// Why, once [`Watcher::stop`] has been true.
    fn reason(&self) -> Stopped {
        Stopped::Interrupted
    }

    /// The least number of trajectories that may be enough; `None`: never look, run them all.
    fn first_look(&self) -> Option<u64> {
        None
    }

    /// Whether these trajectories are enough. Asked at the prefixes of [`super::Ladder`] alone, with no block in hand; the answer
    /// must depend on nothing but `ensemble`, or the result would depend on more than the run file and the seed.
    fn enough(&self, _ensemble: &Ensemble) -> bool {
        false
    }
}

/// Nobody watches, nobody stops.
impl Watcher for () {
    fn finished(&self, _trajectories: u64) {}

    fn stop(&self) -> bool {
        false
    }
}
