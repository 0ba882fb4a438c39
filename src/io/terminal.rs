//! Lines for standard output and standard error: printing one never ends the program, and what was lost is remembered.

use std::fmt;
use std::io::{ErrorKind, Write};
use std::sync::OnceLock;

use crate::error::shown::printable;

/// Why standard output did not take a line, for the first one that was lost.
static LOST: OnceLock<String> = OnceLock::new();

/// Prints a line on standard output. One that cannot be written is lost; see [`lost_output`].
pub fn say(line: fmt::Arguments<'_>) {
    if let Err(error) = write_line(&mut std::io::stdout().lock(), line) {
        // Whoever closed the pipe (`| head`) has read what was wanted.
        if error.kind() != ErrorKind::BrokenPipe {
            LOST.get_or_init(|| error.to_string());
        }
    }
}

/// Prints a line on standard error, if it can be written: nothing depends on it.
pub fn tell(line: fmt::Arguments<'_>) {
    let _ = write_line(&mut std::io::stderr().lock(), line);
}

/// The reason why a line for standard output was lost, if one was: the device is full, the terminal is gone. A reader who has
/// closed the pipe is no reason.
pub fn lost_output() -> Option<&'static str> {
    LOST.get().map(String::as_str)
}

/// One write for the whole line, so that lines of several threads and processes do not mix. What lines quote of run files, tables and
/// stored blocks may hold anything: control characters are written out here, for all of them.
fn write_line(to: &mut impl Write, line: fmt::Arguments<'_>) -> std::io::Result<()> {
    let mut text = printable(&line.to_string()).into_owned();
    text.push('\n');
    to.write_all(text.as_bytes())?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_that_cannot_be_written_is_an_error_and_no_panic() {
        let mut taken = Vec::new();
        assert!(write_line(&mut taken, format_args!("{} {}", 1, "two")).is_ok());
        assert_eq!(taken, b"1 two\n");
        assert_eq!(write_line(&mut Full, format_args!("")).unwrap_err().kind(), ErrorKind::StorageFull);
    }
}
