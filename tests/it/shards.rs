//! Shards in any order and grouping are merged to the bytes of one run; whatever is wrong with them is said.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use fluctuator::ensemble::{self, StoredRun};
use fluctuator::io::blocks::PointBlocks;
use fluctuator::io::run_file::RunFile;

use crate::cli::Sandbox;
use crate::durability::{assert_same, block_files, stored};

const RUN: &str = "run run.toml --quiet --set ensemble.block=8 --set ensemble.pilot=16 --trajectories 1000";

/// A sandbox with an undisturbed run in `whole`, and with `count` shards of it in `0`, `1`, ….
fn sharded(count: u64) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("run.toml", &(sandbox.read("run.toml") + "correlations = { max_delay = 0.5 }\n"));
    sandbox.expect(0, &format!("{RUN} --out whole"));
    (0..count).for_each(|index| drop(sandbox.expect(0, &format!("{RUN} --shard {index}/{count} --out {index}"))));
    sandbox
}

#[test]
fn shards_in_any_order_and_grouping_make_one_run() {
    let sandbox = sharded(5);
    for (index, order) in ["0 1 2 3 4", "4 2 0 3 1", "3 3 4 0 1 2 2 whole"].into_iter().enumerate() {
        sandbox.expect(0, &format!("merge {order} --out merged-{index} --quiet"));
        assert_same(&sandbox, "whole", &format!("merged-{index}"));
    }
    // In two stages; the parts overlap, and hold gaps.
    for (parts, out) in [("0 3", "a"), ("2 1 3", "b"), ("4", "c")] {
        sandbox.expect(3, &format!("merge {parts} --partial --out {out} --quiet"));
    }
    sandbox.expect(0, "merge c a b --out again --quiet");
    assert_same(&sandbox, "whole", "again");
    // More shards than blocks.
    let few = "run run.toml --quiet --set ensemble.block=32 --set ensemble.pilot=16";
    (0..3).for_each(|index| drop(sandbox.expect(0, &format!("{few} --shard {index}/3 --out few"))));
    sandbox.expect(0, &format!("{few} --out two-blocks"));
    sandbox.expect(0, "merge few --quiet");
    assert_same(&sandbox, "two-blocks", "few");
    // All in one directory, where a run finds them.
    (0..12).rev().for_each(|index| drop(sandbox.expect(0, &format!("{RUN} --shard {index}/12 --out one"))));
    sandbox.expect(0, "merge one --quiet");
    assert_same(&sandbox, "whole", "one");
    sandbox.expect(0, &format!("{RUN} --resume --out one"));
    assert_same(&sandbox, "whole", "one");
    // The run is complete: its shards have nothing to do.
    sandbox.expect(0, &format!("{RUN} --shard 2/7 --out again"));
    assert_eq!(block_files(&sandbox, "again").len(), 1);
}

#[test]
fn what_is_missing_is_said_and_what_is_there_has_error_bars() {
    let sandbox = sharded(4);
    let refused = sandbox.expect(1, "merge 0 2 --out merged");
    assert!(refused.stderr.contains("missing are the trajectories 248–495, 744–999"), "{}", refused.stderr);
    assert!(refused.stderr.contains("error: not merged: trajectories are missing"), "{}", refused.stderr);
    assert!(!sandbox.path("merged").exists());
    let partial = sandbox.expect(3, "merge 0 2 --out merged --partial");
    assert!(partial.stdout.contains("0–247, 496–743"), "{}", partial.stdout);
    let summary = sandbox.summary("merged");
    assert_eq!(
        (&summary["points"][0]["trajectories"], &summary["provenance"]["complete"]),
        (&496.into(), &false.into())
    );
    let report: serde_json::Value = serde_json::from_str(&sandbox.read("merged/merge.json")).unwrap();
    assert_eq!((&report[0]["set"], &report[0]["missing"]), (&"0–247, 496–743".into(), &"248–495, 744–999".into()));
    // Its error bars are those of so many trajectories: √(1000/496) times those of all, give or take.
    let error = |out: &str| {
        let number = &sandbox.summary(out)["points"][0]["observables"]["number"];
        number["plain_standard_error"].as_array().unwrap().last().unwrap().as_f64().unwrap()
    };
    let ratio = error("merged") / error("whole");
    assert!((1.1..1.9).contains(&ratio), "{ratio}");
    let status = sandbox.expect(0, "status 0 2 --verify").stdout;
    assert!(status.contains("496 of 1000 trajectories are stored (49.6 %)"), "{status}");
    assert!(status.contains("missing: 248–495, 744–999"), "{status}");
}

