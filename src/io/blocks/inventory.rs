//! What a run that goes on keeps of the stored blocks, where its run file leaves the choice to the program.

use std::path::PathBuf;

use super::format::Opened;
use super::identity::Identity;
use crate::ensemble::{Estimator, Sampling};
use crate::io::run_file::RunPoint;

/// A sweep point with the numbers that follow from that of the trajectories as they were when the stored blocks were run: pilot
/// trajectories, and trajectories per block.
pub struct Inventory {
    /// The point.
    pub point: RunPoint,
    /// What is other than in a new run.
    pub note: Option<String>,
}

impl Inventory {
    /// The point as most of the trajectories in `paths` have it, as `asked` if none does. Files of one run all agree: of many
    /// shards' one look (`at_once`) is enough.
    pub fn of(asked: &RunPoint, paths: &[PathBuf], at_once: bool) -> Self {
        let mut found: Vec<(RunPoint, u64)> = Vec::new();
        if choices(asked) != (false, false) {
            for opened in paths.iter().filter_map(|path| Opened::open(path).ok()) {
                let Some(point) = as_stored(asked, &opened) else { continue };
                let count = opened.head.nodes.iter().fold(0u64, |sum, entry| sum.saturating_add(entry.trajectories));
                match found.iter_mut().find(|(known, _)| *known == point) {
                    Some((_, sum)) => *sum = sum.saturating_add(count),
                    None => found.push((point, count)),
                }
                if at_once {
                    break;
                }
            }
        }
        let most = found.into_iter().max_by_key(|(_, count)| *count);
        let point = most.map_or_else(|| asked.clone(), |(point, _)| point);
        Self { note: note(asked, &point), point }
    }
}

/// Whether the program chooses the number of pilot trajectories, and whether the block.
fn choices(asked: &RunPoint) -> (bool, bool) {
    let is_free = |key: &str| !asked.keys.contains_key(key);
    let controlled = matches!(asked.estimator, Estimator::Controlled { .. });
    // Stratified, a block is a unit of the statistics.
    (controlled && is_free("ensemble.pilot"), asked.sampling != Sampling::Stratified && is_free("ensemble.block"))
}

/// The point with the choices of a file, if it is otherwise of this run.
fn as_stored(asked: &RunPoint, opened: &Opened) -> Option<RunPoint> {
    let (chooses_pilot, chooses_block) = choices(asked);
    let mut point = asked.clone();
    if let Some(pilot) = opened.head.identity.pilot.filter(|_| chooses_pilot) {
        point.estimator = Estimator::Controlled { pilot };
    }
    if chooses_block {
        point.block = opened.head.block;
    }
    (Identity::of(&point).hash == opened.head.identity.hash).then_some(point)
}

fn note(asked: &RunPoint, kept: &RunPoint) -> Option<String> {
    let pilot = |point: &RunPoint| match point.estimator {
        Estimator::Plain => 0,
        Estimator::Controlled { pilot } => pilot,
    };
    let choices = [("pilot", pilot(kept), pilot(asked)), ("block", kept.block, asked.block)];
    let other: Vec<_> = choices.into_iter().filter(|(_, kept, usual)| kept != usual).collect();
    if other.is_empty() {
        return None;
    }
    let join = |texts: Vec<String>| texts.join(" and ");
    Some(format!(
        "keeps {} of the stored blocks (a new run takes {})",
        join(other.iter().map(|(key, kept, _)| format!("ensemble.{key} = {kept}")).collect()),
        join(other.iter().map(|(.., usual)| usual.to_string()).collect())
    ))
}
