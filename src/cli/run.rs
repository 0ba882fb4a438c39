//! `fluctuator run`: trajectories, averaged.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;

use super::batch::{Batch, BatchArguments, OpenPoint};
use super::born_markov::{print_born_markov, warn_of_weights};
use super::drawing::draw;
use super::interrupt::Interrupt;
use super::needs::announce;
use super::progress::Progress;
use super::provenance::provenance;
use super::watcher::EnsembleWatcher;
use super::{Outcome, RunFileArguments, exact, ranks, table};
use crate::analysis::{
    FORMAT_VERSION, Method, Point, Provenance, Summary, Target, trajectories_needed, trajectory_point,
};
use crate::ensemble::{self, Ending, Ensemble, Ledger, RangeSet, RecordSink, Recording, Stopped, StoredRun};
use crate::io::ranks::Ranks;
use crate::io::run_file::{self, RunFile};
use crate::io::{EXACT_DIRECTORY, RecordSpool, earlier_has_more, exact_beside, prepare_directory, write_numbers};
use crate::{Error, Result};

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    #[command(flatten)]
    file: RunFileArguments,
    /// Result directory [default: out/RUN_FILE_STEM].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    batch: BatchArguments,
}

/// Runs every sweep point, writes the result and prints its table.
pub fn run(arguments: &RunArguments) -> Result<Outcome> {
    let threads = arguments.file.threads()?;
    if arguments.batch.mpi && run_file::is_piped(&arguments.file.run_file) {
        let allowed = "every rank reads the run file, and standard input goes to one of them: name a file";
        return Err(Error::value("--mpi", "given", allowed));
    }
    let ranks = if arguments.batch.mpi { Some(ranks::meet(threads)?) } else { None };
    if let Some(ranks) = ranks.as_ref().filter(|ranks| !ranks.is_first()) {
        return ranks::assist(ranks, &arguments.file, threads);
    }
    let file = arguments.file.load()?;
    let directory = arguments.out.clone().unwrap_or_else(|| arguments.file.default_directory());
    prepare_directory(&directory)?;
    let interrupt = Interrupt::listen()?;
    let begun = Instant::now();
    let batch = Batch::new(&arguments.batch, &file, &directory, &interrupt, ranks.as_ref())?;
    let quiet = arguments.file.quiet;
    let all_threads = ranks.as_ref().map_or(threads, Ranks::threads);
    announce(&file, threads, batch.share() * threads as f64 / all_threads as f64, batch.stores())?;
    let session = Session { file: &file, batch: &batch, interrupt: &interrupt, threads, quiet };
    if batch.shard.is_some() {
        return session.shard();
    }
    let mut records = RecordSpool::open(&directory, file.records)?;
    let Ran { points, endings, complete, failure } = session.all_points(&mut records);
    if points.is_empty() {
        failure.map_or(Ok(()), Err)?;
        tell!(
            "{} before the first block was complete: nothing to save; blocks that were stored before stay",
            session.why_over()
        );
        batch.end();
        return Ok(Outcome::NothingSaved);
    }
    let trajectories = points.iter().map(|point| point.trajectories).max().unwrap_or_default();
    let origin = provenance(&file, Method::Trajectories, trajectories, complete, begun, all_threads);
    let provenance = Provenance { endings, ..origin };
    let summary = Summary { format_version: FORMAT_VERSION, provenance, points };
    warn_of_clipping(&summary);
    warn_of_missed_targets(&file, &summary);
    warn_of_weights(&summary);
    if !complete && earlier_has_more(&directory, &summary) {
        tell!("the result in {} has more trajectories and is left as it is", directory.display());
        failure.map_or(Ok(()), Err)?;
        batch.end();
        return Ok(Outcome::Incomplete);
    }
    session.conclude(&directory, &summary, records, failure)
}

/// What all sweep points of a run share.
struct Session<'a> {
    file: &'a RunFile,
    batch: &'a Batch<'a>,
    interrupt: &'a Interrupt,
    threads: usize,
    quiet: bool,
}

/// What came of the sweep points, up to the first that failed or was stopped.
struct Ran {
    points: Vec<Point>,
    endings: Vec<Ending>,
    complete: bool,
    failure: Option<Error>,
}

