//! Whether a computation is to go on: asked now and then, by the work done since it was last asked.

use std::cell::Cell;
use std::fmt;
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// Cells worked on between two questions: much less than a millisecond, and far more work than a question.
const PATIENCE: usize = 1 << 17;

/// Time between two questions: whoever is asked may have to look for a message, and many threads ask.
const INTERVAL: Duration = Duration::from_millis(2);

/// Somebody who may stop a computation, or nobody. Once stopped it stays so.
#[derive(Clone, Default)]
pub struct Stop<'a> {
    asked: Option<&'a (dyn Fn() -> bool + Sync)>,
    interval: Duration,
    work: Cell<usize>,
    last: Cell<Option<Instant>>,
    stopped: Cell<bool>,
}

impl<'a> Stop<'a> {
    /// Stops once `asked` is true.
    pub fn when(asked: &'a (dyn Fn() -> bool + Sync)) -> Self {
        Self { asked: Some(asked), interval: INTERVAL, ..Self::default() }
    }

    /// Whether to stop, after `cells` more numbers have been worked on.
    pub fn after(&self, cells: usize) -> bool {
        let Some(asked) = self.asked else { return false };
        let work = self.work.get().saturating_add(cells);
        if work < PATIENCE || self.stopped.get() {
            self.work.set(work);
        } else {
            self.work.set(0);
            if self.last.get().is_none_or(|last| last.elapsed() >= self.interval) {
                self.last.set(Some(Instant::now()));
                self.stopped.set(asked());
            }
        }
        self.stopped.get()
    }

    /// The same as an error.
    ///
    /// # Errors
    /// [`Error::Stopped`] when it is to stop.
    pub fn check(&self, cells: usize) -> Result<()> {
        if self.after(cells) { Err(Error::Stopped) } else { Ok(()) }
    }
}

impl fmt::Debug for Stop<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop").field("stopped", &self.stopped.get()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_by_the_work_done_and_remembers_the_answer() {
        let questions = std::sync::atomic::AtomicUsize::new(0);
        let asked = || questions.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 2;
        let stop = Stop { interval: Duration::ZERO, ..Stop::when(&asked) };
        let work = |cells| (0..100).take_while(|_| !stop.after(cells)).count();
        assert_eq!(work(PATIENCE / 4), 11, "asked every fourth time, told to stop the third");
        assert!(stop.check(0).is_err() && stop.after(PATIENCE));
        assert_eq!(questions.into_inner(), 3);
        assert!(!Stop::default().after(usize::MAX));
    }
}
