//! `fluctuator plot`: the pictures of a result directory, drawn again.

use std::path::PathBuf;

use clap::Args;

use super::Outcome;
use crate::Result;
use crate::io::{exact_beside, other_model, read_summary, write_plots};

/// Arguments of `plot`.
#[derive(Debug, Args)]
pub struct PlotArguments {
    /// Result directory (with summary.json); an exact result of the same model in DIR/exact is drawn beside it.
    directory: PathBuf,
    /// Draw this exact result instead of DIR/exact.
    #[arg(long, value_name = "DIR")]
    exact: Option<PathBuf>,
}

/// Draws the pictures and prints their paths.
pub fn run(arguments: &PlotArguments) -> Result<Outcome> {
    let summary = read_summary(&arguments.directory)?;
    let exact = match &arguments.exact {
        Some(directory) => {
            let exact = read_summary(directory)?;
            if let Some(changes) = other_model(&exact, &summary) {
                tell!("warning: {} is of another model ({changes}); it is drawn all the same", directory.display());
            }
            Some(exact)
        }
        None => {
            let (exact, remark) = exact_beside(&arguments.directory, &summary);
            remark.iter().for_each(|remark| tell!("warning: {remark}"));
            exact
        }
    };
    for path in write_plots(&arguments.directory, &summary, exact.as_ref())? {
        say!("{}", path.display());
    }
    Ok(Outcome::Done)
}
