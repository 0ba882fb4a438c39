//! Nothing that is finished, begun or of a newer program is replaced or removed unasked.

#![allow(clippy::unwrap_used)]

use std::fs;

use crate::cli::Sandbox;
use crate::durability::{block_files, stored};

const RUN: &str = "run run.toml --quiet --out a";

/// What lies in the directory: names and contents.
fn contents(sandbox: &Sandbox) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut all: Vec<_> = (fs::read_dir(sandbox.path("a")).unwrap().map(|entry| entry.unwrap().path()))
        .chain(block_files(sandbox, "a"))
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    all.sort();
    all
}

#[test]
fn a_finished_result_is_not_replaced_by_one_that_differs() {
    let sandbox = Sandbox::new();
    sandbox.write("other.toml", &sandbox.read("run.toml").replace("coupling = 1.0", "coupling = 0.5"));
    sandbox.expect(0, &format!("{RUN} --trajectories 400"));
    let before = contents(&sandbox);
    for (arguments, named) in [
        (format!("{RUN} --trajectories 16"), "as few as 16 trajectories would take the place of 400"),
        (format!("{RUN} --trajectories 400 --seed 2"), "`ensemble.seed` was not given, is 2"),
        ("run other.toml --quiet --out a --trajectories 400".into(), "`model.spins.0.coupling` was 1.0, is 0.5"),
        (format!("{RUN} --trajectories 400 --set time.points=6"), "`time.points` was 5, is 6"),
        (format!("{RUN} --set sweep.model.frequency=[2.0,1.0]"), "it has 1 sweep points, not 2"),
        (format!("{RUN} --trajectories 16 --no-blocks"), "would take the place of 400"),
        (format!("{RUN} --trajectories 16 --restart"), "would take the place of 400"),
        ("exact run.toml --quiet --out a".into(), "another command"),
    ] {
        let refused = sandbox.expect(2, &arguments);
        let error = refused.error();
        assert!(error.contains("holds a finished result of 400 trajectories"), "{arguments}: {error}");
        assert!(error.contains(named) && error.contains("--force"), "{arguments}: {error}");
        assert!(contents(&sandbox) == before, "{arguments}");
    }
    // The same again, more of the same, and more by going on; with --force whatever is asked for.
    for more in ["--trajectories 400", "--trajectories 500", "--trajectories 900 --resume", "--trajectories 16 --force"]
    {
        sandbox.expect(0, &format!("{RUN} {more}"));
    }
    assert_eq!(sandbox.summary("a")["points"][0]["trajectories"], 16);
    sandbox.expect(0, &format!("{RUN} --seed 2 --force"));
    sandbox.expect(0, "exact run.toml --quiet --out a --force");
    assert_eq!(sandbox.summary("a")["provenance"]["method"], "exact");
}

/// A result that cannot be read might be of a newer program.
#[test]
fn an_unreadable_result_is_not_replaced() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("a")).unwrap();
    sandbox.write("a/summary.json", "{ \"format_version\": 99 }");
    let refused = sandbox.expect(2, RUN);
    assert!(refused.error().contains("format_version 99 is newer"), "{}", refused.stderr);
    assert_eq!(sandbox.read("a/summary.json"), "{ \"format_version\": 99 }");
    sandbox.expect(0, &format!("{RUN} --force"));
}

#[test]
fn records_are_not_removed_by_a_run_without_records() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, &format!("{RUN} --set output.jumps=true"));
    sandbox.expect(2, &format!("{RUN} --set output.final_values=true"));
    let refused = sandbox.expect(2, RUN);
    assert!(refused.error().contains("its records.nc would be replaced"), "{}", refused.stderr);
    assert!(sandbox.path("a/records.nc").exists());
}

/// With the same target it ends where it did; with another one nobody knows.
#[test]
fn a_run_with_a_target_may_be_repeated() {
    let sandbox = Sandbox::new();
    let file = sandbox.read("run.toml");
    let target = |error: f64| {
        let target =
            format!("target = {{ observable = \"number\", standard_error = {error:?} }}\nestimator = \"plain\"");
        sandbox.write("run.toml", &file.replace("trajectories = 64", &target));
    };
    target(0.01);
    sandbox.expect(0, RUN);
    let many = sandbox.summary("a")["provenance"]["trajectories"].as_u64().unwrap();
    assert!(many > 512 && sandbox.summary("a")["provenance"]["trajectories_asked"] == 1_000_000);
    sandbox.expect(0, RUN);
    target(0.02);
    let refused = sandbox.expect(2, RUN);
    assert!(refused.error().contains(&format!("as few as 512 trajectories would take the place of {many}")));
    sandbox.expect(0, &format!("{RUN} --resume"));
}

#[test]
fn a_merge_keeps_what_is_larger() {
    let sandbox = Sandbox::new();
    (0..2).for_each(|index| drop(sandbox.expect(0, &format!("run run.toml --quiet --shard {index}/2 --out {index}"))));
    sandbox.expect(0, "merge 0 1 --quiet --out both");
    let refused = sandbox.expect(2, "merge 0 --partial --quiet --out both");
    assert!(refused.stderr.contains("as few as 32 trajectories would take the place of 64"), "{}", refused.stderr);
    assert_eq!(sandbox.summary("both")["provenance"]["trajectories"], 64);
    sandbox.expect(3, "merge 0 --partial --quiet --out half");
    sandbox.expect(0, "merge 0 1 --quiet --out half");
}

