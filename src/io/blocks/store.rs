//! Blocks on their way to the disk: a thread of its own writes them, about once a second, in one file that is replaced as a
//! whole.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use super::defect::Defect;
use super::format::{Head, Opened, Unreadable, encode};
use super::gather::Gathered;
use super::log::LogWriter;
use super::names::{ENDING, file_name, make_directory, task_of};
use crate::ensemble::{BlockRecords, Ledger, Node, RangeSet, Stored, Sums, Tree};
use crate::io::files::replace_file;
use crate::io::provenance::hash_text;
use crate::{Error, Result};

/// Files are written in intervals of no less than this many times what writing one takes.
const TIMES_THE_COST: u32 = 100;

/// How often the thread asks whether it should hurry.
const POLL: Duration = Duration::from_millis(50);

/// The blocks of one sweep point, and the thread that writes them.
///
/// What is not [settled](Ledger::settle) when it is dropped may be lost.
pub struct BlockStore {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Where records of single trajectories go, if they are wanted.
    log: Option<Mutex<LogWriter>>,
}

struct State {
    tree: Tree<Sums>,
    /// The last block of a run when it is short: it would spoil the node it is merged into for a longer run.
    tail: Option<Stored>,
    /// Blocks taken in, and those of them that are durable.
    kept: u64,
    durable: u64,
    /// Somebody waits.
    urgent: bool,
    closing: bool,
    failure: Option<Failure>,
    /// Trajectories per block.
    block: u64,
}

/// An error that can be told more than once.
#[derive(Clone)]
struct Failure {
    path: PathBuf,
    kind: std::io::ErrorKind,
    reason: String,
}

/// Whether what is there should be written at once: asked from another thread, about twenty times a second.
pub type Hurry = Arc<dyn Fn() -> bool + Send + Sync>;

/// When files are written, beside when somebody waits for it.
pub struct Pace {
    /// The first after this long, and further ones in intervals of no less.
    pub interval: Duration,
    /// And whenever this is so.
    pub hurry: Hurry,
}

/// What the thread works with.
struct Writer {
    path: PathBuf,
    head: Head,
    /// Files of earlier writers of the same task, as they were when they were read, to go once their blocks are in ours.
    earlier: Vec<(PathBuf, Option<Head>)>,
    is_clean: bool,
    pace: Pace,
}

impl BlockStore {
    /// A store in `directory`, which is made when the first blocks are written. `found` is what is stored already: the blocks
    /// of earlier writers of the same task (and shard) go into the new file, and their files go. `rungs` are the numbers of
    /// blocks at which the run is looked at. `records` says whether records of single trajectories are stored, too, and if so, with
    /// jumps.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn open(
        directory: &Path,
        head: Head,
        rungs: Vec<u64>,
        found: &Gathered,
        pace: Pace,
        records: Option<bool>,
    ) -> Result<Self> {
        let mut tree = Tree::with_cuts(rungs);
        let mut tail = None;
        for (node, sums) in &found.stored {
            match sums.tally.trajectories == head.block << node.height {
                true => tree.insert(*node, sums.clone()),
                false => tail = Some((*node, sums.clone())),
            }
        }
        let same_task = |path: &Path| task_of(path).as_ref() == Some(&head.task);
        // One that had a larger part of a shorter run may hold what is not ours.
        let is_ours = |other: &Head| {
            let task = RangeSet::from(head.task.clone());
            other.shard == head.shard && other.nodes.iter().all(|entry| task.covers(&other.range(entry)))
        };
        // Nor one whose sums are of use to a run without records.
        let is_unrecorded = |path: &Path| {
            let of = |defect: &Defect| matches!(defect, Defect::Unrecorded { path: other, .. } if other == path);
            found.defects.iter().any(of)
        };
        let mut earlier: Vec<(PathBuf, Option<Head>)> = (found.heads.iter())
            .filter(|(path, other)| is_ours(other) && !is_unrecorded(path))
            .map(|(path, head)| (path.clone(), Some(head.clone())))
            .collect();
        let unreadable = found.defects.iter().filter_map(|defect| match defect {
            Defect::Unreadable { path, reason: Unreadable::Damaged(_), .. } if same_task(path) => {
                Some((path.clone(), None))
            }
            _ => None,
        });
        earlier.extend(unreadable);
        let path = directory.join(file_name(&head.task, &writer_name()));
        let block = head.block;
        let state = State { tree, tail, kept: 0, durable: 0, urgent: false, closing: false, failure: None, block };
        let log = records.map(|jumps| Mutex::new(LogWriter::new(&path, &head.identity.hash, jumps)));
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), log });
        let writer = Writer { path, head, earlier, is_clean: false, pace };
        let theirs = Arc::clone(&shared);
        let writer = std::thread::Builder::new().name("blocks".into()).spawn(move || theirs.write(writer));
        let writer = writer.map_err(|error| Error::Numerical(format!("cannot start a thread: {error}")))?;
        Ok(Self { shared, writer: Some(writer) })
    }
}

