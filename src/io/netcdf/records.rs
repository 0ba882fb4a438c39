//! The head of `records.nc`: dimensions, variables and attributes, in front of columns and rows that are written elsewhere.

use netcdf3::{FileWriter, InvalidDataSet, Version, WriteError};
use serde_json::Value;

use super::{Contents, Memory, RATE_UNITS, Step, TIME_UNITS, attributes, attributes_at};
use crate::analysis::{Point, Summary};

/// What `records.nc` holds.
pub struct RecordTable<'a> {
    /// Rows of the dimension `trajectory`.
    pub trajectories: usize,
    /// Names of the jump channels, if jumps are recorded.
    pub channels: Option<&'a [String]>,
    /// Names of the observables, if final values are recorded.
    pub observables: Option<&'a [String]>,
}

/// Numbers of a trajectory, one column after the other behind the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Sweep point (int).
    Point,
    /// Number of the trajectory at its point (int).
    Number,
    /// Weight (double).
    Weight,
    /// Number of its jumps (int).
    Jumps,
    /// Observable of this index at the end of the run (double).
    Final(usize),
    /// Heating rate (double).
    HeatingRate,
}

impl RecordTable<'_> {
    /// The columns of the file, in order.
    pub fn columns(&self) -> Vec<Column> {
        let mut columns = vec![Column::Point, Column::Number, Column::Weight];
        columns.extend(self.channels.map(|_| Column::Jumps));
        if let Some(names) = self.observables {
            columns.extend((0..names.len()).map(Column::Final));
            columns.push(Column::HeatingRate);
        }
        columns
    }

    /// The head of the file, to which the columns and then the rows of `jump` (time, channel, trajectory, point: a double
    /// and three ints) are appended. `jumps` is the number of these rows.
    pub fn head(&self, summary: &Summary, jumps: u32) -> Result<Vec<u8>, String> {
        let contents = self.describe(summary).map_err(|error| error.to_string())?;
        let mut bytes = encode_head(&contents).map_err(|error| format!("{error:?}"))?;
        // Told to the writer, it would keep a list of all records.
        bytes[4..8].copy_from_slice(&jumps.to_be_bytes());
        Ok(bytes)
    }

    fn describe(&self, summary: &Summary) -> Result<Contents, InvalidDataSet> {
        let points = &summary.points;
        let mut file = Contents::default();
        file.header.add_global_attr_f64("format_version", vec![summary.format_version.into()])?;
        file.header.add_global_attr_string("records", ABOUT)?;
        // Only what the run file, the seed and the trajectories determine: the file is the same on any number of threads.
        let provenance = serde_json::to_value(&summary.provenance).unwrap_or_default();
        for name in ["program", "git_commit", "title", "run_file", "run_file_hash"] {
            if let Some(text) = provenance[name].as_str() {
                file.header.add_global_attr_string(name, text)?;
            }
        }
        let lines: Vec<&str> = summary.provenance.overrides.iter().map(String::as_str).collect();
        file.header.add_global_attr_string("overrides", lines.join("\n"))?;
        file.header.add_global_attr_string("seed", summary.provenance.seed.to_string())?;
        file.header.add_global_attr_string("complete", Value::from(summary.provenance.complete).to_string())?;

        file.dimension("point", points.len())?;
        file.dimension("trajectory", self.trajectories)?;
        let count = |n: usize| (0..n).map(|i| i as f64).collect();
        file.numbers("point", &["point"], &attributes("index of the sweep point", "1", ""), count(points.len()))?;
        file.parameters(&super::names(points, |p| p.parameters.keys()), points)?;
        if let Some(channels) = self.channels {
            file.dimension("channel", channels.len())?;
            file.texts("channel", &["channel"], &attributes("jump channel", "", ""), channels)?;
        }
        for column in self.columns() {
            self.describe_column(&mut file, column, points)?;
        }
        if let Some(channels) = self.channels {
            file.header.set_unlimited_dim("jump", 0)?;
            let [time, channel, trajectory, point] = ["jump_time", "jump_channel", "jump_trajectory", "jump_point"];
            file.header.add_var_f64(time, &["jump"])?;
            file.about(time, &attributes("time of the jump", TIME_UNITS, ""))?;
            file.header.add_var_i32(channel, &["jump"])?;
            file.about(channel, &attributes("channel of the jump: index into `channel`", "", ""))?;
            if !channels.is_empty() {
                file.header.add_var_attr_i32(channel, "flag_values", (0..channels.len() as i32).collect())?;
                file.header.add_var_attr_string(channel, "flag_meanings", channels.join(" "))?;
            }
            file.header.add_var_i32(trajectory, &["jump"])?;
            file.about(trajectory, &attributes("row of `trajectory`, which has the weight of the jump", "1", ""))?;
            file.header.add_var_i32(point, &["jump"])?;
            file.about(point, &attributes("sweep point", "1", ""))?;
        }
        Ok(file)
    }

    fn describe_column(&self, file: &mut Contents, column: Column, points: &[Point]) -> Step {
        let mut int = |name: &str, long_name: &str| {
            file.header.add_var_i32(name, &["trajectory"])?;
            file.about(name, &attributes(long_name, "1", ""))
        };
        match column {
            Column::Point => return int("trajectory_point", "sweep point of the trajectory"),
            Column::Number => return int("trajectory_number", "number of the trajectory at its sweep point"),
            Column::Jumps => {
                int("jump_count", "number of jumps of the trajectory, which follow those of the trajectory before")?;
                // As in the contiguous ragged arrays of the CF conventions.
                return file.header.add_var_attr_string("jump_count", "sample_dimension", "jump");
            }
            Column::Weight | Column::Final(_) | Column::HeatingRate => {}
        }
        let mut double = |name: &str, about: &[(&str, String)]| {
            file.header.add_var_f64(name, &["trajectory"])?;
            file.about(name, about)
        };
        match (column, self.observables) {
            (Column::Weight, _) => double("weight", &attributes(WEIGHT, "1", "")),
            (Column::Final(index), Some(names)) => {
                let [(_, long_name), (_, units), (_, equation)] = attributes_at(&names[index], points);
                let long_name = format!("{long_name}: expectation in one trajectory at the end of the run");
                double(&format!("final_{}", names[index]), &attributes(&long_name, &units, &equation))
            }
            (Column::HeatingRate, _) => {
                let long_name = "heating rate of one trajectory, (⟨N⟩(t₁) − ⟨N⟩(t₀))/(t₁ − t₀)";
                double("heating_rate", &attributes(long_name, RATE_UNITS, ""))
            }
            _ => Ok(()),
        }
    }
}

const ABOUT: &str = "Rows are ordered by sweep point, trajectory and time. Every trajectory, every jump and every final value \
                     counts with the trajectory's `weight`: weight[jump_trajectory] for jumps.";
const WEIGHT: &str = "how much the trajectory, each of its jumps and its final values count; all weights are 1 where \
                      trajectories are drawn alike";

fn encode_head(contents: &Contents) -> Result<Vec<u8>, WriteError> {
    let memory = Memory::default();
    let mut writer = FileWriter::open_seek_write("records.nc", Box::new(memory.clone()))?;
    writer.set_def(&contents.header, Version::Offset64Bit, 0)?;
    for (name, values) in &contents.numbers {
        writer.write_var_f64(name, values)?;
    }
    for (name, bytes) in &contents.texts {
        writer.write_var_u8(name, bytes)?;
    }
    // Not closed: that would fill the columns, which are still to come.
    drop(writer);
    Ok(memory.0.take().into_inner())
}
