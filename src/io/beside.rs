//! The density-matrix result beside a result: whether it is of the same model, so that the two can be drawn together.

use std::path::Path;

use super::questions::{changes, models_of, run_file_of};
use super::result::{EXACT_DIRECTORY, read_exact};
use crate::analysis::Summary;

/// The exact result in `directory` if it is of the models of `summary`, and a sentence about one that is there but is not, or
/// cannot be read.
pub fn exact_beside(directory: &Path, summary: &Summary) -> (Option<Summary>, Option<String>) {
    let nested = directory.join(EXACT_DIRECTORY);
    match read_exact(directory) {
        Ok(None) => (None, None),
        Ok(Some(exact)) => match other_model(&exact, summary) {
            None => (Some(exact), None),
            Some(changes) => {
                let advice = "solve it again with `fluctuator exact`";
                (None, Some(format!("{} is of another model ({changes}) and is left out: {advice}", nested.display())))
            }
        },
        Err(error) => (None, Some(format!("{} is left out: {error}", nested.display()))),
    }
}

/// What differs between two results whose sweep points with the same parameters are not of one model; `None` where they are.
pub fn other_model(one: &Summary, other: &Summary) -> Option<String> {
    let (models, others) = (models_of(&one.provenance), models_of(&other.provenance));
    let is_one_model = match models.len() < one.points.len() || others.len() < other.points.len() {
        true => one.provenance.run_file_hash == other.provenance.run_file_hash,
        false => one.points.iter().zip(&models).all(|(point, model)| {
            let twin = other.points.iter().position(|twin| twin.parameters == point.parameters);
            twin.is_none_or(|twin| others[twin] == *model)
        }),
    };
    if is_one_model {
        return None;
    }
    let told = |result: &Summary| run_file_of(&result.provenance);
    Some(told(other).map_or_else(|| "it has another run file".into(), |is| changes(told(one).as_ref(), &is)))
}
