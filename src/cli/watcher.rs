//! Who watches an ensemble for the command line: progress, Ctrl-C, the time limit, the targets.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::interrupt::Interrupt;
use super::progress::Progress;
use crate::analysis::{excess, needed};
use crate::ensemble::{Ensemble, Stopped, Watcher};
use crate::io::run_file::RunPoint;

/// How long blocks in hand may go on after a signal or the end of the time, before they are dropped.
const GRACE: Duration = Duration::from_millis(500);

/// Watches the ensemble of one sweep point.
pub struct EnsembleWatcher<'a> {
    point: &'a RunPoint,
    interrupt: &'a Interrupt,
    /// Where progress is shown, if anywhere.
    progress: Option<&'a Progress>,
    /// When the time is over, if it ever is.
    deadline: Option<Instant>,
    /// A block is done: before that the time limit may be passed by [`GRACE`], for something to show.
    begun: AtomicBool,
}

impl<'a> EnsembleWatcher<'a> {
    /// A watcher that stops when the run file says so, or on Ctrl-C; the time runs from now on.
    pub fn new(point: &'a RunPoint, interrupt: &'a Interrupt, progress: &'a Progress) -> Self {
        let deadline = point.stopping.time_limit.and_then(|limit| Instant::now().checked_add(limit));
        Self { point, interrupt, progress: Some(progress), deadline, begun: AtomicBool::new(false) }
    }

    /// The same, which also stops when the time of the whole process is over.
    pub fn with_deadline(self, deadline: Option<Instant>) -> Self {
        let earlier = self.deadline.into_iter().chain(deadline).min();
        Self { deadline: earlier, ..self }
    }

    /// One without progress or time limit.
    pub fn unlimited(point: &'a RunPoint, interrupt: &'a Interrupt) -> Self {
        Self { point, interrupt, progress: None, deadline: None, begun: AtomicBool::new(false) }
    }
}

impl EnsembleWatcher<'_> {
    /// Whether the time has been over for so long.
    fn is_late_by(&self, time: Duration) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now().saturating_duration_since(deadline) > time)
    }
}

impl Watcher for EnsembleWatcher<'_> {
    fn finished(&self, trajectories: u64) {
        self.begun.store(true, Ordering::Relaxed);
        if let Some(progress) = self.progress {
            progress.advance(trajectories);
        }
    }

    fn stop(&self) -> bool {
        let grace = if self.begun.load(Ordering::Relaxed) { Duration::ZERO } else { GRACE };
        self.interrupt.seen() || self.is_late_by(grace)
    }

    fn give_up(&self) -> bool {
        self.interrupt.seen_before(GRACE) || self.is_late_by(GRACE)
    }

    fn reason(&self) -> Stopped {
        if self.interrupt.seen() { Stopped::Interrupted } else { Stopped::TimeLimit }
    }

    fn first_look(&self) -> Option<u64> {
        let stopping = &self.point.stopping;
        (!stopping.targets.is_empty()).then_some(stopping.min_trajectories)
    }

    fn enough(&self, ensemble: &Ensemble) -> bool {
        let excess = excess(&self.point.stopping.targets, &self.point.experiment, ensemble);
        if let Some(progress) = self.progress.filter(|_| excess > 1.0) {
            let stopping = &self.point.stopping;
            progress.expect(needed(&stopping.targets, &self.point.experiment, ensemble, stopping.trajectories));
        }
        excess <= 1.0
    }
}
