//! Functionals of observables' curves in `result.nc`.

use super::names::{attributes, attributes_at};
use super::{Contents, RATE_UNITS, Step, TIME_UNITS, names};
use crate::analysis::{FunctionalEstimate, Point};
use crate::system::FunctionalKind;

impl Contents {
    /// Those of every point, by name.
    pub(super) fn functionals(&mut self, points: &[Point]) -> Step {
        names(points, |point| point.functionals.keys()).iter().try_for_each(|name| self.functional(name, points))
    }

    /// One of them.
    fn functional(&mut self, name: &str, points: &[Point]) -> Step {
        let of =
            |point: &Point, part: fn(&FunctionalEstimate) -> Option<f64>| point.functionals.get(name).and_then(part);
        let Some(first) = points.iter().find_map(|point| point.functionals.get(name)) else { return Ok(()) };
        let FunctionalEstimate { observable, kind, .. } = first;
        let [_, (_, units), (_, equation)] = attributes_at(observable, points);
        let units = match (kind, units.as_str()) {
            (FunctionalKind::Rate | FunctionalKind::Slope, "1") => RATE_UNITS.to_owned(),
            (FunctionalKind::Rate | FunctionalKind::Slope, units) => format!("{units} frequency unit"),
            (FunctionalKind::Value | FunctionalKind::Mean | FunctionalKind::Difference, units) => units.to_owned(),
        };
        let about = format!("{} of {observable} over a window of time", kind.name());
        type Part = fn(&FunctionalEstimate) -> Option<f64>;
        let parts: [(&str, String, &str, Part); 6] = [
            ("", about.clone(), &equation, |found| Some(found.value)),
            ("_standard_error", format!("standard error of functional_{name}"), "", |found| found.standard_error),
            ("_plain_value", format!("{about}, plain average over trajectories"), "", |found| found.plain_value),
            ("_plain_standard_error", "its standard error".into(), "", |found| found.plain_standard_error),
            ("_window_start", "t₀".into(), "", |found| Some(found.window[0])),
            ("_window_end", "t₁".into(), "", |found| Some(found.window[1])),
        ];
        for (part, long_name, equation, value) in parts {
            let units = if part.starts_with("_window") { TIME_UNITS } else { &units };
            let values = points.iter().map(|point| of(point, value).unwrap_or(f64::NAN)).collect();
            let variable = format!("functional_{name}{part}");
            self.numbers(&variable, &["point"], &attributes(&long_name, units, equation), values)?;
        }
        Ok(())
    }
}
