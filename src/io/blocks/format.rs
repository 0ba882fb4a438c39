//! One file of stored blocks: a head that says whose they are and lists them, and the sums, each with its digest.
//!
//! ```text
//! "fluctuator blocks 1\n"   length of the head (u64, little-endian)   head (JSON)   SHA-256 of the head
//! sums of the first node (postcard)   sums of the second …
//! ```
//!
//! The head holds the SHA-256 of every node's sums together with the node and the identity, so that no bit of a file can change
//! unnoticed, and no node can be taken for another. Whatever lengths a file declares, no more is read than it has bytes.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::identity::Identity;
use crate::ensemble::{Node, Sums};
use crate::io::files::open_file;
use crate::io::provenance::{digest, hexadecimal};
use crate::io::run_file::TableRows;

/// First bytes of every file; the number is the version of its layout.
const MAGIC: &[u8] = b"fluctuator blocks 1\n";

/// What those of every version begin with.
const NAME: &[u8] = b"fluctuator blocks ";

/// The version that this program writes and reads.
const VERSION: u64 = 1;

/// Longest head: some hundred nodes and a run file.
const LONGEST_HEAD: u64 = 1 << 26;

/// Largest sums of a node: a sparse file may claim to be longer than any memory.
const LARGEST_SUMS: u64 = 1 << 30;

/// What a file of blocks says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Whose blocks these are.
    pub identity: Identity,
    /// Program, commit and processor features of who wrote the file.
    pub maker: String,
    /// The run file, word for word.
    pub run_file: String,
    /// `--set` overrides applied to it, in order.
    pub overrides: Vec<String>,
    /// The tabulated densities that the run file names: with them it can be read anywhere.
    #[serde(default, skip_serializing_if = "TableRows::is_empty")]
    pub tables: TableRows,
    /// Title of the run.
    pub title: String,
    /// Number of the sweep point.
    pub point: usize,
    /// Trajectories planned, the most of them where there is a target.
    pub trajectories: u64,
    /// Trajectories per block.
    pub block: u64,
    /// The trajectories that the writer had to run: all, or those of its shard.
    pub task: Range<u64>,
    /// The same as I/N, for a shard.
    pub shard: Option<String>,
    /// The contiguous pieces in which those trajectories were run, each from its beginning on: the task itself, or the tasks
    /// that were merged.
    pub pieces: Vec<Range<u64>>,
    /// The nodes, in the order of their sums.
    pub nodes: Vec<Entry>,
}

/// A node of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the tree.
    pub node: Node,
    /// Its trajectories: fewer than its blocks would have, if its block is the last of a run.
    pub trajectories: u64,
    /// Bytes of its sums.
    pub bytes: u64,
    /// SHA-256 over identity, node and sums, in hexadecimal.
    pub digest: String,
}

impl Head {
    /// The trajectories of a node.
    pub fn range(&self, entry: &Entry) -> Range<u64> {
        let first = entry.node.first.saturating_mul(self.block);
        first..first.saturating_add(entry.trajectories)
    }
}

/// The file with these nodes; `head.nodes` is made here.
///
/// # Errors
/// When something cannot be encoded.
pub fn encode(head: &Head, nodes: &[(Node, &Sums)]) -> Result<Vec<u8>, String> {
    let mut head = Head { nodes: Vec::with_capacity(nodes.len()), ..head.clone() };
    let mut body = Vec::new();
    for &(node, sums) in nodes {
        let begin = body.len();
        body = postcard::to_extend(sums, body).map_err(|error| error.to_string())?;
        let digest = node_digest(&head.identity, node, &body[begin..]);
        let bytes = (body.len() - begin) as u64;
        head.nodes.push(Entry { node, trajectories: sums.tally.trajectories, bytes, digest });
    }
    let text = serde_json::to_vec(&head).map_err(|error| error.to_string())?;
    let mut file = Vec::with_capacity(MAGIC.len() + 8 + text.len() + 32 + body.len());
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&(text.len() as u64).to_le_bytes());
    file.extend_from_slice(&text);
    file.extend_from_slice(&digest(&[&text]));
    file.extend_from_slice(&body);
    Ok(file)
}

/// Something small in bytes.
///
/// # Errors
/// A reason, when it cannot be encoded.
pub fn pack(what: &impl Serialize) -> Result<Vec<u8>, String> {
    postcard::to_stdvec(what).map_err(|error| error.to_string())
}

/// The same back from its bytes.
///
/// # Errors
/// A reason, when they are not of this kind.
pub fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    postcard::from_bytes(bytes).map_err(|error| error.to_string())
}

fn node_digest(identity: &Identity, node: Node, sums: &[u8]) -> String {
    hexadecimal(&digest(&[identity.hash.as_bytes(), &node.first.to_le_bytes(), &node.height.to_le_bytes(), sums]))
}

/// Why a file of blocks cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// The system says no: that may pass.
    System(String),
    /// It is damaged: nothing can be got out of it.
    Damaged(String),
    /// It has another version of the format, which this is the number of.
    Version(u64),
    /// Its head is what its writer made it, and this program does not understand it.
    Unknown(String),
}

