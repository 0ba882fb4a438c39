//! `fluctuator merge`: one result from the stored blocks of any number of directories.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::provenance::provenance;
use super::{Outcome, table};
use crate::analysis::{FORMAT_VERSION, Method, Point, Provenance, Summary, excess, trajectory_point};
use crate::ensemble::{self, Ending, Ensemble, RangeSet, StoredRun, Watcher};
use crate::io::blocks::{
    Defect, Gathered, Head, PointBlocks, maker, open, point_directories, point_directory, write_gathered,
};
use crate::io::run_file::{RunFile, RunPoint};
use crate::io::{RecordSpool, exact_beside, refuse_to_replace, write_numbers, write_plots, write_report};
use crate::{Error, Result};

/// Arguments of `merge`.
#[derive(Debug, Args)]
pub struct MergeArguments {
    /// Directories with stored blocks: of runs, of shards, of earlier merges.
    #[arg(required = true)]
    directories: Vec<PathBuf>,
    /// Result directory [default: DIR, when there is only one].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Merge what is there, when something is missing or damaged, and say exactly what that is; exit code 3.
    #[arg(long)]
    partial: bool,
    /// Replace a finished result of another run, or of more trajectories, that lies in the result directory.
    #[arg(long)]
    force: bool,
    /// No table.
    #[arg(long)]
    quiet: bool,
}

/// Stored blocks are looked at, none is run.
struct Onlooker<'a>(&'a RunPoint);

impl Watcher for Onlooker<'_> {
    fn finished(&self, _trajectories: u64) {}

    fn stop(&self) -> bool {
        true
    }

    fn first_look(&self) -> Option<u64> {
        self.0.first_look()
    }

    fn enough(&self, ensemble: &Ensemble) -> bool {
        excess(&self.0.stopping.targets, &self.0.experiment, ensemble) <= 1.0
    }
}

/// What was merged of a sweep point, for `merge.json`.
#[derive(Debug, Serialize)]
struct Merged {
    point: String,
    trajectories: u64,
    of: u64,
    /// Exactly which, both ends included.
    set: String,
    missing: String,
    files: usize,
    remarks: Vec<String>,
}

impl Merged {
    fn new(point: String, piece: &Piece) -> Self {
        Self {
            point,
            trajectories: piece.set().count(),
            of: piece.blocks.point.stopping.trajectories,
            set: piece.set().to_string(),
            missing: piece.missing().to_string(),
            files: piece.found.heads.len(),
            remarks: piece.found.defects.iter().map(ToString::to_string).collect(),
        }
    }

    /// Its row in the table.
    fn row(&self) -> Vec<String> {
        let [count, of, files] = [self.trajectories, self.of, self.files as u64].map(|number| number.to_string());
        vec![self.point.clone(), count, of, self.set.clone(), self.missing.clone(), files]
    }
}

/// A sweep point with what was found of it.
struct Piece {
    blocks: PointBlocks,
    found: Gathered,
    ensemble: Option<Ensemble>,
}

/// Gathers, checks, merges and writes. Exit code 3 without a result: a wave of a run with a target was not the last.
pub fn run(arguments: &MergeArguments) -> Result<Outcome> {
    let begun = Instant::now();
    let out = match (&arguments.out, &arguments.directories[..]) {
        (Some(out), _) => out.clone(),
        (None, [only]) => only.clone(),
        (None, _) => return Err(Error::value("--out", "not given", "needed to merge several directories")),
    };
    let paths = collect(&arguments.directories)?;
    let file = run_file(&paths)?;
    let mut pieces = Vec::with_capacity(file.points.len());
    for index in 0..file.points.len() {
        pieces.push(piece(&file, index, paths.get(&index).cloned().unwrap_or_default(), arguments.partial)?);
    }
    for (index, piece) in pieces.iter().enumerate() {
        report(&table::point_label(&file, index), piece, arguments.quiet);
    }
    let complete = pieces.iter().all(Piece::is_complete);
    // A damaged file of which nothing is missing does no harm.
    let is_doubt = |defect: &&Defect| matches!(defect, Defect::Foreign { .. } | Defect::Disagree { .. });
    let doubts = pieces.iter().flat_map(|piece| &piece.found.defects).filter(is_doubt).count();
    if !arguments.partial && !complete && doubts == 0 && pieces.iter().all(Piece::is_sound_so_far) {
        tell!("what is stored has no gaps; the target needs more trajectories");
        return Ok(Outcome::Incomplete);
    }
    if !(arguments.partial || complete && doubts == 0) {
        let advice = "run what is missing again (--shard I/N, or --resume), or merge what is there with --partial";
        let what = if complete { "there are files that do not belong together" } else { "trajectories are missing" };
        return Err(Error::Unmerged(format!("{what}; {advice}")));
    }
    write(&file, &pieces, &out, complete, begun, arguments)
}

