//! What a run will take, said before it is begun: memory that is not there is refused, hours are announced.

use std::time::Duration;

use super::forecast::{Forecast, forecast, seconds_of};
use super::progress::{human_bytes, human_time};
use crate::ensemble::{Estimator, Footprint, Plan};
use crate::io::available_memory;
use crate::io::run_file::{RunFile, RunPoint};
use crate::{Error, Result};

/// Memory that a number of a result takes while it is written: the curves, `summary.json` as text, `result.nc`.
const BYTES_PER_VALUE: u64 = 4 * (8 + 50 + 24);

/// Fock levels that a ket holds at least, about.
const FEWEST_LEVELS: usize = 8;

/// A run that takes longer is announced.
const LONG: f64 = 3600.0;

/// By how much the first few trajectories may be wrong on the time of a run.
const UNSURE: f64 = 10.0;

/// Time that the announcement may cost, for all sweep points together, and most points that are looked at.
const GLANCE: Duration = Duration::from_millis(400);
const GLANCES: usize = 4;

/// Memory of a run, part by part, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// Of the point that takes the most.
    pub point: Footprint,
    /// Of the kets of the point that takes the most, at least.
    pub kets: u64,
    /// Of the results of all points.
    pub results: u64,
}

impl Memory {
    /// What `file` takes on `threads` threads, with kets of the fewest levels; `stored`: whether blocks are stored.
    pub fn of(file: &RunFile, threads: usize, stored: bool) -> Self {
        let footprint = |point: &RunPoint| Footprint::of(&point.experiment, &point.plan(threads), stored);
        let least = |point: &RunPoint| Plan { estimator: Estimator::Plain, ..point.plan(threads) };
        let kets = |point: &RunPoint| Footprint::kets(&point.experiment, &least(point), FEWEST_LEVELS);
        let values = |point: &RunPoint| (point.experiment.times.len() * point.experiment.observables.len()) as u64;
        Self {
            point: file.points.iter().map(footprint).max_by_key(Footprint::total).unwrap_or_default(),
            kets: file.points.iter().map(kets).max().unwrap_or(0),
            results: BYTES_PER_VALUE * file.points.iter().map(values).sum::<u64>(),
        }
    }

    /// All of it: results come on top of what a point takes.
    pub fn total(&self) -> u64 {
        self.point.total().saturating_add(self.results).saturating_add(self.kets)
    }

    /// Refuses what does not fit into `available` bytes.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn check(&self, available: Option<u64>) -> Result<()> {
        let Some(available) = available.filter(|available| self.total() > *available) else { return Ok(()) };
        let Footprint { tallies, threads, pilots, .. } = self.point;
        let parts = [
            (tallies, "tallies", "fewer output times (time.points) or observables"),
            (threads, "threads", "fewer --threads"),
            (self.kets, "kets", "fewer --threads or spins"),
            (pilots, "pilot trajectories", "fewer of them (ensemble.pilot) or fewer output times (time.points)"),
            (self.results, "results", "fewer output times (time.points), observables or sweep points"),
        ];
        let advice = parts.iter().max_by_key(|part| part.0).map_or("", |part| part.2);
        let said = parts.iter().filter(|part| part.0 > self.total() / 100);
        Err(Error::Memory {
            needed: human_bytes(self.total()),
            parts: said
                .map(|(bytes, name, _)| format!("{name} {}", human_bytes(*bytes)))
                .collect::<Vec<_>>()
                .join(", "),
            available: human_bytes(available),
            advice: format!("{advice} would need less"),
        })
    }
}

/// Refuses a run that does not fit into memory, and says when one will take more than an hour. `share` is the part of it that this
/// process runs.
///
/// # Errors
/// When it does not fit.
pub fn announce(file: &RunFile, threads: usize, share: f64, stored: bool) -> Result<()> {
    Memory::of(file, threads, stored).check(available_memory())?;
    let chosen = spread(file.points.len(), GLANCES);
    let mut seconds = 0.0;
    let mut all = true;
    for index in &chosen {
        let point = &file.points[*index];
        // With a target nobody knows how many it will be; these it will be at least.
        let least = if point.stopping.targets.is_empty() {
            point.stopping.trajectories
        } else {
            point.stopping.min_trajectories
        };
        let limit = point.stopping.time_limit.map_or(f64::INFINITY, |limit| limit.as_secs_f64());
        let takes = |found: &Forecast| seconds_of(point, found, least, threads).min(limit);
        let points = file.points.len() as f64;
        let short = |found: &Forecast| UNSURE * takes(found) * share * points < LONG;
        // What fails is told by the run itself.
        match forecast(point, GLANCE / chosen.len() as u32, short) {
            Ok(Some(found)) => seconds += takes(&found),
            Ok(None) => all = false,
            Err(_) => {}
        }
    }
    let whole = seconds * share * file.points.len() as f64 / chosen.len() as f64;
    if whole > LONG {
        tell!("note: this will take about {} on {threads} threads (`fluctuator check` says more)", human_time(whole));
    } else if !all {
        tell!(
            "note: one trajectory takes so long that the time cannot be told beforehand (`fluctuator check` says more)"
        );
    }
    Ok(())
}

/// At most `most` of `count` numbers from 0 on, evenly spread, with the first and the last.
pub fn spread(count: usize, most: usize) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    (0..most).map(|i| i * (count - 1) / (most - 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_points_stand_for_all() {
        assert_eq!(spread(3, 4), [0, 1, 2]);
        assert_eq!(spread(10, 4), [0, 3, 6, 9]);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_largest_part() {
        let point = Footprint { tallies: 10 << 30, threads: 1 << 20, pilots: 0, merged: 0 };
        let memory = Memory { point, kets: 0, results: 1 << 30 };
        assert!(memory.check(None).is_ok() && memory.check(Some(12 << 30)).is_ok());
        let error = memory.check(Some(4 << 30)).expect_err("it does not fit");
        assert!(error.is_input());
        let text = error.to_string();
        assert!(
            text.contains("tallies 10.00 GiB")
                && text.contains("4.00 GiB are available")
                && text.contains("time.points"),
            "{text}"
        );
    }
}
