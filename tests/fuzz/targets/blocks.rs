//! The reader of stored blocks: whatever a file says of itself, it is read or refused.
#![no_main]

use std::sync::LazyLock;

#[allow(dead_code)]
#[path = "../drive.rs"]
mod drive;

static PLACE: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let memory = std::path::Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a place for files")
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drive::blocks(bytes, PLACE.path()));