/// The files of blocks of every sweep point.
pub fn collect(directories: &[PathBuf]) -> Result<BTreeMap<usize, Vec<PathBuf>>> {
    let mut all: BTreeMap<usize, Vec<PathBuf>> = BTreeMap::new();
    for directory in directories {
        let points = point_directories(directory)?;
        if points.is_empty() {
            let reason = "holds no stored blocks (blocks/point-0000/…)".to_owned();
            return Err(Error::Format { path: directory.clone(), reason });
        }
        points.into_iter().for_each(|(index, (_, paths))| all.entry(index).or_default().extend(paths));
    }
    // In whatever order directories are named, and if one is named twice.
    for paths in all.values_mut() {
        paths.sort_by(|a, b| (a.file_name(), a).cmp(&(b.file_name(), b)));
        paths.dedup_by(|a, b| a.canonicalize().ok() == b.canonicalize().ok());
    }
    Ok(all)
}

/// The run file that most trajectories of the first point come from; of several that differ in nothing that counts, the one
/// that asks for most.
pub fn run_file(paths: &BTreeMap<usize, Vec<PathBuf>>) -> Result<RunFile> {
    let mut defects = Vec::new();
    let mut heads: Vec<Head> =
        paths.values().flat_map(|paths| open(paths, &mut defects)).map(|opened| opened.head).collect();
    let Some(point) = heads.iter().map(|head| head.point).min() else {
        let reason = defects.first().map_or_else(|| "there is no file of blocks".to_owned(), ToString::to_string);
        return Err(Error::Stored(reason));
    };
    heads.retain(|head| head.point == point);
    let mut weight: BTreeMap<String, u64> = BTreeMap::new();
    for head in &heads {
        let count = head.nodes.iter().map(|entry| entry.trajectories).sum::<u64>();
        *weight.entry(head.identity.hash.clone()).or_default() += count;
    }
    let key = |head: &&Head| {
        let texts = (head.run_file.clone(), head.overrides.clone(), head.title.clone());
        (weight[&head.identity.hash], head.identity.hash.clone(), head.trajectories, texts)
    };
    let Some(head) = heads.iter().max_by_key(key) else { unreachable!("one of them has the lowest point") };
    RunFile::parse_stored(&head.run_file, &head.title, &head.overrides, &head.tables)
}

fn piece(file: &RunFile, index: usize, paths: Vec<PathBuf>, partial: bool) -> Result<Piece> {
    let blocks = PointBlocks::new(file, index, None, paths);
    let mut found = blocks.gather(None);
    let point = &blocks.point;
    let run = |found: &mut Gathered, scattered| {
        let stored = std::mem::take(&mut found.stored);
        let stored_run = StoredRun { stored, scattered, ..StoredRun::default() };
        let watcher = Onlooker(point);
        let grid = point.correlations.as_ref();
        ensemble::run_stored(&point.experiment, &point.tolerances, &point.plan(1), &watcher, grid, stored_run)
            .map_err(|error| table::located(error, point))
    };
    let mut ensemble = run(&mut found, false)?;
    if partial && !ensemble.as_ref().is_some_and(|ensemble| ensemble.ending.stopped.is_complete()) {
        let defects = std::mem::take(&mut found.defects);
        found = blocks.gather(Some(found.in_order()));
        found.defects = defects;
        ensemble = run(&mut found, true)?;
    }
    Ok(Piece { blocks, found, ensemble })
}

impl Piece {
    fn is_complete(&self) -> bool {
        self.ensemble.as_ref().is_some_and(|ensemble| ensemble.ending.stopped.is_complete())
    }

    /// Whether nothing is wrong but that a target is not reached yet by the trajectories up to some number.
    fn is_sound_so_far(&self) -> bool {
        let waits = self.blocks.point.first_look().is_some() && self.found.held.ranges().len() == 1;
        self.is_complete() || waits && self.found.held.covers(&(0..1))
    }

    /// The trajectories that are in the result.
    fn set(&self) -> RangeSet {
        match &self.ensemble {
            Some(ensemble) if ensemble.ending.stopped.is_complete() => RangeSet::from(0..ensemble.tally.trajectories),
            _ => self.found.held.clone(),
        }
    }

    fn missing(&self) -> RangeSet {
        if self.is_complete() { RangeSet::default() } else { self.found.held.missing(self.blocks.task()) }
    }
}

/// Says on stderr what is wrong, and what is missing.
fn report(label: &str, piece: &Piece, quiet: bool) {
    for defect in piece.found.defects.iter().filter(|defect| defect.is_serious() || !quiet) {
        tell!("{label}: {defect}");
    }
    if !piece.is_complete() {
        tell!("{label}: missing are the trajectories {}", piece.missing());
        if piece.blocks.point.first_look().is_some() {
            tell!("{label}: what is there from the beginning does not reach the target");
        }
    }
    if let Some((_, head)) = piece.found.heads.iter().find(|(_, head)| head.maker != maker()) {
        tell!("{label}: stored by {}: the last digits may differ from those of one run", table::title(&head.maker));
    }
}

