//! The result as netCDF-3 (64-bit offset), labelled so that `xarray.open_dataset("result.nc")` just works.

mod born_markov;
mod emission;
mod functional;
mod names;
mod records;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{Cursor, Seek, SeekFrom, Write};
use std::path::Path;
use std::rc::Rc;

use netcdf3::{DataSet, FileWriter, InvalidDataSet, Version, WriteError};
use serde_json::Value;

use self::names::{POINT_NUMBERS, attributes, attributes_at};
pub use self::records::{Column, RecordTable};
use super::files::replace_file;
use crate::analysis::{Estimate, Point, Provenance, Summary};
use crate::ensemble::Ending;
use crate::{Error, Result};

const TIME_UNITS: &str = "1/frequency unit";
const RATE_UNITS: &str = "frequency unit";

/// Writes all of `summary` to `path`, whole or not at all.
///
/// Dimensions are `point` (sweep point), `time`, `level` (Fock level), `channel` and `parameter` (swept key); with emission
/// statistics also `emission` (kind of jump) and `delay`. Numbers are doubles, NaN where a point has none. A time grid common to all points is the coordinate `time`; otherwise the
/// variable `times` (point, time) holds them. A swept key `a.b` becomes the coordinate `a_b` (point).
pub fn write_netcdf(path: &Path, summary: &Summary) -> Result<()> {
    let bytes = describe(summary)
        .map_err(|error| error.to_string())
        .and_then(|contents| contents.encode().map_err(|error| format!("{error:?}")))
        .map_err(|reason| Error::Output { what: path.display().to_string(), reason })?;
    replace_file(path, &bytes)
}

/// Lays out the whole summary as dimensions, variables and attributes.
fn describe(summary: &Summary) -> std::result::Result<Contents, InvalidDataSet> {
    let points = &summary.points;
    let times = points.iter().map(|p| p.times.len()).max().unwrap_or(0);
    let levels = points.iter().map(|p| p.fock_distribution.mean.len()).max().unwrap_or(0);
    let channels = names(points, |p| p.jumps.keys());
    let parameters = names(points, |p| p.parameters.keys());

    let mut file = Contents::default();
    file.header.add_global_attr_f64("format_version", vec![summary.format_version.into()])?;
    file.provenance(&summary.provenance)?;
    let sizes = [("point", points.len()), ("time", times), ("level", levels)];
    for (name, size) in sizes.into_iter().chain([("channel", channels.len()), ("parameter", parameters.len())]) {
        file.dimension(name, size)?;
    }

    let count = |n: usize| (0..n).map(|i| i as f64).collect();
    file.numbers("point", &["point"], &attributes("index of the sweep point", "1", ""), count(points.len()))?;
    file.numbers("level", &["level"], &attributes("Fock level", "1", ""), count(levels))?;
    file.texts("channel", &["channel"], &attributes("jump channel", "", ""), &channels)?;
    file.texts("parameter", &["parameter"], &attributes("swept key of the run file", "", ""), &parameters)?;
    match points.first() {
        Some(first) if points.iter().all(|p| p.times == first.times) => {
            file.numbers("time", &["time"], &attributes("time", TIME_UNITS, ""), first.times.clone())?;
        }
        _ => {
            let rows = table(points, times, f64::NAN, |p| Some(&p.times)).unwrap_or_default();
            file.numbers("times", &["point", "time"], &attributes("time", TIME_UNITS, ""), rows)?;
        }
    }
    file.parameters(&parameters, points)?;
    for name in names(points, |p| p.observables.keys()) {
        let about = attributes_at(&name, points);
        file.estimate(&name, ["point", "time"], &about, points, times, |p| p.observables.get(&name))?;
    }
    let about = attributes("probability of each Fock level at the end of the run", "1", "P(n) = ⟨n|ρ|n⟩");
    file.estimate("fock_distribution", ["point", "level"], &about, points, levels, |p| Some(&p.fock_distribution))?;
    for name in names(points, |p| p.closed_forms.keys()) {
        let equation = if name == "adiabatic" { "paper, Eq. (40)" } else { "" };
        let about = attributes(&format!("mean occupation ⟨N⟩ in closed form: {name}"), "1", equation);
        let rows = table(points, times, f64::NAN, |p| p.closed_forms.get(&name).map(Vec::as_slice));
        file.numbers(&format!("closed_form_{name}"), &["point", "time"], &about, rows.unwrap_or_default())?;
    }
    file.functionals(points)?;
    file.jumps(points, &channels)?;
    file.endings(&summary.provenance.endings)?;
    file.emission(points)?;
    file.born_markov(points, times)?;
    for (name, long_name, units, value) in POINT_NUMBERS {
        let values = points.iter().map(|point| value(point).unwrap_or(f64::NAN)).collect();
        file.numbers(name, &["point"], &attributes(long_name, units, ""), values)?;
    }
    file.diagnostics(points)?;
    Ok(file)
}

