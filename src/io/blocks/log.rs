//! Records of single trajectories beside the stored blocks: files that only ever grow, an entry per finished block.
//!
//! ```text
//! "fluctuator records 1\n"   identity (64 hexadecimal digits)   "j\n" with jumps, "-\n" without
//! block, trajectories, bytes (u64, little-endian)   records (postcard)   SHA-256   the next block …
//! ```
//!
//! Every process that runs blocks has a file of its own, named like its file of blocks. Entries come in the order in which blocks
//! are finished, and are on the disk before the sums of their blocks are: a block counts as stored when both are there. What a
//! process that was killed wrote beyond that is run again; a reader takes each block once, whichever file has it.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::format::{pack, unpack};
use super::names::{make_directory, task_of};
use crate::ensemble::BlockRecords;
use crate::io::files::sync_directory;
use crate::io::provenance::digest;
use crate::{Error, Result};

/// Ending of the names of files of records.
pub const RECORDS_ENDING: &str = ".records";

/// First bytes of every file; the number is the version of its layout.
const MAGIC: &[u8] = b"fluctuator records 1\n";
/// What those of every version begin with.
const NAME: &[u8] = b"fluctuator records ";
/// Bytes of the head.
const HEAD: usize = MAGIC.len() + 64 + 2;
/// Bytes of the three numbers before an entry's records, and of the digest behind them.
const FRONT: usize = 24;
const DIGEST: usize = 32;

/// Bytes that wait for a write: a run that ends before leaves no file.
const PENDING: usize = 1 << 20;

/// The file that the records of finished blocks are appended to.
pub struct LogWriter {
    path: PathBuf,
    head: Vec<u8>,
    jumps: bool,
    file: Option<Arc<File>>,
    pending: Vec<u8>,
}

impl LogWriter {
    /// One beside the file of blocks at `path`, for blocks with this identity; it is made when something is written.
    pub fn new(path: &Path, identity: &str, jumps: bool) -> Self {
        let path = path.with_extension(&RECORDS_ENDING[1..]);
        Self { path, head: head(identity, jumps), jumps, file: None, pending: Vec::new() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether jumps are wanted.
    pub fn jumps(&self) -> bool {
        self.jumps
    }

    /// Appends the records of a block.
    pub fn append(&mut self, block: u64, records: BlockRecords) -> std::io::Result<()> {
        let records = if self.jumps { records } else { records.without_jumps() };
        let front = [block, records.len() as u64];
        let bytes = pack(&records).map_err(std::io::Error::other)?;
        for number in [front[0], front[1], bytes.len() as u64] {
            self.pending.extend_from_slice(&number.to_le_bytes());
        }
        self.pending.extend_from_slice(&bytes);
        self.pending.extend_from_slice(&entry_digest(&self.head, front, &bytes));
        if self.pending.len() > PENDING { self.flush().map(drop) } else { Ok(()) }
    }

    /// Hands all that was appended to the system, and returns the file, if there is one, to be synced.
    pub fn flush(&mut self) -> std::io::Result<Option<Arc<File>>> {
        if self.file.is_none() && !self.pending.is_empty() {
            let directory = self.path.parent().unwrap_or(Path::new("."));
            make_directory(directory)?;
            let mut file = OpenOptions::new().append(true).create_new(true).open(&self.path)?;
            file.write_all(&self.head)?;
            sync_directory(directory)?;
            self.file = Some(Arc::new(file));
        }
        if let Some(file) = &self.file {
            file.as_ref().write_all(&self.pending)?;
            self.pending.clear();
        }
        Ok(self.file.clone())
    }
}

fn head(identity: &str, jumps: bool) -> Vec<u8> {
    [MAGIC, identity.as_bytes(), if jumps { b"j\n" } else { b"-\n" }].concat()
}

fn entry_digest(head: &[u8], [block, trajectories]: [u64; 2], bytes: &[u8]) -> [u8; DIGEST] {
    digest(&[head, &block.to_le_bytes(), &trajectories.to_le_bytes(), bytes])
}

/// Whether a newer program has written a file of records.
pub fn is_newer(path: &Path) -> bool {
    let mut front = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD as u64).read_to_end(&mut front));
    let version = front.strip_prefix(NAME).and_then(|digits| digits.split(|byte| *byte == b'\n').next());
    read.is_ok() && version.is_some_and(|digits| digits != &MAGIC[NAME.len()..MAGIC.len() - 1] && digits.len() < 8)
}

/// The files of records beside files of blocks, and in `directory`, in the order of their names.
pub fn record_files(paths: &[PathBuf], directory: Option<&Path>) -> Vec<PathBuf> {
    let parents = paths.iter().filter_map(|path| path.parent()).chain(directory);
    let mut directories: Vec<&Path> = parents.collect();
    directories.sort_unstable();
    directories.dedup();
    let entries = directories.into_iter().filter_map(|place| std::fs::read_dir(place).ok()).flatten().flatten();
    let is_ours = |path: &PathBuf| path.to_string_lossy().ends_with(RECORDS_ENDING) && task_of(path).is_some();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_ours).collect();
    found.sort_by(|a, b| (a.file_name(), a).cmp(&(b.file_name(), b)));
    found
}

