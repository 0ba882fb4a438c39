//! Reading and writing whole files: a file is replaced in one step or left as it was.

use std::fs::File;
use std::io::{Error as IoError, ErrorKind, Read, Write};
use std::path::Path;

use crate::{Error, Result};

/// Puts `bytes` at `path` in one step: readers see the old file or the new one, never a part, and a failure leaves
/// nothing behind. It is on the disk when this returns.
///
/// # Errors
/// When the file cannot be written.
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<()> {
    replace_file_with(path, |file| file.write_all(bytes))
}

/// The same with whatever `contents` writes into the file.
///
/// # Errors
/// When the file cannot be written, or `contents` fails.
pub fn replace_file_with(path: &Path, contents: impl FnOnce(&mut File) -> std::io::Result<()>) -> Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::Builder::new().prefix(&temporary_prefix(path)).tempfile_in(directory)?;
        contents(file.as_file_mut())?;
        file.as_file().sync_all()?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        }
        file.persist(path).map_err(|failure| failure.error)?;
        sync_directory(directory)
    };
    write().map_err(|source| Error::io(path, source))
}

/// What the names begin with of the files that are to become `path`; a process that is killed leaves them behind.
pub fn temporary_prefix(path: &Path) -> String {
    format!(".{}.", path.file_name().unwrap_or_default().to_string_lossy())
}

/// Removes a file, if it is there.
///
/// # Errors
/// When it stays.
pub fn remove_file(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io(path, error)),
        _ => Ok(()),
    }
}

/// Makes durable which files a directory has.
pub fn sync_directory(directory: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

/// Reads a text file.
///
/// # Errors
/// When it cannot be read or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|source| Error::io(path, source))
}

/// The same of a file of at most `most` bytes; no more is read of a longer one.
///
/// # Errors
/// When it cannot be read, is longer or is not UTF-8.
pub fn read_text_up_to(path: &Path, most: usize) -> Result<String> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(most as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > most {
            return Err(IoError::new(ErrorKind::FileTooLarge, format!("is longer than {most} bytes")));
        }
        String::from_utf8(bytes).map_err(|_| IoError::new(ErrorKind::InvalidData, "is not UTF-8"))
    };
    read().map_err(|source| Error::io(path, source))
}