/// All names that occur at any point, in order.
fn names<'a, I: IntoIterator<Item = &'a String>>(points: &'a [Point], of: impl Fn(&'a Point) -> I) -> Vec<String> {
    points.iter().flat_map(of).collect::<BTreeSet<_>>().into_iter().cloned().collect()
}

/// One row of `width` numbers per point: short rows are filled with `padding`, absent ones with NaN; `None` if all are
/// absent.
fn table<'a>(
    points: &'a [Point],
    width: usize,
    padding: f64,
    row: impl Fn(&'a Point) -> Option<&'a [f64]>,
) -> Option<Vec<f64>> {
    points.iter().any(|point| row(point).is_some()).then(|| {
        let cell = |point, column| row(point).map_or(f64::NAN, |r| r.get(column).copied().unwrap_or(padding));
        points.iter().flat_map(|point| (0..width).map(move |column| (point, column))).map(|(p, c)| cell(p, c)).collect()
    })
}

/// A netCDF file in the making. netCDF-3 knows no dimension of length zero, so what is empty is left out.
#[derive(Default)]
struct Contents {
    header: DataSet,
    numbers: Vec<(String, Vec<f64>)>,
    texts: Vec<(String, Vec<u8>)>,
}

type Step = std::result::Result<(), InvalidDataSet>;

impl Contents {
    fn dimension(&mut self, name: &str, size: usize) -> Step {
        if size == 0 { Ok(()) } else { self.header.add_fixed_dim(name, size).map(|_| ()) }
    }

    fn numbers(&mut self, name: &str, dims: &[&str], about: &[(&str, String)], values: Vec<f64>) -> Step {
        if values.is_empty() {
            return Ok(());
        }
        self.header.add_var_f64(name, dims)?;
        self.about(name, about)?;
        self.numbers.push((name.into(), values));
        Ok(())
    }

    /// Strings: rows of bytes padded with zeros to the longest, which xarray reads as strings again.
    fn texts(&mut self, name: &str, dims: &[&str], about: &[(&str, String)], values: &[String]) -> Step {
        if values.is_empty() {
            return Ok(());
        }
        let length = values.iter().map(String::len).max().unwrap_or(0).max(1);
        let length_name = format!("{name}_length");
        self.dimension(&length_name, length)?;
        self.header.add_var_u8(name, &[dims, &[length_name.as_str()]].concat())?;
        self.about(name, about)?;
        self.header.add_var_attr_string(name, "_Encoding", "utf-8")?;
        let pad = |text: &String| text.bytes().chain(std::iter::repeat(0)).take(length).collect::<Vec<u8>>();
        self.texts.push((name.into(), values.iter().flat_map(pad).collect()));
        Ok(())
    }

    fn about(&mut self, name: &str, about: &[(&str, String)]) -> Step {
        let mut said = about.iter().filter(|(_, text)| !text.is_empty());
        said.try_for_each(|(attribute, text)| self.header.add_var_attr_string(name, attribute, text))
    }