/// Where the records of a block lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    block: u64,
    file: u32,
    begin: u64,
    bytes: u64,
}

/// The records of a run's blocks in any number of files: 32 bytes of memory per block, however many jumps it has.
#[derive(Debug, Default)]
pub struct RecordIndex {
    paths: Vec<PathBuf>,
    heads: Vec<Vec<u8>>,
    /// In the order of the blocks, each once.
    places: Vec<Place>,
    /// Trajectories per block, and of the run.
    block: u64,
    trajectories: u64,
    open: Option<(u32, File)>,
}

impl RecordIndex {
    /// Reads `paths` for the blocks of `identity`, with jumps where those are wanted, of a run of `trajectories` in blocks of
    /// `block`. What is damaged is not there.
    pub fn new(paths: Vec<PathBuf>, identity: &str, jumps: bool, block: u64, trajectories: u64) -> Self {
        let mut index = Self { block, trajectories, ..Self::default() };
        for path in paths {
            for stored in [true, false].into_iter().filter(|stored| *stored || !jumps) {
                let head = head(identity, stored);
                // What cannot be read is not there.
                let _ = index.scan(&path, &head);
            }
        }
        index.places.sort_unstable();
        index.places.dedup_by_key(|place| place.block);
        index
    }

    fn scan(&mut self, path: &Path, head: &[u8]) -> std::io::Result<()> {
        let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
        let length = file.get_ref().metadata()?.len();
        let mut bytes = vec![0; HEAD];
        file.read_exact(&mut bytes)?;
        if bytes != head {
            return Ok(());
        }
        let number = self.paths.len() as u32;
        self.paths.push(path.to_owned());
        self.heads.push(head.to_vec());
        let (mut begin, mut front) = (HEAD as u64, [0; FRONT]);
        loop {
            // Cut off in the middle of an entry, or at its end.
            file.read_exact(&mut front)?;
            let [block, trajectories, size] = numbers(&front);
            let next = begin.saturating_add(FRONT as u64).saturating_add(size).saturating_add(DIGEST as u64);
            if next > length {
                return Ok(());
            }
            let place = Place { block, file: number, begin: begin + FRONT as u64, bytes: size };
            bytes.resize(size as usize + DIGEST, 0);
            file.read_exact(&mut bytes)?;
            let (records, expected) = bytes.split_at(size as usize);
            let is_sound = entry_digest(head, [block, trajectories], records) == expected;
            // A short last block may have become a whole one since.
            if is_sound && trajectories == self.trajectories_of(block) {
                self.places.push(place);
            }
            begin = next;
        }
    }

    /// Trajectories of a block: fewer in the last one of the run.
    fn trajectories_of(&self, block: u64) -> u64 {
        self.trajectories.saturating_sub(block.saturating_mul(self.block)).min(self.block)
    }

    /// Whether the records of all these blocks are there.
    pub fn covers(&self, blocks: &std::ops::Range<u64>) -> bool {
        let first = self.places.partition_point(|place| place.block < blocks.start);
        let last = first as u64 + (blocks.end - blocks.start);
        blocks.is_empty() || self.places.get((last - 1) as usize).is_some_and(|place| place.block == blocks.end - 1)
    }

    /// The records of a block, with so many channels and final values of every trajectory.
    ///
    /// # Errors
    /// When they are not there, or damaged.
    pub fn read(&mut self, block: u64, channels: usize, values: usize) -> Result<BlockRecords> {
        let first = block.saturating_mul(self.block);
        let count = self.trajectories_of(block);
        let about = |reason: String| {
            let last = (first + count).saturating_sub(1);
            let advice = "run again with --resume";
            Error::Stored(format!("the records of trajectories {first}–{last} {reason}; {advice}"))
        };
        let found = self.places.binary_search_by_key(&block, |place| place.block);
        let place = self.places[found.map_err(|_| about("are not there".into()))?];
        let path = self.paths[place.file as usize].clone();
        let mut read = || -> std::io::Result<Vec<u8>> {
            let mut file = match self.open.take() {
                Some((number, file)) if number == place.file => file,
                _ => File::open(&path)?,
            };
            let mut bytes = vec![0; place.bytes as usize + DIGEST];
            file.seek(SeekFrom::Start(place.begin))?;
            file.read_exact(&mut bytes)?;
            self.open = Some((place.file, file));
            Ok(bytes)
        };
        let bytes = read().map_err(|error| Error::io(&path, error))?;
        let (records, expected) = bytes.split_at(place.bytes as usize);
        let damaged = || about(format!("in {} are damaged", path.display()));
        if entry_digest(&self.heads[place.file as usize], [block, count], records) != expected {
            return Err(damaged());
        }
        let records: BlockRecords = unpack(records).map_err(|_| damaged())?;
        if records.fit(first, count, channels, values) { Ok(records) } else { Err(damaged()) }
    }
}

fn numbers(front: &[u8; FRONT]) -> [u64; 3] {
    let (numbers, _) = front.as_chunks::<8>();
    std::array::from_fn(|index| u64::from_le_bytes(numbers[index]))
}
