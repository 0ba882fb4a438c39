//! Everything that is stored of a sweep point, read from any number of files: each trajectory once, whoever wrote it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;

use super::defect::Defect;
use super::format::{Entry, Head, Opened};
use super::identity::Identity;
use super::log::RecordIndex;
use super::names::task_of;
use crate::ensemble::{Node, RangeSet, Stored, Sums, Tree};

/// What is wanted of the files.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The run.
    pub identity: &'a Identity,
    /// Its trajectories, the most of them where there is a target.
    pub trajectories: u64,
    /// Trajectories per block.
    pub block: u64,
    /// Numbers of blocks at which the run is looked at.
    pub rungs: Vec<u64>,
    /// The trajectories that are wanted of it.
    pub within: RangeSet,
    /// The records of its blocks, where only blocks that have them count.
    pub records: Option<RecordIndex>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The sums, in as few nodes as the looks allow.
    pub stored: Vec<Stored>,
    /// Their trajectories.
    pub held: RangeSet,
    /// What is wanted and stored, but in one node with more: sound, and of no use here.
    pub elsewhere: RangeSet,
    /// What is damaged and in no other file.
    pub damaged: RangeSet,
    /// The contiguous pieces that the writers had to run.
    pub pieces: Vec<Range<u64>>,
    /// The heads that could be read, of this run.
    pub heads: Vec<(PathBuf, Head)>,
    /// Whatever is wrong.
    pub defects: Vec<Defect>,
}

/// Opens files; those that cannot be read are complained of.
pub fn open(paths: &[PathBuf], defects: &mut Vec<Defect>) -> Vec<Opened> {
    let mut opened = Vec::new();
    for path in paths {
        match Opened::open(path) {
            Ok(file) => opened.push(file),
            // Whoever wrote it has replaced it by one that holds more.
            Err(_) if !path.exists() => {}
            Err(reason) => {
                defects.push(Defect::Unreadable { path: path.clone(), task: task_of(path), reason });
            }
        }
    }
    opened
}

/// Reads what is wanted from `paths`.
pub fn gather(paths: &[PathBuf], wanted: &Wanted) -> Gathered {
    let mut found = Gathered::default();
    let mut opened = open(paths, &mut found.defects);
    opened.retain(|file| {
        let ours = file.head.identity.hash == wanted.identity.hash;
        if !ours {
            found.defects.push(Defect::foreign(&file.path, &file.head, wanted.identity, wanted.block));
        }
        ours
    });
    for file in &opened {
        found.heads.push((file.path.clone(), file.head.clone()));
        found.pieces.extend(file.head.pieces.iter().cloned());
    }
    // Large nodes first: what is held twice is left out whole, and stands in where a larger node is damaged.
    let mut candidates: Vec<(usize, usize)> = (opened.iter().enumerate())
        .flat_map(|(file, opened)| (0..opened.head.nodes.len()).map(move |index| (file, index)))
        .collect();
    candidates.sort_by_key(|&(file, index)| (Reverse(opened[file].head.nodes[index].node.height), file, index));
    let tree = Tree::with_cuts(wanted.rungs.clone());
    let (tails, held, reported) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
    let mut gathering = Gathering { wanted, opened: &mut opened, found, tree, tails, held, reported };
    for (file, index) in candidates {
        gathering.take(file, index);
    }
    let Gathering { mut found, tree, tails, .. } = gathering;
    let lost = found.damaged.ranges().iter().flat_map(|range| found.held.missing(range.clone()).ranges().to_vec());
    found.damaged = lost.collect();
    found.stored = tree.into_nodes().chain(tails).collect();
    found
}

/// What has been found so far in opened files.
struct Gathering<'a> {
    wanted: &'a Wanted<'a>,
    opened: &'a mut [Opened],
    found: Gathered,
    /// Whole nodes.
    tree: Tree<Sums>,
    /// Those at the run's end that are short.
    tails: Vec<Stored>,
    /// Which file each came from.
    held: BTreeMap<Node, (usize, Entry)>,
    /// The files that were complained of as holding what others hold.
    reported: BTreeSet<usize>,
}

impl Gathering<'_> {
    /// Takes what is of use of a node.
    fn take(&mut self, file: usize, index: usize) {
        let Self { wanted, opened, found, .. } = self;
        let opened = &mut opened[file];
        let (head, path) = (&opened.head, opened.path.clone());
        let entry = head.nodes[index].clone();
        let range = head.range(&entry);
        if !wanted.wants(&entry, &range) {
            self.note_elsewhere(file, index, &range);
        } else if found.held.covers(&range) {
            self.compare(file, &entry, range);
        } else {
            match opened.sums(index) {
                Ok(_) if !wanted.has_records(&entry) => {
                    found.damaged.insert(range.clone());
                    found.defects.push(Defect::Unrecorded { path, range });
                }
                Ok(sums) => {
                    found.held.insert(range);
                    let is_whole = entry.trajectories == wanted.block << entry.node.height;
                    self.held.insert(entry.node, (file, entry.clone()));
                    if is_whole { self.tree.insert(entry.node, sums) } else { self.tails.push((entry.node, sums)) }
                }
                Err(reason) => {
                    found.damaged.insert(range.clone());
                    found.defects.push(Defect::Damaged { path, range, reason });
                }
            }
        }
    }

    /// What is wanted of a sound node with more trajectories is stored, but of no use.
    fn note_elsewhere(&mut self, file: usize, index: usize, range: &Range<u64>) {
        let Self { wanted, opened, found, .. } = self;
        let opened = &mut opened[file];
        let here = wanted.within.within(range);
        let is_known = |range: &Range<u64>| found.held.covers(range) || found.elsewhere.covers(range);
        if !here.ranges().iter().all(is_known)
            && range.end <= wanted.trajectories
            && wanted.has_records(&opened.head.nodes[index])
            && opened.sums(index).is_ok()
        {
            here.ranges().iter().cloned().for_each(|range| found.elsewhere.insert(range));
        }
    }

    /// A node whose trajectories another file holds is the same, and told of once for each file.
    fn compare(&mut self, file: usize, entry: &Entry, range: Range<u64>) {
        let Self { opened, found, held, reported, .. } = self;
        let path = opened[file].path.clone();
        match held.get(&entry.node) {
            Some((other, same)) if same.digest != entry.digest => {
                let paths = [opened[*other].path.clone(), path];
                found.defects.push(Defect::Disagree { paths, range });
            }
            _ if reported.insert(file) => found.defects.push(Defect::Twice { path, range }),
            _ => {}
        }
    }
}

impl Gathered {
    /// Of every piece the trajectories from its beginning up to the first one that is neither there nor damaged. What lies
    /// beyond was finished before its predecessors: trajectories with few jumps are, so that it is not a fair sample.
    pub fn in_order(&self) -> RangeSet {
        let mut known = self.held.clone();
        self.damaged.ranges().iter().cloned().for_each(|range| known.insert(range));
        let ends = self.pieces.iter().map(|piece| piece.start..known.first_gap(piece.start).min(piece.end));
        ends.collect()
    }
}

impl Wanted<'_> {
    /// Whether an entry is of this run: wholly within, and short only where the run ends.
    fn wants(&self, entry: &Entry, range: &Range<u64>) -> bool {
        let is_whole = entry.trajectories == self.block << entry.node.height;
        self.within.covers(range) && (is_whole || range.end == self.trajectories)
    }

    /// Whether the records of its blocks are there, if they are wanted.
    fn has_records(&self, entry: &Entry) -> bool {
        self.records.as_ref().is_none_or(|records| records.covers(&entry.node.blocks()))
    }
}
