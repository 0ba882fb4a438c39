//! Which error is the largest at the settings of the run file, in one sentence.

use serde::{Deserialize, Serialize};

use super::{Ladder, Sampling};
use crate::propagate::Tolerances;

/// An error this much smaller than the statistical one does not matter.
const NEGLIGIBLE: f64 = 0.1;

/// The settings of the run file that are judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// `ensemble.trajectories`.
    pub trajectories: u64,
    /// `numerics.tolerance`.
    pub tolerance: f64,
    /// `numerics.window_tolerance`.
    pub window_tolerance: f64,
    /// `model.cutoff`; absent for `auto`.
    pub cutoff: Option<usize>,
    /// Last output time.
    pub end: f64,
}

/// One error of ⟨N⟩ at the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// `statistical`, `propagation`, `window` or `cutoff`.
    pub name: String,
    /// Its size; absent where it was not measured.
    pub error: Option<f64>,
}

/// The errors of ⟨N⟩ at the end, side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Name of the largest error.
    pub dominant: String,
    /// All four; `statistical` is that of the reported estimator.
    pub contributions: Vec<Contribution>,
    /// Standard error of the plain average.
    pub plain_error: f64,
    /// What is the largest, the numbers, and what to change.
    pub sentence: String,
}

impl Verdict {
    /// Compares the four errors at `settings`.
    pub fn new(settings: &Settings, sampling: &Sampling, [tolerance, window, cutoff]: [&Ladder; 3]) -> Self {
        let number = sampling.number();
        let [plain, reported] = number.and_then(|n| n.at(settings.trajectories)).unwrap_or([f64::NAN; 2]);
        let estimator = number.map_or("plain", |number| number.estimator.as_str());
        let error = |ladder: &Ladder, setting: f64| ladder.at(setting).map(super::LadderRung::error);
        let clipped = match settings.cutoff {
            Some(levels) => error(cutoff, levels as f64),
            None => Some(0.0),
        };
        let contributions = [
            ("statistical", Some(reported)),
            ("propagation", error(tolerance, settings.tolerance)),
            ("window", error(window, settings.window_tolerance)),
            ("cutoff", clipped),
        ];
        let size = |error: Option<f64>| error.filter(|e| e.is_finite()).unwrap_or(0.0);
        let (dominant, _) = contributions
            .iter()
            .copied()
            .fold(contributions[0], |most, next| if size(next.1) > size(most.1) { next } else { most });

        let said = |name: &str, error: Option<f64>| match name {
            "statistical" => settings.statistical(estimator, [plain, reported]),
            name => settings.numerical(name, error),
        };
        let (first, rest): (Vec<_>, Vec<_>) = contributions.iter().partition(|(name, _)| *name == dominant);
        let largest = first.first().map(|(name, error)| said(name, *error)).unwrap_or_default();
        let rest: Vec<String> = rest.iter().map(|(name, error)| said(name, *error)).collect();
        let advice = settings.advice(dominant, NEGLIGIBLE * reported, [tolerance, window, cutoff]);
        let sentence = format!(
            "At t = {} the largest error of ⟨N⟩ is the {largest}, against {}: {advice}.",
            settings.end,
            rest.join(", ")
        );
        Self {
            dominant: dominant.into(),
            contributions: (contributions.into_iter())
                .map(|(name, error)| Contribution { name: name.into(), error: error.filter(|e| e.is_finite()) })
                .collect(),
            plain_error: plain,
            sentence,
        }
    }
}

impl Settings {
    /// The statistical error in words, that of the plain average and the reported one.
    fn statistical(&self, estimator: &str, [plain, reported]: [f64; 2]) -> String {
        let trajectories = self.trajectories;
        let beside = if estimator == "plain" { String::new() } else { format!(" ({plain:.1e} by the plain average)") };
        format!("statistical error {reported:.1e} with {trajectories} trajectories{beside}")
    }

    /// Another error in words.
    fn numerical(&self, name: &str, error: Option<f64>) -> String {
        let size = error.map_or_else(|| "not measured".into(), |error| format!("{error:.1e}"));
        match (name, self.cutoff) {
            ("propagation", _) => format!("propagation {size} (tolerance = {:e})", self.tolerance),
            ("window", _) => format!("window {size} (window_tolerance = {:e})", self.window_tolerance),
            (_, Some(levels)) => format!("cutoff {size} (cutoff = {levels})"),
            (_, None) => "no cutoff (auto)".into(),
        }
    }

    /// What to change where this error is the largest, and a numerical one is to be `goal`.
    fn advice(&self, dominant: &str, goal: f64, [tolerance, window, cutoff]: [&Ladder; 3]) -> String {
        match dominant {
            "statistical" => {
                // The window's tolerance follows the ket's unless the run file sets it.
                let with_window = window.enough_for(goal).map(|enough| enough / Tolerances::WINDOW_SHARE);
                let both = tolerance.enough_for(goal).zip(with_window).map(|(ket, window)| ket.min(window));
                let looser = both.filter(|enough| *enough > self.tolerance).map_or_else(String::new, |enough| {
                    format!("; numerics.tolerance = {enough:.0e} would still be a tenth of it or less")
                });
                format!("to halve it, set ensemble.trajectories = {}{looser}", 4 * self.trajectories)
            }
            "propagation" => tighter("numerics.tolerance", tolerance.enough_for(goal)),
            "window" => tighter("numerics.window_tolerance", window.enough_for(goal)),
            _ => match cutoff.enough_for(goal) {
                Some(levels) => format!("set model.cutoff = {levels} or \"auto\""),
                None => "set model.cutoff = \"auto\"".into(),
            },
        }
    }
}

fn tighter(key: &str, enough: Option<f64>) -> String {
    match enough {
        Some(enough) => format!("set {key} = {enough:e}"),
        None => format!("tighten {key} further than was measured here"),
    }
}