impl Unreadable {
    /// Whether another program, a newer one, may well read it: it is nothing to be replaced or removed.
    pub fn is_newer(&self) -> bool {
        match self {
            Self::Version(version) => *version > VERSION,
            Self::Unknown(_) => true,
            Self::System(_) | Self::Damaged(_) => false,
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(reason) => write!(f, "{reason}"),
            Self::Damaged(reason) => write!(f, "damaged: {reason}"),
            Self::Version(version) => write!(
                f,
                "it is of version {version} of the format, and this program reads version {VERSION}: use {} version of the program",
                if *version > VERSION { "a newer" } else { "the older" }
            ),
            Self::Unknown(reason) => {
                write!(f, "unknown head ({reason}): it comes from another version of the program, or is none of ours")
            }
        }
    }
}

/// The version that the first bytes of a file name, if it is none that this program reads.
fn other_version(front: &[u8]) -> Option<u64> {
    let digits = front.strip_prefix(NAME)?;
    let length = digits.iter().position(|byte| *byte == b'\n')?;
    let version = std::str::from_utf8(&digits[..length]).ok()?.parse().ok()?;
    (version != VERSION).then_some(version)
}

/// A file of blocks with its head read.
#[derive(Debug)]
pub struct Opened {
    /// Where it lies.
    pub path: PathBuf,
    /// Its head.
    pub head: Head,
    file: File,
    /// Where the sums begin.
    begin: u64,
    length: u64,
}

impl Opened {
    /// Opens a file and reads its head.
    ///
    /// # Errors
    /// A reason, when it cannot be read, is damaged or of another version.
    pub fn open(path: &Path) -> Result<Self, Unreadable> {
        let said = |error: std::io::Error| Unreadable::System(error.to_string());
        let damaged = |reason: &str| Unreadable::Damaged(reason.into());
        let mut file = open_file(path).map_err(said)?;
        let length = file.metadata().map_err(said)?.len();
        let mut front = Vec::with_capacity(MAGIC.len() + 8);
        file.by_ref().take(MAGIC.len() as u64 + 8).read_to_end(&mut front).map_err(said)?;
        if let Some(version) = other_version(&front) {
            return Err(Unreadable::Version(version));
        }
        let Some((magic, bytes)) = front.split_at_checked(MAGIC.len()).filter(|(_, size)| size.len() == 8) else {
            return Err(damaged("too short"));
        };
        if magic != MAGIC {
            return Err(damaged("it does not begin like a file of blocks"));
        }
        let mut size = [0; 8];
        size.copy_from_slice(bytes);
        let size = u64::from_le_bytes(size);
        let begin = size.saturating_add(front.len() as u64 + 32);
        if size > LONGEST_HEAD || begin > length {
            return Err(damaged("its head does not fit into it"));
        }
        let mut text = vec![0; size as usize];
        let mut expected = [0; 32];
        file.read_exact(&mut text).and_then(|()| file.read_exact(&mut expected)).map_err(said)?;
        if digest(&[&text]) != expected {
            return Err(damaged("the checksum of its head is wrong"));
        }
        let head: Head = serde_json::from_slice(&text).map_err(|error| Unreadable::Unknown(error.to_string()))?;
        let sound = |entry: &Entry| {
            let full = u128::from(head.block) << entry.node.height.min(64);
            let short = entry.node.height == 0 && entry.trajectories > 0 && u128::from(entry.trajectories) < full;
            entry.node.is_sound() && (u128::from(entry.trajectories) == full || short)
        };
        if !(head.block.is_power_of_two() && head.block <= 1 << 20 && head.nodes.iter().all(sound)) {
            return Err(Unreadable::Unknown("it lists impossible blocks".into()));
        }
        Ok(Self { path: path.to_owned(), head, file, begin, length })
    }

    /// The sums of node number `index`.
    ///
    /// # Errors
    /// A reason, when they cannot be read or are damaged.
    pub fn sums(&mut self, index: usize) -> Result<Sums, String> {
        let entry = &self.head.nodes[index];
        let before = self.head.nodes[..index].iter().fold(self.begin, |sum, entry| sum.saturating_add(entry.bytes));
        if before.saturating_add(entry.bytes) > self.length {
            return Err("cut off".into());
        }
        if entry.bytes > LARGEST_SUMS {
            return Err(format!("{} bytes of sums are impossible", entry.bytes));
        }
        let mut bytes = vec![0; entry.bytes as usize];
        let read = self.file.seek(SeekFrom::Start(before)).and_then(|_| self.file.read_exact(&mut bytes));
        read.map_err(|error| error.to_string())?;
        if node_digest(&self.head.identity, entry.node, &bytes) != entry.digest {
            return Err("wrong checksum".into());
        }
        let sums: Sums = postcard::from_bytes(&bytes).map_err(|error| error.to_string())?;
        if sums.tally.trajectories != entry.trajectories {
            return Err("the number of trajectories differs from the head's".into());
        }
        if !sums.is_sound() {
            return Err("the sums contradict themselves".into());
        }
        Ok(sums)
    }
}
