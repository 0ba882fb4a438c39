//! `[model] kind = "born-markov"`: Eq. (23), its form and its coefficients.

use super::density::{BornMarkovBath, born_markov_bath};
use super::section::Section;
use super::tables::Tables;
use crate::model::{BornMarkov, Form};
use crate::{Error, Result};

/// `form`, `frequency_shift`, and mass, frequency and coefficients or the bath they follow from.
pub fn parse_born_markov(model: &mut Section, tables: &Tables) -> Result<BornMarkov> {
    let word = model.word("form", Some("bare"), &Form::NAMES)?;
    let form = Form::parse(&word).unwrap_or(Form::Bare);
    let shifted = model.flag("frequency_shift", true)?;
    let bath = born_markov_bath(model, tables)?;
    let mut coefficients = bath.coefficients()?;
    if !shifted {
        coefficients.frequency_shift_squared = 0.0;
    }
    let BornMarkovBath { mass, frequency, .. } = bath;
    let model = BornMarkov { mass, frequency, form, coefficients };
    let refuse = |allowed: String| Err(Error::value("model.form", format!("\"{}\"", form.name()), allowed));
    if form == Form::Completed && !model.completion().is_finite() {
        return refuse("needs D > 0: what completes Eq. (23) is (γ²+f²)/4D; use \"bare\"".into());
    }
    let [_, up] = model.secular_rates();
    if form == Form::Secular && up < 0.0 {
        return refuse(format!("would have the upward rate γ↑ = D/(MΩ₀) − γ = {up}: it needs D ≥ MΩ₀γ; use \"bare\""));
    }
    Ok(model)
}
