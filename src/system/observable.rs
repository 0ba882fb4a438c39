//! The observables by name.

use std::fmt;

/// A Hermitian operator whose normalised expectation is followed along every trajectory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observable {
    /// N = a†a.
    Number,
    /// N².
    NumberSquared,
    /// X = a + a†.
    X,
    /// P = −i(a − a†).
    P,
    /// X².
    XSquared,
    /// P².
    PSquared,
    /// τz of spin i: +1 in its upper eigenstate, −1 in its lower.
    Inversion(usize),
    /// H of [`crate::model::OscillatorSpins`], zero of energy without ½Ω₀.
    Energy,
}

impl Observable {
    /// The names a run file may use, for a model with any number of spins.
    pub const NAMES: [&'static str; 8] =
        ["number", "number_squared", "x", "p", "x_squared", "p_squared", "inversion", "energy"];

    /// The observables behind a run file's name: `inversion` stands for all spins, `inversion_i` for one.
    pub fn parse(name: &str, spins: usize) -> Option<Vec<Self>> {
        Some(match name {
            "number" => vec![Self::Number],
            "number_squared" => vec![Self::NumberSquared],
            "x" => vec![Self::X],
            "p" => vec![Self::P],
            "x_squared" => vec![Self::XSquared],
            "p_squared" => vec![Self::PSquared],
            "energy" => vec![Self::Energy],
            "inversion" => (0..spins).map(Self::Inversion).collect(),
            _ => {
                let spin = name.strip_prefix("inversion_")?.parse().ok()?;
                (spin < spins).then(|| vec![Self::Inversion(spin)])?
            }
        })
    }
}

impl fmt::Display for Observable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number => f.write_str("number"),
            Self::NumberSquared => f.write_str("number_squared"),
            Self::X => f.write_str("x"),
            Self::P => f.write_str("p"),
            Self::XSquared => f.write_str("x_squared"),
            Self::PSquared => f.write_str("p_squared"),
            Self::Inversion(spin) => write!(f, "inversion_{spin}"),
            Self::Energy => f.write_str("energy"),
        }
    }
}
