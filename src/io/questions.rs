//! What a result answers, as hashes: whether two results are of one model, and whether one may stand in for the other.

use crate::analysis::{Method, Provenance};
use crate::ensemble::Estimator;
use crate::io::provenance::hash_text;
use crate::io::run_file::{RunFile, RunPoint};

/// SHA-256 of the model with its initial state at every sweep point: numerics, output and sampling take no part.
pub fn models(file: &RunFile) -> Vec<String> {
    let text = |point: &RunPoint| format!("{:?}\n{:?}", point.experiment.model, point.experiment.oscillator);
    file.points.iter().map(|point| hash_text(&text(point))).collect()
}

/// SHA-256 of all that the numbers at every sweep point depend on, but for how many trajectories there are, and what follows
/// from that where the run file leaves it open: the pilot trajectories and the size of the blocks.
pub fn questions(file: &RunFile, method: Method) -> Vec<String> {
    let question = |point: &RunPoint| match method {
        Method::Exact => hash_text(&format!("{:?}", point.experiment)),
        Method::Trajectories => {
            let RunPoint { experiment, tolerances, seed, estimator, sampling, correlations, .. } = point;
            let (plain, looks) = (*estimator == Estimator::Plain, point.first_look().is_some());
            hash_text(&format!(
                "{experiment:?}\n{tolerances:?}\n{seed}\n{plain}\n{sampling:?}\n{correlations:?}\n{looks}"
            ))
        }
    };
    file.points.iter().map(question).collect()
}

/// The models of a result; none where they cannot be told.
pub fn models_of(provenance: &Provenance) -> Vec<String> {
    match provenance.models.is_empty() {
        false => provenance.models.clone(),
        true => run_file_of(provenance).map(|file| models(&file)).unwrap_or_default(),
    }
}

/// The questions of a result; none where they cannot be told.
pub fn questions_of(provenance: &Provenance) -> Vec<String> {
    match provenance.questions.is_empty() {
        false => provenance.questions.clone(),
        true => run_file_of(provenance).map(|file| questions(&file, provenance.method)).unwrap_or_default(),
    }
}

/// The run file of a result, unless it names tabulated densities, which lie elsewhere, or another version has written it.
pub fn run_file_of(provenance: &Provenance) -> Option<RunFile> {
    RunFile::parse(&provenance.run_file, &provenance.title, &provenance.overrides).ok()
}

/// What differs between two results, as `` `key` was …, is … ``, at the first sweep point where something does.
pub fn changes(was: Option<&RunFile>, is: &RunFile) -> String {
    let unknown = || match is.tables.keys().next() {
        None => "it has another run file".to_owned(),
        Some(name) => format!("it has another run file, or other contents of \"{name}\""),
    };
    let Some(was) = was else { return unknown() };
    if was.points.len() != is.points.len() {
        return format!("it has {} sweep points, not {}", was.points.len(), is.points.len());
    }
    let different = was.points.iter().zip(&is.points).find(|(was, is)| was.keys != is.keys);
    let Some((was, is)) = different else { return unknown() };
    let names: std::collections::BTreeSet<&String> = was.keys.keys().chain(is.keys.keys()).collect();
    let shown = |value: Option<&String>| value.cloned().unwrap_or_else(|| "not given".into());
    let tell = |name: &&String| {
        let (was, is) = (was.keys.get(*name), is.keys.get(*name));
        (was != is).then(|| format!("`{name}` was {}, is {}", shown(was), shown(is)))
    };
    names.iter().filter_map(tell).collect::<Vec<_>>().join("; ")
}
