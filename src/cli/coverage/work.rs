//! Runs of one system under many seeds, several at a time, handed on in the order of the seeds.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::Result;
use crate::analysis::{Point, trajectory_point};
use crate::cli::interrupt::Interrupt;
use crate::cli::watcher::EnsembleWatcher;
use crate::ensemble::{self, Ending, Plan, Sampling};
use crate::io::run_file::RunPoint;

/// Results that are complete, waiting for those of earlier seeds.
struct Order<F> {
    next: u64,
    waiting: BTreeMap<u64, (Point, Ending)>,
    receive: F,
}

/// Runs the ensemble of `point` once per seed, from its own seed on, `threads` at a time, each on one thread; `receive` gets the
/// results in the order of the seeds, without a gap also where it was interrupted.
///
/// # Errors
/// When a run fails.
pub fn sample(
    point: &RunPoint,
    seeds: u64,
    threads: usize,
    interrupt: &Interrupt,
    receive: impl FnMut(&Point, Ending) + Send,
) -> Result<()> {
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let order = Mutex::new(Order { next: 0, waiting: BTreeMap::new(), receive });
    let work = || -> Result<()> {
        loop {
            let offset = next.fetch_add(1, Ordering::Relaxed);
            if offset >= seeds || interrupt.seen() || failed.load(Ordering::Relaxed) {
                return Ok(());
            }
            let outcome = once(point, point.seed.wrapping_add(offset), interrupt);
            failed.fetch_or(outcome.is_err(), Ordering::Relaxed);
            let Some(result) = outcome? else { return Ok(()) };
            let mut order = order.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let Order { next, waiting, receive } = &mut *order;
            waiting.insert(offset, result);
            while let Some((result, ending)) = waiting.remove(next) {
                receive(&result, ending);
                *next += 1;
            }
        }
    };
    std::thread::scope(|scope| {
        let hands: Vec<_> = (1..threads.min(seeds as usize)).map(|_| scope.spawn(work)).collect();
        let own = work();
        let others = hands.into_iter().map(|hand| hand.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        // All of them are waited for, then the first error counts.
        others.fold(own, Result::and)
    })
}

/// The run with one seed; `None` when it was interrupted.
pub fn once(point: &RunPoint, seed: u64, interrupt: &Interrupt) -> Result<Option<(Point, Ending)>> {
    let plan = Plan { seed, ..point.plan(1) };
    let watcher = EnsembleWatcher::unlimited(point, interrupt);
    let ensemble = ensemble::run(&point.experiment, &point.tolerances, &plan, &watcher)?;
    let complete = ensemble.filter(|ensemble| ensemble.ending.stopped.is_complete());
    Ok(complete.map(|ensemble| {
        let result = trajectory_point(&point.experiment, &ensemble, point.parameters.clone());
        (result, ensemble.ending)
    }))
}

/// Independent units behind the estimates of a run: its trajectories, or its blocks where they are stratified.
pub fn units(point: &RunPoint) -> u64 {
    match point.sampling {
        Sampling::Stratified => point.stopping.trajectories / point.block,
        Sampling::Direct | Sampling::NoJump => point.stopping.trajectories,
    }
}
