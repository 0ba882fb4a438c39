//! What a hostile file can reach: the parser of run files, and all that reads stored blocks up to their estimates.
//!
//! Shared by the fuzz targets and by the test that feeds them their corpus.

use std::path::Path;

use fluctuator::analysis::trajectory_point;
use fluctuator::ensemble::{self, StoredRun, Watcher};
use fluctuator::io::blocks::{Head, Identity, PointBlocks};
use fluctuator::io::run_file::RunFile;
use sha2::{Digest, Sha256};

/// The run whose blocks are read.
pub const RUN: &str = r#"
version = 1
[model]
kind = "oscillator-spins"
frequency = 1.0
spins = [{ tunnelling = 2.0, coupling = 1.0, bath = { gamma = 10.0, nbar = 1.0 } }]
[time]
end = 1.0
points = 2
[ensemble]
trajectories = 14
block = 2
pilot = 0
[output]
correlations = { max_delay = 0.5, bins = 2 }
"#;

/// A run file is accepted, or refused with a sentence.
pub fn run_file(text: &str) {
    if let Err(error) = RunFile::parse(text, "hostile", &[]) {
        assert!(!error.to_string().is_empty());
    }
}

/// A file of blocks, as it is and with its checksums mended, is read as `merge` reads it; `place` is where it is put.
pub fn blocks(bytes: &[u8], place: &Path) {
    let file = RunFile::parse(RUN, "hostile", &[]).expect("a sound run file");
    let identity = Identity::of(&file.points[0]);
    read(&file, bytes, place);
    if let Some(mended) = mend(bytes, &identity) {
        read(&file, &mended, place);
    }
}

fn read(file: &RunFile, bytes: &[u8], place: &Path) {
    let path = place.join("trajectories-0-13.hostile.blocks");
    std::fs::write(&path, bytes).expect("a place for files");
    let blocks = PointBlocks::new(file, 0, None, vec![path]);
    let (heads, defects, _) = blocks.heads();
    defects.iter().for_each(|defect| drop(defect.to_string()));
    for (_, head) in heads {
        let _ = RunFile::parse(&head.run_file, &head.title, &head.overrides);
    }
    let found = blocks.gather(None);
    found.defects.iter().for_each(|defect| drop(defect.to_string()));
    let _ = blocks.gather(Some(found.in_order()));
    let _ = (blocks.refuse_longer(&found), blocks.whole_blocks(&found.elsewhere));
    let (point, stored) = (&blocks.point, found.stored);
    let stored_run = StoredRun { stored, scattered: true, ..StoredRun::default() };
    let grid = point.correlations.as_ref();
    let merged =
        ensemble::run_stored(&point.experiment, &point.tolerances, &point.plan(1), &Onlooker, grid, stored_run);
    if let Ok(Some(ensemble)) = merged {
        trajectory_point(&point.experiment, &ensemble, point.parameters.clone());
    }
}

/// Stored blocks are looked at, none is run.
struct Onlooker;

impl Watcher for Onlooker {
    fn finished(&self, _trajectories: u64) {}

    fn stop(&self) -> bool {
        true
    }
}

const MAGIC: &[u8] = b"fluctuator blocks 1\n";

/// The same file as one of `identity`, with the checksums that its contents have; `None` where no head is found.
pub fn mend(file: &[u8], identity: &Identity) -> Option<Vec<u8>> {
    let rest = file.get(MAGIC.len()..)?;
    let size = usize::try_from(u64::from_le_bytes(*rest.first_chunk()?)).ok()?;
    let mut head: Head = serde_json::from_slice(rest.get(8..8usize.checked_add(size)?)?).ok()?;
    let body = rest.get(size.checked_add(8 + 32)?..)?;
    head.identity = identity.clone();
    let mut begin = 0usize;
    for entry in &mut head.nodes {
        let end = begin.saturating_add(usize::try_from(entry.bytes).ok()?);
        let sums = body.get(begin..end).unwrap_or_default();
        let (first, height) = (entry.node.first.to_le_bytes(), entry.node.height.to_le_bytes());
        entry.digest = hexadecimal(&digest(&[head.identity.hash.as_bytes(), &first, &height, sums]));
        begin = end;
    }
    let text = serde_json::to_vec(&head).ok()?;
    Some([MAGIC, &(text.len() as u64).to_le_bytes(), &text, &digest(&[&text]), body].concat())
}

fn digest(parts: &[&[u8]]) -> [u8; 32] {
    Sha256::digest(parts.concat()).into()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
