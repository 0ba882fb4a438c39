//! The trajectories of a trial along which further jumps could be forced, and such a jump.

use super::block::Path;
use super::candidates::{Candidate, Chosen};
use super::trial::{Restarted, Trial};
use crate::model::PurePreparation;
use crate::unravelling::ForcedJump;

/// A trajectory of a trial, what could have happened to it, and how often it happens.
pub struct Branch<'a> {
    /// The pure state it began in.
    pub state: PurePreparation,
    /// The jumps that were forced on it.
    pub forced: Vec<ForcedJump>,
    /// How it went.
    pub path: &'a Path,
    /// What could have happened to it.
    pub found: &'a [Candidate],
    /// How many trials it stands for, times how often its events happen in one.
    pub often: f64,
    /// How often, by the rates of its events, a trajectory is like it.
    pub mean: f64,
    /// Whether a jump was forced on it.
    pub jumped: bool,
    /// The jump that was forced next, and how many such choices it stands for.
    pub next: Option<(&'a Chosen, f64)>,
}

/// A jump that is to be forced on one of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// In which trial.
    pub trial: usize,
    /// On which of its branches.
    pub branch: usize,
    /// At which of the instants looked at.
    pub candidate: usize,
    /// Of which channel.
    pub channel: usize,
    /// How many jumps it stands for in the run's own trajectories.
    pub often: f64,
}

/// It, and how the trajectory went.
pub struct Sought {
    /// The jump.
    pub choice: Choice,
    /// How the branch goes with it.
    pub path: Path,
    /// How often, by the rates of its events, a trajectory is like that.
    pub mean: f64,
}

/// All of a trial: as it went by itself, after one forced jump, after more, from another initial state, and after a jump there.
pub fn branches(trial: &Trial) -> Vec<Branch<'_>> {
    let next = |order: usize| trial.jumped.get(order).map(|jumped| (&jumped.last, jumped.trials));
    let mut forced = Vec::new();
    let (mut often, mut mean) = (1.0, trial.rarity);
    let mut all = vec![Branch {
        state: trial.state,
        forced: Vec::new(),
        path: &trial.natural,
        found: &trial.candidates,
        often,
        mean,
        jumped: false,
        next: next(0),
    }];
    for (order, jumped) in trial.jumped.iter().enumerate() {
        forced.push(jumped.last.jump);
        often *= jumped.last.later();
        mean *= jumped.last.rarity.min(1.0);
        all.push(Branch {
            state: trial.state,
            forced: forced.clone(),
            path: &jumped.path,
            found: &jumped.candidates,
            often: jumped.trials * often,
            mean,
            jumped: true,
            next: next(order + 1).map(|(last, trials)| (last, trials / jumped.trials)),
        });
    }
    if let Some(Restarted { state, path, weight, rarity, candidates, jumped, .. }) = &trial.restarted {
        all.push(Branch {
            state: *state,
            forced: Vec::new(),
            path,
            found: candidates,
            often: *weight,
            mean: *rarity,
            jumped: false,
            next: jumped.as_ref().map(|jumped| (&jumped.last, 1.0)),
        });
        if let Some(jumped) = jumped {
            all.push(Branch {
                state: *state,
                forced: vec![jumped.last.jump],
                path: &jumped.path,
                found: &jumped.candidates,
                often: weight * jumped.last.later(),
                mean: rarity * jumped.last.rarity.min(1.0),
                jumped: true,
                next: None,
            });
        }
    }
    all
}

/// How often a jump happens for once that it would, where trajectories that jump count with the weight `weight`: their first jump happens
/// more often.
pub fn counts(weight: f64, after_another: bool) -> f64 {
    if after_another { weight * weight } else { weight }
}
