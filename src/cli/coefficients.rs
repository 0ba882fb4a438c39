//! `fluctuator coefficients`: γ, D, f₁ and Ω̃₀² of the Born–Markov equation (23), for spin and oscillator bath.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Outcome;
use super::table::{parameters, print_aligned, title};
use crate::bath::{Bath, BathKind, Kernels};
use crate::error::shown::{self, MOST_DIGITS, significant};
use crate::io::run_file::{self, CoefficientsFile, CoefficientsPoint};
use crate::io::{
    COEFFICIENTS_VERSION, CoefficientRow, CoefficientTable, KernelCurve, build_commit, prepare_directory,
    write_coefficients, write_surrogate,
};
use crate::{Error, Result};

/// Arguments of `coefficients`.
#[derive(Debug, Args)]
pub struct CoefficientsArguments {
    /// Run file (TOML) with kind = "born-markov"; `-` is standard input.
    run_file: PathBuf,
    /// Set any run-file key, e.g. --set model.temperature=0.5 (repeatable).
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Result directory [default: out/RUN_FILE_STEM/coefficients].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Longest delay of the kernels ν(τ), η(τ) [default: 10 over the bath's cutoff or mean frequency].
    #[arg(long, value_name = "TAU")]
    delay: Option<f64>,
    /// No table.
    #[arg(long)]
    quiet: bool,
}

/// Delays at which the kernels are evaluated.
const DELAYS: usize = 200;
/// Default of the longest delay, over the characteristic frequency.
const LONGEST: f64 = 10.0;

/// Computes every row, writes the files and prints the table.
pub fn run(arguments: &CoefficientsArguments) -> Result<Outcome> {
    let file = CoefficientsFile::load(&arguments.run_file, &arguments.set)?;
    if let Some(delay) = arguments.delay.filter(|delay| !(*delay > 0.0 && *delay <= 1e12)) {
        return Err(Error::value("--delay", delay, "must be > 0 (at most 1e12), in 1/frequency units"));
    }
    let default = || Path::new("out").join(run_file::name(&arguments.run_file)).join("coefficients");
    let directory = arguments.out.clone().unwrap_or_else(default);
    prepare_directory(&directory)?;
    let compare = !file.sweeps_the_bath();
    let mut rows = Vec::new();
    for point in &file.points {
        rows.extend(point_rows(point, compare).map_err(|source| at_point(&file, point, source))?);
    }
    let kernels = kernels(&file, arguments.delay)?;
    let table = CoefficientTable {
        format_version: COEFFICIENTS_VERSION,
        program: concat!("fluctuator ", env!("CARGO_PKG_VERSION")).into(),
        git_commit: build_commit(),
        title: file.title,
        run_file: file.text,
        overrides: file.overrides,
        run_file_hash: file.hash,
        rows,
    };
    write_coefficients(&directory, &table, &kernels)?;
    if let [point] = &file.points[..] {
        write_surrogate(&directory, &point.bath)?;
    }
    if !arguments.quiet {
        print(&table);
        say!("results in {}", directory.display());
    }
    Ok(Outcome::Done)
}

/// An error of a sweep says where; one of a single point needs not.
fn at_point(file: &CoefficientsFile, point: &CoefficientsPoint, source: Error) -> Error {
    match file.points.len() {
        1 => source,
        _ => Error::AtPoint { label: parameters(&point.parameters), source: Box::new(source) },
    }
}

/// The rows of a sweep point, the spin bath first: its own bath and, to `compare`, the other kind with the same J.
///
/// D₀ belongs to the run file's own bath. What the other kind cannot do (J(0) > 0 of a warm oscillator bath) is only said.
fn point_rows(point: &CoefficientsPoint, compare: bool) -> Result<Vec<CoefficientRow>> {
    let own = &point.bath;
    let mut rows = Vec::new();
    for kind in BathKind::ALL {
        if kind == own.kind {
            rows.push(CoefficientRow::new(&point.parameters, own, &own.coefficients()?));
        } else if compare {
            let other = Bath { kind, diffusion_floor: 0.0, ..own.clone() };
            match other.coefficients() {
                Ok(found) => rows.push(CoefficientRow::new(&point.parameters, &other, &found)),
                Err(error) => tell!("note: no row for the {} bath: {error}", kind.name()),
            }
        }
    }
    Ok(rows)
}

/// Kernels of the first, the middle and the last sweep point, for both kinds of bath where they have one.
fn kernels(file: &CoefficientsFile, delay: Option<f64>) -> Result<Vec<KernelCurve>> {
    let last = file.points.len() - 1;
    let mut chosen = vec![0, last / 2, last];
    chosen.dedup();
    let mut curves = Vec::new();
    for index in chosen {
        let point = &file.points[index];
        let longest = delay.unwrap_or_else(|| LONGEST / file.points[0].bath.density.characteristic_frequency());
        let delays: Vec<f64> = (1..=DELAYS).map(|k| longest * k as f64 / DELAYS as f64).collect();
        for kind in BathKind::ALL {
            if kind != point.bath.kind && file.sweeps_the_bath() {
                continue;
            }
            let bath = Bath { kind, ..point.bath.clone() };
            match Kernels::of(&bath, &delays) {
                Ok(kernels) => curves.push(KernelCurve {
                    label: if last == 0 { String::new() } else { parameters(&point.parameters) },
                    kind,
                    temperature: bath.temperature,
                    kernels,
                }),
                Err(error) if kind == point.bath.kind => return Err(at_point(file, point, error)),
                Err(error) => tell!("note: no kernels of the {} bath: {error}", kind.name()),
            }
        }
    }
    Ok(curves)
}

fn print(table: &CoefficientTable) {
    say!("{}", title(&table.title));
    // Temperature and bath have columns of their own.
    let swept = |row: &CoefficientRow| {
        let mut kept = row.parameters.clone();
        kept.retain(|key, _| !["model.temperature", "model.bath"].contains(&key.as_str()));
        if kept.is_empty() { String::new() } else { parameters(&kept) }
    };
    let header = [
        "",
        "T (freq.)",
        "bath",
        "γ (freq.)",
        "D₀ (mass freq.²)",
        "D₁ (mass freq.²)",
        "f₁ (freq.)",
        "Ω̃₀² (freq.²)",
        "rel. error",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(table.rows.iter().map(|row| {
        let number = |value: f64| significant(value, 9);
        vec![
            swept(row),
            shown::number(row.temperature, MOST_DIGITS),
            row.bath.clone(),
            number(row.gamma),
            number(row.floor),
            number(row.diffusion),
            number(row.anomalous),
            number(row.frequency_shift_squared),
            format!("{:.0e}", row.error),
        ]
    }));
    print_aligned(&rows);
    say!("(ħ = k_B = 1, Eq. (24) of arXiv:0712.2608; freq.: the run file's frequency unit, mass: that of model.mass)");
}
