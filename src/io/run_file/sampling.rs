//! The keys of `[ensemble]` that say how trajectories are sampled and averaged: `estimator`, `pilot`, `sampling`,
//! `block`, `sweep`.

use super::output::Records;
use super::section::Section;
use super::target::Stopping;
use crate::ensemble::{Estimator, Plan, Sampling, SweepNumbers};
use crate::model::Model;
use crate::system::Experiment;
use crate::{Error, Result};

/// `estimator` and `pilot` of `[ensemble]`, for a run of at most `trajectories`.
pub fn parse_estimator(ensemble: &mut Section, trajectories: u64) -> Result<Estimator> {
    let plain = ensemble.word("estimator", Some("controlled"), &["controlled", "plain"])? == "plain";
    match ensemble.optional_count("pilot", 0..=1 << 20)? {
        Some(pilot) if plain => {
            let allowed = "pilot trajectories serve the control variates: leave it out with estimator = \"plain\"";
            Err(Error::value("ensemble.pilot", pilot, allowed))
        }
        Some(pilot) => Ok(Estimator::Controlled { pilot }),
        None if plain => Ok(Estimator::Plain),
        None => Ok(Estimator::controlled(trajectories)),
    }
}

/// `sampling`.
pub fn parse_sampling(ensemble: &mut Section) -> Result<Sampling> {
    let word = ensemble.word("sampling", Some("direct"), &["direct", "no-jump", "stratified"])?;
    Ok(match word.as_str() {
        "no-jump" => Sampling::NoJump,
        "stratified" => Sampling::Stratified,
        _ => Sampling::Direct,
    })
}

/// `sweep`.
pub fn parse_sweep_numbers(ensemble: &mut Section) -> Result<SweepNumbers> {
    let word = ensemble.word("sweep", Some(SweepNumbers::default().name()), &SweepNumbers::NAMES)?;
    let all = [SweepNumbers::Common, SweepNumbers::Independent];
    Ok(all.into_iter().find(|numbers| numbers.name() == word).unwrap_or_default())
}

/// With a target all threads wait at every look for the last block before it. Such a run, which ends nobody knows where, has
/// the blocks of one with this many times the trajectories of its first look.
const FIRST_LOOKS: u64 = 8;

/// Trajectories per block of a stratified run: there they are a unit of the statistics.
const STRATA: u64 = 32;

/// `block`. Without it the block follows from the number of trajectories, or from that of the first look.
pub fn parse_block(ensemble: &mut Section, stopping: &Stopping, sampling: Sampling) -> Result<u64> {
    let at_a_stretch = match stopping.targets.is_empty() {
        true => stopping.trajectories,
        false => stopping.trajectories.min(stopping.min_trajectories.saturating_mul(FIRST_LOOKS)),
    };
    let usual = if sampling == Sampling::Stratified { STRATA } else { Plan::default_block(at_a_stretch) };
    let block = ensemble.count("block", usual, 1..=1 << 20)?;
    if !block.is_power_of_two() {
        return Err(Error::value("ensemble.block", block, "trajectories per block must be a power of two"));
    }
    Ok(block)
}

/// What goes with anything but direct sampling: a pure initial state, whole blocks where they are stratified, and no
/// statistics of single trajectories that would leave out the one without jumps.
pub fn check_sampling(
    sampling: Sampling,
    experiment: &Experiment,
    stopping: &Stopping,
    block: u64,
    records: Records,
    correlations: bool,
) -> Result<()> {
    let name = match sampling {
        Sampling::Direct => return Ok(()),
        Sampling::NoJump => "\"no-jump\"",
        Sampling::Stratified => "\"stratified\"",
    };
    let refuse = |allowed: String| Err(Error::value("ensemble.sampling", name, allowed));
    if experiment.is_sampled() {
        return refuse(
            "needs a pure initial state: a mixed one has many trajectories without jumps; use \"direct\"".into(),
        );
    }
    if records.final_values || correlations {
        let which = if correlations { "output.correlations" } else { "output.final_values" };
        return refuse(format!("would leave the trajectory without jumps out of {which}; use \"direct\" with it"));
    }
    let trajectories = stopping.trajectories;
    if sampling == Sampling::Stratified && !trajectories.is_multiple_of(block) {
        return refuse(format!(
            "needs whole blocks: {trajectories} trajectories are no multiple of ensemble.block = {block}"
        ));
    }
    if sampling == Sampling::Stratified && trajectories < 2 * block {
        return refuse(format!(
            "needs two blocks at least, as blocks are its independent units and one has no standard error: \
             {trajectories} trajectories are one block of ensemble.block = {block}"
        ));
    }
    Ok(())
}

/// What goes with trajectories that carry weights: no records of single ones, whose jumps do not happen as often as in nature.
pub fn check_weights(model: &Model, sampling: Sampling, records: Records, correlations: bool) -> Result<()> {
    if !model.is_weighted() {
        return Ok(());
    }
    let (key, value) = match (sampling, correlations, records.jumps, records.final_values) {
        (Sampling::NoJump, ..) => ("ensemble.sampling", "\"no-jump\""),
        (Sampling::Stratified, ..) => ("ensemble.sampling", "\"stratified\""),
        (_, true, ..) => ("output.correlations", "{ … }"),
        (_, _, true, _) => ("output.jumps", "true"),
        (_, _, _, true) => ("output.final_values", "true"),
        _ => return Ok(()),
    };
    let allowed =
        "the trajectories of the bare Eq. (23) carry weights of both signs; leave it out, or use form = \"completed\"";
    Err(Error::value(key, value, allowed))
}
