//! `output.functionals`: what is made of the curves of observables, each by name.

use super::section::Section;
use crate::model::Model;
use crate::system::{Functional, FunctionalKind, NamedFunctional, Observable};
use crate::{Error, Result};

/// More are refused.
const MOST: usize = 64;

/// Longer names are refused.
const LONGEST_NAME: usize = 64;

/// What functionals may be of.
pub struct Curves<'a> {
    /// The model, for the number of its spins.
    pub model: &'a Model,
    /// What is observed.
    pub observables: &'a [Observable],
    /// The output times.
    pub times: &'a [f64],
}

/// The tables `output.functionals` with `name`, `observable`, `kind`, and `time` or `window`.
pub fn parse_functionals(output: &mut Section, curves: &Curves) -> Result<Vec<NamedFunctional>> {
    let mut found: Vec<NamedFunctional> = Vec::new();
    let sections = output.sections("functionals")?;
    if sections.len() > MOST {
        return Err(Error::value("output.functionals", sections.len(), format!("there may be {MOST} of them")));
    }
    for mut section in sections {
        let named = parse_one(&mut section, curves)?;
        if found.iter().any(|known| known.name == named.name) {
            let allowed = "another functional has this name";
            return Err(Error::value(section.key("name"), format!("\"{}\"", named.name), allowed));
        }
        section.finish()?;
        found.push(named);
    }
    Ok(found)
}

fn parse_one(section: &mut Section, curves: &Curves) -> Result<NamedFunctional> {
    let rule = "a letter, then letters, digits and _, 64 at most: what it is called in the result";
    let Some(name) = section.optional_text("name")? else {
        return Err(Error::Missing { key: section.key("name"), allowed: rule.into() });
    };
    let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_word || !name.starts_with(|c: char| c.is_ascii_alphabetic()) || name.len() > LONGEST_NAME {
        return Err(Error::value(section.key("name"), format!("\"{name}\""), format!("must be {rule}")));
    }
    let observable = parse_observable(section, curves)?;
    let kinds = FunctionalKind::ALL.map(FunctionalKind::name);
    let word = section.word("kind", None, &kinds)?;
    let kind = FunctionalKind::ALL.into_iter().find(|kind| kind.name() == word).unwrap_or(FunctionalKind::Value);
    let window = match kind {
        FunctionalKind::Value => {
            if let Some(window) = section.optional("window") {
                let allowed = "a value is that at one time: name it with `time`";
                return Err(Error::value(section.key("window"), window, allowed));
            }
            let last = curves.times.len() - 1;
            let end = curves.times[last];
            let time = section.optional_number("time")?.unwrap_or(end);
            if !(0.0..=end).contains(&time) {
                let allowed = format!("must be near an output time, from 0 to {end}");
                return Err(Error::value(section.key("time"), time, allowed));
            }
            [nearest(curves.times, time); 2]
        }
        FunctionalKind::Mean | FunctionalKind::Difference | FunctionalKind::Rate | FunctionalKind::Slope => {
            if let Some(time) = section.optional("time") {
                let allowed = "only a value has one time: name two with `window`";
                return Err(Error::value(section.key("time"), time, allowed));
            }
            parse_window(section, "window", curves.times)?
        }
    };
    Ok(NamedFunctional { name, functional: Functional { observable, kind, window } })
}

/// The place of the one observable named.
fn parse_observable(section: &mut Section, curves: &Curves) -> Result<usize> {
    let names: Vec<String> = curves.observables.iter().map(ToString::to_string).collect();
    let allowed = || format!("must be one that is observed: output.observables has {}", names.join(", "));
    let Some(name) = section.optional_text("observable")? else {
        return Err(Error::Missing { key: section.key("observable"), allowed: allowed() });
    };
    let found = Observable::parse(&name, curves.model.spins().len()).unwrap_or_default();
    let place = |one: &Observable| curves.observables.iter().position(|known| known == one);
    match found[..] {
        [ref one] => place(one),
        _ => None,
    }
    .ok_or_else(|| Error::value(section.key("observable"), format!("\"{name}\""), allowed()))
}

/// A window of time as the indices of the nearest output times; all of them where it is not named.
pub fn parse_window(section: &mut Section, key: &'static str, times: &[f64]) -> Result<[usize; 2]> {
    let last = times.len() - 1;
    let Some(window) = section.optional_numbers(key)? else { return Ok([0, last]) };
    let refuse = || {
        let allowed = format!("two different output times [from, to] with 0 ≤ from < to ≤ {}", times[last]);
        Err(Error::value(section.key(key), format!("{window:?}"), allowed))
    };
    let [from, to] = window[..] else { return refuse() };
    let indices = [from, to].map(|time| nearest(times, time));
    if from < 0.0 || to > times[last] || indices[0] >= indices[1] { refuse() } else { Ok(indices) }
}

/// Output times are equidistant.
fn nearest(times: &[f64], time: f64) -> usize {
    let last = times.len() - 1;
    (time / times[last] * last as f64).round().clamp(0.0, last as f64) as usize
}
