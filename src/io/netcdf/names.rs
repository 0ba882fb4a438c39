//! What the variables of `result.nc` are called, what they mean, and in which units.

use super::{RATE_UNITS, TIME_UNITS};
use crate::analysis::Point;

/// A number of every point: name, long name, units, value (absent: NaN).
pub(super) type PointNumber = (&'static str, &'static str, &'static str, fn(&Point) -> Option<f64>);

pub(super) const POINT_NUMBERS: [PointNumber; 15] = [
    ("trajectories", "trajectories averaged (0: density matrix)", "1", |p| Some(p.trajectories as f64)),
    ("no_jump_probability", "probability of no jump, where it was not sampled", "1", |p| p.no_jump_probability),
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

/// Long name, units and equation of an observable.
pub(super) fn observable_attributes(name: &str) -> [(&'static str, String); 3] {
    let (long_name, units, equation) = match name {
        "number" => ("mean occupation ⟨N⟩ of the oscillator", "1", "N = a†a"),
        "number_squared" => ("mean squared occupation ⟨N²⟩ of the oscillator", "1", "N² = (a†a)²"),
        "x" => ("mean position ⟨X⟩ of the oscillator", "1", "X = a + a†"),
        "p" => ("mean momentum ⟨P⟩ of the oscillator", "1", "P = −i(a − a†)"),
        "x_squared" => ("mean squared position ⟨X²⟩ of the oscillator", "1", "X² = (a + a†)²"),
        "p_squared" => ("mean squared momentum ⟨P²⟩ of the oscillator", "1", "P² = −(a − a†)²"),
        "energy" => ("mean energy ⟨H⟩", "frequency unit", "H = Hamiltonian of the run file's model, ħ = 1"),
        _ => match name.strip_prefix("inversion_") {
            Some(spin) => {
                let long_name = format!("mean inversion ⟨τz⟩ of spin {spin} in its energy eigenbasis");
                return attributes(&long_name, "1", "τz = |+⟩⟨+| − |−⟩⟨−|");
            }
            None => return attributes(&format!("mean of {name}"), "1", ""),
        },
    };
    attributes(long_name, units, equation)
}

pub(super) fn attributes(long_name: &str, units: &str, equation: &str) -> [(&'static str, String); 3] {
    [("long_name", long_name.into()), ("units", units.into()), ("equation", equation.into())]
}
