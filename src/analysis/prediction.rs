//! What a longer run will report, judged from what is there by the very estimator that reports it.

use super::{Target, excess, trajectories_needed};
use crate::ensemble::Ensemble;
use crate::system::Experiment;

/// Numbers in a record from which on longer runs are tried in larger steps, and not at all.
const MANY: usize = 20_000;
const TOO_MANY: usize = 400_000;

/// About how many trajectories reach the targets, tried up to `most`; not finite where nothing tells.
///
/// An error does not fall as 1/√M alone: what may have been missed falls faster, and estimators that need a sample of some size
/// come into their own. So the ensemble is enlarged, with its means and variances, until its reported errors are those asked for.
pub fn needed(targets: &[Target], experiment: &Experiment, ensemble: &Ensemble, most: u64) -> f64 {
    let at = |trajectories: u64| excess(targets, experiment, &ensemble.enlarged(trajectories));
    let factor = match ensemble.layout.len() {
        0..MANY => 2.0,
        MANY..TOO_MANY => 8.0,
        _ => f64::INFINITY,
    };
    let (mut count, mut here) = (ensemble.tally.trajectories, excess(targets, experiment, ensemble));
    while here > 1.0 && count < most && f64::is_finite(factor) {
        let next = ((count as f64 * factor) as u64).min(most);
        let there = at(next);
        if there <= 1.0 && here.is_finite() {
            // Between the two the error falls by a power of the number.
            let share = here.ln() / (here / there.max(f64::MIN_POSITIVE)).ln();
            return count as f64 * (next as f64 / count as f64).powf(share.clamp(0.0, 1.0));
        }
        (count, here) = (next, there);
    }
    trajectories_needed(count, here)
}
