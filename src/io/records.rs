//! `records.nc`: every jump and every trajectory's final values, spooled to unnamed files while the run goes on.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::blocks::RecordIndex;
use super::files::replace_file_with;
use super::netcdf::{Column, RecordTable};
use super::run_file::Records;
use crate::analysis::Summary;
use crate::ensemble::{BlockRecords, RangeSet, RecordSink};
use crate::system::{Channel, Experiment};
use crate::{Error, Result};

/// Name of the file in the result directory.
pub const RECORDS_FILE: &str = "records.nc";

/// Most jumps of one file: netCDF-3 counts records in 31 bits.
const MOST_JUMPS: u64 = i32::MAX as u64;
/// Most trajectories of one file: a column of doubles has less than 4 GiB in netCDF-3.
const MOST_TRAJECTORIES: u64 = (u32::MAX as u64 - 3) / 8;

/// Bytes of a jump in [`RECORDS_FILE`]: time, channel, trajectory, point.
pub const JUMP_BYTES: usize = 8 + 3 * 4;
/// Rows of the trajectories held in memory while columns are made of them.
const ROWS_AT_ONCE: u64 = 8192;

/// Records on their way into [`RECORDS_FILE`]. What it holds in memory does not depend on their number.
///
/// Until [`RecordSpool::write`] they lie in files without names, which vanish with the process: those that are to outlive it are
/// stored with the blocks. The records of a sweep point count only once they are kept: what a failed run left is dropped.
pub struct RecordSpool {
    directory: PathBuf,
    jumps: Option<Spool>,
    rows: Spool,
    final_values: bool,
    channels: Vec<String>,
    observables: Vec<String>,
    points: Vec<PointRecords>,
    open: PointRecords,
    /// Why stored records of some point are not among them: then there is no file.
    failure: Option<Error>,
}

/// The records of one sweep point.
#[derive(Debug, Clone, Default)]
struct PointRecords {
    trajectories: u64,
    jumps: u64,
    /// Indices of its channels and observables among those of the file.
    channels: Vec<usize>,
    observables: Vec<usize>,
}

impl RecordSpool {
    /// A spool on the disk of `directory`, which need not exist; `None` when nothing is asked for.
    ///
    /// # Errors
    /// When no file can be made there.
    pub fn open(directory: &Path, records: Records) -> Result<Option<Self>> {
        if records == Records::default() {
            return Ok(None);
        }
        let existing = directory.ancestors().find(|path| path.exists()).filter(|path| !path.as_os_str().is_empty());
        let place = existing.unwrap_or(Path::new("."));
        let spool = || Spool::open(place).map_err(|source| Error::io(directory.join(RECORDS_FILE), source));
        Ok(Some(Self {
            directory: directory.to_owned(),
            jumps: if records.jumps { Some(spool()?) } else { None },
            rows: spool()?,
            final_values: records.final_values,
            channels: Vec::new(),
            observables: Vec::new(),
            points: Vec::new(),
            open: PointRecords::default(),
            failure: None,
        }))
    }

    /// Keeps the records that have come since the last point was kept: they are those of a sweep point in the summary.
    pub fn keep_point(&mut self) {
        self.points.push(std::mem::take(&mut self.open));
        self.spools().for_each(Spool::keep);
    }

    /// Keeps the records of a sweep point in the summary that are stored with its blocks: those of `blocks`, in order. When they
    /// are not there or damaged, or cannot be kept, [`RecordSpool::write`] says so: the summary does not need them.
    pub fn keep_stored(
        &mut self,
        experiment: &Experiment,
        channels: &[Channel],
        stored: &mut RecordIndex,
        blocks: &RangeSet,
    ) {
        if self.failure.is_none() {
            self.failure = self.copy_stored(experiment, channels, stored, blocks).err();
        }
    }

    fn copy_stored(
        &mut self,
        experiment: &Experiment,
        channels: &[Channel],
        stored: &mut RecordIndex,
        blocks: &RangeSet,
    ) -> Result<()> {
        self.begin(experiment, channels)?;
        let values = experiment.observables.len() + 1;
        for block in blocks.ranges().iter().cloned().flatten() {
            self.accept(&stored.read(block, channels.len(), values)?)?;
        }
        self.keep_point();
        Ok(())
    }

