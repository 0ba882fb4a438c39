//! The order of a run: which block comes next, what is done, and the pause at each look until the blocks in hand are in.

use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::range_set::RangeSet;
use super::stopping::Stopped;
use super::tree::{Merge, Node, Tree};

/// What there is for somebody who cannot wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// This block.
    Block(u64),
    /// Nothing before others have brought theirs.
    Later,
    /// Nothing any more.
    Over,
}

/// Shared by all threads of a run whose blocks yield `T` or fail with `F`.
pub struct Scheduler<T, F> {
    state: Mutex<State<T, F>>,
    /// Something happened that a waiting thread wants to know.
    changed: Condvar,
}

/// How far a run has come.
pub struct State<T, F> {
    /// What is done.
    pub tree: Tree<T>,
    /// What was done before the run and lies beyond the horizon, last node first.
    pub stored: Vec<(Node, T)>,
    /// Blocks that failed.
    pub failures: Vec<(u64, F)>,
    /// Why no further block will be begun, once that is decided.
    pub stopped: Option<Stopped>,
    /// Blocks that were done before the run.
    present: RangeSet,
    /// The next block to look for.
    next: u64,
    /// Blocks below the horizon that are not finished.
    missing: u64,
    /// No block from here on is begun before all earlier ones are finished and looked at.
    horizon: u64,
    /// A block was given up, or its thread panicked.
    abandoned: bool,
}

impl<T, F> State<T, F>
where
    T: Merge,
{
    /// Moves the horizon on; what was stored below it joins the tree.
    fn advance(&mut self, horizon: u64) {
        self.missing = self.present.missing(self.horizon..horizon).count();
        self.horizon = horizon;
        while let Some((node, value)) = self.stored.pop_if(|(node, _)| node.first < horizon) {
            self.tree.insert(node, value);
        }
    }

    /// The next block, unless all below the horizon are in other hands.
    fn offer(&mut self, stop: impl Fn() -> bool) -> Offer {
        if self.stopped.is_some() || self.abandoned || !self.failures.is_empty() || stop() {
            return Offer::Over;
        }
        self.next = self.present.first_gap(self.next);
        if self.next >= self.horizon {
            return Offer::Later;
        }
        self.next += 1;
        Offer::Block(self.next - 1)
    }

    /// Looks, as long as all below the horizon is done.
    fn look(&mut self, mut look: impl FnMut(u64, &Tree<T>) -> Result<u64, Stopped>) {
        while self.missing == 0 && self.stopped.is_none() {
            match look(self.horizon, &self.tree) {
                Ok(horizon) => self.advance(horizon),
                Err(stopped) => self.stopped = Some(stopped),
            }
        }
    }
}

