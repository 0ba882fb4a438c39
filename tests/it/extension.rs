//! What follows from the number of trajectories is kept when a run goes on with more of them: nothing stored is lost, and the result
//! is that of a run which was told so.

#![allow(clippy::unwrap_used)]

use fluctuator::io::blocks::PointBlocks;
use fluctuator::io::run_file::RunFile;

use crate::cli::Sandbox;
use crate::durability::{assert_same, block_files, stored};

/// What a run file without a word about it makes of the pilots and blocks of 600 trajectories, and of 7000.
const FEW: &str = "--set ensemble.pilot=75 --set ensemble.block=1";
const MANY: &str = "--set ensemble.pilot=218 --set ensemble.block=8";

#[test]
fn a_run_with_default_blocks_is_extended() {
    let sandbox = Sandbox::new();
    let run = "run run.toml --quiet";
    for (count, numbers) in [(600, FEW), (7000, MANY)] {
        sandbox.expect(0, &format!("{run} --trajectories {count} --out {count}"));
        sandbox.expect(0, &format!("{run} --trajectories {count} {numbers} --out named-{count}"));
        assert_same(&sandbox, &count.to_string(), &format!("named-{count}"));
    }
    sandbox.expect(0, &format!("{run} --trajectories 7000 {FEW} --out named"));
    assert_ne!(sandbox.points("named"), sandbox.points("7000"), "the numbers tell");

    let file = RunFile::load(&sandbox.path("run.toml"), &["ensemble.trajectories=7000".into()]).unwrap();
    let found = PointBlocks::new(&file, 0, None, block_files(&sandbox, "600")).gather(None);
    assert_eq!((found.held.count(), found.defects.len()), (600, 0), "nothing is run again");
    let more = sandbox.expect(0, &format!("{run} --trajectories 7000 --out 600 --resume"));
    let note =
        "note: keeps ensemble.pilot = 75 and ensemble.block = 1 of the stored blocks (a new run takes 218 and 8)\n";
    assert_eq!((more.stderr.as_str(), stored(&sandbox, "600")), (note, 7000));
    assert_same(&sandbox, "600", "named");
    // Once more, from a file that says both; and back to what a new run takes only if that is asked for.
    sandbox.expect(0, &format!("{run} --trajectories 7000 --out 600 --resume {FEW}"));
    let refused = sandbox.expect(2, &format!("{run} --trajectories 7000 --out 600 --resume --set ensemble.block=8"));
    assert!(refused.error().contains("`ensemble.block` was not given, is 8"), "{}", refused.stderr);
}

/// A shard in a directory of its own knows nothing of the others: it has to be told, or `merge` says what differs.
#[test]
fn shards_of_an_extended_run_in_other_directories_have_to_be_told() {
    let sandbox = Sandbox::new();
    let run = "run run.toml --quiet --trajectories";
    sandbox.expect(0, &format!("{run} 600 --out few"));
    sandbox.expect(0, &format!("{run} 7000 --shard 0/1 --out alone"));
    sandbox.expect(0, &format!("{run} 7000 {FEW} --shard 0/1 --out told"));
    sandbox.expect(0, &format!("{run} 7000 {FEW} --out whole"));
    let refused = sandbox.expect(1, "merge few alone --out both --quiet");
    assert!(
        refused.stderr.contains("`ensemble.pilot` was 75, is 218; `ensemble.block` was 1, is 8"),
        "{}",
        refused.stderr
    );
    // Of two runs the larger is merged, whichever file comes first.
    sandbox.expect(0, "merge few alone --out both --quiet --partial");
    assert_eq!(sandbox.summary("both")["points"][0]["trajectories"], 7000);
    sandbox.expect(0, "merge few told --out merged --quiet");
    assert_same(&sandbox, "whole", "merged");
}

#[test]
fn a_target_out_of_reach_is_reached_by_an_extended_run() {
    let sandbox = Sandbox::new();
    let target = "target = { observable = \"number\", standard_error = 0.01 }\nestimator = \"plain\"";
    sandbox.write("run.toml", &sandbox.read("run.toml").replace("trajectories = 64", target));
    let missed = sandbox.expect(0, "run run.toml --quiet --trajectories 300 --out grown");
    assert!(missed.stderr.contains("did not reach the target"), "{}", missed.stderr);
    let more = sandbox.expect(0, "run run.toml --quiet --out grown --resume");
    assert_eq!(more.stderr, "note: keeps ensemble.block = 1 of the stored blocks (a new run takes 8)\n");
    sandbox.expect(0, "run run.toml --quiet --set ensemble.block=1 --out whole");
    assert_same(&sandbox, "grown", "whole");
    assert_eq!(sandbox.summary("grown")["provenance"]["endings"][0]["stopped"], "target");
}

/// Stratified, the block is a unit of the statistics and nothing that may be chosen behind one's back.
#[test]
fn strata_are_not_kept_unasked() {
    let sandbox = Sandbox::new();
    let run = "run run.toml --quiet --set ensemble.sampling=stratified --out a";
    sandbox.expect(0, &format!("{run} --set ensemble.block=16"));
    let refused = sandbox.expect(2, &format!("{run} --resume"));
    assert!(refused.error().contains("`ensemble.block` was 16, is not given"), "{}", refused.stderr);
}
