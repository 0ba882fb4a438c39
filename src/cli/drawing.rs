//! Pictures, which come after everything else: whoever ends the program meanwhile need not wait for them.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::analysis::Summary;
use crate::io::write_plots;
use crate::{Error, Result};

/// How long drawing may go on after it is to stop, and how often that is asked.
const GRACE: Duration = Duration::from_millis(700);
const POLL: Duration = Duration::from_millis(20);

/// Draws the pictures of a result; when `stop` says so meanwhile they are left out with a note, but for those that are there:
/// false then.
///
/// # Errors
/// When a picture cannot be written.
pub fn draw(directory: &Path, summary: &Summary, exact: Option<&Summary>, stop: impl Fn() -> bool) -> Result<bool> {
    let (place, summary, exact) = (directory.to_owned(), summary.clone(), exact.cloned());
    let drawn = unless(stop, move || write_plots(&place, &summary, exact.as_ref()))?;
    match drawn {
        Some(drawn) => drawn.map(|_| true),
        None => {
            tell!("note: no time for the pictures: `fluctuator plot {}` draws them", directory.display());
            Ok(false)
        }
    }
}

/// The outcome of `work`, which nobody waits for any longer once `stop` has said so for a moment: `None` then.
fn unless<T: Send + 'static>(stop: impl Fn() -> bool, work: impl FnOnce() -> T + Send + 'static) -> Result<Option<T>> {
    let (send, receive) = channel();
    let worker = std::thread::Builder::new().name("pictures".into()).spawn(move || {
        // Nobody may be listening any more.
        let _ = send.send(work());
    });
    let worker = worker.map_err(|error| Error::Numerical(format!("cannot start a thread: {error}")))?;
    let mut since = None;
    loop {
        match receive.recv_timeout(POLL) {
            Ok(outcome) => return Ok(Some(outcome)),
            Err(RecvTimeoutError::Disconnected) => match worker.join() {
                Ok(()) => return Ok(None),
                Err(panic) => std::panic::resume_unwind(panic),
            },
            Err(RecvTimeoutError::Timeout) if stop() => {
                if since.get_or_insert_with(Instant::now).elapsed() > GRACE {
                    return Ok(None);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_what_is_to_stop() {
        let forever = || std::thread::sleep(Duration::from_secs(3600));
        assert_eq!(unless(|| true, forever).expect("a thread starts"), None);
        assert_eq!(unless(|| true, || 5).expect("a thread starts"), Some(5), "what is quick is waited for");
    }
}
