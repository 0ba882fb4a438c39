//! The bath of `kind = "born-markov"`: spectral density, temperature, kind of bath, or coefficients given directly.

use std::path::Path;

use toml::Value;

use super::section::{Section, as_number, quoted};
use super::tables::Tables;
use crate::bath::{Bath, BathKind, BathSpin, Coefficients, SpectralDensity, SpinList, StaticPart, Table};
use crate::io::files::read_up_to;
use crate::{Error, Result};

/// Most spins of a list.
const MAX_SPINS: usize = 10_000;
/// Largest exponent s of a power law.
const MAX_EXPONENT: f64 = 100.0;
/// Scales of the bath lie within this factor of Ω₀, either way.
const FARTHEST: f64 = 1e100;
/// Longest table, in bytes: 100 000 rows of 80.
const MAX_TABLE: usize = 8_000_000;
/// Default of `density.tolerance`.
const TOLERANCE: f64 = 1e-8;
const TABLE_TOLERANCE: f64 = 1e-3;

/// Where the coefficients of Eq. (23) come from.
#[derive(Debug, Clone, PartialEq)]
pub enum BathSource {
    /// A bath with a spectral density, traced out.
    Traced(Box<Bath>),
    /// Given directly.
    Given(Coefficients),
}

/// Mass, frequency and bath of a Born–Markov model.
#[derive(Debug, Clone, PartialEq)]
pub struct BornMarkovBath {
    /// Mass M > 0.
    pub mass: f64,
    /// Frequency Ω₀ > 0.
    pub frequency: f64,
    /// What stands for the bath.
    pub source: BathSource,
}

impl BornMarkovBath {
    /// The coefficients of Eq. (23), computed if need be.
    ///
    /// # Errors
    /// As [`Bath::coefficients`].
    pub fn coefficients(&self) -> Result<Coefficients> {
        match &self.source {
            BathSource::Traced(bath) => bath.coefficients().map(Coefficients::from),
            BathSource::Given(coefficients) => Ok(*coefficients),
        }
    }
}

/// Takes `frequency`, `mass`, and either `coefficients` or `density`, `temperature`, `bath`, `diffusion_floor` out of
/// `[model]`; files are looked for in `tables`.
pub fn born_markov_bath(model: &mut Section, tables: &Tables) -> Result<BornMarkovBath> {
    let frequency = positive(model, "frequency", None, "the oscillator's Ω₀ must be > 0 (at most 1e12)")?;
    let mass = positive(model, "mass", Some(1.0), "the oscillator's mass M must be > 0 (at most 1e12)")?;
    let source = match (model.optional_section("density")?, model.optional_section("coefficients")?) {
        (Some(density), None) => BathSource::Traced(Box::new(parse_bath(model, density, (mass, frequency), tables)?)),
        (None, Some(given)) => BathSource::Given(parse_given(model, given)?),
        (Some(_), Some(given)) => {
            let allowed = "give either density or coefficients, not both";
            return Err(Error::value(model.key("coefficients"), given.shown(), allowed));
        }
        (None, None) => {
            let allowed = "the bath's spectral density, e.g. density = { kind = \"ohmic-drude\", gamma0 = 0.1, cutoff = \
                           5.0 }, or coefficients = { gamma, D, f, frequency_shift_squared }";
            return Err(Error::Missing { key: model.key("density"), allowed: allowed.into() });
        }
    };
    Ok(BornMarkovBath { mass, frequency, source })
}

/// A number > 0 and at most 1e12.
fn positive(section: &mut Section, name: &'static str, default: Option<f64>, allowed: &str) -> Result<f64> {
    let Some(value) = section.optional_number(name)?.or(default) else {
        return Err(Error::Missing { key: section.key(name), allowed: allowed.into() });
    };
    if value > 0.0 && value <= 1e12 {
        return Ok(value);
    }
    Err(Error::value(section.key(name), value, allowed))
}