impl Ledger for BlockStore {
    fn wants_records(&self) -> Option<bool> {
        self.shared.log().map(|log| log.jumps())
    }

    fn keep_records(&self, block: u64, records: BlockRecords) -> Result<()> {
        let Some(mut log) = self.shared.log() else { return Ok(()) };
        let written = log.append(block, records);
        written.map_err(|error| failed(log.path(), error).error())
    }

    fn keep(&self, block: u64, sums: &Sums) -> Result<()> {
        let mut state = self.shared.lock();
        state.check()?;
        state.take_in(block, sums);
        Ok(())
    }

    fn settle(&self) -> Result<()> {
        let mut state = self.shared.lock();
        let kept = state.kept;
        while state.durable < kept {
            state.check()?;
            state.urgent = true;
            self.shared.changed.notify_all();
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }
}

impl Drop for BlockStore {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.changed.notify_all();
        if let Some(writer) = self.writer.take() {
            // A panic of that thread has been printed by then.
            let _ = writer.join();
        }
    }
}

impl State {
    fn take_in(&mut self, block: u64, sums: &Sums) {
        let node = Node::block(block);
        self.kept += 1;
        match sums.tally.trajectories == self.block {
            true => self.tree.insert(node, sums.clone()),
            false => self.tail = Some((node, sums.clone())),
        }
    }

    fn check(&self) -> Result<()> {
        self.failure.as_ref().map_or(Ok(()), |failure| Err(failure.error()))
    }
}