#[test]
fn damaged_and_foreign_shards_are_named() {
    let sandbox = sharded(3);
    let [path] = &block_files(&sandbox, "1")[..] else { panic!("one file") };
    let sound = fs::read(path).unwrap();
    // In the sums of the last node, and in the head.
    for (place, named) in [(sound.len() - 9, "are damaged: wrong checksum"), (60, "the checksum of its head is wrong")]
    {
        let mut bytes = sound.clone();
        bytes[place] ^= 1;
        fs::write(path, &bytes).unwrap();
        let refused = sandbox.expect(1, "merge 0 1 2 --out merged");
        assert!(refused.stderr.contains("trajectories-328-663."), "{}", refused.stderr);
        assert!(refused.stderr.contains(named) && refused.stderr.contains("missing are"), "{}", refused.stderr);
        assert!(sandbox.expect(1, "status 0 1 2 --verify").stdout.contains(named));
        sandbox.expect(3, "merge 0 1 2 --out merged --partial --quiet --force");
        // Whoever runs the shard again mends it.
        let again = sandbox.expect(0, &format!("{RUN} --shard 1/3 --out 1"));
        assert!(again.stderr.starts_with("warning: "), "{}", again.stderr);
        sandbox.expect(0, "merge 0 1 2 --out merged --quiet");
        assert_same(&sandbox, "whole", "merged");
        let [mended] = &block_files(&sandbox, "1")[..] else { panic!("the damaged file is gone") };
        fs::rename(mended, path).unwrap();
    }
    // A damaged file does no harm where another has the same.
    fs::write(path, &sound[..sound.len() - 1]).unwrap();
    let merged = sandbox.expect(0, "merge 0 1 2 whole --out merged --quiet");
    assert!(merged.stderr.is_empty() || merged.stderr.contains("damaged"), "{}", merged.stderr);
    assert_same(&sandbox, "whole", "merged");
    fs::write(path, &sound).unwrap();

    sandbox.expect(0, &format!("{RUN} --seed 2 --shard 1/3 --out foreign"));
    let refused = sandbox.expect(1, "merge 0 foreign 2 --out other");
    assert!(
        refused.stderr.contains("belongs to another run: `ensemble.seed` was 2, is not given"),
        "{}",
        refused.stderr
    );
    let refused = sandbox.expect(1, "merge 0 1 foreign 2 --out other");
    assert!(refused.stderr.contains("do not belong together"), "{}", refused.stderr);
    sandbox.expect(3, "merge 0 foreign 2 --out other --partial --quiet");
    assert_eq!(sandbox.summary("other")["points"][0]["trajectories"], 1000 - 336);
    let refused = sandbox.expect(1, "merge whole nowhere --out other");
    assert!(refused.error().contains("nowhere: holds no stored blocks"), "{}", refused.stderr);
}

/// Two processes run the same shard, one of them thought dead: it is stopped, its shard is run again, and it wakes up.
#[test]
fn two_writers_of_one_shard_never_count_twice() {
    let sandbox = Sandbox::new();
    let run = "run run.toml --quiet --set ensemble.block=4 --store-every 0.01 --trajectories 8000";
    sandbox.expect(0, &format!("{run} --out whole"));
    let zombie = sandbox.spawn(&format!("{run} --shard 0/2 --out a --threads 1"));
    while !sandbox.path("a/blocks/point-0000").exists() || block_files(&sandbox, "a").is_empty() {
        sleep(Duration::from_millis(5));
    }
    zombie.signal("STOP");
    let before = stored(&sandbox, "a");
    assert!(before < 4000, "it was too fast to be stopped");
    sandbox.expect(0, &format!("{run} --shard 0/2 --out a"));
    assert_eq!(block_files(&sandbox, "a").len(), 1, "what the zombie had stored is in the other's file");
    zombie.signal("CONT");
    while block_files(&sandbox, "a").len() < 2 {
        sleep(Duration::from_millis(1));
    }
    // Before it is done: its nodes are then smaller ones, inside those of the other.
    zombie.signal("KILL");
    zombie.code();
    sandbox.expect(0, &format!("{run} --shard 1/2 --out a"));
    assert_eq!(stored(&sandbox, "a"), 8000);
    sandbox.expect(0, "merge a --quiet");
    assert_same(&sandbox, "whole", "a");
}

/// Shards of a run with a target: the merge takes the same looks as one run, and stops where it stops.
#[test]
fn shards_of_a_target_stop_where_one_run_stops() {
    let sandbox = Sandbox::new();
    let target = "estimator = \"plain\"\ntarget = { observable = \"number\", standard_error = 0.006 }";
    sandbox.write("run.toml", &sandbox.read("run.toml").replace("trajectories = 64", target));
    let run = "run run.toml --quiet --trajectories 8000";
    sandbox.expect(0, &format!("{run} --out whole"));
    let needed = sandbox.summary("whole")["points"][0]["trajectories"].as_u64().unwrap();
    assert!((2700..5300).contains(&needed), "{needed}: not in the second of three shards");
    sandbox.expect(0, &format!("{run} --shard 1/3 --out a"));
    let refused = sandbox.expect(1, "merge a --out merged");
    assert!(refused.stderr.contains("does not reach the target"), "{}", refused.stderr);
    sandbox.expect(0, &format!("{run} --shard 0/3 --out a"));
    sandbox.expect(0, "merge a --out merged");
    assert_same(&sandbox, "whole", "merged");
    assert_eq!(sandbox.summary("whole")["provenance"]["endings"], sandbox.summary("merged")["provenance"]["endings"]);
}