    /// Writes the points kept into the result directory, whole or not at all. `summary` has the same points.
    ///
    /// # Errors
    /// When the file cannot be written, or stored records of a point are not there.
    pub fn write(mut self, summary: &Summary) -> Result<PathBuf> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let path = self.directory.join(RECORDS_FILE);
        let failure = |source| Error::io(&path, source);
        self.spools().try_for_each(Spool::rewind).map_err(failure)?;
        let sum = |count: fn(&PointRecords) -> u64| self.points.iter().map(count).sum::<u64>();
        let (trajectories, jumps) = (sum(|point| point.trajectories), sum(|point| point.jumps));
        let table = RecordTable {
            trajectories: trajectories as usize,
            channels: self.jumps.is_some().then_some(&self.channels[..]),
            observables: self.final_values.then_some(&self.observables[..]),
        };
        let head = table
            .head(summary, u32::try_from(jumps).unwrap_or(u32::MAX))
            .map_err(|reason| Error::Output { what: path.display().to_string(), reason })?;
        let columns = table.columns();
        let (points, jumps, values) = (&self.points, &mut self.jumps, self.final_values);
        let rows = &mut self.rows;
        replace_file_with(&path, |file| {
            file.write_all(&head)?;
            write_columns(file, head.len() as u64, &columns, trajectories, points, rows, values)?;
            let Some(jumps) = jumps else { return Ok(()) };
            file.seek(SeekFrom::End(0))?;
            jumps.copy_to(file)
        })?;
        Ok(path)
    }

    fn spools(&mut self) -> impl Iterator<Item = &mut Spool> {
        self.jumps.iter_mut().chain(std::iter::once(&mut self.rows))
    }

    fn failed(&self, source: std::io::Error) -> Error {
        Error::io(self.directory.join(RECORDS_FILE), source)
    }

    fn accept_block(&mut self, records: &BlockRecords) -> std::io::Result<()> {
        let before: u64 = self.points.iter().map(|point| point.trajectories).sum();
        let point = self.points.len() as i32;
        for trajectory in records.trajectories() {
            let row = (before + self.open.trajectories) as i32;
            if let Some(jumps) = &mut self.jumps {
                for jump in trajectory.jumps {
                    let mut bytes = [0; JUMP_BYTES];
                    bytes[..8].copy_from_slice(&jump.time.to_be_bytes());
                    bytes[8..12].copy_from_slice(&(self.open.channels[jump.channel] as i32).to_be_bytes());
                    bytes[12..16].copy_from_slice(&row.to_be_bytes());
                    bytes[16..].copy_from_slice(&point.to_be_bytes());
                    jumps.append(&bytes)?;
                }
            }
            self.rows.append(&(trajectory.number as f64).to_ne_bytes())?;
            self.rows.append(&trajectory.weight.to_ne_bytes())?;
            self.rows.append(&(trajectory.jumps.len() as f64).to_ne_bytes())?;
            if self.final_values {
                trajectory.final_values.iter().try_for_each(|value| self.rows.append(&value.to_ne_bytes()))?;
            }
            self.open.trajectories += 1;
            self.open.jumps += trajectory.jumps.len() as u64;
        }
        Ok(())
    }
}

impl RecordSink for RecordSpool {
    fn wants_jumps(&self) -> bool {
        self.jumps.is_some()
    }

    fn begin(&mut self, experiment: &Experiment, channels: &[Channel]) -> Result<()> {
        let rolled_back = self.spools().try_for_each(Spool::roll_back);
        rolled_back.map_err(|source| self.failed(source))?;
        self.open = PointRecords {
            channels: channels.iter().map(|channel| place(&mut self.channels, &channel.name)).collect(),
            observables: (experiment.observables.iter())
                .map(|observable| place(&mut self.observables, &observable.to_string()))
                .collect(),
            ..PointRecords::default()
        };
        Ok(())
    }