impl Failure {
    fn error(&self) -> Error {
        Error::Unsaved { path: self.path.clone(), source: std::io::Error::new(self.kind, self.reason.clone()) }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> Option<MutexGuard<'_, LogWriter>> {
        self.log.as_ref().map(|log| log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes the records that were taken in durable.
    fn sync_records(&self) -> std::result::Result<(), Failure> {
        let Some(mut log) = self.log() else { return Ok(()) };
        let path = log.path().to_owned();
        let file = log.flush().map_err(|error| failed(&path, error))?;
        // Others may append meanwhile.
        drop(log);
        file.map_or(Ok(()), |file| file.sync_data()).map_err(|error| failed(&path, error))
    }

    /// Writes whenever it is time, until the store is closed or a file cannot be written.
    fn write(&self, mut writer: Writer) {
        let mut due = Instant::now() + writer.pace.interval;
        loop {
            let mut state = self.lock();
            loop {
                if state.closing {
                    return;
                }
                let is_new = state.kept > state.durable;
                if is_new && (state.urgent || Instant::now() >= due || (writer.pace.hurry)()) {
                    break;
                }
                state = self.changed.wait_timeout(state, POLL).unwrap_or_else(PoisonError::into_inner).0;
            }
            state.urgent = false;
            let (kept, tree, tail) = (state.kept, state.tree.clone(), state.tail.clone());
            drop(state);
            let begun = Instant::now();
            // The records of a block first: without them its sums would not count.
            let written = self.sync_records().and_then(|()| writer.replace(&tree, tail.as_ref()));
            due = Instant::now() + writer.pace.interval.max(begun.elapsed() * TIMES_THE_COST);
            let mut state = self.lock();
            match written {
                Ok(()) => state.durable = kept,
                Err(failure) => state.failure = Some(failure),
            }
            self.changed.notify_all();
            if state.failure.is_some() {
                return;
            }
        }
    }
}

impl Writer {
    /// Puts all that is there into the file.
    fn replace(&mut self, tree: &Tree<Sums>, tail: Option<&Stored>) -> std::result::Result<(), Failure> {
        let nodes: Vec<(Node, &Sums)> = tree.nodes().chain(tail.map(|(node, sums)| (*node, sums))).collect();
        // Whoever cleans up behind a writer that seems dead may take the file away under its temporary name.
        write_blocks(&self.path, &self.head, &nodes).or_else(|_| write_blocks(&self.path, &self.head, &nodes))?;
        if !std::mem::replace(&mut self.is_clean, true) {
            self.clean_up();
        }
        Ok(())
    }

    /// Removes what earlier writers of this task left. It is all in our file, or unusable, so that nothing depends on it.
    fn clean_up(&self) {
        for (path, seen) in &self.earlier {
            let is_as_seen = match (Opened::open(path), seen) {
                (Ok(opened), Some(seen)) => opened.head == *seen,
                (Err(Unreadable::Damaged(_)), None) => true,
                _ => false,
            };
            if is_as_seen {
                let _ = std::fs::remove_file(path);
            }
        }
        let prefix = format!(".{}", file_name(&self.head.task, "").trim_end_matches(ENDING));
        for entry in self.path.parent().and_then(|place| std::fs::read_dir(place).ok()).into_iter().flatten().flatten()
        {
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

fn failed(path: &Path, error: std::io::Error) -> Failure {
    Failure { path: path.to_owned(), kind: error.kind(), reason: error.to_string() }
}

/// Writes a file of blocks as a whole; it is on the disk when this returns.
fn write_blocks(path: &Path, head: &Head, nodes: &[(Node, &Sums)]) -> std::result::Result<(), Failure> {
    let bytes = encode(head, nodes).map_err(|reason| failed(path, std::io::Error::other(reason)))?;
    let directory = path.parent().unwrap_or(Path::new("."));
    if !directory.exists() {
        make_directory(directory).map_err(|error| failed(directory, error))?;
    }
    replace_file(path, &bytes).map_err(|error| match error {
        Error::Io { path, source } => failed(&path, source),
        other => failed(path, std::io::Error::other(other.to_string())),
    })
}

/// Writes what was gathered into `directory`, as one file, with its records as another, and returns the path of the former.
///
/// # Errors
/// When a file cannot be written, or records cannot be read.
pub fn write_gathered(
    directory: &Path,
    head: &Head,
    found: &Gathered,
    records: Option<(bool, impl Iterator<Item = Result<(u64, BlockRecords)>>)>,
) -> Result<PathBuf> {
    let path = directory.join(file_name(&head.task, &writer_name()));
    if let Some((jumps, records)) = records {
        let mut log = LogWriter::new(&path, &head.identity.hash, jumps);
        let place = log.path().to_owned();
        let unsaved = |error| failed(&place, error).error();
        for entry in records {
            let (block, records) = entry?;
            log.append(block, records).map_err(unsaved)?;
        }
        let file = log.flush().map_err(unsaved)?;
        file.map_or(Ok(()), |file| file.sync_data()).map_err(unsaved)?;
    }
    let nodes: Vec<(Node, &Sums)> = found.stored.iter().map(|(node, sums)| (*node, sums)).collect();
    write_blocks(&path, head, &nodes).map_err(|failure| failure.error())?;
    Ok(path)
}

/// A name that no other writer has: two processes that run the same task never write the same file.
fn writer_name() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let host = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let mut name = hash_text(&format!("{host} {} {now:?}", std::process::id()));
    name.truncate(12);
    name
}