impl Session<'_> {
    /// Why the run is over before its end.
    fn why_over(&self) -> &'static str {
        if self.interrupt.seen() { "interrupted" } else { "time limit" }
    }

    /// All sweep points in their order.
    fn all_points(&self, records: &mut Option<RecordSpool>) -> Ran {
        let mut ran = Ran { points: Vec::new(), endings: Vec::new(), complete: true, failure: None };
        for (index, point) in self.file.points.iter().enumerate() {
            let opened = self.batch.open(self.file, index);
            match opened.and_then(|opened| self.point(index, opened, records)) {
                Ok(Some(ensemble)) => {
                    ran.complete &= ensemble.ending.stopped.is_complete();
                    ran.points.push(trajectory_point(&point.experiment, &ensemble, point.parameters.clone()));
                    ran.endings.push(ensemble.ending);
                }
                Ok(None) => ran.complete = false,
                Err(error) => ran.failure = Some(error),
            }
            if self.batch.is_over() || ran.failure.is_some() {
                ran.complete &= ran.points.len() == self.file.points.len();
                break;
            }
        }
        ran
    }

    /// Writes a result, what goes with it, and prints its table.
    fn conclude(
        &self,
        directory: &Path,
        summary: &Summary,
        records: Option<RecordSpool>,
        failure: Option<Error>,
    ) -> Result<Outcome> {
        let Self { file, batch, interrupt, quiet, .. } = *self;
        // Numbers first, then what can be made from them; drawn again when there is an exact result to draw beside it.
        write_numbers(directory, summary)?;
        let recorded = records.map_or(Ok(()), |records| records.write(summary).map(drop));
        let failure = failure.or(recorded.err());
        let solves = file.exact && failure.is_none() && !interrupt.seen();
        let (beside, remark) = exact_beside(directory, summary);
        remark.iter().filter(|_| !solves).for_each(|remark| tell!("warning: {remark}"));
        let mut drawn = draw(directory, summary, beside.as_ref(), || batch.is_over())?;
        if let Some(error) = failure {
            tell!(
                "{} of {} sweep points are saved in {}",
                summary.points.len(),
                file.points.len(),
                directory.display()
            );
            return Err(error);
        }
        if solves {
            let Some(exact) = exact::solve(file, quiet, &exact::Limits::default(), &|| batch.is_over())? else {
                tell!(
                    "{}: the trajectories are saved in {}, the density matrix is not",
                    self.why_over(),
                    directory.display()
                );
                batch.end();
                return Ok(Outcome::Incomplete);
            };
            let nested = directory.join(EXACT_DIRECTORY);
            write_numbers(&nested, &exact)?;
            drawn &= draw(&nested, &exact, None, || batch.is_over())?;
            drawn &= draw(directory, summary, Some(&exact), || batch.is_over())?;
        }
        if !quiet {
            print(directory, summary);
        }
        if summary.provenance.complete && drawn {
            return Ok(Outcome::Done);
        }
        tell!(
            "{}: {} complete trajectories on {} of {} sweep points are saved in {}",
            self.why_over(),
            summary.points.iter().map(|point| point.trajectories).sum::<u64>(),
            summary.points.len(),
            file.points.len(),
            directory.display()
        );
        batch.end();
        Ok(Outcome::Incomplete)
    }

    /// A shard of every sweep point: its blocks are stored, and nothing is concluded from them.
    fn shard(&self) -> Result<Outcome> {
        let Self { file, batch, quiet, .. } = *self;
        let mut complete = true;
        for index in 0..file.points.len() {
            let opened = batch.open(file, index)?;
            let task = opened.blocks.task();
            let mut done = opened.missing().count() == 0;
            if !done {
                let ensemble = self.point(index, opened, &mut None)?;
                done = ensemble.is_some_and(|ensemble| ensemble.ending.stopped == Stopped::Trajectories);
            }
            complete &= done;
            if !quiet {
                let state = if done { "stored" } else { "partly stored" };
                let last = task.end.saturating_sub(1);
                say!("{}: trajectories {}–{last} are {state}", table::point_label(file, index), task.start);
            }
            if batch.is_over() {
                complete &= index + 1 == file.points.len();
                break;
            }
        }
        if complete {
            return Ok(Outcome::Done);
        }
        tell!("{}: all finished blocks are stored", self.why_over());
        batch.end();
        Ok(Outcome::Incomplete)
    }

    /// One sweep point, or a shard of it; `None` when nothing of it was complete.
    fn point(&self, index: usize, opened: OpenPoint, records: &mut Option<RecordSpool>) -> Result<Option<Ensemble>> {
        let Self { file, batch, interrupt, threads, quiet } = *self;
        let missing = opened.missing().count();
        let OpenPoint { blocks, found, store } = opened;
        let point = &blocks.point;
        let plan = point.plan(threads);
        let label = table::point_label(file, index);
        let task = blocks.task();
        let stored = task.end - task.start - missing;
        let progress = Progress::new(&label, "trajectories", task.end - task.start, quiet).beyond(stored);
        let watcher = EnsembleWatcher::new(point, interrupt, &progress).with_deadline(batch.deadline);
        let grid = point.correlations.as_ref();
        // Without stored blocks records come from the run itself.
        let sink = records.as_mut().filter(|_| store.is_none());
        let outcome = match sink {
            Some(spool) => {
                let recording = Recording { sink: Some(spool as &mut dyn RecordSink), correlations: grid };
                ensemble::run_recording(&point.experiment, &point.tolerances, &plan, &watcher, recording)
            }
            None => batch.attend(store.as_ref(), || {
                ranks::run_stored(batch.ranks, &blocks, |others| {
                    let stored_run = StoredRun {
                        stored: found.stored,
                        ledger: store.as_deref().map(|store| store as &dyn Ledger),
                        shard: batch.shard.map(|_| blocks.blocks.clone()),
                        elsewhere: blocks.whole_blocks(&found.elsewhere),
                        others,
                        scattered: false,
                    };
                    ensemble::run_stored(&point.experiment, &point.tolerances, &plan, &watcher, grid, stored_run)
                })
            }),
        };
        progress.finish();
        let Some(ensemble) = outcome.map_err(|error| table::located(error, point))? else { return Ok(None) };
        if let Some(records) = records {
            match store.and_then(|_| blocks.records(Some(&batch.place(index)))) {
                None => records.keep_point(),
                Some(mut stored) => {
                    let ran = blocks.whole_blocks(&RangeSet::from(0..ensemble.tally.trajectories));
                    records.keep_stored(&point.experiment, &ensemble.channels, &mut stored, &ran);
                }
            }
        }
        Ok(Some(ensemble))
    }
}

