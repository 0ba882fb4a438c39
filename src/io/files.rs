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
        let prefix = temporary_prefix(path);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix);
        #[cfg(unix)]
        {
            // A temporary file is its owner's alone; a result is whose the umask says.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(directory)?;
        contents(file.as_file_mut())?;
        file.as_file().sync_all()?;
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

/// Opens a regular file to read it. Whoever opens a FIFO waits for a writer, and a device may never end.
///
/// # Errors
/// When it cannot be opened, or is no regular file.
pub fn open_file(path: &Path) -> std::io::Result<File> {
    let kind = std::fs::metadata(path)?.file_type();
    match (kind.is_file(), kind.is_dir()) {
        (true, _) => File::open(path),
        (_, true) => Err(IoError::new(ErrorKind::IsADirectory, "is a directory, not a file")),
        _ => Err(IoError::new(ErrorKind::InvalidInput, "is a pipe or a device, not a regular file")),
    }
}

/// Reads a text file.
///
/// # Errors
/// When it cannot be read or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    let read = || {
        let mut text = String::new();
        open_file(path)?.read_to_string(&mut text)?;
        Ok(text)
    };
    read().map_err(|source| Error::io(path, source))
}

/// The bytes of a file of at most `most` bytes; no more is read of a longer one.
///
/// # Errors
/// When it cannot be read or is longer.
pub fn read_up_to(path: &Path, most: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_file(path)?.take(most as u64 + 1).read_to_end(&mut bytes)?;
    match bytes.len() > most {
        true => Err(IoError::new(ErrorKind::FileTooLarge, format!("is longer than {most} bytes"))),
        false => Ok(bytes),
    }
}