/// Array, merge, next wave: the waves end where one run ends, and `merge` tells more from amiss.
#[test]
fn waves_of_a_target_end_where_one_run_ends() {
    let sandbox = Sandbox::new();
    let target = "estimator = \"plain\"\ntarget = { observable = \"number\", standard_error = 0.006 }";
    sandbox.write("run.toml", &sandbox.read("run.toml").replace("trajectories = 64", target));
    let run = "run run.toml --quiet --trajectories 8000";
    sandbox.expect(0, &format!("{run} --out whole"));
    let wave = |index: u64, wave: &str| sandbox.expect(0, &format!("{run} --out a --shard {index}/3:{wave}"));
    (0..3).for_each(|index| drop(wave(index, "0-999")));
    let more = sandbox.expect(3, "merge a");
    assert!(more.stderr.contains("what is stored has no gaps; the target needs more trajectories"), "{}", more.stderr);
    assert!(!sandbox.path("a/summary.json").exists());
    // The second wave is in parts: that is no reason for a third.
    [0, 2].into_iter().for_each(|index| drop(wave(index, "1000-2499")));
    let gap = sandbox.expect(1, "merge a");
    assert!(gap.stderr.contains("missing are the trajectories 1496–1999"), "{}", gap.stderr);
    wave(1, "1000-2499");
    sandbox.expect(3, "merge a");
    (0..3).for_each(|index| drop(wave(index, "2500-7999")));
    sandbox.expect(0, "merge a --quiet");
    assert_same(&sandbox, "whole", "a");
    assert_eq!(sandbox.summary("whole")["provenance"]["endings"], sandbox.summary("a")["provenance"]["endings"]);
    let refused = sandbox.expect(2, &format!("{run} --out a --shard 0/3:8000-9999"));
    assert!(refused.error().contains("8000 trajectories at most: no wave is left"), "{}", refused.stderr);
}

/// A shard of a longer run has another place: what was stored under its number before is not thrown away.
#[test]
fn shards_of_an_extended_run_keep_what_was_stored() {
    let sandbox = Sandbox::new();
    let run = "run run.toml --quiet --set ensemble.block=4 --set ensemble.pilot=16";
    sandbox.expect(0, &format!("{run} --trajectories 200 --shard 1/2 --out a"));
    sandbox.expect(0, &format!("{run} --trajectories 300 --shard 1/2 --out a"));
    assert_eq!(stored(&sandbox, "a"), 200, "100–199 and 150–299");
    sandbox.expect(0, &format!("{run} --trajectories 300 --shard 0/2 --out a"));
    sandbox.expect(0, &format!("{run} --trajectories 300 --out whole"));
    sandbox.expect(0, "merge a --quiet");
    assert_same(&sandbox, "whole", "a");
}

#[test]
fn nonsense_is_refused_for_shards() {
    let sandbox = Sandbox::new();
    for wrong in ["2/2", "1", "a/b", "0/0", "-1/2", "0/2:", "0/2:5", "0/2:9-5", "0/2:0-99999999999999999999"] {
        sandbox.expect(2, &format!("run run.toml --shard={wrong}"));
    }
    let refused = sandbox.expect(2, "run run.toml --array");
    assert!(refused.error().contains("SLURM_ARRAY_TASK_ID is not set"), "{}", refused.stderr);
}

/// Files are sorted out before; whoever brings the same sums twice to the engine itself is refused there.
#[test]
fn sums_that_come_twice_are_refused() {
    let sandbox = Sandbox::new();
    let settings = ["ensemble.block=2", "ensemble.trajectories=14", "ensemble.pilot=0"].map(str::to_owned);
    let flags = settings.iter().map(|setting| format!(" --set {setting}")).collect::<String>();
    sandbox.expect(0, &format!("run run.toml --quiet{flags} --out a"));
    let file = RunFile::load(&sandbox.path("run.toml"), &settings).unwrap();
    let stored = PointBlocks::new(&file, 0, None, block_files(&sandbox, "a")).gather(None).stored;
    let point = &file.points[0];
    let run = |stored| {
        let stored_run = StoredRun { stored, ..StoredRun::default() };
        ensemble::run_stored(&point.experiment, &point.tolerances, &point.plan(1), &(), None, stored_run)
    };
    assert_eq!(run(stored.clone()).unwrap().unwrap().tally.trajectories, 14);
    let twice = [stored.clone(), vec![stored[1].clone()]].concat();
    let refused = run(twice).unwrap_err().to_string();
    assert!(refused.contains("trajectories 8–11 are stored twice"), "{refused}");
}
