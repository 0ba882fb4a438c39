//! What the variables of `result.nc` are called, what they mean, and in which units, those of Sec. II too.

use super::{RATE_UNITS, TIME_UNITS};
use crate::analysis::Point;
use crate::system::{Observable, Unit};

pub(super) const X_UNITS: &str = "1/sqrt(mass frequency unit)";
pub(super) const P_UNITS: &str = "sqrt(mass frequency unit)";
pub(super) const X_SQUARED_UNITS: &str = "1/(mass frequency unit)";
pub(super) const P_SQUARED_UNITS: &str = "mass frequency unit";

/// A number of every point: name, long name, units, value (absent: NaN).
pub(super) type PointNumber = (&'static str, &'static str, &'static str, fn(&Point) -> Option<f64>);

pub(super) const POINT_NUMBERS: [PointNumber; 17] = [
    ("trajectories", "trajectories averaged (0: density matrix)", "1", |p| Some(p.trajectories as f64)),
    ("no_jump_probability", "probability of no jump, where it was not sampled", "1", |p| p.no_jump_probability),
    ("control_quantities", "quantities that the control variates are made of", "1", |p| {
        Some(p.control_set.as_ref()?.quantities as f64)
    }),
    ("control_factor", "by what control variates divided the variance of held-out pilots", "1", |p| {
        p.control_set.as_ref()?.factor
    }),
    ("heating_rate", "(⟨N⟩(t₁) − ⟨N⟩(t₀))/(t₁ − t₀)", RATE_UNITS, |p| Some(p.heating_rate.value)),
    ("heating_rate_standard_error", "its standard error", RATE_UNITS, |p| p.heating_rate.standard_error),
    ("heating_rate_plain_value", "plain average over trajectories", RATE_UNITS, |p| p.heating_rate.plain_value),
    ("heating_rate_plain_standard_error", "its standard error", RATE_UNITS, |p| p.heating_rate.plain_standard_error),
    ("heating_slope", "least-squares slope of ⟨N⟩(t) over the window", RATE_UNITS, |p| {
        p.heating_rate.slope.map(|s| s.mean)
    }),
    ("heating_slope_standard_error", "its standard error", RATE_UNITS, |p| p.heating_rate.slope?.standard_error),
    ("heating_drift", "time average of ⟨𝓛†N⟩ over the window", RATE_UNITS, |p| {
        p.heating_rate.drift.map(|d| d.mean)
    }),
    ("heating_drift_standard_error", "its standard error", RATE_UNITS, |p| p.heating_rate.drift?.standard_error),
    ("heating_rate_window_start", "t₀ of the heating rate", TIME_UNITS, |p| Some(p.heating_rate.window[0])),
    ("heating_rate_window_end", "t₁ of the heating rate", TIME_UNITS, |p| Some(p.heating_rate.window[1])),
    ("heating_rate_paper", "2Γ of the paper, Eq. (41)", RATE_UNITS, |p| p.heating_rate.paper),
    ("heating_rate_paper_ratio", "smallest κ/max(Ω₀, ω̃), which Eq. (41) needs to be ≫ 1", "1", |p| {
        p.heating_rate.paper_ratio
    }),
    ("heating_rate_quantum_noise", "mean of A₊(⟨N⟩+1) − A₋⟨N⟩", RATE_UNITS, |p| {
        p.heating_rate.quantum_noise
    }),
];

/// Long name, units and equation of an observable of `points`: X and P have units where a mass is named.
pub(super) fn attributes_at(name: &str, points: &[Point]) -> [(&'static str, String); 3] {
    let Some(observable) = Observable::named(name) else { return attributes(&format!("mean of {name}"), "1", "") };
    let massive = points.iter().any(|point| point.born_markov.is_some());
    let units = match observable.unit() {
        Unit::Frequency => "frequency unit",
        Unit::Position(1) if massive => X_UNITS,
        Unit::Position(_) if massive => X_SQUARED_UNITS,
        Unit::Momentum(1) if massive => P_UNITS,
        Unit::Momentum(_) if massive => P_SQUARED_UNITS,
        Unit::One | Unit::Position(_) | Unit::Momentum(_) => "1",
    };
    attributes(&observable.long_name(), units, observable.equation(massive))
}

pub(super) fn attributes(long_name: &str, units: &str, equation: &str) -> [(&'static str, String); 3] {
    [("long_name", long_name.into()), ("units", units.into()), ("equation", equation.into())]
}
