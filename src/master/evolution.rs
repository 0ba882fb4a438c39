//! ρ(t) of an experiment at its output times, in a Fock space that is large enough.

use super::exact::{Exact, Limits};
use super::initial::initial_levels;
use super::moments::MomentEquations;
use super::truncated::Truncated;
use crate::hilbert::Cutoff;
use crate::model::{Form, Model};
use crate::system::Experiment;
use crate::{Error, Result};

/// Levels an automatic cutoff starts with above the initial state, and by how much it is raised.
const FIRST_MARGIN: usize = 16;
const GROWTH: f64 = 1.4;

/// Solves the master equation of `experiment`; `progress` hears the fraction done and says whether to go on. `None` when
/// it said no.
///
/// # Errors
/// When the density matrix would take more memory than `limits` allow, or that of the bare Eq. (23) leaves its moment equations.
pub fn solve(experiment: &Experiment, limits: &Limits, mut progress: impl FnMut(f64) -> bool) -> Result<Option<Exact>> {
    match experiment.cutoff {
        Cutoff::Levels(levels) => match attempt(experiment, limits, levels, f64::INFINITY, &mut progress)? {
            Attempt::Done(exact) => Ok(Some(exact)),
            Attempt::TooFewLevels(_) | Attempt::Stopped => Ok(None),
        },
        Cutoff::Auto => {
            let mut levels = initial_levels(experiment) + FIRST_MARGIN;
            let mut last: Option<Tail> = None;
            loop {
                match attempt(experiment, limits, levels, limits.tail, &mut progress)? {
                    Attempt::Done(exact) => return Ok(Some(exact)),
                    Attempt::Stopped => return Ok(None),
                    Attempt::TooFewLevels(tail) => {
                        if last.is_some_and(|last| tail.is_worse_than(last)) && known_number(experiment).is_some() {
                            return Err(Error::Numerical(format!(
                                "the density matrix of the bare Eq. (23) is unstable from t = {} on: the highest of {levels} Fock \
                                 levels hold more ({:.1e}) than those of fewer levels did; a shorter run, model.cutoff or form = \
                                 \"completed\" avoid that",
                                tail.time, tail.population
                            )));
                        }
                        last = Some(tail);
                    }
                }
                levels = (levels as f64 * GROWTH).ceil() as usize;
            }
        }
    }
}

/// Deviation of ⟨N⟩ from the moment equations, relative to 1 + ⟨N⟩, from which ρ is not the equation's.
const UNSTABLE: f64 = 1e-8;

/// ⟨N⟩ at the output times where it is known otherwise and ρ may go astray: by the moment equations of the bare Eq. (23).
fn known_number(experiment: &Experiment) -> Option<Vec<f64>> {
    match &experiment.model {
        Model::BornMarkov(model) if model.form == Form::Bare => {
            let moments = MomentEquations::new(model).solve(experiment.oscillator, &experiment.times);
            Some(moments.iter().map(|moments| moments.number).collect())
        }
        Model::OscillatorSpins(_) | Model::Adiabatic(_) | Model::BornMarkov(_) => None,
    }
}

enum Attempt {
    Done(Exact),
    TooFewLevels(Tail),
    Stopped,
}

/// What the two highest levels held when it first was too much.
#[derive(Debug, Clone, Copy)]
struct Tail {
    time: f64,
    population: f64,
}

impl Tail {
    /// Whether it came sooner, or was larger at the same time, although there were more levels.
    fn is_worse_than(self, with_fewer_levels: Self) -> bool {
        self.time < with_fewer_levels.time
            || self.time == with_fewer_levels.time && self.population >= with_fewer_levels.population
    }
}

/// Solves with `levels` Fock levels; these are too few when the two highest held more than `tail` at an output time.
fn attempt(
    experiment: &Experiment,
    limits: &Limits,
    levels: usize,
    tail: f64,
    progress: &mut impl FnMut(f64) -> bool,
) -> Result<Attempt> {
    let Some(mut truncated) = Truncated::new(experiment, limits, levels, || progress(0.0))? else {
        return Ok(Attempt::Stopped);
    };
    let known = known_number(experiment);
    let end = experiment.times.last().copied().unwrap_or(0.0);
    for (place, &time) in experiment.times.iter().enumerate() {
        if !truncated.advance(time, limits.tolerance / end, progress) {
            return Ok(Attempt::Stopped);
        }
        let top = truncated.read();
        if top > tail {
            return Ok(Attempt::TooFewLevels(Tail { time, population: top }));
        }
        if let Some(known) = &known {
            let number = truncated.exact.observables[experiment.number_index()][place];
            refuse_unstable(number, known[place], levels, time)?;
        }
        let may_be_negative = matches!(experiment.model, Model::BornMarkov(_));
        if may_be_negative && !truncated.find_smallest_eigenvalue(|| progress(time / end)) {
            return Ok(Attempt::Stopped);
        }
    }
    Ok(Attempt::Done(truncated.exact))
}

/// # Errors
/// When ⟨N⟩ is not that of the moment equations.
fn refuse_unstable(number: f64, known: f64, levels: usize, time: f64) -> Result<()> {
    let deviation = (number - known).abs();
    if deviation.is_nan() || deviation > UNSTABLE * (1.0 + known.abs()) {
        return Err(Error::Numerical(format!(
            "the density matrix of the bare Eq. (23) on {levels} Fock levels has ⟨N⟩ = {number:.9} at t = {time}, its moment \
             equations {known:.9}: model.cutoff is too small, or rounding has grown, as it may without Lindblad form (a shorter \
             run, fewer levels or form = \"completed\" avoid that)"
        )));
    }
    Ok(())
}
