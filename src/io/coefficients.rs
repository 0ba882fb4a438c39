//! What `fluctuator coefficients` leaves behind: `coefficients.json`, `coefficients.csv`, `kernels.csv` and two pictures.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::bath_plot::{draw_coefficients, draw_kernels};
use super::coefficient_table::{CoefficientRow, CoefficientTable, KernelCurve};
use super::files::replace_file;
use super::finite::{json_text, refuse_non_finite};
use super::plot::write_figure;
use crate::bath::{Bath, BathKind, Kernels};
use crate::{Error, Result};

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