/// The table of a result, how long it took, and where it is.
fn print(directory: &Path, summary: &Summary) {
    say!("{}", table::title(&summary.provenance.title));
    table::print_summary(summary);
    print_born_markov(summary);
    let mebibytes = |bytes: u64| format!(", peak memory {:.1} MiB", bytes as f64 / f64::from(1 << 20));
    let memory = summary.provenance.peak_memory_bytes.map_or_else(String::new, mebibytes);
    say!("{:.1} s{memory}; results in {}", summary.provenance.wall_time_seconds, directory.display());
}

/// Where the trajectories allowed did not reach the targets: which ones, and how far they are.
fn warn_of_missed_targets(file: &RunFile, summary: &Summary) {
    for ((point, result), ending) in file.points.iter().zip(&summary.points).zip(&summary.provenance.endings) {
        let missed = |target: &&Target| ending.stopped != Stopped::Target && target.excess(result) > 1.0;
        for target in point.stopping.targets.iter().filter(missed) {
            let excess = target.excess(result);
            let needed = trajectories_needed(result.trajectories, excess);
            let advice = match needed.is_finite() {
                true => format!("the error is {excess:.3} times that, and about {needed:.1e} would do"),
                false => "they do not even tell its error: they all gave the same value, or its mean is 0".into(),
            };
            let trajectories = result.trajectories;
            tell!(
                "warning: {trajectories} trajectories{} did not reach the target {target}: {advice}",
                location(result)
            );
        }
    }
}

/// " at nbar = 1.0", or nothing without a sweep.
fn location(point: &Point) -> String {
    if point.parameters.is_empty() {
        return String::new();
    }
    format!(" at {}", table::parameters(&point.parameters))
}

/// Clipping below the threshold of an error is still said.
fn warn_of_clipping(summary: &Summary) {
    const WORTH_SAYING: f64 = 1e-9;
    for point in &summary.points {
        let (cutoff, clipped) = (point.diagnostics.cutoff, point.diagnostics.clipped_population);
        if clipped > WORTH_SAYING {
            let at = location(point);
            tell!("warning: cutoff = {cutoff} clips up to {clipped:.1e} of the population{at}; \"auto\" would not");
        }
    }
}