    fn accept(&mut self, records: &BlockRecords) -> Result<()> {
        self.accept_block(records).map_err(|source| self.failed(source))?;
        let total = |count: fn(&PointRecords) -> u64| self.points.iter().map(count).sum::<u64>() + count(&self.open);
        let full = |what: &str, most: u64| {
            let reason = format!("the format holds at most {most} {what}: run fewer trajectories with records");
            Err(Error::Output { what: self.directory.join(RECORDS_FILE).display().to_string(), reason })
        };
        if self.jumps.is_some() && total(|point| point.jumps) > MOST_JUMPS {
            return full("jumps", MOST_JUMPS);
        }
        if total(|point| point.trajectories) > MOST_TRAJECTORIES {
            return full("trajectories", MOST_TRAJECTORIES);
        }
        Ok(())
    }
}

/// The index of `name`, which is appended if it is new.
fn place(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    })
}

/// Turns the rows of the trajectories into columns behind the head.
fn write_columns(
    file: &mut File,
    head: u64,
    columns: &[Column],
    trajectories: u64,
    points: &[PointRecords],
    rows: &mut Spool,
    final_values: bool,
) -> std::io::Result<()> {
    let width = |column: &Column| if matches!(column, Column::Point | Column::Number | Column::Jumps) { 4 } else { 8 };
    let mut reader = BufReader::new(rows.file()?);
    let mut done = 0;
    for (index, point) in points.iter().enumerate() {
        let values = 3 + if final_values { point.observables.len() + 1 } else { 0 };
        let mut number = 0;
        while number < point.trajectories {
            let count = ROWS_AT_ONCE.min(point.trajectories - number) as usize;
            let mut bytes = vec![0; count * values * 8];
            reader.read_exact(&mut bytes)?;
            let (cells, _) = bytes.as_chunks::<8>();
            let cell = |row: usize, column: usize| f64::from_ne_bytes(cells[row * values + column]);
            let mut begin = head;
            for column in columns {
                let mut piece = Vec::with_capacity(count * width(column) as usize);
                for row in 0..count {
                    let int = |value: i64| (value as i32).to_be_bytes();
                    match column {
                        Column::Point => piece.extend(int(index as i64)),
                        Column::Number => piece.extend(int(cell(row, 0) as i64)),
                        Column::Jumps => piece.extend(int(cell(row, 2) as i64)),
                        Column::Weight => piece.extend(cell(row, 1).to_be_bytes()),
                        Column::HeatingRate => piece.extend(cell(row, values - 1).to_be_bytes()),
                        Column::Final(observable) => {
                            let here = point.observables.iter().position(|index| index == observable);
                            piece.extend(here.map_or(f64::NAN, |here| cell(row, 3 + here)).to_be_bytes());
                        }
                    }
                }
                file.seek(SeekFrom::Start(begin + done * width(column)))?;
                file.write_all(&piece)?;
                begin += trajectories * width(column);
            }
            number += count as u64;
            done += count as u64;
        }
    }
    Ok(())
}

/// A file without a name, written from front to back; what lies behind the part kept can be dropped.
struct Spool {
    file: BufWriter<File>,
    written: u64,
    kept: u64,
}

impl Spool {
    fn open(place: &Path) -> std::io::Result<Self> {
        Ok(Self { file: BufWriter::with_capacity(1 << 18, tempfile::tempfile_in(place)?), written: 0, kept: 0 })
    }

    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.written += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    fn keep(&mut self) {
        self.kept = self.written;
    }

    fn roll_back(&mut self) -> std::io::Result<()> {
        if self.written > self.kept {
            self.file.seek(SeekFrom::Start(self.kept))?;
            self.file.get_ref().set_len(self.kept)?;
            self.written = self.kept;
        }
        Ok(())
    }

    /// Back to the front, to be read.
    fn rewind(&mut self) -> std::io::Result<()> {
        self.roll_back()?;
        self.file.rewind()
    }

    fn file(&mut self) -> std::io::Result<&mut File> {
        self.file.flush()?;
        Ok(self.file.get_mut())
    }

    fn copy_to(&mut self, to: &mut File) -> std::io::Result<()> {
        std::io::copy(self.file()?, to).map(drop)
    }
}