fn parse_given(model: &mut Section, mut given: Section) -> Result<Coefficients> {
    for name in ["temperature", "bath", "diffusion_floor"] {
        if let Some(value) = model.optional(name) {
            let allowed = "belongs to a density; beside coefficients given directly it has no meaning";
            return Err(Error::value(model.key(name), value, allowed));
        }
    }
    let what = "γ, D, f and Ω̃₀² of Eq. (23): { gamma, D, f, frequency_shift_squared }";
    let mut not_negative =
        |name| given.non_negative(name)?.ok_or_else(|| Error::Missing { key: given.key(name), allowed: what.into() });
    let (gamma, diffusion) = (not_negative("gamma")?, not_negative("D")?);
    let anomalous = given.energy("f", None, what)?;
    let frequency_shift_squared = given.number("frequency_shift_squared", what)?;
    given.finish()?;
    Ok(Coefficients { gamma, diffusion, anomalous, frequency_shift_squared })
}

fn parse_bath(model: &mut Section, mut density: Section, scales: (f64, f64), tables: &Tables) -> Result<Bath> {
    let (mass, frequency) = scales;
    let names = BathKind::ALL.map(BathKind::name);
    let word = model.word("bath", Some("spin"), &names)?;
    let kind = if word == "spin" { BathKind::Spin } else { BathKind::Oscillator };
    let what = "the temperature T ≥ 0 of the bath (k_B = ħ = 1)";
    let temperature = model.number("temperature", what)?;
    if !(0.0..=1e12).contains(&temperature) {
        return Err(Error::value(model.key("temperature"), temperature, "T must be ≥ 0 (at most 1e12)"));
    }
    within_reach(model.key("temperature"), temperature, frequency)?;
    let diffusion_floor = model.non_negative("diffusion_floor")?.unwrap_or(0.0);
    let parsed = parse_density(&mut density, scales, tables)?;
    let default = if matches!(parsed, SpectralDensity::Table(_)) { TABLE_TOLERANCE } else { TOLERANCE };
    let tolerance = density.positive("tolerance", default, 1e-12..=0.5)?;
    density.finish()?;
    Ok(Bath { kind, density: parsed, temperature, mass, frequency, diffusion_floor, tolerance })
}

/// Refuses scales that quadrature could not bring together with Ω₀.
fn within_reach(key: String, scale: f64, frequency: f64) -> Result<()> {
    let ratio = scale / frequency;
    match scale == 0.0 || (1.0 / FARTHEST..=FARTHEST).contains(&ratio) {
        true => Ok(()),
        false => {
            Err(Error::value(key, scale, "must lie within a factor of 1e100 of the frequency (a temperature may be 0)"))
        }
    }
}

fn parse_density(density: &mut Section, scales: (f64, f64), tables: &Tables) -> Result<SpectralDensity> {
    const KINDS: [&str; 4] = ["ohmic-drude", "power-exponential", "table", "spins"];
    let key = density.key("kind");
    let Some(kind) = density.optional_text("kind")? else {
        return Err(Error::Missing { key, allowed: format!("allowed are {}", quoted(&KINDS)) });
    };
    match kind.as_str() {
        "ohmic-drude" => {
            let (mass, gamma0, cutoff) = strength_and_cutoff(density, scales)?;
            Ok(SpectralDensity::OhmicDrude { mass, gamma0, cutoff })
        }
        "power-exponential" => {
            let (mass, gamma0, cutoff) = strength_and_cutoff(density, scales)?;
            let exponent = density.number("exponent", "the exponent s > 0 of J ∝ ω^s at small ω (1: Ohmic)")?;
            if !(exponent > 0.0 && exponent <= MAX_EXPONENT) {
                let allowed = format!("s must be > 0, where f₁ converges at ω → 0, and at most {MAX_EXPONENT}");
                return Err(Error::value(density.key("exponent"), exponent, allowed));
            }
            Ok(SpectralDensity::PowerExponential { mass, gamma0, cutoff, exponent })
        }
        "table" => parse_table(density, tables).map(SpectralDensity::Table),
        "spins" => parse_spins(density, scales.1).map(SpectralDensity::Spins),
        "power" | "power-law" | "ohmic" => {
            let allowed = "without a cutoff Ω̃₀² of Eq. (24a) diverges; use \"ohmic-drude\" or \"power-exponential\"";
            Err(Error::value(key, format!("\"{kind}\""), allowed))
        }
        _ => Err(Error::value(key, format!("\"{kind}\""), format!("allowed are {}", quoted(&KINDS)))),
    }
}

