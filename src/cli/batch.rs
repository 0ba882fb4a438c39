//! What `run` understands for batch jobs: resume, shards, signals, requeueing, the time limit of a process.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;

use super::interrupt::Interrupt;
use super::table;
use crate::analysis::Method;
use crate::ensemble::{Ledger, RangeSet};
use crate::io::blocks::{
    BlockStore, Gathered, Head, Hurry, Pace, PointBlocks, Shard, Unfinished, discard, files, maker, point_directory,
    refuse_newer,
};
use crate::io::ranks::Ranks;
use crate::io::run_file::{Records, RunFile};
use crate::io::{EXACT_DIRECTORY, certain_trajectories, earlier_result, refuse_to_replace};
use crate::{Error, Result};

/// Arguments of `run` for batch jobs.
#[derive(Debug, Args)]
pub struct BatchArguments {
    /// Go on with the blocks stored in DIR/blocks, if there are any: same bytes as without the interruption.
    #[arg(long)]
    resume: bool,
    /// Discard the stored blocks of an unfinished run, whichever it was, and begin again.
    #[arg(long, conflicts_with = "resume")]
    restart: bool,
    /// Replace a finished result of another run, or of more trajectories, that lies in the result directory.
    #[arg(long)]
    force: bool,
    /// Store no blocks, nor records of single trajectories with them: what ends early, other than by one signal, is lost.
    #[arg(long, conflicts_with_all = ["resume", "shard", "array", "requeue", "hold"])]
    no_blocks: bool,
    /// Run part I of N (I from 0) of every sweep point's blocks, or what is missing of it, and only store them; then `merge`.
    /// I/N:A-B is a part of trajectories A to B alone: runs with a target go on in waves until `merge` finds it reached.
    #[arg(long, value_name = "I/N[:A-B]", conflicts_with_all = ["array", "restart"])]
    shard: Option<Shard>,
    /// The same with I and N from SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT, for job arrays 0-(N−1).
    #[arg(long, conflicts_with = "restart")]
    array: bool,
    /// Least time between two writes of finished blocks; longer where writing takes longer than a hundredth of it.
    #[arg(long, value_name = "TIME", value_parser = parse_time, default_value = "1")]
    store_every: Duration,
    /// End after so much wall-clock time of this process, with what is complete: seconds, MM:SS, HH:MM:SS or D-HH:MM:SS.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    time_limit: Option<Duration>,
    /// After a signal, when all finished blocks are stored: `scontrol requeue $SLURM_JOB_ID`.
    #[arg(long, conflicts_with = "hold")]
    requeue: bool,
    /// After a signal, when all finished blocks are stored: stay alive until killed (a second signal does it).
    #[arg(long)]
    hold: bool,
    /// Run on all processes that mpirun or srun started, with --threads each; rank 0 decides and writes.
    #[arg(long)]
    pub mpi: bool,
}

/// How a `run` deals with blocks.
pub struct Batch<'a> {
    arguments: &'a BatchArguments,
    /// The part to run.
    pub shard: Option<Shard>,
    /// When the process should end.
    pub deadline: Option<Instant>,
    /// The processes that run it together.
    pub ranks: Option<&'a Ranks>,
    stores: bool,
    directory: &'a Path,
    interrupt: &'a Interrupt,
    requeued: AtomicBool,
}

/// A sweep point with what is stored of it.
pub struct OpenPoint {
    /// The point and its blocks.
    pub blocks: PointBlocks,
    /// What there is.
    pub found: Gathered,
    /// Where more goes.
    pub store: Option<Arc<BlockStore>>,
}

impl OpenPoint {
    /// The trajectories to run.
    pub fn missing(&self) -> RangeSet {
        let Gathered { held, elsewhere, .. } = &self.found;
        let there = held.ranges().iter().chain(elsewhere.ranges()).cloned().collect::<RangeSet>();
        there.missing(self.blocks.task())
    }
}

