//! `[model] kind = "born-markov"`: Eq. (23), its form and its coefficients.

use super::section::Section;
use crate::bath::Coefficients;
use crate::model::{BornMarkov, Form};
use crate::{Error, Result};

/// `mass`, `form`, `frequency_shift` and the coefficients.
pub fn parse_born_markov(model: &mut Section, frequency: f64) -> Result<BornMarkov> {
    let mass = model.positive("mass", 1.0, 1e-12..=1e12)?;
    let word = model.word("form", Some("bare"), &Form::NAMES)?;
    let form = Form::parse(&word).unwrap_or(Form::Bare);
    let shifted = model.flag("frequency_shift", true)?;
    let mut coefficients = parse_coefficients(model)?;
    if !shifted {
        coefficients.frequency_shift_squared = 0.0;
    }
    let model = BornMarkov { mass, frequency, form, coefficients };
    let refuse = |allowed: String| Err(Error::value("model.form", format!("\"{}\"", form.name()), allowed));
    if form == Form::Completed && !model.completion().is_finite() {
        return refuse("needs D > 0: what completes Eq. (23) is (γ²+f²)/4D; use \"bare\"".into());
    }
    if form == Form::Secular && model.secular_rates()[1] < 0.0 {
        return refuse(format!(
            "has the upward rate γ↑ = D/(MΩ₀) − γ = {}: it must not be negative, that is D ≥ MΩ₀γ",
            model.secular_rates()[1]
        ));
    }
    Ok(model)
}

/// `coefficients = { gamma, D, f, frequency_shift_squared }`.
fn parse_coefficients(model: &mut Section) -> Result<Coefficients> {
    let what = "the table { gamma, D, f, frequency_shift_squared } of Eq. (23)";
    let mut table = model.required_section("coefficients", what)?;
    let missing = |key: String, allowed: &str| Error::Missing { key, allowed: allowed.into() };
    let gamma = table.non_negative("gamma")?;
    let gamma = gamma.ok_or_else(|| missing(table.key("gamma"), "the damping rate γ ≥ 0, Eq. (24b)"))?;
    let diffusion = table.non_negative("D")?;
    let diffusion = diffusion.ok_or_else(|| missing(table.key("D"), "the diffusion D = D₀ + D₁ ≥ 0, Eq. (24c)"))?;
    let anomalous = table.energy("f", Some(0.0), "")?;
    let frequency_shift_squared = table.energy("frequency_shift_squared", Some(0.0), "")?;
    table.finish()?;
    Ok(Coefficients { gamma, diffusion, anomalous, frequency_shift_squared })
}
