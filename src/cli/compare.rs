//! `fluctuator compare`: do two results agree within their errors?

use std::path::PathBuf;

use clap::Args;

use super::{Outcome, table};
use crate::analysis::{Agreement, Deviation, Tolerance, compare};
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
    /// Difference that counts as agreement whatever the errors (numerical error), in units of the curve's largest value; beside
    /// it 1e-8 absolute, 1e-10 between density matrices, are never resolved.
    #[arg(long, value_name = "X", default_value_t = 1e-7)]
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
    let agreement = compare(&a, &b, Tolerance::between(&a, &b, arguments.tolerance))?;
    let header = ["point", "quantity", "worst z", "at t", "A", "B", "largest |A − B|", "rms z"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(agreement.deviations.iter().map(|deviation| {
        let point = table::parameters(&a.points[deviation.point].parameters);
        row(point, deviation)
    }));
    table::print_aligned(&rows);
    let passed = agreement.all_comparisons() > 0 && agreement.worst() <= arguments.sigmas;
    say!("{}", verdict(&agreement, arguments.sigmas));
    Ok(if passed { Outcome::Done } else { Outcome::Deviates })
}

/// What is concluded, in a sentence or two.
fn verdict(agreement: &Agreement, sigmas: f64) -> String {
    let (worst, comparisons, exact) = (agreement.worst(), agreement.comparisons, agreement.exact_comparisons);
    if agreement.all_comparisons() == 0 {
        return "NOT COMPARED: 0 comparisons, as all numbers that both results have are too small to be told apart: that is no \
                agreement"
            .into();
    }
    let word = if worst <= sigmas { "agree" } else { "DEVIATE" };
    let said = match (comparisons, worst.is_finite()) {
        (_, false) => "numbers without a standard error differ by more than the tolerance".into(),
        (0, true) => format!("{exact} comparisons to the tolerance, none with a standard error"),
        (_, true) => format!("worst deviation {worst:.2} standard errors (threshold {sigmas})"),
    };
    let chance = match comparisons {
        0 => String::new(),
        _ => format!(
            "; {comparisons} comparisons with a standard error, so correct results exceed the threshold somewhere with a \
             probability of at most {:.1e}",
            agreement.false_alarm(sigmas)
        ),
    };
    let shared = agreement.shared_seed.map_or_else(String::new, |seed| {
        format!(
            "\nnote: both were sampled with seed {seed} and share their random numbers: their errors are largely the same, so z is \
             smaller than that of independent runs. A deviation is one all the same, agreement says nothing about the errors; for \
             an independent comparison run one of them with another --seed"
        )
    });
    format!("{word}: {said}{chance}{shared}")
}

fn row(point: String, deviation: &Deviation) -> Vec<String> {
    let z = |z: f64| if z.is_finite() { format!("{z:.2}") } else { "beyond tolerance".into() };
    vec![
        point,
        deviation.quantity.clone(),
        z(deviation.z),
        deviation.time.map_or_else(|| "–".into(), number),
        number(deviation.values[0]),
        number(deviation.values[1]),
        format!("{:.2e}", deviation.largest_difference),
        format!("{:.2}", deviation.rms_z),
    ]
}

/// A number with its significant digits, however small.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        1e-3..1e6 => format!("{value:.6}"),
        _ => format!("{value:.6e}"),
    }
}