/// M, γ₀ ≥ 0 and Λ > 0.
fn strength_and_cutoff(density: &mut Section, (mass, frequency): (f64, f64)) -> Result<(f64, f64, f64)> {
    let gamma0 = density.number("gamma0", "the damping rate γ₀ ≥ 0")?;
    if !(0.0..=1e12).contains(&gamma0) {
        return Err(Error::value(
            density.key("gamma0"),
            gamma0,
            "γ₀ must be ≥ 0 (at most 1e12): J(ω) must not be negative",
        ));
    }
    let key = density.key("cutoff");
    let cutoff = match density.optional("cutoff") {
        None => {
            let allowed = "the cutoff Λ > 0: without one Ω̃₀² of Eq. (24a) diverges";
            return Err(Error::Missing { key, allowed: allowed.into() });
        }
        Some(Value::Float(cutoff)) if cutoff == f64::INFINITY => {
            return Err(Error::value(key, cutoff, "Λ must be finite: without a cutoff Ω̃₀² of Eq. (24a) diverges"));
        }
        Some(value) => as_number(&value)
            .filter(|&cutoff| cutoff > 0.0 && cutoff <= 1e12)
            .ok_or_else(|| Error::value(&key, &value, "the cutoff Λ must be > 0 (at most 1e12)"))?,
    };
    within_reach(key, cutoff, frequency)?;
    Ok((mass, gamma0, cutoff))
}

fn parse_spins(density: &mut Section, frequency: f64) -> Result<SpinList> {
    let sections = density.sections("spins")?;
    if !(1..=MAX_SPINS).contains(&sections.len()) {
        let allowed = format!("a list of 1 to {MAX_SPINS} spins {{ asymmetry, tunnelling, coupling }}");
        return Err(Error::value(density.key("spins"), format!("{} spins", sections.len()), allowed));
    }
    let parse = |mut section: Section| -> Result<BathSpin> {
        let spin = BathSpin {
            asymmetry: section.energy("asymmetry", Some(0.0), "")?,
            tunnelling: section.energy("tunnelling", Some(0.0), "")?,
            coupling: section.energy("coupling", None, "the coupling g of g X σz")?,
        };
        within_reach(section.key("tunnelling"), spin.splitting(), frequency)?;
        section.finish()?;
        Ok(spin)
    };
    let spins = sections.into_iter().map(parse).collect::<Result<Vec<_>>>()?;
    let broadening = density.non_negative("broadening")?.unwrap_or(0.0);
    let widest = spins.iter().map(BathSpin::splitting).fold(0.0, f64::max);
    if broadening > 0.0 && !(1e-9 * widest..=1e3 * widest).contains(&broadening) {
        let allowed = format!("must be 0 or between 1e-9 and 1e3 times the largest splitting, {widest}");
        return Err(Error::value(density.key("broadening"), broadening, allowed));
    }
    let word = density.word("constant", Some("connected"), &["connected", "paper"])?;
    let static_part = if word == "paper" { StaticPart::Paper } else { StaticPart::Connected };
    Ok(SpinList::new(spins, broadening, static_part))
}

/// A file of lines `ω, J`; `#` begins a comment, one line of names may come first.
fn parse_table(density: &mut Section, tables: &Tables) -> Result<Table> {
    let key = density.key("file");
    let Some(name) = density.optional_text("file")? else {
        return Err(Error::Missing { key, allowed: "the CSV file with the columns ω, J".into() });
    };
    let wrong = |reason: String| Error::value(&key, format!("\"{name}\""), reason);
    let rows = tables.rows(&name, |path| read_rows(path, wrong))?;
    Table::new(&rows).map_err(|error| wrong(error.to_string().replace("`model.density.file` = ", "")))
}

/// The rows of a file; what is wrong with it is told by `wrong`.
fn read_rows(path: &Path, wrong: impl Fn(String) -> Error) -> Result<Vec<(f64, f64)>> {
    let bytes = read_up_to(path, MAX_TABLE).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong("cannot be read: is not UTF-8".into()))?;
    let mut rows = Vec::new();
    let mut headed = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("").trim();
        if line.is_empty() {
            continue;
        }
        let cells: Vec<Option<f64>> = line.split(',').map(|cell| cell.trim().parse().ok()).collect();
        match cells[..] {
            [Some(frequency), Some(value)] => rows.push((frequency, value)),
            [None, None] if rows.is_empty() && !headed => headed = true,
            _ => {
                // Not what it is: a run file of somebody else's may name any file.
                return Err(wrong(format!("line {} is not two numbers ω, J with a comma between", index + 1)));
            }
        }
    }
    Ok(rows)
}
