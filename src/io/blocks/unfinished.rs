//! Stored blocks that no result holds yet: nobody discards them unasked.

use std::path::{Path, PathBuf};

use super::defect::Defect;
use super::format::{Head, Opened, Unreadable};
use super::gather::open;
use super::log::{is_newer, record_files};
use super::point::{PointBlocks, point_directories};
use crate::analysis::{Method, Summary};
use crate::ensemble::RangeSet;
use crate::io::questions::{questions, questions_of};
use crate::io::run_file::RunFile;
use crate::{Error, Result};

/// Stored blocks of one sweep point that are in no result.
#[derive(Debug, Clone, PartialEq)]
pub struct Unfinished {
    /// Where they lie.
    pub place: PathBuf,
    /// How many trajectories are stored; none where that cannot be read.
    pub trajectories: Option<u64>,
    /// What differs from the run file in hand, if it is another run.
    pub changes: Option<String>,
}

impl Unfinished {
    /// The first sweep point in a result directory with stored blocks that `result`, which lies there, does not hold; `file` is
    /// what is to be run there instead.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub fn find(directory: &Path, result: Option<&Summary>, file: &RunFile) -> Result<Option<Self>> {
        let complete = result.filter(|result| result.provenance.complete);
        let answered = complete.map(|result| questions_of(&result.provenance)).unwrap_or_default();
        let asked = Asked::default();
        for (index, (place, paths)) in point_directories(directory)? {
            let mut defects = Vec::new();
            let heads: Vec<Head> = open(&paths, &mut defects).into_iter().map(|opened| opened.head).collect();
            let held = complete.and_then(|result| result.points.get(index)).map_or(0, |point| point.trajectories);
            let is_held = |head: &&Head| {
                let ends = head.nodes.iter().map(|entry| head.range(entry).end);
                let question = answered.get(index);
                ends.max().is_none_or(|end| end <= held) && question.is_some() && asked.of(head).as_ref() == question
            };
            if heads.iter().any(|head| !head.nodes.is_empty() && !is_held(&head)) {
                let ranges = heads.iter().flat_map(|head| head.nodes.iter().map(|entry| head.range(entry)));
                let trajectories = Some(RangeSet::from_iter(ranges).count());
                let changes = match file.points.get(index) {
                    None => Some(format!("this one has {} sweep points", file.points.len())),
                    Some(_) => foreign(&PointBlocks::new(file, index, None, paths)),
                };
                return Ok(Some(Self { place, trajectories, changes }));
            }
            let is_lost = |defect: &Defect| matches!(defect, Defect::Unreadable { reason, .. } if !matches!(reason, Unreadable::Damaged(_)));
            if let Some(defect) = defects.iter().find(|defect| is_lost(defect)) {
                return Ok(Some(Self { place, trajectories: None, changes: Some(defect.to_string()) }));
            }
        }
        Ok(None)
    }

    /// The error that says what there is and what can be done.
    pub fn error(&self) -> Error {
        let place = self.place.display();
        let advice = "or discard them with --restart, or name another directory with --out";
        let allowed = match (self.trajectories, &self.changes) {
            (Some(count), None) => format!(
                "{place} holds {count} finished trajectories of this very run, which is not complete: go on with --resume, {advice}"
            ),
            (Some(count), Some(changes)) => format!(
                "{place} holds {count} finished trajectories of another run, which is not complete ({changes}): go on with \
                 that run file and --resume, {advice}"
            ),
            (None, changes) => {
                let reason = changes.as_deref().unwrap_or("it cannot be read");
                format!("{place} holds blocks that cannot be told ({reason}): look at them, {advice}")
            }
        };
        Error::value("--resume", "not given", allowed)
    }
}

/// What differs between the run that most blocks there belong to and the one in hand, if it is another one.
fn foreign(blocks: &PointBlocks) -> Option<String> {
    let (heads, defects, _) = blocks.heads();
    if heads.iter().any(|(_, head)| !head.nodes.is_empty()) {
        return None;
    }
    defects.into_iter().find_map(|defect| match defect {
        Defect::Foreign { changes, .. } => Some(changes),
        _ => None,
    })
}

/// The questions of run files in heads: those of one run all have the same.
#[derive(Default)]
struct Asked(std::cell::RefCell<Option<(Head, Vec<String>)>>);

impl Asked {
    /// What the blocks of a file answer.
    fn of(&self, head: &Head) -> Option<String> {
        let mut last = self.0.borrow_mut();
        let same = |other: &Head| {
            (&other.run_file, &other.overrides, &other.tables) == (&head.run_file, &head.overrides, &head.tables)
        };
        if !last.as_ref().is_some_and(|(other, _)| same(other)) {
            let file = RunFile::parse_stored(&head.run_file, &head.title, &head.overrides, &head.tables).ok()?;
            *last = Some((head.clone(), questions(&file, Method::Trajectories)));
        }
        last.as_ref()?.1.get(head.point).cloned()
    }
}

/// Refuses a directory with a file of blocks that a newer program has written: it is neither read nor replaced nor removed.
///
/// # Errors
/// That one.
pub fn refuse_newer(directory: &Path) -> Result<()> {
    let advice = "name another directory with --out, or move the file away";
    for (_, (place, paths)) in point_directories(directory)? {
        if let Some(path) = record_files(&[], Some(&place)).iter().find(|path| is_newer(path)) {
            return Err(Error::Stored(format!(
                "{}: a newer version of the program wrote it; {advice}",
                path.display()
            )));
        }
        for path in paths {
            if let Err(reason) = Opened::open(&path)
                && reason.is_newer()
            {
                return Err(Error::Stored(format!("{}: {reason}; {advice}", path.display())));
            }
        }
    }
    Ok(())
}
