//! A result directory: `summary.json`, `result.nc` and the pictures; an exact result lies in its subdirectory `exact`.

use std::path::{Path, PathBuf};

use super::files::{read_text, remove_file, replace_file};
use super::finite::json_text;
use super::netcdf::write_netcdf;
use super::plot::write_plots;
use super::records::RECORDS_FILE;
use crate::analysis::{FORMAT_VERSION, Summary};
use crate::{Error, Result};

/// Where the density-matrix result lies inside the result directory of the trajectories it belongs to.
pub const EXACT_DIRECTORY: &str = "exact";

/// Makes sure that results can be written to `directory`, before any work is done for them. Leaves no trace.
///
/// # Errors
/// When neither it nor what exists of the way to it can be written to.
pub fn prepare_directory(directory: &Path) -> Result<()> {
    let existing = directory.ancestors().find(|path| path.exists()).filter(|path| !path.as_os_str().is_empty());
    let place = existing.unwrap_or(Path::new("."));
    tempfile::tempfile_in(place).map(drop).map_err(|source| Error::io(directory, source))
}

/// Writes all files of a result and returns their paths; records of an earlier one go. `exact` is drawn beside it.
///
/// # Errors
/// When the directory or a file cannot be written.
pub fn write_result(directory: &Path, summary: &Summary, exact: Option<&Summary>) -> Result<Vec<PathBuf>> {
    let mut written = write_numbers(directory, summary)?;
    written.extend(write_plots(directory, summary, exact)?);
    Ok(written)
}

/// Writes `summary.json` and `result.nc`, without which there is nothing to draw, and returns their paths; records of an earlier
/// result go.
///
/// # Errors
/// When the directory or a file cannot be written.
pub fn write_numbers(directory: &Path, summary: &Summary) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(directory).map_err(|source| Error::io(directory, source))?;
    let (json, netcdf) = (directory.join("summary.json"), directory.join("result.nc"));
    let text = json_text("summary.json", summary)?;
    // They are of an earlier run in the same place; this one's, if it has any, are written next.
    remove_file(&directory.join(RECORDS_FILE))?;
    replace_file(&json, text.as_bytes())?;
    write_netcdf(&netcdf, summary)?;
    Ok(vec![json, netcdf])
}

/// Reads `summary.json` of a result directory.
///
/// # Errors
/// When it is absent, unreadable, or of a newer format.
pub fn read_summary(directory: &Path) -> Result<Summary> {
    let path = directory.join("summary.json");
    let text = read_text(&path)?;
    let format = |reason: String| Error::Format { path: path.clone(), reason };
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| format(error.to_string()))?;
    match value.get("format_version").and_then(serde_json::Value::as_u64) {
        Some(version) if version <= u64::from(FORMAT_VERSION) => {}
        Some(version) => {
            return Err(format(format!("format_version {version} is newer than this program's {FORMAT_VERSION}")));
        }
        None => return Err(format("has no format_version: not a fluctuator result".into())),
    }
    let summary: Summary = serde_json::from_value(value).map_err(|error| format(error.to_string()))?;
    check_lengths(&summary).map_err(format)?;
    Ok(summary)
}

/// Every curve has one value per time, and an error per value.
fn check_lengths(summary: &Summary) -> std::result::Result<(), String> {
    for (index, point) in summary.points.iter().enumerate() {
        let times = point.times.len();
        if times == 0 {
            return Err(format!("point {index} has no times"));
        }
        for (name, curve) in &point.observables {
            let errors = curve.standard_error.as_ref().map_or(times, Vec::len);
            if curve.mean.len() != times || errors != times {
                return Err(format!("point {index}: {name} does not have one value and error per time"));
            }
        }
    }
    Ok(())
}

/// The exact result that belongs to a result directory, if there is one.
///
/// # Errors
/// When it is there but cannot be read.
pub fn read_exact(directory: &Path) -> Result<Option<Summary>> {
    let nested = directory.join(EXACT_DIRECTORY);
    if nested.join("summary.json").exists() { read_summary(&nested).map(Some) } else { Ok(None) }
}
