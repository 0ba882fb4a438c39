//! The coefficients of Eq. (24) and the kernels of baths as they are kept, one row per sweep point and bath.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::bath::{Bath, BathCoefficients, BathKind, Coefficients, Kernels, Value};

/// Version of the layout of `coefficients.json`.
pub const COEFFICIENTS_VERSION: u32 = 1;

/// All coefficients of a run file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CoefficientTable {
    /// Version of this layout.
    pub format_version: u32,
    /// Program and commit it was made with.
    pub program: String,
    /// Commit, if known.
    pub git_commit: Option<String>,
    /// Title of the run file.
    pub title: String,
    /// The run file, word for word.
    pub run_file: String,
    /// `--set` overrides.
    pub overrides: Vec<String>,
    /// SHA-256 of the run file with its overrides and tabulated densities.
    pub run_file_hash: String,
    /// One row per sweep point and bath.
    pub rows: Vec<CoefficientRow>,
}

/// The coefficients (24a–d) of one bath; ħ = k_B = 1, units as in [`Coefficients`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CoefficientRow {
    /// Swept keys and their values here.
    pub parameters: BTreeMap<String, Json>,
    /// Kind of the spectral density.
    pub density: String,
    /// Mass M.
    pub mass: f64,
    /// Frequency Ω₀.
    pub frequency: f64,
    /// Temperature T.
    pub temperature: f64,
    /// `spin` or `oscillator`.
    pub bath: String,
    /// γ.
    pub gamma: f64,
    /// D₀, given by hand.
    #[serde(rename = "D0")]
    pub floor: f64,
    /// D₁.
    #[serde(rename = "D1")]
    pub diffusion: f64,
    /// f₁.
    #[serde(rename = "f1")]
    pub anomalous: f64,
    /// Ω̃₀².
    pub frequency_shift_squared: f64,
    /// Largest estimated error of γ, D₁, f₁, Ω̃₀², relative to the coefficient or, where it is small, to what D₁/(MΩ₀) makes
    /// in its unit.
    pub error: f64,
    /// Estimated absolute error of each.
    pub errors: BTreeMap<String, f64>,
    /// (π/2) J(Ω₀): D₁ of either bath at T = 0, the unit of D in Fig. 2(b); γ at T = 0 is this over MΩ₀.
    #[serde(rename = "D1_at_zero_temperature")]
    pub reference: f64,
    /// C₀ of Eq. (17).
    #[serde(rename = "C0")]
    pub constant: f64,
    /// f₀ = −C₀/(MΩ₀²) of Eq. (24d) in the Abel sense; not part of f₁.
    #[serde(rename = "f0")]
    pub static_anomalous: f64,
}

impl CoefficientRow {
    /// The row of `bath` at a sweep point, whose coefficients are `found`.
    pub fn new(parameters: &BTreeMap<String, Json>, bath: &Bath, found: &BathCoefficients) -> Self {
        let rate = found.diffusion.value / (bath.mass * bath.frequency);
        let judged = [
            ("gamma", found.gamma, rate),
            ("D1", found.diffusion, rate * bath.mass * bath.frequency),
            ("f1", found.anomalous, rate),
            ("frequency_shift_squared", found.frequency_shift_squared, rate * bath.frequency),
        ];
        let relative = |&(_, found, scale): &(_, Value, f64)| match found.error {
            0.0 => 0.0,
            error => error / found.value.abs().max(scale),
        };
        let local = bath.density.at(bath.frequency);
        Self {
            parameters: parameters.clone(),
            density: bath.density.kind().into(),
            mass: bath.mass,
            frequency: bath.frequency,
            temperature: bath.temperature,
            bath: bath.kind.name().into(),
            gamma: found.gamma.value,
            floor: found.floor,
            diffusion: found.diffusion.value,
            anomalous: found.anomalous.value,
            frequency_shift_squared: found.frequency_shift_squared.value,
            error: judged.iter().map(relative).fold(0.0, f64::max),
            errors: judged.iter().map(|(name, found, _)| ((*name).to_owned(), found.error)).collect(),
            reference: if local.is_finite() { std::f64::consts::FRAC_PI_2 * local } else { 0.0 },
            constant: bath.constant(),
            static_anomalous: -bath.constant() / (bath.mass * bath.frequency * bath.frequency) + 0.0,
        }
    }

    /// γ/γ(T = 0): the height in Fig. 2(a).
    pub fn relative_damping(&self) -> f64 {
        self.gamma * self.mass * self.frequency / self.reference
    }

    /// (D₀ + D₁)/D₁(T = 0): the height in Fig. 2(b).
    pub fn relative_diffusion(&self) -> f64 {
        Coefficients::from(self).diffusion / self.reference
    }

    /// Whether the bath is of spins.
    pub fn is_spin(&self) -> bool {
        self.bath == BathKind::Spin.name()
    }
}

/// Kernels of one bath, for the table and the picture.
#[derive(Debug, Clone, PartialEq)]
pub struct KernelCurve {
    /// What distinguishes the sweep point, e.g. `T = 1`; empty without a sweep.
    pub label: String,
    /// Spins or oscillators.
    pub kind: BathKind,
    /// Temperature T.
    pub temperature: f64,
    /// ν, η and C₀.
    pub kernels: Kernels,
}

impl From<&CoefficientRow> for Coefficients {
    fn from(row: &CoefficientRow) -> Self {
        Self {
            gamma: row.gamma,
            diffusion: row.floor + row.diffusion,
            anomalous: row.anomalous,
            frequency_shift_squared: row.frequency_shift_squared,
        }
    }
}
