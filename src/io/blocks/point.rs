//! The blocks of a sweep point in a result directory: where they lie, which of them a process has to run, what is there.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::defect::Defect;
use super::format::Head;
use super::gather::{Gathered, Wanted, gather, open};
use super::identity::Identity;
use super::inventory::Inventory;
use super::log::{RECORDS_ENDING, RecordIndex, record_files};
use super::names::{ENDING, files, task_of};
use crate::ensemble::{Ladder, RangeSet};
use crate::io::provenance::build_commit;
use crate::io::run_file::{Records, RunFile, RunPoint};
use crate::system::cpu_features;
use crate::{Error, Result};

/// Where stored blocks lie inside a result directory.
pub const BLOCKS_DIRECTORY: &str = "blocks";

/// One of several equal parts of a run's blocks, or of a wave of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Its number, from 0.
    pub index: u64,
    /// How many there are.
    pub count: u64,
    /// The first and the last trajectory of the wave; none: all.
    pub wave: Option<[u64; 2]>,
}

impl Shard {
    /// Its blocks of `total`, with `block` trajectories each: contiguous, and as many as any other's, or one fewer.
    pub fn blocks(self, total: u64, block: u64) -> Range<u64> {
        let [from, to] = self.wave.map_or([0, total], |[first, last]| [first / block, last / block + 1]);
        let (from, to) = (from.min(total), to.min(total));
        let at = |index: u64| from + (u128::from(index) * u128::from(to - from) / u128::from(self.count)) as u64;
        at(self.index)..at(self.index + 1)
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.count)?;
        self.wave.map_or(Ok(()), |[first, last]| write!(f, ":{first}-{last}"))
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let pair = |text: &str, mark: char| {
            let (one, other) = text.split_once(mark)?;
            Some([one.parse::<u64>().ok()?, other.parse::<u64>().ok()?])
        };
        let (part, wave) = text.split_once(':').map_or((text, None), |(part, wave)| (part, Some(wave)));
        let wave = wave.map(|wave| pair(wave, '-').filter(|[first, last]| first <= last && *last < 1 << 53));
        match (pair(part, '/'), wave) {
            (Some([index, count]), None | Some(Some(_))) if index < count && count <= 1 << 32 => {
                Ok(Self { index, count, wave: wave.flatten() })
            }
            _ => Err("must be I/N with I from 0 to N − 1, e.g. 0/64, or that of a wave, e.g. 0/64:8192-16383".into()),
        }
    }
}

/// A sweep point as its blocks are stored.
#[derive(Debug, Clone)]
pub struct PointBlocks {
    /// The point, with the pilot trajectories and the size that the stored blocks have.
    pub point: RunPoint,
    /// What its blocks depend on.
    pub identity: Identity,
    /// What was kept of the stored blocks that a new run would choose otherwise.
    pub note: Option<String>,
    /// The blocks to run.
    pub blocks: Range<u64>,
    index: usize,
    shard: Option<Shard>,
    paths: Vec<PathBuf>,
    /// Whether records of single trajectories are wanted, and if so, with jumps.
    records: Option<bool>,
}

impl PointBlocks {
    /// Point `index` of a run file, or a shard of it, beside the files `paths`.
    ///
    /// Where more trajectories are asked for than when the stored blocks were run, their pilots and the size of the blocks are
    /// kept: anything else would make another run of it.
    pub fn new(file: &RunFile, index: usize, shard: Option<Shard>, mut paths: Vec<PathBuf>) -> Self {
        let Inventory { point, note } = Inventory::of(&file.points[index], &paths, shard.is_some());
        let (total, block) = (point.stopping.trajectories, point.block);
        let blocks = shard.map_or(0..total.div_ceil(block), |shard| shard.blocks(total.div_ceil(block), block));
        // A shard needs no file that has nothing of it.
        let touches = |other: Range<u64>| other.start < blocks.end * block && blocks.start * block < other.end;
        paths.retain(|path| shard.is_none() || task_of(path).is_none_or(touches));
        let records = (file.records != Records::default()).then_some(file.records.jumps);
        Self { identity: Identity::of(&point), point, note, blocks, index, shard, paths, records }
    }

    /// Whether records of single trajectories are wanted, and if so, with jumps.
    pub fn wants_records(&self) -> Option<bool> {
        self.records
    }

    /// The records that lie beside the files of blocks, and in `directory`.
    pub fn records(&self, directory: Option<&Path>) -> Option<RecordIndex> {
        let jumps = self.records?;
        let mut files = record_files(&self.paths, directory);
        let task = self.task();
        files.retain(|path| task_of(path).is_none_or(|other| other.start < task.end && task.start < other.end));
        Some(RecordIndex::new(files, &self.identity.hash, jumps, self.point.block, self.point.stopping.trajectories))
    }

    /// The number of the sweep point.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Numbers of blocks at which the run is looked at.
    pub fn rungs(&self) -> Vec<u64> {
        Ladder::rungs(self.point.first_look(), self.point.block)
    }

    /// The trajectories to run.
    pub fn task(&self) -> Range<u64> {
        let (block, last) = (self.point.block, self.point.stopping.trajectories);
        (self.blocks.start * block).min(last)..(self.blocks.end * block).min(last)
    }

    /// The blocks that lie wholly in a set of trajectories.
    pub fn whole_blocks(&self, trajectories: &RangeSet) -> RangeSet {
        let (block, last) = (self.point.block, self.point.stopping.trajectories);
        let end = |end: u64| if end == last { end.div_ceil(block) } else { end / block };
        trajectories.ranges().iter().map(|range| range.start.div_ceil(block)..end(range.end)).collect()
    }

