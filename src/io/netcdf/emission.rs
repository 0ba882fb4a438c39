//! Emission statistics in `result.nc`: g²(τ) and waiting times with dimensions `point`, `emission` and `delay`.

use super::{Contents, RATE_UNITS, Step, TIME_UNITS, attributes, names};
use crate::analysis::{Emission, Point};

/// A row of numbers of one kind of jump: name, long name, units, equation, value.
type Row = (&'static str, &'static str, &'static str, &'static str, fn(&Emission) -> Option<&Vec<f64>>);

const ROWS: [Row; 4] = [
    ("g2", "second-order correlation of jumps of one kind, mean over the delay bin", "1", G2, |e| e.g2.as_ref()),
    ("g2_standard_error", "standard error of g2 (jackknife)", "1", "", |e| e.g2_standard_error.as_ref()),
    ("waiting_time", "density of the time to the next jump of the kind", RATE_UNITS, "", |e| e.waiting_time.as_ref()),
    ("waiting_time_standard_error", "standard error of waiting_time (jackknife)", RATE_UNITS, "", |e| {
        e.waiting_time_standard_error.as_ref()
    }),
];

const G2: &str =
    "g²(τ) = (pairs of jumps of one trajectory at t and t + τ) / ∫ r(t) r(t+τ) dt, r: rate in the ensemble";

/// A number of one kind of jump: name, long name, units, value.
type Number = (&'static str, &'static str, &'static str, fn(&Emission) -> Option<f64>);

const NUMBERS: [Number; 5] = [
    ("emission_rate", "mean rate of the jumps in the window", RATE_UNITS, |e| Some(e.rate.mean)),
    ("emission_rate_standard_error", "standard error of emission_rate", RATE_UNITS, |e| e.rate.standard_error),
    ("emission_window_start", "first time of the first jump of a pair", TIME_UNITS, |e| Some(e.window[0])),
    ("emission_window_end", "last time of the first jump of a pair", TIME_UNITS, |e| Some(e.window[1])),
    ("emission_groups", "groups of trajectories behind the jackknife errors", "1", |e| Some(e.groups as f64)),
];

impl Contents {
    /// Everything of [`Point::emission`], NaN where a point or a kind of jump has none.
    pub(super) fn emission(&mut self, points: &[Point]) -> Step {
        let kinds = names(points, |p| p.emission.keys());
        let delays = |point: &Point| point.emission.values().next().map(|e| e.delays.clone());
        let width = points.iter().filter_map(delays).map(|d| d.len()).max().unwrap_or(0);
        if kinds.is_empty() || width == 0 {
            return Ok(());
        }
        self.dimension("emission", kinds.len())?;
        self.dimension("delay", width)?;
        let about = attributes("kind of jump: all of them, or those of a channel", "", "");
        self.texts("emission", &["emission"], &about, &kinds)?;
        let about = attributes("delay τ, centre of the bin", TIME_UNITS, "");
        let rows: Vec<Vec<f64>> = points.iter().map(|p| delays(p).unwrap_or_default()).collect();
        if rows.iter().all(|row| *row == rows[0]) {
            self.numbers("delay", &["delay"], &about, rows[0].clone())?;
        } else {
            let cell = |row: &Vec<f64>, i: usize| row.get(i).copied().unwrap_or(f64::NAN);
            let cells = rows.iter().flat_map(|row| (0..width).map(move |i| cell(row, i))).collect();
            self.numbers("delays", &["point", "delay"], &about, cells)?;
        }
        let cells = || points.iter().flat_map(|point| kinds.iter().map(|kind| point.emission.get(kind)));
        for (name, long_name, units, equation, row) in ROWS {
            let rows: Vec<Option<&Vec<f64>>> = cells().map(|cell| cell.and_then(row)).collect();
            if rows.iter().any(Option::is_some) {
                let number =
                    |row: &Option<&Vec<f64>>, i: usize| row.and_then(|r| r.get(i)).copied().unwrap_or(f64::NAN);
                let values = rows.iter().flat_map(|row| (0..width).map(move |i| number(row, i))).collect();
                self.numbers(name, &["point", "emission", "delay"], &attributes(long_name, units, equation), values)?;
            }
        }
        for (name, long_name, units, value) in NUMBERS {
            let values = cells().map(|cell| cell.and_then(value).unwrap_or(f64::NAN)).collect();
            self.numbers(name, &["point", "emission"], &attributes(long_name, units, ""), values)?;
        }
        Ok(())
    }
}
