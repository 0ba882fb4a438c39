//! The run-file parser: whatever the text, it is accepted or refused with a sentence.
#![no_main]

#[allow(dead_code)]
#[path = "../drive.rs"]
mod drive;

libfuzzer_sys::fuzz_target!(|text: &str| drive::run_file(text));
