//! The result that lies in a directory already, and whether another one may take its place.

use std::path::Path;

use serde_json::Value;

use super::files::read_text;
use super::questions::{changes, questions, questions_of, run_file_of};
use super::records::RECORDS_FILE;
use super::result::read_summary;
use super::run_file::{Records, RunFile, RunPoint};
use crate::analysis::{Method, Summary};
use crate::{Error, Result};

/// The result in `directory`, if there is one.
///
/// # Errors
/// When there is one that cannot be read, of a newer version for example.
pub fn earlier_result(directory: &Path) -> Result<Option<Summary>> {
    if directory.join("summary.json").exists() { read_summary(directory).map(Some) } else { Ok(None) }
}

/// Refuses a run file, before it is run, whose result would take the place of another one in `directory`: of another method,
/// model, seed or accuracy, or of fewer trajectories. `trajectories` are those that a sweep point will have at least.
///
/// # Errors
/// That one, with what differs.
pub fn refuse_to_replace(
    directory: &Path,
    file: &RunFile,
    method: Method,
    trajectories: impl Fn(usize, &RunPoint) -> u64,
) -> Result<()> {
    let refuse = |holds: String, why: String| {
        let allowed = format!("holds {holds}: {why}; name another directory, or replace it with --force");
        Err(Error::value("--out", directory.display(), allowed))
    };
    let earlier = match earlier_result(directory) {
        Ok(None) => return Ok(()),
        Ok(Some(earlier)) => earlier,
        Err(error) => return refuse("a result that cannot be read".into(), error.to_string()),
    };
    let holds = describe(&earlier);
    if earlier.provenance.method != method {
        return refuse(holds, "it was made by another command".into());
    }
    let (was, is) = (questions_of(&earlier.provenance), questions(file, method));
    let is_same = match was.is_empty() {
        true => earlier.provenance.run_file_hash == file.hash,
        // A longer sweep holds a shorter one.
        false => was.len() >= earlier.points.len() && is.starts_with(&was[..earlier.points.len()]),
    };
    if !is_same {
        return refuse(holds, changes(run_file_of(&earlier.provenance).as_ref(), file));
    }
    if method == Method::Trajectories && directory.join(RECORDS_FILE).exists() {
        let is = file.records;
        let lost = match run_file_of(&earlier.provenance).map(|was| was.records) {
            Some(was) => (was.jumps && !is.jumps) || (was.final_values && !is.final_values),
            None => is == Records::default(),
        };
        if lost {
            return refuse(
                holds,
                format!("it has records that are not asked for, and its {RECORDS_FILE} would be replaced"),
            );
        }
    }
    for (index, (point, earlier)) in file.points.iter().zip(&earlier.points).enumerate() {
        let least = trajectories(index, point);
        if least < earlier.trajectories {
            let of = earlier.trajectories;
            return refuse(holds, format!("as few as {least} trajectories would take the place of {of}"));
        }
    }
    Ok(())
}

/// "a finished result of 64 trajectories".
fn describe(result: &Summary) -> String {
    let finished = if result.provenance.complete { "a finished" } else { "an incomplete" };
    match (result.provenance.method, result.points.iter().map(|point| point.trajectories).max()) {
        (Method::Exact, _) | (_, None) => format!("{finished} density matrix"),
        (Method::Trajectories, Some(most)) => format!("{finished} result of {most} trajectories"),
    }
}

/// The number of trajectories that a point of a run begun anew will have at least, beside an earlier result in `directory`: with
/// the same targets it will be that of the earlier one.
pub fn certain_trajectories(directory: &Path) -> impl Fn(usize, &RunPoint) -> u64 + use<> {
    let earlier = earlier_result(directory).ok().flatten();
    let was = earlier.as_ref().and_then(|earlier| run_file_of(&earlier.provenance));
    move |index, point| {
        let is = &point.stopping;
        if is.targets.is_empty() {
            return is.trajectories;
        }
        let before = |was: &RunFile| was.points.get(index).map(|point| point.stopping.clone());
        let same = was.as_ref().and_then(before).filter(|was| {
            was.targets == is.targets
                && was.min_trajectories == is.min_trajectories
                && was.trajectories <= is.trajectories
        });
        let known = earlier.as_ref().and_then(|earlier| earlier.points.get(index)).map(|point| point.trajectories);
        same.and(known).unwrap_or(is.min_trajectories.min(is.trajectories))
    }
}

/// Whether an earlier result in `directory` has more trajectories than `summary`, which answers the same question, at any sweep
/// point: an incomplete one does not take its place.
pub fn earlier_has_more(directory: &Path, summary: &Summary) -> bool {
    let Ok(Some(earlier)) = earlier_result(directory) else { return false };
    let counts = |summary: &Summary, index: usize| summary.points.get(index).map_or(0, |point| point.trajectories);
    let same = questions_of(&earlier.provenance).iter().zip(&summary.provenance.questions).all(|(was, is)| was == is);
    same && (0..earlier.points.len()).any(|index| counts(&earlier, index) > counts(summary, index))
}

/// Refuses a study, before it is made, whose report `NAME.json` would take the place of that of another run file in `directory`,
/// or of one that is `larger`.
///
/// # Errors
/// That one.
pub fn refuse_to_replace_report(
    directory: &Path,
    name: &str,
    file: &RunFile,
    larger: impl FnOnce(&Value) -> bool,
) -> Result<()> {
    let path = directory.join(format!("{name}.json"));
    if !path.exists() {
        return Ok(());
    }
    let report: Value = read_text(&path).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let provenance = &report["provenance"];
    let same = match provenance["questions"].as_array() {
        Some(was) => {
            was.iter().map(Value::as_str).eq(questions(file, Method::Trajectories).iter().map(|is| Some(&is[..])))
        }
        None => provenance["run_file_hash"].as_str() == Some(&file.hash),
    };
    let why = match (same, larger(&report)) {
        (true, false) => return Ok(()),
        (true, true) => "that is larger, or of another sweep point",
        (false, _) => "of another run file",
    };
    let allowed = format!("holds a finished {name}.json {why}; name another directory, or replace it with --force");
    Err(Error::value("--out", directory.display(), allowed))
}
