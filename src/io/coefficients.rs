//! What `fluctuator coefficients` leaves behind: `coefficients.json`, `coefficients.csv`, `kernels.csv` and two pictures.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::bath_plot::{draw_coefficients, draw_kernels};
use super::files::replace_file;
use super::finite::{json_text, refuse_non_finite};
use super::plot::write_figure;
use crate::bath::{Bath, BathCoefficients, BathKind, Coefficients, Kernels, Value};
use crate::{Error, Result};

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

/// Writes the surrogate density of a bath, Eq. (21) and (22), as a table that a run file of the other bath can name.
///
/// `None` when its density is a sharp comb.
///
/// # Errors
/// When the file cannot be written.
pub fn write_surrogate(directory: &Path, bath: &Bath) -> Result<Option<PathBuf>> {
    let Some(rows) = bath.surrogate() else { return Ok(None) };
    let (other, equation) = match bath.kind {
        BathKind::Spin => (BathKind::Oscillator, "J tanh(ω/2T), Eq. (22)"),
        BathKind::Oscillator => (BathKind::Spin, "J coth(ω/2T), Eq. (21)"),
    };
    let mut text = format!(
        "# {equation}: with it the {} bath at T = {} does what the {} bath does with the run file's J\nomega,J\n",
        other.name(),
        bath.temperature,
        bath.kind.name()
    );
    for (frequency, density) in rows {
        let _ = writeln!(text, "{frequency:e},{density:e}");
    }
    let path = directory.join("surrogate.csv");
    replace_file(&path, text.as_bytes())?;
    Ok(Some(path))
}

/// Writes all files and returns their paths; `coefficients.svg` and `.png` only where a number is swept and J(Ω₀) > 0.
///
/// # Errors
/// When the directory or a file cannot be written.
pub fn write_coefficients(directory: &Path, table: &CoefficientTable, kernels: &[KernelCurve]) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(directory).map_err(|source| Error::io(directory, source))?;
    let path = |name: &str| directory.join(name);
    let json = json_text("coefficients.json", table)?;
    let numbers = |curve: &KernelCurve| {
        let Kernels { noise, dissipation, .. } = &curve.kernels;
        noise.iter().chain(dissipation).flat_map(|found| [found.value, found.error]).collect::<Vec<f64>>()
    };
    refuse_non_finite("kernels.csv", &kernels.iter().map(numbers).collect::<Vec<_>>())?;
    replace_file(&path("coefficients.json"), json.as_bytes())?;
    replace_file(&path("coefficients.csv"), rows_as_csv(&table.rows).as_bytes())?;
    replace_file(&path("kernels.csv"), kernels_as_csv(kernels).as_bytes())?;
    let mut written = vec![path("coefficients.json"), path("coefficients.csv"), path("kernels.csv")];
    if let Some(figure) = draw_coefficients(&table.title, &table.rows) {
        written.extend(write_figure(directory, "coefficients", &figure)?);
    }
    written.extend(write_figure(directory, "kernels", &draw_kernels(&table.title, kernels))?);
    Ok(written)
}

/// A text of a CSV cell, in quotes where it needs them.
fn cell(value: &Json) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Swept keys other than temperature and bath, then the coefficients and their errors.
fn rows_as_csv(rows: &[CoefficientRow]) -> String {
    let known = ["model.temperature", "model.bath"];
    let keys: Vec<&String> = rows
        .first()
        .map_or_else(Vec::new, |row| row.parameters.keys().filter(|key| !known.contains(&key.as_str())).collect());
    let swept = |row: &CoefficientRow| keys.iter().map(|key| cell(&row.parameters[*key]) + ",").collect::<String>();
    let header: String = keys.iter().map(|key| format!("{},", cell(&Json::String((*key).clone())))).collect();
    let mut text = header + "temperature,bath,gamma,D0,D1,f1,frequency_shift_squared,error,C0\n";
    for row in rows {
        let CoefficientRow { temperature, bath, gamma, floor, diffusion, anomalous, .. } = row;
        let CoefficientRow { frequency_shift_squared: shift, error, constant, .. } = row;
        let _ = writeln!(
            text,
            "{}{temperature},{bath},{gamma:e},{floor:e},{diffusion:e},{anomalous:e},{shift:e},{error:e},{constant:e}",
            swept(row)
        );
    }
    text
}

/// One line per sweep point, bath and delay.
fn kernels_as_csv(curves: &[KernelCurve]) -> String {
    let mut text = "point,temperature,bath,tau,nu,nu_error,eta,eta_error,C_real,C_imaginary\n".to_owned();
    for curve in curves {
        let KernelCurve { label, kind, temperature, kernels } = curve;
        let label = cell(&Json::String(label.clone()));
        for (index, correlation) in kernels.correlation().enumerate() {
            let (noise, dissipation) = (kernels.noise[index], kernels.dissipation[index]);
            let _ = writeln!(
                text,
                "{label},{temperature},{},{:e},{:e},{:e},{:e},{:e},{:e},{:e}",
                kind.name(),
                kernels.delays[index],
                noise.value,
                noise.error,
                dissipation.value,
                dissipation.error,
                correlation.re,
                correlation.im
            );
        }
    }
    text
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
