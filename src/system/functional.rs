//! Linear functionals of the curve of an observable: one number for a whole stretch of time.

use serde::{Deserialize, Serialize};

/// What is made of a curve ⟨O⟩(t) between two output times t₀ and t₁.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FunctionalKind {
    /// ⟨O⟩(t₁).
    Value,
    /// Its mean over the window, by the trapezoidal rule on the output times.
    Mean,
    /// ⟨O⟩(t₁) − ⟨O⟩(t₀).
    Difference,
    /// The same over t₁ − t₀.
    Rate,
    /// The least-squares slope Σ(t−t̄)⟨O⟩(t)/Σ(t−t̄)² over the output times of the window.
    Slope,
}

impl FunctionalKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Value, Self::Mean, Self::Difference, Self::Rate, Self::Slope];

    /// Its name in run files and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Mean => "mean",
            Self::Difference => "difference",
            Self::Rate => "rate",
            Self::Slope => "slope",
        }
    }
}

/// A linear functional of the curve of one observable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Functional {
    /// Which of the observables.
    pub observable: usize,
    /// What is made of its curve.
    pub kind: FunctionalKind,
    /// Indices of the output times t₀ ≤ t₁; a value is that at t₁, all others need t₀ < t₁.
    pub window: [usize; 2],
}

impl Functional {
    /// That of a curve at the output `times`.
    pub fn of(&self, times: &[f64], curve: impl Fn(usize) -> f64) -> f64 {
        let [from, to] = self.window;
        match self.kind {
            FunctionalKind::Value => curve(to),
            FunctionalKind::Mean => {
                let panel = |k: usize| 0.5 * (times[k + 1] - times[k]) * (curve(k) + curve(k + 1));
                (from..to).map(panel).sum::<f64>() / (times[to] - times[from])
            }
            FunctionalKind::Difference => curve(to) - curve(from),
            FunctionalKind::Rate => (curve(to) - curve(from)) / (times[to] - times[from]),
            FunctionalKind::Slope => {
                let middle = self.middle(times);
                let (sum, squares) = (from..=to).fold((0.0, 0.0), |(sum, squares), index| {
                    let lever = times[index] - middle;
                    (sum + lever * curve(index), squares + lever * lever)
                });
                sum / squares
            }
        }
    }

    /// The most that errors of 1 at every output time make of it.
    pub fn size(&self, times: &[f64]) -> f64 {
        let [from, to] = self.window;
        match self.kind {
            FunctionalKind::Value | FunctionalKind::Mean => 1.0,
            FunctionalKind::Difference => 2.0,
            FunctionalKind::Rate => 2.0 / (times[to] - times[from]),
            // Levers have either sign: errors of the signs of the levers make most.
            FunctionalKind::Slope => {
                let middle = self.middle(times);
                self.of(times, |index| (times[index] - middle).signum())
            }
        }
    }

    /// t̄ of the window.
    fn middle(&self, times: &[f64]) -> f64 {
        let [from, to] = self.window;
        times[from..=to].iter().sum::<f64>() / (to - from + 1) as f64
    }
}

/// One that a run is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFunctional {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub functional: Functional,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of 3 + 2t all are known, and the size is what the worst errors make.
    #[test]
    fn functionals_of_a_straight_line() {
        let times: Vec<f64> = (0..7).map(|i| 0.5 * f64::from(i)).collect();
        let known = [(FunctionalKind::Value, 8.0), (FunctionalKind::Mean, 6.0), (FunctionalKind::Difference, 4.0)];
        let rates = [(FunctionalKind::Rate, 2.0), (FunctionalKind::Slope, 2.0)];
        for (kind, known) in known.into_iter().chain(rates) {
            let functional = Functional { observable: 0, kind, window: [1, 5] };
            let found = functional.of(&times, |k| 3.0 + 2.0 * times[k]);
            assert!((found - known).abs() < 1e-14, "{kind:?}: {found}, not {known}");
            let weights: Vec<f64> = (0..7).map(|at| functional.of(&times, |k| f64::from(u8::from(k == at)))).collect();
            let size: f64 = weights.iter().map(|weight| weight.abs()).sum();
            assert!((functional.size(&times) - size).abs() < 1e-14, "{kind:?}: {size}");
            assert_eq!((weights[0], weights[6]), (0.0, 0.0), "{kind:?} reaches out of its window");
        }
    }
}
