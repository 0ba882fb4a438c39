//! Every file that fuzzing was begun from, or found something with, is read without a panic and in little memory.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::Sandbox;

#[path = "../fuzz/drive.rs"]
mod drive;

/// The kept corpus of a fuzz target.
fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no corpus for {target}");
    files
}

#[test]
fn every_kept_run_file_is_accepted_or_refused() {
    for path in corpus("run_file") {
        println!("{}", path.display());
        drive::run_file(&String::from_utf8_lossy(&fs::read(path).unwrap()));
    }
}

#[test]
fn every_kept_file_of_blocks_is_read_or_refused() {
    let place = tempfile::tempdir().unwrap();
    for path in corpus("blocks") {
        println!("{}", path.display());
        drive::blocks(&fs::read(path).unwrap(), place.path());
    }
}

/// The corpus has a file of blocks that is sound, or the fuzzer would begin nowhere.
#[test]
fn the_corpus_begins_with_sound_blocks() {
    let sandbox = Sandbox::new();
    sandbox.write("run.toml", drive::RUN);
    sandbox.expect(0, "run run.toml --quiet --out a");
    let path = fs::read_dir(sandbox.path("a/blocks/point-0000")).unwrap().next().unwrap().unwrap().path();
    let kept = corpus("blocks").into_iter().any(|kept| {
        let same = |one: &Path| fluctuator::io::blocks::Opened::open(one).ok().map(|opened| opened.head.identity);
        same(&kept).is_some_and(|identity| Some(identity) == same(&path))
    });
    assert!(kept, "the run or its identity has changed: copy {} into tests/fuzz/corpus/blocks/sound", path.display());
}
