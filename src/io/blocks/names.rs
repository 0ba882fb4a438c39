//! The names of files of blocks, and the directories they lie in.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::io::files::sync_directory;
use crate::{Error, Result};

/// Ending of the names of files of blocks.
pub const ENDING: &str = ".blocks";

/// Name of a file for the trajectories of `task`.
pub fn file_name(task: &Range<u64>, writer: &str) -> String {
    format!("trajectories-{}-{}.{writer}{ENDING}", task.start, task.end.saturating_sub(1))
}

/// The trajectories that a file was to hold, by its name.
pub fn task_of(path: &Path) -> Option<Range<u64>> {
    let name = path.file_name()?.to_str()?.strip_prefix("trajectories-")?;
    let (first, last) = name.split('.').next()?.split_once('-')?;
    Some(first.parse().ok()?..last.parse::<u64>().ok()?.checked_add(1)?)
}

/// The files of blocks in a directory, in the order of their names; none without the directory.
///
/// # Errors
/// When the directory cannot be read.
pub fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io(directory, error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| Error::io(directory, error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(ENDING) && !name.starts_with('.') {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Makes a directory and what is missing of the way to it, durably.
pub fn make_directory(directory: &Path) -> std::io::Result<()> {
    let existing = directory.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let made = directory.ancestors().take_while(|path| *path != existing);
    made.filter_map(Path::parent)
        .try_for_each(|parent| sync_directory(if parent.as_os_str().is_empty() { Path::new(".") } else { parent }))
}
