//! The course of a run: which block comes next, what is done, and the pause at each look until the blocks in hand are in.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::stopping::Stopped;
use super::tree::{Merge, Tree};

/// Shared by all threads of a run whose blocks yield `T` or fail with `F`.
pub struct Course<T, F> {
    state: Mutex<State<T, F>>,
    /// Something happened that a waiting thread wants to know.
    changed: Condvar,
}

/// How far a run has come.
pub struct State<T, F> {
    /// What is done.
    pub tree: Tree<T>,
    /// Blocks that failed.
    pub failures: Vec<(u64, F)>,
    /// Why no further block will be begun, once that is decided.
    pub stopped: Option<Stopped>,
    /// Blocks claimed, in order.
    claimed: u64,
    /// Blocks finished, in any order.
    finished: u64,
    /// No block from here on is begun before all earlier ones are finished and looked at.
    horizon: u64,
    /// A thread panicked.
    abandoned: bool,
}

impl<T: Merge, F> Course<T, F> {
    /// A run whose first look comes after `horizon` blocks.
    pub fn new(horizon: u64) -> Self {
        let state = State {
            tree: Tree::new(),
            failures: Vec::new(),
            stopped: None,
            claimed: 0,
            finished: 0,
            horizon,
            abandoned: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// The next block; waits at the horizon; `None` when the run is over, has failed or was told to `stop`.
    pub fn claim(&self, stop: impl Fn() -> bool) -> Option<u64> {
        let mut state = self.lock();
        loop {
            if state.stopped.is_some() || state.abandoned || !state.failures.is_empty() || stop() {
                return None;
            }
            if state.claimed < state.horizon {
                state.claimed += 1;
                return Some(state.claimed - 1);
            }
            // The blocks below the horizon are all in other hands; whoever finishes the last one wakes us.
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// `block` is done. When it was the last below the horizon, `look` says where the next horizon is, or why there is none.
    pub fn finish(&self, block: u64, value: T, look: impl FnOnce(u64, &Tree<T>) -> Result<u64, Stopped>) {
        let mut state = self.lock();
        state.tree.insert(block, value);
        state.finished += 1;
        if state.finished == state.horizon {
            match look(state.horizon, &state.tree) {
                Ok(horizon) => state.horizon = horizon,
                Err(stopped) => state.stopped = Some(stopped),
            }
            self.changed.notify_all();
        }
    }

    /// `block` failed: no further one is begun.
    pub fn fail(&self, block: u64, failure: F) {
        self.lock().failures.push((block, failure));
        self.changed.notify_all();
    }

    /// A guard that lets nobody wait for a thread that panicked.
    pub fn attend(&self) -> impl Drop {
        Attendance(self)
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

/// A thread's presence.
struct Attendance<'a, T: Merge, F>(&'a Course<T, F>);

impl<T: Merge, F> Drop for Attendance<'_, T, F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().abandoned = true;
            self.0.changed.notify_all();
        }
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
        let course = Course::<u64, ()>::new(2);
        let claim = || course.claim(|| false);
        assert_eq!([claim(), claim()], [Some(0), Some(1)]);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(claim);
            let look = |_: u64, _: &Tree<u64>| unreachable!("block 0 is still in hand");
            course.finish(1, 1, look);
            assert!(!waiting.is_finished());
            course.finish(0, 1, |prefix, tree| {
                assert_eq!((prefix, tree.clone().finish()), (2, Some(2)));
                Ok(3)
            });
            assert_eq!(waiting.join().ok(), Some(Some(2)));
        });
        course.finish(2, 1, |_, _| Err(Stopped::Target));
        assert_eq!(claim(), None);
        assert_eq!(course.into_state().stopped, Some(Stopped::Target));
    }

    #[test]
    fn a_panic_leaves_nobody_waiting() {
        let course = Course::<u64, ()>::new(1);
        assert_eq!(course.claim(|| false), Some(0));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| course.claim(|| false));
            let panicking = scope.spawn(|| {
                let _attendance = course.attend();
                std::panic::resume_unwind(Box::new("as a test"));
            });
            assert!(panicking.join().is_err());
            assert_eq!(waiting.join().ok(), Some(None));
        });
    }
}
