//! How many trajectories: `trajectories`, or `target` with its bounds, and the time limit.

use std::ops::Range;
use std::time::Duration;

use toml::Value;

use super::section::{Section, as_number};
use crate::analysis::{Accuracy, Quantity, Target};
use crate::model::Model;
use crate::system::{NamedFunctional, Observable};
use crate::{Error, Result};

/// Trajectories without a word about their number.
const TRAJECTORIES: u64 = 1024;

/// The most trajectories of a run with a target that names none.
const MAX_TRAJECTORIES: u64 = 1_000_000;

/// The fewest trajectories of a run with a target: fewer are too few to judge their own spread, let alone to fit controls to.
const MIN_TRAJECTORIES: u64 = 512;

/// No error bar may be asked for that is smaller than this many times the run's numerical tolerance.
const ABOVE_TOLERANCE: f64 = 10.0;

/// When a run ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Stopping {
    /// The most trajectories; all of them without a target.
    pub trajectories: u64,
    /// The least number that may do, where there is a target.
    pub min_trajectories: u64,
    /// All of them must be reached.
    pub targets: Vec<Target>,
    /// Wall-clock time after which no further block is begun.
    pub time_limit: Option<Duration>,
}

/// What targets may speak of.
pub struct Subject<'a> {
    /// The model, for the number of its spins.
    pub model: &'a Model,
    /// What is observed.
    pub observables: &'a [Observable],
    /// What is made of that.
    pub functionals: &'a [NamedFunctional],
    /// The output times.
    pub times: &'a [f64],
    /// numerics.tolerance.
    pub tolerance: f64,
}

/// Takes `trajectories`, `target`, `max_trajectories`, `min_trajectories` and `time_limit` out of `[ensemble]`.
pub fn parse_stopping(ensemble: &mut Section, subject: &Subject) -> Result<Stopping> {
    let time_limit = ensemble.optional_number("time_limit")?;
    if let Some(limit) = time_limit.filter(|limit| !(*limit > 0.0 && *limit <= 1e9)) {
        return Err(Error::value(ensemble.key("time_limit"), limit, "must be > 0 seconds (at most 1e9)"));
    }
    let time_limit = time_limit.map(Duration::from_secs_f64);
    if !ensemble.has("target") {
        for key in ["max_trajectories", "min_trajectories"] {
            if let Some(value) = ensemble.optional(key) {
                let allowed = "belongs to ensemble.target; without a target the number is ensemble.trajectories";
                return Err(Error::value(ensemble.key(key), value, allowed));
            }
        }
        let trajectories = ensemble.count("trajectories", TRAJECTORIES, 2..=1 << 53)?;
        return Ok(Stopping { trajectories, min_trajectories: trajectories, targets: Vec::new(), time_limit });
    }
    if let Some(value) = ensemble.optional("trajectories") {
        let allowed = "cannot stand beside ensemble.target, which finds the number; its bound is max_trajectories";
        return Err(Error::value(ensemble.key("trajectories"), value, allowed));
    }
    let (mut targets, mut least) = (Vec::new(), None::<u64>);
    for mut section in ensemble.one_or_more("target")? {
        targets.extend(parse_target(&mut section, subject)?);
        if section.has("max_trajectories") {
            let max = section.count("max_trajectories", MAX_TRAJECTORIES, 2..=1 << 53)?;
            least = Some(least.map_or(max, |least| least.min(max)));
        }
        section.finish()?;
    }
    let trajectories = ensemble.count("max_trajectories", least.unwrap_or(MAX_TRAJECTORIES), 2..=1 << 53)?;
    let given = ensemble.has("min_trajectories");
    let min_trajectories = ensemble.count("min_trajectories", MIN_TRAJECTORIES, 2..=1 << 53)?;
    if given && min_trajectories > trajectories {
        let allowed = format!("must be at most max_trajectories = {trajectories}");
        return Err(Error::value(ensemble.key("min_trajectories"), min_trajectories, allowed));
    }
    Ok(Stopping { trajectories, min_trajectories, targets, time_limit })
}