impl<T: Merge, F> Scheduler<T, F> {
    /// A run of the blocks from `blocks.start` on whose first look comes at `blocks.end`. The nodes in `stored` are done
    /// already; no two of them share a block, and none reaches across a later look. The blocks `elsewhere` are neither run nor
    /// wanted.
    pub fn new(blocks: Range<u64>, mut stored: Vec<(Node, T)>, elsewhere: &RangeSet) -> Self {
        stored.retain(|(node, _)| node.first >= blocks.start);
        let mut present: RangeSet = stored.iter().map(|(node, _)| node.blocks()).collect();
        elsewhere.ranges().iter().cloned().for_each(|range| present.insert(range));
        stored.sort_by_key(|(node, _)| std::cmp::Reverse(*node));
        let mut state = State {
            tree: Tree::new(),
            present,
            stored,
            failures: Vec::new(),
            stopped: None,
            next: blocks.start,
            missing: 0,
            horizon: blocks.start,
            abandoned: false,
        };
        state.advance(blocks.end);
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Looks at what was done before the run, as far as that goes; true when something is left to be done.
    pub fn begin(&self, look: impl FnMut(u64, &Tree<T>) -> Result<u64, Stopped>) -> bool {
        let mut state = self.lock();
        state.look(look);
        state.stopped.is_none()
    }

    /// The next block; waits at the horizon; `None` when the run is over, has failed or was told to `stop`.
    pub fn claim(&self, stop: impl Fn() -> bool) -> Option<u64> {
        let mut state = self.lock();
        loop {
            match state.offer(&stop) {
                Offer::Block(block) => return Some(block),
                Offer::Over => return None,
                // Whoever finishes the last block below the horizon wakes us.
                Offer::Later => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// The same for those who cannot wait.
    pub fn offer(&self, stop: impl Fn() -> bool) -> Offer {
        self.lock().offer(stop)
    }

    /// `block` is done. When it was the last below the horizon, `look` says where the next horizon is, or why there is none.
    pub fn finish(&self, block: u64, value: T, look: impl FnMut(u64, &Tree<T>) -> Result<u64, Stopped>) {
        let mut state = self.lock();
        state.tree.insert(Node::block(block), value);
        state.missing -= 1;
        if state.missing == 0 {
            state.look(look);
            self.changed.notify_all();
        }
    }

    /// A block was given up: nobody need wait for it.
    pub fn give_up(&self) {
        self.lock().abandoned = true;
        self.changed.notify_all();
    }

    /// `block` failed: no further one is begun.
    pub fn fail(&self, block: u64, failure: F) {
        self.lock().failures.push((block, failure));
        self.changed.notify_all();
    }

    /// What has become of the run.
    pub fn into_state(self) -> State<T, F> {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// A poisoned lock means that another thread panicked; the panic itself is passed on by the pool.
    fn lock(&self) -> MutexGuard<'_, State<T, F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Merge for u64 {
        fn merge(&mut self, right: Self) {
            *self += right;
        }
    }

    #[test]
    fn nobody_passes_the_horizon_before_the_look() {
        let scheduler = Scheduler::<u64, ()>::new(0..2, Vec::new(), &RangeSet::default());
        let claim = || scheduler.claim(|| false);
        assert_eq!([claim(), claim()], [Some(0), Some(1)]);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(claim);
            let look = |_: u64, _: &Tree<u64>| unreachable!("block 0 is still in hand");
            scheduler.finish(1, 1, look);
            assert!(!waiting.is_finished());
            scheduler.finish(0, 1, |prefix, tree| {
                assert_eq!((prefix, tree.clone().finish()), (2, Some(2)));
                Ok(3)
            });
            assert_eq!(waiting.join().ok(), Some(Some(2)));
        });
        scheduler.finish(2, 1, |_, _| Err(Stopped::Target));
        assert_eq!(claim(), None);
        assert_eq!(scheduler.into_state().stopped, Some(Stopped::Target));
    }

    /// What was stored is not done again, and is looked at as if it had just been done.
    #[test]
    fn stored_blocks_are_skipped_and_looked_at() {
        let node = |first, height| (Node { first, height }, 1 << height);
        let scheduler = Scheduler::<u64, ()>::new(0..4, vec![node(5, 0), node(0, 2), node(8, 1)], &RangeSet::default());
        let mut looks = Vec::new();
        let mut look = |rung: u64, tree: &Tree<u64>| {
            looks.push((rung, tree.clone().finish()));
            if rung < 12 { Ok(rung + 4) } else { Err(Stopped::Trajectories) }
        };
        assert!(scheduler.begin(&mut look), "blocks 4, 6 and 7 are missing");
        let claim = || scheduler.claim(|| false);
        assert_eq!([claim(), claim(), claim()], [Some(4), Some(6), Some(7)]);
        [7, 4, 6].into_iter().for_each(|block| scheduler.finish(block, 1, &mut look));
        assert_eq!([claim(), claim()], [Some(10), Some(11)]);
        [10, 11].into_iter().for_each(|block| scheduler.finish(block, 1, &mut look));
        assert_eq!(looks, [(4, Some(4)), (8, Some(8)), (12, Some(12))]);
        assert_eq!(claim(), None);

        let shard = Scheduler::<u64, ()>::new(2..6, vec![node(3, 0)], &RangeSet::from(0..3));
        assert_eq!([shard.claim(|| false), shard.claim(|| false)], [Some(4), Some(5)]);
        let whole = Scheduler::<u64, ()>::new(2..4, vec![node(0, 1), node(2, 1)], &RangeSet::default());
        assert!(!whole.begin(|rung, tree| {
            assert_eq!((rung, tree.clone().finish()), (4, Some(2)), "what lies before the range does not belong to it");
            Err(Stopped::Trajectories)
        }));
    }

    #[test]
    fn a_block_given_up_leaves_nobody_waiting() {
        let scheduler = Scheduler::<u64, ()>::new(0..1, Vec::new(), &RangeSet::default());
        assert_eq!(scheduler.offer(|| false), Offer::Block(0));
        assert_eq!(scheduler.offer(|| false), Offer::Later);
        assert_eq!(scheduler.offer(|| true), Offer::Over);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| scheduler.claim(|| false));
            scheduler.give_up();
            assert_eq!(waiting.join().ok(), Some(None));
        });
        assert_eq!(scheduler.offer(|| false), Offer::Over);
    }
}
