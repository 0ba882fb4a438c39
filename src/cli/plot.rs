//! `fluctuator plot`: the pictures of a result directory, drawn again.

use std::path::PathBuf;

use clap::Args;

use super::Outcome;
use crate::Result;
use crate::io::{read_exact, read_summary, write_plots};

/// Arguments of `plot`.
#[derive(Debug, Args)]
pub struct PlotArguments {
    /// Result directory (with summary.json); an exact result in DIR/exact is drawn beside it.
    directory: PathBuf,
    /// Draw this exact result instead of DIR/exact.
    #[arg(long, value_name = "DIR")]
    exact: Option<PathBuf>,
}

/// Draws the pictures and prints their paths.
pub fn run(arguments: &PlotArguments) -> Result<Outcome> {
    let summary = read_summary(&arguments.directory)?;
    let exact = match &arguments.exact {
        Some(directory) => Some(read_summary(directory)?),
        None => read_exact(&arguments.directory)?,
    };
    for path in write_plots(&arguments.directory, &summary, exact.as_ref())? {
        say!("{}", path.display());
    }
    Ok(Outcome::Done)
}
