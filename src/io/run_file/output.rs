//! The keys of `[output]` that ask for records of single trajectories: `jumps`, `final_values`, `correlations`.

use super::section::Section;
use crate::analysis::ALL_JUMPS;
use crate::ensemble::CorrelationGrid;
use crate::model::Model;
use crate::system::{Channel, Jump, channels};
use crate::{Error, Result};

/// What `records.nc` is to hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Records {
    /// Every jump.
    pub jumps: bool,
    /// Every trajectory's observables at the end of the run, and its heating rate.
    pub final_values: bool,
}

/// `jumps` and `final_values`.
pub fn parse_records(output: &mut Section) -> Result<Records> {
    Ok(Records { jumps: output.flag("jumps", false)?, final_values: output.flag("final_values", false)? })
}

/// `correlations = { bins, max_delay, from, channels }` of a run that ends at `end`.
pub fn parse_correlations(output: &mut Section, model: &Model, end: f64) -> Result<Option<CorrelationGrid>> {
    let Some(mut section) = output.optional_section("correlations")? else { return Ok(None) };
    let bins = section.count("bins", 100, 1..=10_000)? as usize;
    let max_delay = section.number("max_delay", "the longest delay between two jumps, > 0, in 1/frequency units")?;
    let from = section.non_negative("from")?.unwrap_or(0.0);
    if from >= end {
        let allowed = format!("must be before the end of the run, {end}");
        return Err(Error::value(section.key("from"), from, allowed));
    }
    let longest = 0.5 * (end - from);
    if !(max_delay > 0.0 && max_delay <= longest) {
        let allowed = format!("must be > 0 and at most half of the time counted, {longest}");
        return Err(Error::value(section.key("max_delay"), max_delay, allowed));
    }
    let channels = parse_channels(&mut section, &channels(model))?;
    section.finish()?;
    Ok(Some(CorrelationGrid { bins, max_delay, from, channels }))
}

/// The channels named, without repetitions; unless named, the emissions of every spin into its own bath.
fn parse_channels(section: &mut Section, channels: &[Channel]) -> Result<Vec<usize>> {
    if !section.has("channels") {
        let emission = |(index, channel): (usize, &Channel)| matches!(channel.jump, Jump::SpinDown(_)).then_some(index);
        return Ok(channels.iter().enumerate().filter_map(emission).collect());
    }
    let mut chosen = Vec::new();
    for name in section.texts("channels", &[])? {
        let Some(index) = channels.iter().position(|channel| channel.name == name) else {
            let names: Vec<&str> = channels.iter().map(|channel| channel.name.as_str()).collect();
            let allowed = match names[..] {
                [] => "this model has no jumps".to_owned(),
                _ => format!("allowed are {} (\"{ALL_JUMPS}\" comes by itself)", super::section::quoted(&names)),
            };
            return Err(Error::value(section.key("channels"), format!("\"{name}\""), allowed));
        };
        if !chosen.contains(&index) {
            chosen.push(index);
        }
    }
    Ok(chosen)
}
