//! `run --mpi`: this process among those that `mpirun` or `srun` started together.

use super::interrupt::Interrupt;
use super::{Outcome, RunFileArguments};
use crate::ensemble::{self, Dispatch, Ensemble, Estimator, Processes};
use crate::io::blocks::{Identity, PointBlocks, maker};
use crate::io::ranks::{self, Assignment, Ranks};
use crate::io::run_file::{RunFile, RunPoint};
use crate::{Error, Result};

/// Meets the other processes.
pub fn meet(threads: usize) -> Result<Ranks> {
    Ok(Ranks::meet(ranks::start()?, threads, &maker()))
}

/// All that a rank other than 0 does: it runs blocks. Signals are for rank 0 to heed, unless they come twice.
pub fn assist(ranks: &Ranks, arguments: &RunFileArguments, threads: usize) -> Result<Outcome> {
    let _interrupt = Interrupt::listen()?;
    // Not before rank 0 has found it sound, and said so.
    let mut known = None;
    ranks.assist(|assignment, dispatch| {
        let file = match known.take() {
            Some(file) => file,
            None => arguments.load()?,
        };
        run_blocks(known.insert(file), assignment, threads, dispatch)
    });
    Ok(Outcome::Done)
}

fn run_blocks(file: &RunFile, assignment: &Assignment, threads: usize, dispatch: &dyn Dispatch) -> Result<()> {
    let differs = || Error::Stored("it reads another run file than rank 0".into());
    let point = file.points.get(assignment.point).ok_or_else(differs)?.clone();
    let estimator = assignment.pilot.map_or(Estimator::Plain, |pilot| Estimator::Controlled { pilot });
    let point = RunPoint { estimator, block: assignment.block, ..point };
    if Identity::of(&point).hash != assignment.identity {
        return Err(differs());
    }
    let grid = point.correlations.as_ref();
    ensemble::assist(&point.experiment, &point.tolerances, &point.plan(threads), grid, dispatch)
}

/// Runs a sweep point, with all ranks if there are any.
pub fn run_stored<'a>(
    ranks: Option<&'a Ranks>,
    blocks: &PointBlocks,
    run: impl FnOnce(Option<&'a dyn Processes>) -> Result<Option<Ensemble>>,
) -> Result<Option<Ensemble>> {
    let Some(ranks) = ranks else { return run(None) };
    let Identity { hash, pilot, .. } = blocks.identity.clone();
    let assignment = Assignment { point: blocks.index(), identity: hash, pilot, block: blocks.point.block };
    ranks.together(&assignment, || run(Some(ranks)))
}