/// One table; `inversion` is a target for each spin.
fn parse_target(section: &mut Section, subject: &Subject) -> Result<Vec<Target>> {
    let observed = || {
        let names: Vec<String> = subject.observables.iter().map(ToString::to_string).collect();
        format!("must be observed (output.observables has {}) or \"heating_rate\"", names.join(", "))
    };
    if let Some(name) = section.optional_text("functional")? {
        return Ok(vec![parse_functional(section, name, subject)?]);
    }
    let Some(name) = section.optional_text("observable")? else {
        return Err(Error::Missing { key: section.key("observable"), allowed: observed() });
    };
    let accuracy = parse_accuracy(section, subject.tolerance)?;
    if name == "heating_rate" {
        if let Some(time) = section.optional("time") {
            let allowed = "a heating rate has no time; its window is output.heating_window";
            return Err(Error::value(section.key("time"), time, allowed));
        }
        return Ok(vec![Target { quantity: Quantity::HeatingRate, accuracy }]);
    }
    let found = Observable::parse(&name, subject.model.spins().len()).unwrap_or_default();
    if found.is_empty() || !found.iter().all(|observable| subject.observables.contains(observable)) {
        return Err(Error::value(section.key("observable"), format!("\"{name}\""), observed()));
    }
    let times = parse_time(section, subject.times)?;
    let target = |observable: &Observable| Target {
        quantity: Quantity::Observable { name: observable.to_string(), times: times.clone() },
        accuracy,
    };
    Ok(found.iter().map(target).collect())
}

/// A table that names a functional.
fn parse_functional(section: &mut Section, name: String, subject: &Subject) -> Result<Target> {
    for key in ["observable", "time"] {
        if let Some(value) = section.optional(key) {
            let allowed = "cannot stand beside functional, which has both";
            return Err(Error::value(section.key(key), value, allowed));
        }
    }
    if !subject.functionals.iter().any(|known| known.name == name) {
        let names: Vec<&str> = subject.functionals.iter().map(|known| known.name.as_str()).collect();
        let allowed = match names[..] {
            [] => "there are none: name it in output.functionals".to_owned(),
            _ => format!("must be one of output.functionals, which has {}", names.join(", ")),
        };
        return Err(Error::value(section.key("functional"), format!("\"{name}\""), allowed));
    }
    let accuracy = parse_accuracy(section, subject.tolerance)?;
    Ok(Target { quantity: Quantity::Functional { name }, accuracy })
}

/// Exactly one of the two ways to say how accurate.
fn parse_accuracy(section: &mut Section, tolerance: f64) -> Result<Accuracy> {
    let least = ABOVE_TOLERANCE * tolerance;
    let within = |section: &Section, key: &str, value: f64, most: f64| {
        if value >= least * (1.0 - f64::EPSILON) && value <= most {
            return Ok(());
        }
        let allowed = format!(
            "must be between {least:.1e} (ten times numerics.tolerance: no smaller error bar would mean anything) and {most:e}"
        );
        Err(Error::value(section.key(key), value, allowed))
    };
    match (section.optional_number("standard_error")?, section.optional_number("relative_error")?) {
        (Some(error), None) => {
            within(section, "standard_error", error, 1e12)?;
            Ok(Accuracy::Absolute(error))
        }
        (None, Some(error)) => {
            within(section, "relative_error", error, 1.0)?;
            Ok(Accuracy::Relative(error))
        }
        (None, None) => {
            let allowed = "how accurate, or relative_error: the standard error over |mean|".into();
            Err(Error::Missing { key: section.key("standard_error"), allowed })
        }
        (Some(_), Some(error)) => {
            let allowed = "cannot stand beside standard_error; write two targets to ask for both";
            Err(Error::value(section.key("relative_error"), error, allowed))
        }
    }
}

/// The output time nearest to `time` (default: the end), or all but the first.
fn parse_time(section: &mut Section, times: &[f64]) -> Result<Range<usize>> {
    let last = times.len() - 1;
    let Some(value) = section.optional("time") else { return Ok(last..last + 1) };
    if value == Value::String("all".into()) {
        return Ok(1..last + 1);
    }
    // Output times are equidistant. Nothing is left to chance at the first, t = 0.
    let index = as_number(&value).map(|time| (time / times[last] * last as f64).round());
    match index {
        Some(index) if (1.0..=last as f64).contains(&index) => Ok(index as usize..index as usize + 1),
        _ => {
            let allowed = format!("must be \"all\" or near an output time > 0, from {} to {}", times[1], times[last]);
            Err(Error::value(section.key("time"), value, allowed))
        }
    }
}