    /// Reads what there is of the trajectories in `within`, or of the task.
    pub fn gather(&self, within: Option<RangeSet>) -> Gathered {
        let RunPoint { stopping, block, .. } = &self.point;
        let task = self.task();
        let within = within.unwrap_or_else(|| RangeSet::from(task.clone()));
        let wanted = Wanted {
            identity: &self.identity,
            trajectories: stopping.trajectories,
            block: *block,
            rungs: self.rungs(),
            within,
            records: self.records(None),
        };
        gather(&self.paths, &wanted)
    }

    /// The heads of this run's files, what is wrong with files, and the trajectories that are stored if all sums are sound.
    pub fn heads(&self) -> (Vec<(PathBuf, Head)>, Vec<Defect>, RangeSet) {
        let mut defects = Vec::new();
        let mut heads = Vec::new();
        for opened in open(&self.paths, &mut defects) {
            match opened.head.identity.hash == self.identity.hash {
                true => heads.push((opened.path, opened.head)),
                false => {
                    defects.push(Defect::foreign(&opened.path, &opened.head, &self.identity, self.point.block));
                }
            }
        }
        let task = self.task();
        let ranges = heads.iter().flat_map(|(_, head)| head.nodes.iter().map(|entry| head.range(entry)));
        let stored = RangeSet::from_iter(ranges).within(&task);
        (heads, defects, stored)
    }

    /// The head of a file with these blocks.
    pub fn head(&self, file: &RunFile) -> Head {
        Head {
            identity: self.identity.clone(),
            maker: maker(),
            run_file: file.text.clone(),
            overrides: file.overrides.clone(),
            tables: file.tables.clone(),
            title: file.title.clone(),
            point: self.index,
            trajectories: self.point.stopping.trajectories,
            block: self.point.block,
            task: self.task(),
            shard: self.shard.map(|shard| shard.to_string()),
            pieces: vec![self.task()],
            nodes: Vec::new(),
        }
    }

    /// The error for files that belong to another run or come from a newer program, if there are any.
    ///
    /// # Errors
    /// That one.
    pub fn refuse_foreign(&self, defects: &[Defect]) -> Result<()> {
        let is_foreign = |defect: &&Defect| match defect {
            Defect::Foreign { .. } => true,
            Defect::Unreadable { reason, .. } => reason.is_newer(),
            _ => false,
        };
        let foreign = defects.iter().find(is_foreign);
        foreign.map_or(Ok(()), |defect| Err(Error::Stored(defect.to_string())))
    }

    /// The error for files that hold more trajectories than are asked for: without them they cannot be told apart any more.
    ///
    /// # Errors
    /// That one.
    pub fn refuse_longer(&self, found: &Gathered) -> Result<()> {
        let most = self.point.stopping.trajectories;
        for (path, head) in &found.heads {
            if let Some(entry) = head.nodes.iter().find(|entry| head.range(entry).end > most) {
                let end = head.range(entry).end;
                let path = path.display();
                let reason = format!("{path} holds trajectory {} and {most} are asked for: ask for as many", end - 1);
                return Err(Error::Stored(format!("{reason}, or begin again with --restart")));
            }
        }
        Ok(())
    }
}

/// Program, commit and processor features: what the last bits of sums may depend on beside the identity.
pub fn maker() -> String {
    let commit = build_commit().unwrap_or_else(|| "unknown commit".into());
    format!("fluctuator {} ({commit}; {})", env!("CARGO_PKG_VERSION"), cpu_features().join(" "))
}

/// The files of blocks of every sweep point below `directory`, a result directory or its `blocks`.
///
/// # Errors
/// When a directory cannot be read.
pub fn point_directories(directory: &Path) -> Result<BTreeMap<usize, (PathBuf, Vec<PathBuf>)>> {
    let inner = directory.join(BLOCKS_DIRECTORY);
    let place = if inner.is_dir() { inner } else { directory.to_owned() };
    let entries = match std::fs::read_dir(&place) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(Error::io(place, error)),
    };
    let mut points = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(|error| Error::io(&place, error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(index) = name.strip_prefix("point-").and_then(|index| index.parse().ok()) {
            let found = files(&path)?;
            points.insert(index, (path, found));
        }
    }
    Ok(points)
}

/// The directory of a point's blocks.
pub fn point_directory(directory: &Path, index: usize) -> PathBuf {
    directory.join(BLOCKS_DIRECTORY).join(format!("point-{index:04}"))
}

/// Removes all stored blocks of a result directory.
///
/// # Errors
/// When one cannot be removed.
pub fn discard(directory: &Path) -> Result<()> {
    if !directory.join(BLOCKS_DIRECTORY).is_dir() {
        return Ok(());
    }
    for (place, _) in point_directories(directory)?.into_values() {
        for entry in std::fs::read_dir(&place).map_err(|error| Error::io(&place, error))? {
            let path = entry.map_err(|error| Error::io(&place, error))?.path();
            // Files under temporary names, too.
            let is_ours = |name: &str| name.contains(ENDING) || name.ends_with(RECORDS_ENDING);
            if path.file_name().is_some_and(|name| is_ours(&name.to_string_lossy())) {
                std::fs::remove_file(&path).map_err(|error| Error::io(&path, error))?;
            }
        }
        // Left alone if something else lies there.
        let _ = std::fs::remove_dir(&place);
    }
    let _ = std::fs::remove_dir(directory.join(BLOCKS_DIRECTORY));
    Ok(())
}
