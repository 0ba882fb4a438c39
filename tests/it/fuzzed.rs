//! Every file that fuzzing was begun from, or found something with, is read without a panic and in little memory.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use fluctuator::io::blocks::{Identity, Opened};
use fluctuator::io::run_file::RunFile;

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

/// A sparse file can be longer than any memory: what it claims to hold is not made room for.
#[test]
fn endless_sums_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("trajectories-0-13.endless.blocks");
    let kept = fs::read(corpus("blocks").into_iter().find(|path| path.ends_with("endless-sums")).unwrap()).unwrap();
    let file = RunFile::parse(drive::RUN, "hostile", &[]).unwrap();
    fs::write(&path, drive::mend(&kept, &Identity::of(&file.points[0])).unwrap()).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    let mut opened = Opened::open(&path).unwrap();
    assert_eq!(opened.head.nodes[0].bytes, 1 << 39);
    assert_eq!(opened.sums(0), Err("549755813888 bytes of sums are impossible".into()));
}

/// What is declared in a few lines is refused before it is made room for.
#[test]
fn run_files_that_would_fill_the_memory_are_refused() {
    for (name, reason) in [
        ("many-times", "all sweep points together may have 10000000 output times"),
        ("many-points", "at most 10000 points"),
        ("deep-path", "of at most 8 parts"),
    ] {
        let path = corpus("run_file").into_iter().find(|path| path.file_stem().unwrap() == name).unwrap();
        let refused = RunFile::load(&path, &[]).unwrap_err().to_string();
        assert!(refused.contains(reason), "{name}: {refused}");
    }
    let long = drive::RUN.to_owned() + &"#".repeat(1 << 22);
    assert!(RunFile::parse(&long, "long", &[]).unwrap_err().to_string().contains("4194304 bytes at most"));
    let title = format!("title = \"{}\"", "#".repeat(1 << 20));
    let swept = format!("{title}\n{}\n[sweep]\n\"ensemble.seed\" = {:?}\n", drive::RUN, vec![1; 200]);
    assert!(
        RunFile::parse(&swept, "swept", &[])
            .is_err_and(|error| error.to_string().contains("times the number of points"))
    );
}

/// The corpus has a file of blocks that is sound, or the fuzzer would begin nowhere.
#[test]
fn the_corpus_begins_with_sound_blocks() {
    let sandbox = Sandbox::new();
    sandbox.write("run.toml", drive::RUN);
    sandbox.expect(0, "run run.toml --quiet --out a");
    let path = fs::read_dir(sandbox.path("a/blocks/point-0000")).unwrap().next().unwrap().unwrap().path();
    let kept = corpus("blocks").into_iter().any(|kept| {
        let same = |one: &Path| Opened::open(one).ok().map(|opened| opened.head.identity);
        same(&kept).is_some_and(|identity| Some(identity) == same(&path))
    });
    assert!(kept, "the run or its identity has changed: copy {} into tests/fuzz/corpus/blocks/sound", path.display());
}