    /// A mean with its standard error and, where the estimator is not the plain average, that too.
    fn estimate<'a>(
        &mut self,
        name: &str,
        dims: [&str; 2],
        about: &[(&'static str, String); 3],
        points: &'a [Point],
        width: usize,
        estimate: impl Fn(&'a Point) -> Option<&'a Estimate>,
    ) -> Step {
        let padding = if dims[1] == "level" { 0.0 } else { f64::NAN };
        let rows = |part: fn(&Estimate) -> Option<&Vec<f64>>| {
            table(points, width, padding, |p| estimate(p).and_then(part).map(Vec::as_slice)).unwrap_or_default()
        };
        let [(_, long_name), (_, units), (_, equation)] = about;
        let estimators: BTreeSet<&str> =
            points.iter().filter_map(&estimate).map(|e| e.estimator.as_str()).filter(|e| !e.is_empty()).collect();
        let estimator = ("estimator", estimators.into_iter().collect::<Vec<_>>().join(", "));
        self.numbers(name, &dims, &[about.as_slice(), &[estimator]].concat(), rows(|e| Some(&e.mean)))?;
        let error = attributes(&format!("standard error of {name}"), units, "");
        self.numbers(&format!("{name}_standard_error"), &dims, &error, rows(|e| e.standard_error.as_ref()))?;

        let differs = |e: &Estimate| {
            e.plain_mean.as_ref().is_some_and(|plain| *plain != e.mean || e.plain_standard_error != e.standard_error)
        };
        if points.iter().filter_map(&estimate).any(differs) {
            let plain = attributes(&format!("{long_name}, plain average over trajectories"), units, equation);
            self.numbers(&format!("{name}_plain_mean"), &dims, &plain, rows(|e| e.plain_mean.as_ref()))?;
            let error = attributes(&format!("standard error of {name}_plain_mean"), units, "");
            let values = rows(|e| e.plain_standard_error.as_ref());
            self.numbers(&format!("{name}_plain_standard_error"), &dims, &error, values)?;
        }
        Ok(())
    }

    fn jumps(&mut self, points: &[Point], channels: &[String]) -> Step {
        let cells = || points.iter().flat_map(|p| channels.iter().map(|channel| p.jumps.get(channel)));
        let means = cells().map(|jump| jump.map_or(f64::NAN, |j| j.mean)).collect();
        let about = attributes("mean number of jumps per trajectory", "1", "");
        self.numbers("jumps", &["point", "channel"], &about, means)?;
        let known = cells().flatten().any(|jump| jump.standard_error.is_some());
        let errors = cells().filter(|_| known).map(|jump| jump.and_then(|j| j.standard_error).unwrap_or(f64::NAN));
        let about = attributes("standard error of jumps", "1", "");
        self.numbers("jumps_standard_error", &["point", "channel"], &about, errors.collect())
    }

    /// Why each point ended, and how often it was looked at.
    fn endings(&mut self, endings: &[Ending]) -> Step {
        let about = attributes("why the run ended: target, trajectories, time limit or interrupted", "", "");
        let stopped: Vec<String> = endings.iter().map(|ending| ending.stopped.name().to_owned()).collect();
        self.texts("stopped", &["point"], &about, &stopped)?;
        let about = attributes("how often the run asked whether its targets were reached", "1", "");
        self.numbers("looks", &["point"], &about, endings.iter().map(|ending| ending.looks as f64).collect())
    }

    /// Every field of the diagnostics under its own name.
    fn diagnostics(&mut self, points: &[Point]) -> Step {
        let fields = |p: &Point| serde_json::to_value(p.diagnostics).unwrap_or_default();
        let rows: Vec<Value> = points.iter().map(fields).collect();
        for field in rows.first().and_then(Value::as_object).into_iter().flat_map(|first| first.keys()) {
            let values = rows.iter().map(|row| row[field].as_f64().unwrap_or(f64::NAN)).collect();
            let about = attributes(&format!("{} of the propagation", field.replace('_', " ")), "1", "");
            self.numbers(&format!("diagnostics_{field}"), &["point"], &about, values)?;
        }
        Ok(())
    }

    /// The swept keys, as coordinates.
    fn parameters(&mut self, keys: &[String], points: &[Point]) -> Step {
        keys.iter().try_for_each(|key| self.parameter(key, points))?;
        // xarray takes the variables named by this attribute as coordinates.
        let variables: Vec<String> = keys.iter().map(|key| variable_name(key)).collect();
        if variables.is_empty() {
            Ok(())
        } else {
            self.header.add_global_attr_string("coordinates", variables.join(" "))
        }
    }

    /// A swept key: a number per point, or JSON text if it is not a number everywhere.
    fn parameter(&mut self, key: &str, points: &[Point]) -> Step {
        let name = variable_name(key);
        let about = [("long_name", format!("swept: {key}")), ("run_file_key", key.to_string())];
        let values: Vec<Value> = points.iter().map(|p| p.parameters.get(key).cloned().unwrap_or_default()).collect();
        match values.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>() {
            Some(numbers) => self.numbers(&name, &["point"], &about, numbers),
            None => {
                let json: Vec<String> = values.iter().map(Value::to_string).collect();
                self.texts(&name, &["point"], &about, &json)
            }
        }
    }

    /// Every field of the provenance that is known: numbers as doubles, lists one item a line, and the seed in digits,
    /// because a double cannot hold them all.
    fn provenance(&mut self, from: &Provenance) -> Step {
        let fields = serde_json::to_value(from).unwrap_or_default();
        for (name, value) in fields.as_object().into_iter().flatten() {
            match value {
                Value::Null => Ok(()),
                // Variables over the points, and hashes for readers of summary.json.
                _ if ["endings", "models", "questions"].contains(&name.as_str()) => Ok(()),
                Value::String(text) => self.header.add_global_attr_string(name, text),
                Value::Array(items) => {
                    let lines: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                    self.header.add_global_attr_string(name, lines.join("\n"))
                }
                Value::Number(number) if name != "seed" => {
                    self.header.add_global_attr_f64(name, number.as_f64().into_iter().collect())
                }
                other => self.header.add_global_attr_string(name, other.to_string()),
            }?;
        }
        Ok(())
    }

    fn encode(&self) -> std::result::Result<Vec<u8>, WriteError> {
        let memory = Memory::default();
        let mut writer = FileWriter::open_seek_write("result.nc", Box::new(memory.clone()))?;
        writer.set_def(&self.header, Version::Offset64Bit, 0)?;
        for (name, values) in &self.numbers {
            writer.write_var_f64(name, values)?;
        }
        for (name, bytes) in &self.texts {
            writer.write_var_u8(name, bytes)?;
        }
        writer.close()?;
        Ok(memory.0.take().into_inner())
    }
}

/// Name of the variable that holds a swept key, e.g. `model_spins_0_bath_nbar`.
fn variable_name(key: &str) -> String {
    key.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

/// A file in memory with two owners, the writer (which keeps its own for good) and us.
#[derive(Clone, Default)]
struct Memory(Rc<RefCell<Cursor<Vec<u8>>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Seek for Memory {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.borrow_mut().seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Diagnostics;

    fn summary(points: Value) -> Summary {
        let provenance = serde_json::json!({
            "program": "fluctuator", "git_commit": null, "run_file": "", "overrides": [], "run_file_hash": "",
            "method": "exact", "title": "", "seed": u64::MAX, "trajectories": 0, "complete": true,
            "wall_time_seconds": 0.5, "threads": 1, "cpu_features": [], "peak_memory_bytes": null,
        });
        let summary = serde_json::json!({ "format_version": 1, "provenance": provenance, "points": points });
        serde_json::from_value(summary).unwrap()
    }

    fn point(parameters: Value, times: &[f64], fock: &[f64]) -> Value {
        serde_json::json!({
            "parameters": parameters, "trajectories": 0, "times": times, "jumps": {}, "closed_forms": {},
            "observables": { "number": { "mean": times, "estimator": "exact" } },
            "heating_rate": { "value": 0.1, "window": [0.0, 1.0], "paper": null, "quantum_noise": null },
            "fock_distribution": { "mean": fock, "estimator": "exact" },
            "diagnostics": Diagnostics::default(),
        })
    }

    fn numbers<'a>(contents: &'a Contents, name: &str) -> Option<&'a [f64]> {
        contents.numbers.iter().find(|(n, _)| n == name).map(|(_, values)| values.as_slice())
    }

    #[test]
    fn ragged_points_are_padded() {
        let sweep = |end: f64, initial: &str| serde_json::json!({ "time.end": end, "initial": initial });
        let points =
            [point(sweep(1.0, "ground"), &[0.0, 1.0], &[1.0]), point(sweep(2.0, "thermal"), &[2.0], &[0.5, 0.5])];
        let contents = describe(&summary(points.into())).unwrap();
        assert_eq!(numbers(&contents, "time"), None);
        let times = numbers(&contents, "times").unwrap();
        assert!(times[..3] == [0.0, 1.0, 2.0] && times[3].is_nan());
        assert_eq!(numbers(&contents, "fock_distribution").unwrap(), [1.0, 0.0, 0.5, 0.5]);
        assert_eq!(numbers(&contents, "time_end").unwrap(), [1.0, 2.0]);
        assert!(contents.texts.contains(&("initial".into(), b"\"ground\"\0\"thermal\"".to_vec())));
        assert_eq!(&contents.encode().unwrap()[..4], b"CDF\x02");
    }

    #[test]
    fn a_failed_write_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let taken = directory.path().join("result.nc");
        std::fs::create_dir(&taken).unwrap();
        assert!(write_netcdf(&taken, &summary(serde_json::json!([]))).is_err());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