#[test]
fn reports_are_not_replaced_by_smaller_or_foreign_ones() {
    let sandbox = Sandbox::new();
    let coverage = "coverage run.toml --quiet --trajectories 32 --out c";
    let cover = |more: &str| {
        let mut command = assert_cmd::Command::new(assert_cmd::cargo::cargo_bin!("fluctuator"));
        let arguments = format!("{coverage} {more}");
        let output = command.current_dir(sandbox.path("")).args(arguments.split_whitespace()).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    // Whether so few seeds are found to cover does not matter here.
    assert!([0, 1].contains(&cover("--seeds 12").0));
    let before = sandbox.read("c/coverage.json");
    for more in ["--seeds 3", "--seeds 20 --set model.spins.0.coupling=0.5"] {
        let (code, stderr) = cover(more);
        assert!(
            code == 2 && stderr.contains("finished coverage.json") && stderr.contains("--force"),
            "{more}: {stderr}"
        );
    }
    assert_eq!(sandbox.read("c/coverage.json"), before);
    assert!([0, 1].contains(&cover("--seeds 3 --force").0));
    sandbox.write("c/converge.json", "{ \"provenance\": { \"run_file_hash\": \"another\" } }");
    let refused = sandbox.expect(2, "converge run.toml --quiet --out c --budget 1");
    assert!(refused.error().contains("finished converge.json of another run file"), "{}", refused.stderr);
}

/// Blocks of a run that did not come to its end: here without a result, as after a crash.
fn crashed(sandbox: &Sandbox) {
    sandbox.expect(0, &format!("{RUN} --trajectories 128"));
    fs::remove_file(sandbox.path("a/summary.json")).unwrap();
}

#[test]
fn an_unfinished_run_is_not_discarded_by_whatever_the_run_file_says() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("elsewhere")).unwrap();
    // Another file of the same stem goes to the same directory.
    sandbox.write("elsewhere/run.toml", &sandbox.read("run.toml").replace("coupling = 1.0", "coupling = 0.5"));
    crashed(&sandbox);
    for (arguments, named) in [
        (RUN.to_owned(), "of this very run, which is not complete"),
        (format!("{RUN} --seed 2"), "`ensemble.seed` was not given, is 2"),
        ("run elsewhere/run.toml --quiet --out a".into(), "`model.spins.0.coupling` was 1.0, is 0.5"),
        (format!("{RUN} --force"), "of this very run"),
        (format!("{RUN} --seed 2 --no-blocks"), "`ensemble.seed`"),
    ] {
        let refused = sandbox.expect(2, &arguments);
        assert!(refused.error().contains("holds 128 finished trajectories of"), "{arguments}: {}", refused.stderr);
        assert!(refused.error().contains(named) && refused.error().contains("--restart"), "{}", refused.stderr);
        assert_eq!(stored(&sandbox, "a"), 128, "{arguments}");
    }
    sandbox.expect(0, &format!("{RUN} --seed 2 --restart"));
    assert_eq!(stored(&sandbox, "a"), 64);
}

/// A finished result beside the blocks of a later run, which is not finished: they are not those of the result.
#[test]
fn blocks_of_a_longer_unfinished_run_are_not_held_by_a_shorter_result() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, &format!("{RUN} --trajectories 64"));
    let summary = sandbox.read("a/summary.json");
    sandbox.expect(0, &format!("{RUN} --trajectories 128 --resume"));
    sandbox.write("a/summary.json", &summary);
    let refused = sandbox.expect(2, &format!("{RUN} --trajectories 64"));
    assert!(refused.error().contains("128 finished trajectories"), "{}", refused.stderr);
    // Those of another seed.
    sandbox.expect(0, &format!("{RUN} --trajectories 128 --resume"));
    sandbox.expect(0, "run run.toml --quiet --out b --seed 2");
    fs::copy(&block_files(&sandbox, "b")[0], sandbox.path("a/blocks/point-0000/trajectories-0-63.foreign.blocks"))
        .unwrap();
    sandbox.expect(2, &format!("{RUN} --trajectories 128"));
}

#[test]
fn a_file_of_a_newer_version_is_neither_replaced_nor_removed() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, RUN);
    let path = block_files(&sandbox, "a").remove(0);
    let sound = fs::read(&path).unwrap();
    let newer = [b"fluctuator blocks 12\n", &sound[20..]].concat();
    fs::write(&path, &newer).unwrap();
    for more in ["", "--resume", "--restart", "--force", "--shard 0/1", "--no-blocks", "--seed 2"] {
        let refused = sandbox.expect(2, &format!("{RUN} {more}"));
        assert!(
            refused.error().contains("version 12 of the format, and this program reads version 1"),
            "{}",
            refused.stderr
        );
        assert_eq!(fs::read(&path).unwrap(), newer, "{more}");
    }
    assert!(sandbox.expect(2, "status a").stderr.contains("a newer version of the program"));
    assert!(sandbox.expect(2, "merge a --quiet --out b").stderr.contains("a newer version of the program"));
    // An older one is nothing that could be lost without a word either.
    let older = [b"fluctuator blocks 0\n", &sound[20..]].concat();
    fs::write(&path, &older).unwrap();
    let refused = sandbox.expect(2, RUN);
    assert!(refused.error().contains("use the older version of the program"), "{}", refused.stderr);
    assert_eq!(fs::read(&path).unwrap(), older);
    sandbox.expect(0, &format!("{RUN} --restart"));
}

/// A run that is repeated and cut short leaves the finished result.
#[test]
fn an_interrupted_repetition_leaves_the_finished_result() {
    let sandbox = Sandbox::new();
    let run = format!("{RUN} --trajectories 2000");
    sandbox.expect(0, &run);
    let before = sandbox.read("a/summary.json");
    let cut = sandbox.expect(3, &format!("{run} --time-limit 0.000001"));
    assert!(cut.stderr.contains("the result in a has more trajectories and is left as it is"), "{}", cut.stderr);
    assert_eq!(sandbox.read("a/summary.json"), before);
    sandbox.expect(0, &format!("{run} --resume"));
}
