//! A run file on its way in: read once, whatever it is read from, and no more of it than a run file may have.

use std::io::{Error as IoError, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::MAX_BYTES;
use crate::io::files::read_up_to;
use crate::{Error, Result};

/// What stands for standard input.
const STANDARD_INPUT: [&str; 3] = ["-", "/dev/stdin", "/proc/self/fd/0"];

/// Where the shell puts what it pipes to a program.
const PIPES: [&str; 2] = ["/dev/fd/", "/proc/self/fd/"];

/// The text of a run file and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file, word for word.
    pub text: String,
    /// Its name without ending; `stdin` for standard input.
    pub name: String,
    /// Where tabulated densities are looked for.
    pub directory: PathBuf,
}

impl Source {
    /// Reads a run file; `-` is standard input. Beside that, and what a shell pipes to the program, only a regular file is read:
    /// others may never end, or never begin.
    ///
    /// # Errors
    /// When it cannot be read, is too long or is not UTF-8: all that is bad input.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |source: IoError| Error::RunFile { path: path.to_owned(), source };
        let text = text(path).map_err(failed)?;
        let piped = is_piped(path);
        let directory = if piped { Path::new("") } else { path.parent().unwrap_or(Path::new("")) };
        Ok(Self { text, name: name(path), directory: directory.to_owned() })
    }
}

/// The name of a run file without ending, after which its results are called; `stdin` for standard input.
pub fn name(path: &Path) -> String {
    match is_standard_input(path) {
        true => "stdin".into(),
        false => path.file_stem().map_or_else(|| "run".into(), |stem| stem.to_string_lossy().into_owned()),
    }
}

/// Whether a run file can be read only once, by one process.
pub fn is_piped(path: &Path) -> bool {
    is_standard_input(path) || path.to_str().is_some_and(|path| PIPES.iter().any(|pipe| path.starts_with(pipe)))
}

fn is_standard_input(path: &Path) -> bool {
    path.to_str().is_some_and(|path| STANDARD_INPUT.contains(&path))
}

fn text(path: &Path) -> std::io::Result<String> {
    let bytes = match (is_standard_input(path), is_piped(path)) {
        (true, _) => up_to_the_limit(std::io::stdin().lock())?,
        (_, true) => up_to_the_limit(std::fs::File::open(path)?)?,
        _ => read_up_to(path, MAX_BYTES)?,
    };
    String::from_utf8(bytes).map_err(|_| IoError::new(ErrorKind::InvalidData, "is not UTF-8"))
}

fn up_to_the_limit(from: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    match bytes.len() > MAX_BYTES {
        true => Err(IoError::new(ErrorKind::FileTooLarge, format!("is longer than {MAX_BYTES} bytes"))),
        false => Ok(bytes),
    }
}
