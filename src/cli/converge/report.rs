//! The tables of a convergence study on stdout.

use super::super::table::{parameters, print_aligned, title};
use crate::analysis::convergence::{Convergence, Errors, Fit, Ladder, QuantityScaling, Sampling};

/// Prints all four tables and the sentence.
pub fn print(convergence: &Convergence) {
    let title = title(&convergence.provenance.title);
    match convergence.parameters.is_empty() {
        true => say!("{title}"),
        false => say!("{title}, point {}: {}", convergence.point, parameters(&convergence.parameters)),
    }
    print_sampling(&convergence.sampling);
    for ladder in [&convergence.tolerance, &convergence.window, &convergence.cutoff] {
        print_ladder(ladder);
    }
    if !convergence.left_out.is_empty() {
        say!("\nnot measured: {}", convergence.left_out.join("; "));
    }
    say!("\n{}", convergence.verdict.sentence);
}

fn print_sampling(sampling: &Sampling) {
    let Some(number) = sampling.number() else { return };
    let controlled = number.estimator != "plain";
    say!("\n⟨N⟩ at the end against the number of trajectories M (deviations from: {})", sampling.reference);
    let mut header = vec!["M".to_owned(), "groups".into(), "plain: standard error".into(), "rms deviation".into()];
    if controlled {
        header.extend([format!("{}: standard error", number.estimator), "rms deviation".into()]);
    }
    let mut rows = vec![header];
    rows.extend(number.rungs.iter().map(|rung| {
        let cells = |errors: &Errors| [scientific(Some(errors.standard_error)), scientific(errors.deviation)];
        let mut row = vec![rung.trajectories.to_string(), rung.groups.to_string()];
        row.extend(cells(&rung.plain));
        if controlled {
            row.extend(cells(&rung.reported));
        }
        row
    }));
    print_aligned(&rows);
    say!("slopes of log error against log M (−1/2 expected), and variance of the plain mean over that of the reported");
    let header =
        ["quantity", "plain: standard error", "deviation", "reported: standard error", "deviation", "variance ratio"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(sampling.quantities.iter().map(slopes));
    print_aligned(&rows);
}

fn slopes(quantity: &QuantityScaling) -> Vec<String> {
    vec![
        format!("{} ({})", quantity.name, quantity.estimator),
        slope(quantity.plain.standard_error),
        slope(quantity.plain.deviation),
        slope(quantity.reported.standard_error),
        slope(quantity.reported.deviation),
        quantity.variance_ratio.map_or_else(|| "–".into(), |ratio| format!("{ratio:.3}")),
    ]
}

fn print_ladder(ladder: &Ladder) {
    let Some(number) = ladder.number() else { return };
    say!(
        "\n⟨N⟩ at the end against {}: difference to {}, {} trajectories with the same random numbers",
        ladder.key,
        ladder.reference,
        ladder.trajectories
    );
    let header = [ladder.key.as_str(), "of the mean", "rms", "median", "largest", "other jumps", "clipped"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(number.rungs.iter().map(|rung| {
        vec![
            if ladder.logarithmic { format!("{:.0e}", rung.setting) } else { rung.setting.to_string() },
            format!("{:.1e} ± {:.0e}", rung.mean, rung.mean_error),
            scientific(Some(rung.rms)),
            scientific(Some(rung.median)),
            scientific(Some(rung.largest)),
            rung.diverged.to_string(),
            scientific(Some(rung.clipped)),
        ]
    }));
    print_aligned(&rows);
    let named = |name: &str, fit: Option<Fit>| match (fit, ladder.logarithmic) {
        (None, _) => format!("{name}: too few small differences above rounding"),
        (Some(_), true) => format!("{name}: order {}", slope(fit)),
        (Some(fit), false) if fit.slope < 0.0 => {
            let per_decade = -1.0 / fit.slope;
            format!("{name}: a factor of ten per {per_decade:.1} levels (decades per level: {})", slope(Some(fit)))
        }
        (Some(_), false) => format!("{name}: does not fall (decades per level: {})", slope(fit)),
    };
    say!("(other jumps: trajectories whose jumps differ in number; they make up the rms and stay out of its slope)");
    say!("{}; {}", named("rms", number.rms_fit), named("median", number.median_fit));
}

fn scientific(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| if value == 0.0 { "0".into() } else { format!("{value:.1e}") })
}

fn slope(fit: Option<Fit>) -> String {
    fit.map_or_else(|| "–".into(), |fit| format!("{:.3} ± {:.3}", fit.slope, fit.slope_error))
}
