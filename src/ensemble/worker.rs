//! What every thread of a run does, in whichever process: claim a block, run it, bring its sums.

use std::borrow::Cow;

use super::correlations::{Grid, Groups};
use super::dispatch::{Clipping, Dispatch, Failure};
use super::job::Job;
use super::records::{Guard, Reordering};
use super::sampling::Baseline;
use super::sums::{Ledger, Sums};
use super::threads::Threads;
use super::{BlockRunner, Lessons, Recording, Tallies};
use crate::propagate::Stop;
use crate::system::OpenSystem;
use crate::{Error, Result};

/// A job on a system, with all that its blocks need.
pub struct Worker<'a, S> {
    system: &'a S,
    job: &'a Job<'a>,
    threads: &'a Threads,
    lessons: Cow<'a, Lessons>,
    baseline: Option<Baseline>,
    keeps: Keeps<'a>,
}

/// What is kept of blocks beside their tally.
#[derive(Clone, Copy)]
pub struct Keeps<'a> {
    /// Whether records are kept, and if so, with jumps.
    records: Option<bool>,
    /// Whether records go to a sink.
    sink: bool,
    /// Where they are stored with the blocks.
    ledger: Option<&'a dyn Ledger>,
    /// What is counted of the times between jumps.
    grid: Option<&'a Grid>,
}

impl<'a> Keeps<'a> {
    /// What a recording asks for, and a ledger.
    pub fn of(recording: &Recording<'a>, ledger: Option<&'a dyn Ledger>) -> Self {
        let (here, stored) = (recording.wants(), ledger.and_then(Ledger::wants_records));
        let records = here.into_iter().chain(stored).reduce(|one, other| one || other);
        let ledger = ledger.filter(|_| stored.is_some());
        Self { records, sink: recording.sink.is_some(), ledger, grid: recording.correlations }
    }
}

impl<'a, S: OpenSystem> Worker<'a, S> {
    /// Learns what the blocks have in common; `None` when that was stopped. `confined` is the trajectory without jumps, where
    /// it is not left to chance.
    ///
    /// # Errors
    /// When a trajectory fails.
    pub fn prepare(
        system: &'a S,
        job: &'a Job<'a>,
        keeps: Keeps<'a>,
        confined: Option<&Baseline>,
        threads: &'a Threads,
    ) -> Result<Option<Self>> {
        let &Job { experiment, tolerances, plan, .. } = job;
        let part = confined.map(|baseline| (baseline.probability, baseline.weight()));
        let lessons = match job.lessons {
            Some(lessons) => Cow::Borrowed(lessons),
            None => match Lessons::learn(system, job, part, threads)? {
                Some(lessons) => Cow::Owned(lessons),
                None => return Ok(None),
            },
        };
        // Once more, with its controls.
        let baseline = match confined {
            None => None,
            Some(bare) => {
                let stop = || job.watcher.stop();
                let guide = lessons.guide.as_ref();
                let mut runner = BlockRunner::new(system, experiment, tolerances, plan.seed, guide);
                runner.stop_when(Stop::when(&stop));
                match threads.within(|| runner.run_without_jumps(bare.stratified)) {
                    Err(Error::Stopped) => return Ok(None),
                    ran => Some(ran?.0),
                }
            }
        };
        Ok(Some(Self { system, job, threads, lessons, baseline, keeps }))
    }

    /// Runs blocks on all threads until `dispatch` has no more; their records go to `reordering`.
    pub fn run(&self, dispatch: &dyn Dispatch, reordering: &Reordering) {
        self.threads.each(|| {
            let given_up = || dispatch.gives_up();
            let mut runner = self.runner();
            runner.stop_when(Stop::when(&given_up));
            let (_guard, _attendance) = (Guard(reordering), Attendance(dispatch));
            while let Some(block) = dispatch.claim() {
                match self.block(block, &mut runner, dispatch, reordering) {
                    Ok(Some(sums)) => dispatch.bring(block, Ok(sums)),
                    Ok(None) => {
                        dispatch.abandon();
                        reordering.abandon();
                    }
                    Err(failure) => {
                        dispatch.bring(block, Err(failure));
                        reordering.abandon();
                    }
                }
            }
        });
    }

    fn runner(&self) -> BlockRunner<'_, S> {
        let &Job { experiment, tolerances, plan, .. } = self.job;
        let Lessons { guide, weights, study } = self.lessons.as_ref();
        let mut runner = BlockRunner::new(self.system, experiment, tolerances, plan.seed, guide.as_ref());
        if !study.record.is_empty() {
            runner.tell(study.clone());
        }
        if let Some(baseline) = &self.baseline {
            runner.sample_jumps(baseline);
        }
        if let Some(coefficients) = weights {
            runner.control_weights(coefficients);
        }
        if let Some(jumps) = self.keeps.records {
            runner.keep_records(jumps);
        }
        runner
    }

    /// The sums of one block; `None` when it was given up.
    fn block(
        &self,
        block: u64,
        runner: &mut BlockRunner<'_, S>,
        dispatch: &dyn Dispatch,
        reordering: &Reordering,
    ) -> std::result::Result<Option<Sums>, Failure> {
        let &Job { first, experiment, plan, .. } = self.job;
        let begin = block * plan.block;
        let range = first + begin..first + (begin + plan.block).min(plan.trajectories);
        let Some(tally) = runner.run_unless(range, &|| dispatch.gives_up())? else { return Ok(None) };
        if let Some((trajectory, population)) = tally.clipped_at {
            return Err(Failure::Clipped(Clipping { trajectory, population }));
        }
        let records = runner.take_records();
        let end = experiment.times.last().copied().unwrap_or(0.0);
        let count = |grid| Some(Groups::of(block, Tallies::of(grid, end, records.as_ref()?)));
        let sums = Sums { tally, groups: self.keeps.grid.and_then(count) };
        match (records, self.keeps.ledger) {
            (Some(records), _) if self.keeps.sink => reordering.accept(block, records)?,
            (Some(records), Some(ledger)) => ledger.keep_records(block, records)?,
            _ => {}
        }
        Ok(Some(sums))
    }
}

/// A thread's presence: when it panics, nobody waits for its block.
struct Attendance<'a>(&'a dyn Dispatch);

impl Drop for Attendance<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.abandon();
        }
    }
}