impl<'a> Batch<'a> {
    /// Checks the arguments against the run file and what lies in `directory`; discards blocks that are not to be resumed.
    pub fn new(
        arguments: &'a BatchArguments,
        file: &RunFile,
        directory: &'a Path,
        interrupt: &'a Interrupt,
        ranks: Option<&'a Ranks>,
    ) -> Result<Self> {
        let shard = if arguments.array { Some(array_shard(|name| std::env::var(name).ok())?) } else { arguments.shard };
        if file.records != Records::default() && arguments.mpi {
            let allowed = "records of single trajectories do not come from other processes: leave out output.jumps and \
                           output.final_values, or run it in shards (--shard) and merge them";
            return Err(Error::value("--mpi", "given", allowed));
        }
        let wave = shard.and_then(|shard| shard.wave.map(|wave| (shard, wave)));
        if let Some((shard, [first, _])) = wave
            && let Some(most) =
                file.points.iter().map(|point| point.stopping.trajectories).max().filter(|most| first >= *most)
        {
            return Err(Error::value(
                "--shard",
                shard,
                format!("the run has {most} trajectories at most: no wave is left"),
            ));
        }
        let stores = !arguments.no_blocks;
        let deadline = arguments.time_limit.and_then(|limit| Instant::now().checked_add(limit));
        let requeued = AtomicBool::new(false);
        let batch = Self { arguments, shard, deadline, ranks, stores, directory, interrupt, requeued };
        // Before anything is run, written or removed: what lies there already.
        if batch.shard.is_none() {
            refuse_newer(directory)?;
        }
        if batch.resumes() {
            for index in 0..file.points.len() {
                let blocks = batch.blocks(file, index)?;
                blocks.refuse_foreign(&blocks.heads().1)?;
            }
        } else if !arguments.restart {
            // A result that cannot be read holds nothing.
            let earlier = earlier_result(directory).ok().flatten();
            let unfinished = Unfinished::find(directory, earlier.as_ref(), file)?;
            unfinished.map_or(Ok(()), |unfinished| Err(unfinished.error()))?;
        }
        if !arguments.force && batch.shard.is_none() {
            batch.refuse_to_replace(file)?;
        }
        if !batch.resumes() {
            discard(directory)?;
        }
        Ok(batch)
    }

    /// Whether stored blocks are used.
    fn resumes(&self) -> bool {
        self.arguments.resume || self.shard.is_some()
    }

    /// A result is not replaced unasked by one of another run or of fewer trajectories.
    fn refuse_to_replace(&self, file: &RunFile) -> Result<()> {
        if file.exact {
            refuse_to_replace(&self.directory.join(EXACT_DIRECTORY), file, Method::Exact, |_, _| 0)?;
        }
        let earlier = earlier_result(self.directory).ok().flatten();
        if self.arguments.restart && earlier.is_some_and(|earlier| !earlier.provenance.complete) {
            return Ok(());
        }
        let certain = certain_trajectories(self.directory);
        refuse_to_replace(self.directory, file, Method::Trajectories, |index, point| {
            // Whoever goes on with stored blocks loses none of them.
            let stored = self.blocks(file, index).map_or(0, |blocks| {
                let ranges = |head: Head| head.nodes.iter().map(|entry| head.range(entry)).collect::<Vec<_>>();
                blocks.heads().0.into_iter().flat_map(|(_, head)| ranges(head)).collect::<RangeSet>().count()
            });
            certain(index, point).max(if self.resumes() { stored } else { 0 })
        })
    }

    /// Where blocks of sweep point `index` lie.
    pub fn place(&self, index: usize) -> PathBuf {
        point_directory(self.directory, index)
    }

    /// The stored blocks of sweep point `index`.
    fn blocks(&self, file: &RunFile, index: usize) -> Result<PointBlocks> {
        let paths = if self.resumes() { files(&self.place(index))? } else { Vec::new() };
        Ok(PointBlocks::new(file, index, self.shard, paths))
    }

    /// Opens the blocks of sweep point `index`.
    pub fn open(&self, file: &RunFile, index: usize) -> Result<OpenPoint> {
        let place = self.place(index);
        let blocks = self.blocks(file, index)?;
        let found = blocks.gather(None);
        blocks.refuse_foreign(&found.defects)?;
        blocks.refuse_longer(&found)?;
        for defect in found.defects.iter().filter(|defect| defect.is_serious()) {
            tell!("warning: {defect}; run again");
        }
        if let Some((_, head)) = found.heads.iter().find(|(_, head)| head.maker != maker()) {
            tell!(
                "note: blocks stored by {} are used: the last digits may differ from those of one run",
                table::title(&head.maker)
            );
        }
        if let Some(note) = &blocks.note {
            tell!("note: {note}");
        }
        let interrupt = self.interrupt.clone();
        let hurry: Hurry = Arc::new(move || interrupt.seen());
        let pace = Pace { interval: self.arguments.store_every, hurry };
        let store = match self.stores {
            true => {
                let (head, rungs, records) = (blocks.head(file), blocks.rungs(), blocks.wants_records());
                Some(Arc::new(BlockStore::open(&place, head, rungs, &found, pace, records)?))
            }
            false => None,
        };
        Ok(OpenPoint { blocks, found, store })
    }

    /// Whether finished blocks are stored.
    pub fn stores(&self) -> bool {
        self.stores
    }

    /// The part of every sweep point that is run here, about, as far as that is known beforehand.
    pub fn share(&self) -> f64 {
        self.shard.map_or(1.0, |shard| 1.0 / shard.count as f64)
    }

    /// Whether no further sweep point should be begun.
    pub fn is_over(&self) -> bool {
        self.interrupt.seen() || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Does `work`; when a signal comes meanwhile, requeues the job as soon as all finished blocks are stored, if asked to.
    pub fn attend<T>(&self, store: Option<&Arc<BlockStore>>, work: impl FnOnce() -> T) -> T {
        let Some(store) = store.filter(|_| self.arguments.requeue) else { return work() };
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    if self.interrupt.seen() {
                        if store.settle().is_ok() {
                            self.requeue();
                        }
                        return;
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
            let result = work();
            done.store(true, Ordering::Relaxed);
            result
        })
    }

