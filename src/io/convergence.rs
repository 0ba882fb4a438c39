//! The files of a convergence study: `converge.json` and its four log-log panels.

use std::path::{Path, PathBuf};

use super::figure::{Figure, Sketch, Swatch, colour, panels};
use super::files::{read_text, replace_file};
use super::finite::json_text;
use crate::analysis::convergence::{CONVERGENCE_VERSION, Convergence, Fit, Ladder, Sampling, SamplingRung};
use crate::{Error, Result};

/// Pixels of `converge.png` to the point of `converge.svg`.
const PNG_SCALE: f32 = 2.0;

/// Writes `converge.json`, `converge.svg` and `converge.png` and returns their paths.
///
/// # Errors
/// When the directory or a file cannot be written.
pub fn write_convergence(directory: &Path, convergence: &Convergence) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(directory).map_err(|source| Error::io(directory, source))?;
    let path = |name: &str| directory.join(name);
    let output = |what: &str, reason: String| Error::Output { what: what.into(), reason };
    let text = json_text("converge.json", convergence)?;
    replace_file(&path("converge.json"), text.as_bytes())?;
    let figure = draw_convergence(convergence);
    let pixels = figure.png(PNG_SCALE).map_err(|reason| output("converge.png", reason))?;
    replace_file(&path("converge.svg"), figure.svg().as_bytes())?;
    replace_file(&path("converge.png"), &pixels)?;
    Ok(vec![path("converge.json"), path("converge.svg"), path("converge.png")])
}

/// Reads `converge.json` of a directory.
///
/// # Errors
/// When it is absent, unreadable, or of a newer format.
pub fn read_convergence(directory: &Path) -> Result<Convergence> {
    let path = directory.join("converge.json");
    let text = read_text(&path)?;
    let format = |reason: String| Error::Format { path: path.clone(), reason };
    let convergence: Convergence = serde_json::from_str(&text).map_err(|error| format(error.to_string()))?;
    if convergence.format_version > CONVERGENCE_VERSION {
        return Err(format(format!("format_version {} is newer than this program's", convergence.format_version)));
    }
    Ok(convergence)
}

/// Draws error against trajectories, tolerance, window tolerance and cutoff, each with its fitted slope.
pub fn draw_convergence(convergence: &Convergence) -> Figure {
    let sketches = vec![
        draw_sampling(&convergence.sampling),
        draw_ladder(&convergence.tolerance, "propagation"),
        draw_ladder(&convergence.window, "Fock window"),
        draw_ladder(&convergence.cutoff, "cutoff"),
    ];
    panels(&convergence.provenance.title, sketches)
}

/// Positive finite points only: nothing else has a logarithm.
fn positive(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    points.filter(|(x, y)| *x > 0.0 && *y > 0.0 && x.is_finite() && y.is_finite()).collect()
}

/// The fitted line over the points it was fitted to.
fn fitted(fit: &Fit, logarithmic: bool) -> [(f64, f64); 2] {
    let place = |x: f64| if logarithmic { 10f64.powf(x) } else { x };
    fit.range.map(|x| (place(x), 10f64.powf(fit.at(x))))
}

fn draw_sampling(sampling: &Sampling) -> Sketch {
    let title = "statistical error of ⟨N⟩ at the end";
    let mut sketch = Sketch::new(title, "trajectories M", "error").logarithmic([true, true]);
    let Some(number) = sampling.number() else { return sketch };
    let mut series = vec![("plain", 0, number.plain)];
    if number.estimator != "plain" {
        series.push((number.estimator.as_str(), 1, number.reported));
    }
    for (name, index, scaling) in series {
        let colour = colour(index, 2);
        let errors = |r: &SamplingRung| if index == 0 { r.plain } else { r.reported };
        let reported = positive(number.rungs.iter().map(|r| (r.trajectories as f64, errors(r).standard_error)));
        let actual = number.rungs.iter().filter_map(|r| Some((r.trajectories as f64, errors(r).deviation?)));
        let actual = positive(actual);
        sketch.crosses(&reported, &colour);
        sketch.circles(&actual, &colour);
        sketch.entry(Swatch::Cross, &colour, &format!("{name}: standard error"));
        sketch.entry(Swatch::Circle, &colour, &format!("{name}: rms deviation from {}", sampling.reference));
        if let Some(fit) = scaling.deviation {
            sketch.line(&fitted(&fit, true), &colour);
            sketch.entry(Swatch::Line, &colour, &slope("slope", &fit));
        }
    }
    sketch
}

fn draw_ladder(ladder: &Ladder, what: &str) -> Sketch {
    let title = format!("{what}: ⟨N⟩ against {}", ladder.reference);
    let mut sketch = Sketch::new(&title, &ladder.key, "difference").logarithmic([ladder.logarithmic, true]);
    let Some(number) = ladder.number() else { return sketch };
    let rms = positive(number.rungs.iter().map(|rung| (rung.setting, rung.rms)));
    let median = positive(number.rungs.iter().map(|rung| (rung.setting, rung.median)));
    let mean = positive(number.rungs.iter().map(|rung| (rung.setting, rung.mean.abs())));
    let (name, unit) = if ladder.logarithmic { ("order", "") } else { ("slope", " decades per level") };
    for (index, (points, label, fit)) in
        [(rms, "rms of a trajectory", number.rms_fit), (median, "median of a trajectory", number.median_fit)]
            .into_iter()
            .enumerate()
    {
        let colour = colour(index, 3);
        sketch.circles(&points, &colour);
        if let Some(fit) = &fit {
            sketch.line(&fitted(fit, ladder.logarithmic), &colour);
        }
        let fit = fit.map_or_else(String::new, |fit| format!(", {}{unit}", slope(name, &fit)));
        sketch.entry(Swatch::Circle, &colour, &format!("{label}{fit}"));
    }
    sketch.crosses(&mean, &colour(2, 3));
    sketch.entry(Swatch::Cross, &colour(2, 3), "of the mean");
    sketch
}

fn slope(name: &str, fit: &Fit) -> String {
    format!("{name} {:.2} ± {:.2}", fit.slope, fit.slope_error)
}
