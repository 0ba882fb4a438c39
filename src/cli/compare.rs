//! `fluctuator compare`: do two results agree within their errors?

use std::path::PathBuf;

use clap::Args;

use super::{Outcome, table};
use crate::analysis::{Deviation, compare};
use crate::io::{other_model, read_summary};
use crate::{Error, Result};

/// Arguments of `compare`.
#[derive(Debug, Args)]
pub struct CompareArguments {
    /// First result directory.
    a: PathBuf,
    /// Second result directory.
    b: PathBuf,
    /// Largest deviation that counts as agreement, in combined standard errors.
    #[arg(long, value_name = "Z", default_value_t = 5.0)]
    sigmas: f64,
    /// Absolute difference that counts as agreement whatever the errors (numerical error).
    #[arg(long, value_name = "X", default_value_t = 1e-6)]
    tolerance: f64,
}

/// Prints one line per point and quantity, and the verdict.
pub fn run(arguments: &CompareArguments) -> Result<Outcome> {
    for (flag, value) in [("--sigmas", arguments.sigmas), ("--tolerance", arguments.tolerance)] {
        if !(value >= 0.0 && value.is_finite()) {
            return Err(Error::value(flag, value, "must be a number ≥ 0"));
        }
    }
    let (a, b) = (read_summary(&arguments.a)?, read_summary(&arguments.b)?);
    if let Some(changes) = other_model(&a, &b) {
        tell!("warning: A and B are not results of one model ({changes})");
    }
    let agreement = compare(&a, &b, arguments.tolerance)?;
    let header = ["point", "quantity", "worst z", "at t", "A", "B", "largest |A − B|", "rms z"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(agreement.deviations.iter().map(|deviation| {
        let point = table::parameters(&a.points[deviation.point].parameters);
        row(point, deviation)
    }));
    table::print_aligned(&rows);
    let worst = agreement.worst();
    let passed = worst <= arguments.sigmas;
    say!(
        "{}: worst deviation {worst:.2} standard errors (threshold {}); {} comparisons, so correct results exceed the \
         threshold somewhere with a probability of at most {:.1e}",
        if passed { "agree" } else { "DEVIATE" },
        arguments.sigmas,
        agreement.comparisons,
        agreement.false_alarm(arguments.sigmas)
    );
    Ok(if passed { Outcome::Done } else { Outcome::Deviates })
}

fn row(point: String, deviation: &Deviation) -> Vec<String> {
    vec![
        point,
        deviation.quantity.clone(),
        format!("{:.2}", deviation.z),
        deviation.time.map_or_else(|| "–".into(), |time| format!("{time:.4}")),
        format!("{:.6}", deviation.values[0]),
        format!("{:.6}", deviation.values[1]),
        format!("{:.2e}", deviation.largest_difference),
        format!("{:.2}", deviation.rms_z),
    ]
}
