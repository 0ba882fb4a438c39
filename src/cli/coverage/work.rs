//! Many runs, several at a time, whose results are handed on in their order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::Result;
use crate::analysis::{Point, trajectory_point};
use crate::cli::interrupt::Interrupt;
use crate::cli::watcher::EnsembleWatcher;
use crate::ensemble::{self, Ending, Plan, Sampling};
use crate::io::run_file::RunPoint;

/// Results that are complete, waiting for earlier ones.
struct Order<T, F> {
    next: u64,
    waiting: BTreeMap<u64, T>,
    receive: F,
}

/// Does `work` for 0, 1, … `count` − 1, on `threads` threads; `receive` gets the results in this order, without a gap also where
/// it was interrupted (`work` then gives `None`).
///
/// # Errors
/// The first error of `work`, when all threads have ended.
pub fn in_order<T: Send>(
    count: u64,
    threads: usize,
    interrupt: &Interrupt,
    work: impl Fn(u64) -> Result<Option<T>> + Sync,
    receive: impl FnMut(T) + Send,
) -> Result<()> {
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let order = Mutex::new(Order { next: 0, waiting: BTreeMap::new(), receive });
    let thread = || -> Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count || interrupt.seen() || failed.load(Ordering::Relaxed) {
                return Ok(());
            }
            let outcome = work(number);
            failed.fetch_or(outcome.is_err(), Ordering::Relaxed);
            let Some(result) = outcome? else { return Ok(()) };
            let mut order = order.lock().unwrap_or_else(PoisonError::into_inner);
            let Order { next, waiting, receive } = &mut *order;
            waiting.insert(number, result);
            while let Some(result) = waiting.remove(next) {
                receive(result);
                *next += 1;
            }
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads as u64).take_while(|&n| n < count).map(|_| scope.spawn(thread)).collect();
        let own = thread();
        let joined =
            others.into_iter().map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        // All of them are waited for, then the first error counts.
        joined.fold(own, Result::and)
    })
}

/// Runs the ensemble of `point` once per seed, from its own seed on, `threads` at a time, each on one thread; `receive` gets the
/// results in the order of the seeds.
///
/// # Errors
/// When a run fails.
pub fn sample(
    point: &RunPoint,
    seeds: u64,
    threads: usize,
    interrupt: &Interrupt,
    mut receive: impl FnMut(&Point, Ending) + Send,
) -> Result<()> {
    let work = |offset| once(point, point.seed.wrapping_add(offset), interrupt);
    in_order(seeds, threads, interrupt, work, |(result, ending)| receive(&result, ending))
}

/// The run with one seed; `None` when it was interrupted.
///
/// # Errors
/// When the run fails.
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