    /// Requeues the job, once.
    fn requeue(&self) {
        if !self.requeued.swap(true, Ordering::Relaxed) {
            requeue();
        }
    }

    /// After a signal, with everything saved: requeues the job if that has not been done, or stays alive, if asked to.
    pub fn end(&self) {
        if self.arguments.requeue && self.interrupt.seen() {
            self.requeue();
        }
        if self.arguments.hold && self.interrupt.seen() {
            tell!("everything is saved: waiting to be killed");
            loop {
                std::thread::sleep(Duration::from_secs(1));
            }
        }
    }
}

/// Asks Slurm to put this job back into the queue.
fn requeue() {
    let Ok(job) = std::env::var("SLURM_JOB_ID") else {
        tell!("warning: --requeue: SLURM_JOB_ID is not set");
        return;
    };
    match std::process::Command::new("scontrol").args(["requeue", &job]).status() {
        Ok(status) if status.success() => tell!("all finished blocks are stored: job {job} is requeued"),
        Ok(status) => tell!("warning: `scontrol requeue {job}` failed: {status}"),
        Err(error) => tell!("warning: cannot run scontrol: {error}"),
    }
}

/// The shard of this task of a job array.
fn array_shard(variable: impl Fn(&str) -> Option<String>) -> Result<Shard> {
    let read = |name: &str, default: Option<u64>| match variable(name) {
        None => default.ok_or_else(|| Error::value("--array", "given", format!("{name} is not set: no job array"))),
        Some(text) => text.parse().map_err(|_| Error::value(name, text, "must be a whole number")),
    };
    let (index, count) = (read("SLURM_ARRAY_TASK_ID", None)?, read("SLURM_ARRAY_TASK_COUNT", None)?);
    let (first, last) =
        (read("SLURM_ARRAY_TASK_MIN", Some(0))?, read("SLURM_ARRAY_TASK_MAX", Some(count.saturating_sub(1)))?);
    if first != 0 || last.checked_add(1) != Some(count) || index >= count {
        let allowed = "must be 0-(N−1) for --array; to run some tasks of it again, name the shard: --shard I/N";
        return Err(Error::value("the job array", format!("{first}-{last} with {count} tasks"), allowed));
    }
    Ok(Shard { index, count, wave: None })
}

/// Slurm's ways to write a duration.
fn parse_time(text: &str) -> std::result::Result<Duration, String> {
    let wrong = || "must be a time > 0: seconds, MM:SS, HH:MM:SS or D-HH:MM:SS".to_owned();
    let (days, clock) = match text.split_once('-') {
        Some((days, clock)) => (days.parse::<u32>().map_err(|_| wrong())?, clock),
        None => (0, text),
    };
    let mut seconds = 0.0;
    for part in clock.split(':') {
        let value: f64 = part.parse().map_err(|_| wrong())?;
        seconds = 60.0 * seconds + value;
    }
    let total = 86_400.0 * f64::from(days) + seconds;
    let parts = clock.split(':').count();
    if !(total > 0.0 && total <= 1e9) || parts > 3 || (days > 0 && parts != 3) {
        return Err(wrong());
    }
    Ok(Duration::from_secs_f64(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_slurm() {
        let seconds = |text: &str| parse_time(text).ok().map(|time| time.as_secs_f64());
        assert_eq!(seconds("90"), Some(90.0));
        assert_eq!(seconds("0.5"), Some(0.5));
        assert_eq!(seconds("2:30"), Some(150.0));
        assert_eq!(seconds("1:00:00"), Some(3600.0));
        assert_eq!(seconds("2-01:00:00"), Some(176_400.0));
        for wrong in ["", "0", "-5", "nan", "1:2:3:4", "1-2", "inf", "soon"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_job_array_is_taken_whole_or_not_at_all() {
        let shard = |settings: &[(&str, &str)]| {
            let find = |name: &str| settings.iter().find(|pair| pair.0 == name).map(|pair| pair.1.to_owned());
            array_shard(find).map_err(|error| error.to_string())
        };
        let [id, count, min, max] =
            ["SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX"];
        assert_eq!(
            shard(&[(id, "3"), (count, "8"), (min, "0"), (max, "7")]),
            Ok(Shard { index: 3, count: 8, wave: None })
        );
        assert!(shard(&[(id, "3"), (count, "8")]).is_ok());
        assert!(shard(&[(count, "8")]).is_err_and(|error| error.contains("SLURM_ARRAY_TASK_ID is not set")));
        // Tasks 3 and 7 alone, or 1 to 8.
        assert!(
            shard(&[(id, "3"), (count, "2"), (min, "3"), (max, "7")]).is_err_and(|error| error.contains("--shard"))
        );
        assert!(shard(&[(id, "8"), (count, "8"), (min, "1"), (max, "8")]).is_err());
    }
}
