//! `run --mpi`: this process among those that `mpirun` or `srun` started together.

use super::interrupt::Interrupt;
use super::{Outcome, RunFileArguments};
use crate::ensemble::{self, Crew, Desk, Ensemble, Estimator};
use crate::io::blocks::{Identity, PointBlocks, maker};
use crate::io::ranks::{self, Errand, Ranks};
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
    ranks.assist(|errand, desk| {
        let file = match known.take() {
            Some(file) => file,
            None => arguments.load()?,
        };
        run_blocks(known.insert(file), errand, threads, desk)
    });
    Ok(Outcome::Done)
}

fn run_blocks(file: &RunFile, errand: &Errand, threads: usize, desk: &dyn Desk) -> Result<()> {
    let differs = || Error::Stored("it reads another run file than rank 0".into());
    let point = file.points.get(errand.point).ok_or_else(differs)?.clone();
    let estimator = errand.pilot.map_or(Estimator::Plain, |pilot| Estimator::Controlled { pilot });
    let point = RunPoint { estimator, block: errand.block, ..point };
    if Identity::of(&point).hash != errand.identity {
        return Err(differs());
    }
    let grid = point.correlations.as_ref();
    ensemble::assist(&point.experiment, &point.tolerances, &point.plan(threads), grid, desk)
}

/// Runs a sweep point, with all ranks if there are any.
pub fn run_stored<'a>(
    ranks: Option<&'a Ranks>,
    blocks: &PointBlocks,
    run: impl FnOnce(Option<&'a dyn Crew>) -> Result<Option<Ensemble>>,
) -> Result<Option<Ensemble>> {
    let Some(ranks) = ranks else { return run(None) };
    let Identity { hash, pilot, .. } = blocks.identity.clone();
    let errand = Errand { point: blocks.index(), identity: hash, pilot, block: blocks.point.block };
    ranks.together(&errand, || run(Some(ranks)))
}