fn write(
    file: &RunFile,
    pieces: &[Piece],
    out: &Path,
    complete: bool,
    begun: Instant,
    arguments: &MergeArguments,
) -> Result<Outcome> {
    let summary = summary(file, pieces, complete, begun)?;
    if !arguments.force {
        let merged = |index: usize, _: &RunPoint| summary.points.get(index).map_or(0, |point| point.trajectories);
        refuse_to_replace(out, file, Method::Trajectories, merged)?;
    }
    write_numbers(out, &summary)?;
    // What fails here is said when everything else is there.
    let recorded = write_records(file, pieces, out, &summary);
    let inside = |directory: &PathBuf| directory.canonicalize().ok() == out.canonicalize().ok();
    if !arguments.directories.iter().any(inside) {
        for (index, piece) in pieces.iter().enumerate().filter(|(_, piece)| piece.ensemble.is_some()) {
            copy_blocks(file, index, piece, out)?;
        }
    }
    let merged: Vec<Merged> =
        pieces.iter().enumerate().map(|(index, piece)| Merged::new(table::point_label(file, index), piece)).collect();
    let mut rows = vec![["point", "trajectories", "of", "which", "missing", "files"].map(str::to_owned).to_vec()];
    rows.extend(merged.iter().map(Merged::row));
    write_report(out, "merge", &merged, &table::aligned(&rows))?;
    let (exact, remark) = exact_beside(out, &summary);
    remark.iter().for_each(|remark| tell!("warning: {remark}"));
    write_plots(out, &summary, exact.as_ref())?;
    if !arguments.quiet {
        say!("{}", table::title(&summary.provenance.title));
        table::print_summary(&summary);
        table::print_aligned(&rows);
        say!("{:.1} s; results in {}", summary.provenance.wall_time_seconds, out.display());
    }
    recorded?;
    Ok(if complete { Outcome::Done } else { Outcome::Incomplete })
}

/// The result of the sweep points that have one.
fn summary(file: &RunFile, pieces: &[Piece], complete: bool, begun: Instant) -> Result<Summary> {
    let (mut points, mut endings): (Vec<Point>, Vec<Ending>) = Default::default();
    for Piece { blocks: PointBlocks { point, .. }, ensemble, .. } in pieces {
        if let Some(ensemble) = ensemble {
            points.push(trajectory_point(&point.experiment, ensemble, point.parameters.clone()));
            endings.push(ensemble.ending);
        }
    }
    if points.is_empty() {
        return Err(Error::Unmerged("no trajectory is stored".into()));
    }
    let trajectories = points.iter().map(|point| point.trajectories).max().unwrap_or_default();
    let origin = provenance(file, Method::Trajectories, trajectories, complete, begun, 1);
    Ok(Summary { format_version: FORMAT_VERSION, provenance: Provenance { endings, ..origin }, points })
}

/// The records of the trajectories that were merged, where the run file asks for any.
fn write_records(file: &RunFile, pieces: &[Piece], out: &Path, summary: &Summary) -> Result<()> {
    let Some(mut records) = RecordSpool::open(out, file.records)? else { return Ok(()) };
    for piece in pieces {
        if let (Some(ensemble), Some(mut stored)) = (&piece.ensemble, piece.blocks.records(None)) {
            let blocks = piece.blocks.whole_blocks(&piece.set());
            records.keep_stored(&piece.blocks.point.experiment, &ensemble.channels, &mut stored, &blocks);
        }
    }
    records.write(summary).map(drop)
}

/// Stores the blocks of a sweep point in the result directory, for merges to come.
fn copy_blocks(file: &RunFile, index: usize, piece: &Piece, out: &Path) -> Result<()> {
    // Once more: the first went into the result.
    let found = piece.blocks.gather(Some(piece.set()));
    let head = Head { pieces: found.held.ranges().to_vec(), ..piece.blocks.head(file) };
    let channels = piece.ensemble.as_ref().map_or(0, |ensemble| ensemble.channels.len());
    let values = piece.blocks.point.experiment.observables.len() + 1;
    let mut stored = piece.blocks.records(None);
    let blocks = piece.blocks.whole_blocks(&found.held);
    let records = stored.as_mut().map(|stored| {
        let read = |block| stored.read(block, channels, values).map(|records| (block, records));
        (file.records.jumps, blocks.ranges().iter().cloned().flatten().map(read))
    });
    write_gathered(&point_directory(out, index), &head, &found, records).map(drop)
}
