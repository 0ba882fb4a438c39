//! What `result.nc` holds of Eq. (23): moments, weights and the smallest eigenvalue.

use super::names::{P_SQUARED_UNITS, P_UNITS, X_SQUARED_UNITS, X_UNITS, attributes};
use super::{Contents, RATE_UNITS, Step, table};
use crate::analysis::{BornMarkovPoint, Point, Weights};

/// Name, long name and units of a curve, and where it is.
type Entry = (&'static str, &'static str, &'static str, fn(&BornMarkovPoint) -> Option<&Vec<f64>>);

const CURVES: [Entry; 12] = [
    ("moment_x", "⟨X⟩ by the moment equations", X_UNITS, |b| Some(&b.moments.x)),
    ("moment_p", "⟨P⟩ by the moment equations", P_UNITS, |b| Some(&b.moments.p)),
    ("moment_x_squared", "⟨X²⟩ by the moment equations", X_SQUARED_UNITS, |b| Some(&b.moments.x_squared)),
    ("moment_p_squared", "⟨P²⟩ by the moment equations", P_SQUARED_UNITS, |b| Some(&b.moments.p_squared)),
    ("moment_symmetrised", "½⟨XP + PX⟩ by the moment equations", "1", |b| Some(&b.moments.symmetrised)),
    ("moment_number", "⟨N⟩ by the moment equations", "1", |b| Some(&b.moments.number)),
    ("moment_heating_rate", "d⟨N⟩/dt by the moment equations", RATE_UNITS, |b| Some(&b.moments.heating_rate)),
    ("uncertainty_product", "√(σ_X²σ_P² − σ_XP²), at least ½ for every state", "1", |b| {
        Some(&b.moments.uncertainty_product)
    }),
    ("weight_mean", "mean weight of a trajectory, 1 but for chance", "1", |b| weights(b, |w| &w.mean)),
    ("weight_standard_error", "standard error of weight_mean", "1", |b| weights(b, |w| &w.standard_error)),
    ("effective_fraction", "effective sample size (Σw)²/Σw² over the number of trajectories", "1", |b| {
        weights(b, |w| &w.effective_fraction)
    }),
    ("smallest_eigenvalue", "smallest eigenvalue of ρ", "1", |b| b.smallest_eigenvalue.as_ref()),
];

fn weights(point: &BornMarkovPoint, of: fn(&Weights) -> &Vec<f64>) -> Option<&Vec<f64>> {
    point.weights.as_ref().map(of)
}

impl Contents {
    /// The curves of Eq. (23) that any point has.
    pub(super) fn born_markov(&mut self, points: &[Point], times: usize) -> Step {
        for (name, long_name, units, of) in CURVES {
            let rows = table(points, times, f64::NAN, |p| p.born_markov.as_ref().and_then(of).map(Vec::as_slice));
            let rows = rows.unwrap_or_default();
            self.numbers(name, &["point", "time"], &attributes(long_name, units, ""), rows)?;
        }
        Ok(())
    }
}
