//! Which run stored blocks belong to: a hash of all that determines their sums, and the run file's keys to name what differs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ensemble::{Estimator, Ladder};
use crate::error::{LONGEST_KEY, shown};
use crate::io::provenance::hash_text;
use crate::io::run_file::RunPoint;

/// Version of what the program computes from a sweep point: to be raised with every change that alters the bits of a block's sums.
///
/// Another default of a key needs no new version: what was understood is part of the identity.
pub const RESULTS_VERSION: u32 = 15;

/// What determines the sums of a block, beside its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// SHA-256 over [`RESULTS_VERSION`] and everything about the sweep point that the sums depend on, as it was understood:
    /// `1` and `1.0`, or a default and the same value written out, make no difference.
    pub hash: String,
    /// The run file's keys that take part and their values, to tell what differs.
    pub keys: BTreeMap<String, String>,
    /// Pilot trajectories; none for plain estimates.
    pub pilot: Option<u64>,
}

impl Identity {
    /// The identity of a sweep point's blocks.
    ///
    /// Title, pictures, threads, time limit, the number of trajectories and how small the target's error is do not take part.
    /// Whether there is a target does, with the first look: blocks are stored such that every look can be taken again.
    pub fn of(point: &RunPoint) -> Self {
        let RunPoint { experiment, tolerances, seed, block, estimator, sampling, correlations, .. } = point;
        let rungs = Ladder::rungs(point.first_look(), *block);
        // The derived text of a value has all its fields, those of later versions too, and every bit of its numbers.
        let text = format!(
            "{RESULTS_VERSION}\n{experiment:?}\n{tolerances:?}\n{seed}\n{block}\n{estimator:?}\n{sampling:?}\n{correlations:?}\n{:?}",
            rungs.first()
        );
        let mut keys = point.keys.clone();
        let target = if rungs.is_empty() { "none" } else { "a target" };
        keys.insert("ensemble.target".into(), target.into());
        let pilot = match estimator {
            Estimator::Plain => None,
            Estimator::Controlled { pilot } => Some(*pilot),
        };
        Self { hash: hash_text(&text), keys, pilot }
    }

    /// What of the run file is different in `other`: `ensemble.seed was 1, is 2 here`. `blocks` are the trajectories per block of
    /// both, which follow from the number of trajectories, as that of the pilots does, where the run file does not name them.
    pub fn changes(&self, other: &Self, blocks: [u64; 2]) -> String {
        let mut changes = Vec::new();
        let mut tell = |key: &str, was: Option<String>, is: Option<String>| {
            if was != is {
                // One of the two is somebody else's.
                let shown =
                    |value: Option<String>| value.map_or_else(|| "not given".into(), |value| shown::value(&value));
                let key = shown::one_line(key, LONGEST_KEY);
                changes.push(format!("`{key}` was {}, is {}", shown(was), shown(is)));
            }
        };
        let names: std::collections::BTreeSet<&String> = self.keys.keys().chain(other.keys.keys()).collect();
        for key in names {
            tell(key, self.keys.get(key).cloned(), other.keys.get(key).cloned());
        }
        if changes.is_empty() {
            let pilot = |identity: &Self| identity.pilot.map_or_else(|| "none".into(), |pilot| pilot.to_string());
            let derived = [("pilot", [pilot(self), pilot(other)]), ("block", blocks.map(|block| block.to_string()))];
            let different = derived.into_iter().filter(|(_, [was, is])| was != is);
            changes.extend(different.map(|(key, [was, is])| format!("`ensemble.{key}` was {was}, is {is}")));
        }
        if changes.is_empty() {
            return "another version of the program computes other numbers".into();
        }
        changes.join("; ")
    }
}
