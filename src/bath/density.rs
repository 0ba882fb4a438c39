//! Spectral densities J(ω): Ohmic with a Lorentz–Drude cutoff, power laws, tables, and lists of spins.

use std::f64::consts::PI;

use super::{SpinList, Table};

/// J(ω) ≥ 0 for ω > 0 (Eq. (18)), in units of mass·frequency² for the X of Sec. II.
#[derive(Debug, Clone, PartialEq)]
pub enum SpectralDensity {
    /// J = (2Mγ₀/π) ω Λ²/(Λ² + ω²), Eq. (25).
    OhmicDrude {
        /// Mass M > 0 of the oscillator.
        mass: f64,
        /// Damping rate γ₀ ≥ 0.
        gamma0: f64,
        /// Cutoff Λ > 0.
        cutoff: f64,
    },
    /// J = (2Mγ₀/π) ω (ω/Λ)^{s−1} e^{−ω/Λ}: sub-Ohmic (s < 1), Ohmic, super-Ohmic.
    PowerExponential {
        /// Mass M > 0 of the oscillator.
        mass: f64,
        /// Damping rate γ₀ ≥ 0.
        gamma0: f64,
        /// Cutoff Λ > 0.
        cutoff: f64,
        /// Exponent s > 0.
        exponent: f64,
    },
    /// Rows (ω, J).
    Table(Table),
    /// Spin by spin, Eq. (18).
    Spins(SpinList),
}

/// e^{−x} x^s is nothing, beside its largest value, above this and ten times s.
const LAST_EXPONENT: f64 = 60.0;

impl SpectralDensity {
    /// J(ω), ω ≥ 0.
    ///
    /// ```
    /// use fluctuator::bath::SpectralDensity;
    /// let ohmic = SpectralDensity::OhmicDrude { mass: 1.0, gamma0: 0.1, cutoff: 5.0 };
    /// assert!((ohmic.at(5.0) - 0.1 * 5.0 / std::f64::consts::PI).abs() < 1e-15);
    /// ```
    pub fn at(&self, frequency: f64) -> f64 {
        match self {
            Self::OhmicDrude { mass, gamma0, cutoff } => {
                2.0 * mass * gamma0 / PI * frequency / (1.0 + (frequency / cutoff).powi(2))
            }
            Self::PowerExponential { mass, gamma0, cutoff, exponent } => {
                let x = frequency / cutoff;
                2.0 * mass * gamma0 / PI * cutoff * x.powf(*exponent) * (-x).exp()
            }
            Self::Table(table) => table.at(frequency),
            Self::Spins(spins) => spins.at(frequency),
        }
    }

    /// C₀ of Eq. (17): known for a list of spins only; J says nothing of it.
    pub fn constant(&self, temperature: f64) -> f64 {
        match self {
            Self::Spins(spins) => spins.constant(temperature),
            Self::OhmicDrude { .. } | Self::PowerExponential { .. } | Self::Table(_) => 0.0,
        }
    }

    /// The name of the kind in a run file.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::OhmicDrude { .. } => "ohmic-drude",
            Self::PowerExponential { .. } => "power-exponential",
            Self::Table(_) => "table",
            Self::Spins(_) => "spins",
        }
    }

    /// A frequency at which J has fallen off or its weight lies: the cutoff, or the mean over J of a table or a list.
    pub fn characteristic_frequency(&self) -> f64 {
        let mean = |pairs: &mut dyn Iterator<Item = (f64, f64)>| {
            let (weight, moment) = pairs.fold((0.0, 0.0), |(w, m), (frequency, j)| (w + j, m + j * frequency));
            if weight > 0.0 { moment / weight } else { 1.0 }
        };
        match self {
            Self::OhmicDrude { cutoff, .. } | Self::PowerExponential { cutoff, .. } => *cutoff,
            Self::Table(table) => {
                let knots = table.frequencies();
                let middles = knots.windows(2).map(|pair| (0.5 * (pair[0] + pair[1]), pair[1] - pair[0]));
                mean(&mut middles.map(|(middle, width)| (middle, width * table.at(middle))))
            }
            Self::Spins(spins) => mean(&mut spins.lines().iter().map(|&(line, weight)| (line, weight))),
        }
    }

    /// Where J, c and d change their form, for quadrature: `low` and `high` with nothing worth counting outside.
    pub(super) fn shape(&self) -> Shape {
        match self {
            Self::OhmicDrude { cutoff, .. } => {
                Shape { power: 1.0, low: 0.0, high: f64::INFINITY, breaks: vec![*cutoff] }
            }
            Self::PowerExponential { cutoff, exponent, .. } => {
                let high = (LAST_EXPONENT + 10.0 * exponent) * cutoff;
                Shape {
                    power: *exponent,
                    low: 0.0,
                    high,
                    breaks: vec![*cutoff, cutoff * exponent.max(1.0), 40.0 * cutoff],
                }
            }
            Self::Table(table) => {
                let ([low, high], [first, _]) = (table.range(), table.ends());
                let power = if first > 0.0 { 0.0 } else { 1.0 };
                let breaks = table.frequencies().iter().copied().filter(|&knot| knot > 0.0).collect();
                Shape { power, low, high, breaks }
            }
            Self::Spins(spins) => {
                let [low, high] = spins.range();
                Shape { power: 1.0, low, high, breaks: spins.breaks() }
            }
        }
    }
}

/// What quadrature must know of J.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shape {
    /// J ∝ ω^power at ω → 0, if `low` is 0.
    pub power: f64,
    /// J is zero below.
    pub low: f64,
    /// J is zero above; may be infinite.
    pub high: f64,
    /// Points of ω > 0 between which J is smooth on the scale of their ratio.
    pub breaks: Vec<f64>,
}
