//! Records of single trajectories outlive the process as blocks do: whatever happens, `records.nc` has the bytes of one run.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use fluctuator::io::blocks::RecordIndex;
use sha2::{Digest, Sha256};

use crate::cli::Sandbox;
use crate::durability::{assert_same, block_files, shell, stored};
use crate::records::Contents;

/// Records of everything, in many small blocks that are written as often as possible.
const RUN: &str = "run run.toml --quiet --threads 2 --set ensemble.block=4 --set ensemble.pilot=16 --store-every 0.001 \
                   --set output.jumps=true --set output.final_values=true";

fn assert_same_records(sandbox: &Sandbox, one: &str, other: &str) {
    assert_same(sandbox, one, other);
    let bytes = |out: &str| fs::read(sandbox.path(out).join("records.nc")).unwrap();
    assert!(bytes(one) == bytes(other), "records.nc of {one} and {other} differ");
}

/// The files of records of the first sweep point.
fn logs(sandbox: &Sandbox, out: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(sandbox.path(out).join("blocks/point-0000")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "records"));
    paths.sort();
    paths
}

/// KILL again and again, in the middle of whatever it does.
#[test]
fn a_killed_run_with_records_goes_on_to_the_same_bytes() {
    let sandbox = Sandbox::new();
    let run = format!("{RUN} --trajectories 6001 --set output.correlations={{max_delay=0.5}}");
    sandbox.expect(0, &format!("{run} --out whole"));
    let (mut killed, mut before) = (0, 0);
    while killed < 4 {
        let mut running = sandbox.spawn(&format!("{run} --resume --out killed"));
        let begun = Instant::now();
        // Some progress each time, and some time more.
        while stored_if_any(&sandbox) <= before && !running.is_over() {
            assert!(begun.elapsed() < Duration::from_secs(60), "no progress");
            sleep(Duration::from_millis(2));
        }
        sleep(Duration::from_millis(7 * (killed + 1)));
        if running.is_over() {
            break;
        }
        running.signal("KILL");
        running.code();
        killed += 1;
        before = stored_if_any(&sandbox);
    }
    assert!(killed > 1, "it was too fast to be killed");
    sandbox.expect(0, &format!("{run} --resume --out killed"));
    assert_same_records(&sandbox, "whole", "killed");
    assert!(logs(&sandbox, "killed").len() > 1, "its records are in several files");
    // Nothing is left to do, and it comes out once more; so it does of a merge.
    sandbox.expect(0, &format!("{run} --resume --out killed"));
    assert_same_records(&sandbox, "whole", "killed");
    sandbox.expect(0, "merge killed --quiet --out merged");
    assert_same_records(&sandbox, "whole", "merged");
}

fn stored_if_any(sandbox: &Sandbox) -> u64 {
    if sandbox.path("killed/blocks/point-0000").exists() { stored(sandbox, "killed") } else { 0 }
}

#[test]
fn signals_keep_a_prefix_of_the_records_and_it_goes_on() {
    let sandbox = Sandbox::new();
    let run = |count: u64| format!("{RUN} --trajectories {count}");
    let running = sandbox.spawn(&format!("{} --out cut", run(100_000_000)));
    let begun = Instant::now();
    while !sandbox.path("cut/blocks/point-0000").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60));
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(100));
    running.signal("TERM");
    assert_eq!(running.code(), Some(3));
    let done = sandbox.summary("cut")["points"][0]["trajectories"].as_u64().unwrap();
    let mut cut = Contents::of(&sandbox.path("cut/records.nc"));
    assert_eq!(cut.numbers("weight").len() as u64, done);
    // On from there, to a little more than is stored.
    let more = stored(&sandbox, "cut") + 50;
    sandbox.expect(0, &format!("{} --out cut --resume", run(more)));
    sandbox.expect(0, &format!("{} --out whole", run(more)));
    assert_same_records(&sandbox, "whole", "cut");
}

#[test]
fn shards_with_records_are_merged_to_the_bytes_of_one_run() {
    let sandbox = Sandbox::new();
    let run = format!("{RUN} --trajectories 202 --set sweep.model.spins.0.bath.nbar=[0.5,2.0]");
    sandbox.expect(0, &format!("{run} --out whole"));
    sandbox.expect(0, &format!("{run} --out unstored --no-blocks"));
    assert_same_records(&sandbox, "whole", "unstored");
    (0..3).for_each(|index| drop(sandbox.expect(0, &format!("{run} --shard {index}/3 --out {index}"))));
    for (index, order) in ["0 1 2", "2 0 1", "1 1 2 whole 0"].into_iter().enumerate() {
        sandbox.expect(0, &format!("merge {order} --out merged-{index} --quiet"));
        assert_same_records(&sandbox, "whole", &format!("merged-{index}"));
    }
    // In two stages, of pieces with gaps, which know the numbers of their trajectories.
    for (parts, out) in [("0 2", "a"), ("2 1", "b")] {
        sandbox.expect(3, &format!("merge {parts} --partial --out {out} --quiet"));
    }
    let number = |out: &str| Contents::of(&sandbox.path(out).join("records.nc")).numbers("trajectory_number");
    let (all, some) = (number("whole"), number("a"));
    let held = |number: &f64| !(68.0..136.0).contains(number);
    assert_eq!(some, all.into_iter().filter(held).collect::<Vec<_>>());
    sandbox.expect(0, "merge b a --out again --quiet");
    assert_same_records(&sandbox, "whole", "again");
    // All in one directory, where a run finds them.
    (0..4).rev().for_each(|index| drop(sandbox.expect(0, &format!("{run} --shard {index}/4 --out one"))));
    sandbox.expect(0, &format!("{run} --resume --out one"));
    assert_same_records(&sandbox, "whole", "one");
}

#[test]
fn more_trajectories_extend_a_run_with_records() {
    let sandbox = Sandbox::new();
    for count in [57, 64, 130] {
        let grown = sandbox.expect(0, &format!("{RUN} --trajectories {count} --out grown --resume"));
        assert_eq!((grown.stderr.as_str(), stored(&sandbox, "grown")), ("", count));
        sandbox.expect(0, &format!("{RUN} --trajectories {count} --out {count}"));
        assert_same_records(&sandbox, "grown", &count.to_string());
    }
    let target = "target = { observable = \"number\", standard_error = 0.02 }\nestimator = \"plain\"";
    sandbox.write("run.toml", &sandbox.read("run.toml").replace("trajectories = 64", target));
    let run = RUN.replace("--set ensemble.pilot=16", "");
    sandbox.expect(0, &format!("{run} --trajectories 300 --out reached"));
    sandbox.expect(0, &format!("{run} --trajectories 100000 --out reached --resume"));
    sandbox.expect(0, &format!("{run} --trajectories 100000 --out at-once"));
    assert_same_records(&sandbox, "at-once", "reached");
}

/// A bit flipped anywhere in the records, and a file cut anywhere: what is lost is run again, and nothing comes twice.
#[test]
fn damaged_records_are_run_again() {
    let sandbox = Sandbox::new();
    let run = format!("{RUN} --trajectories 64");
    sandbox.expect(0, &format!("{run} --out whole"));
    let log = logs(&sandbox, "whole").remove(0);
    let sound = fs::read(&log).unwrap();
    let blocks = block_files(&sandbox, "whole").remove(0);
    let sums = fs::read(&blocks).unwrap();
    for round in 0..8 {
        let place = sound.len() * round / 8 + 5 * round;
        let damaged = match round % 2 {
            0 => sound[..place].to_vec(),
            _ => [&sound[..place], &[sound[place] ^ 1], &sound[place + 1..]].concat(),
        };
        fs::remove_dir_all(sandbox.path("a")).ok();
        fs::create_dir_all(sandbox.path("a/blocks/point-0000")).unwrap();
        let here = |path: &PathBuf| sandbox.path("a/blocks/point-0000").join(path.file_name().unwrap());
        fs::write(here(&log), damaged).unwrap();
        fs::write(here(&blocks), &sums).unwrap();
        let refused = sandbox.expect(1, "merge a --quiet --out b");
        assert!(
            refused.stderr.contains("the records of trajectories 0–63 are not there or damaged"),
            "{}",
            refused.stderr
        );
        assert!(sandbox.expect(1, "status a --verify").stdout.contains("are not there or damaged"));
        let again = sandbox.expect(0, &format!("{run} --out a --resume"));
        assert!(again.stderr.starts_with("warning: ") && again.stderr.contains("run again"), "{}", again.stderr);
        assert_same_records(&sandbox, "whole", "a");
    }
}

/// Sums that were stored without records are no loss to either run.
#[test]
fn records_may_be_asked_for_later() {
    let sandbox = Sandbox::new();
    let plain = "run run.toml --quiet --set ensemble.block=4 --set ensemble.pilot=16 --trajectories 64 --out a";
    sandbox.expect(0, plain);
    let before = block_files(&sandbox, "a").remove(0);
    let run = format!("{RUN} --trajectories 64");
    let again = sandbox.expect(0, &format!("{run} --out a --resume"));
    assert!(again.stderr.contains("the records of trajectories 0–63 are not there"), "{}", again.stderr);
    sandbox.expect(0, &format!("{run} --out whole"));
    assert_same_records(&sandbox, "whole", "a");
    assert!(before.exists(), "what a run without records can use stays");
    // Final values alone are there, too, where jumps are; not the other way round.
    sandbox.expect(0, &format!("{run} --out a --resume --set output.jumps=false --force"));
    let mut last = Contents::of(&sandbox.path("a/records.nc"));
    assert_eq!(last.numbers("final_number").len(), 64);
    let few = format!("{run} --out b --set output.jumps=false");
    sandbox.expect(0, &few);
    let more = sandbox.expect(0, &format!("{} --resume", few.replace("jumps=false", "jumps=true")));
    assert!(more.stderr.contains("are not there"), "{}", more.stderr);
}

#[test]
fn a_newer_file_of_records_is_left_alone() {
    let sandbox = Sandbox::new();
    let run = format!("{RUN} --out a");
    sandbox.expect(0, &run);
    let log = logs(&sandbox, "a").remove(0);
    let newer = [b"fluctuator records 2\n", &fs::read(&log).unwrap()[21..]].concat();
    fs::write(&log, &newer).unwrap();
    for more in ["", "--resume", "--restart", "--force"] {
        let refused = sandbox.expect(2, &format!("{run} {more}"));
        assert!(refused.error().contains("a newer version of the program"), "{}", refused.stderr);
        assert_eq!(fs::read(&log).unwrap(), newer);
    }
}

/// No room for the records: the run ends with a clear sentence, and with room it goes on.
#[test]
fn a_disk_that_is_full_of_records_ends_a_run_that_can_go_on() {
    let sandbox = Sandbox::new();
    let run = format!("{RUN} --trajectories 3000");
    sandbox.expect(0, &format!("{run} --out whole"));
    let size = fs::metadata(&logs(&sandbox, "whole")[0]).unwrap().len();
    let blocks = size / 512 / 2;
    for trap in ["trap '' XFSZ;", ""] {
        let line = format!("{trap} ulimit -f {blocks}; exec $PROGRAM {run} --out full --resume");
        let (code, stderr) = shell(&sandbox, &line);
        assert_ne!(code, Some(0), "{stderr}");
        if !trap.is_empty() {
            assert!(stderr.contains(".records: ") && stderr.contains("`--resume` goes on from there"), "{stderr}");
        }
    }
    sandbox.expect(0, &format!("{run} --out full --resume"));
    assert_same_records(&sandbox, "whole", "full");
}

/// Whatever a file says, with the right checksums or not: records are read as they were written, or refused.
#[test]
fn hostile_records_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, &format!("{RUN} --trajectories 16 --out a"));
    let log = logs(&sandbox, "a").remove(0);
    let sound = fs::read(&log).unwrap();
    let (head, entries) = sound.split_at(21 + 64 + 2);
    let identity = std::str::from_utf8(&head[21..85]).unwrap();
    let index = || RecordIndex::new(vec![log.clone()], identity, true, 4, 16);
    let whole: Vec<_> = (0..4).map(|block| index().read(block, 2, 3).unwrap()).collect();
    assert!(index().covers(&(0..4)) && !index().covers(&(0..5)) && index().read(4, 2, 3).is_err());
    assert!(index().read(0, 1, 3).is_err() && index().read(0, 2, 2).is_err(), "of another experiment");
    let size = usize::try_from(u64::from_le_bytes(entries[16..24].try_into().unwrap())).unwrap();
    let block = usize::try_from(u64::from_le_bytes(entries[..8].try_into().unwrap())).unwrap();
    for place in 0..24 + size {
        let mut bytes = entries.to_vec();
        bytes[place] = bytes[place].wrapping_add(0x81);
        for mended in [false, true] {
            if mended {
                let digest = Sha256::digest([head, &bytes[..16], &bytes[24..24 + size]].concat());
                bytes[24 + size..][..32].copy_from_slice(&digest);
            }
            fs::write(&log, [head, &bytes].concat()).unwrap();
            for other in (0..4).filter(|other| *other != block) {
                if let Ok(read) = index().read(other as u64, 2, 3) {
                    assert!(read == whole[other] || mended, "byte {place}");
                }
            }
            if let Ok(read) = index().read(block as u64, 2, 3) {
                // With the right checksum it may hold other numbers, and no other shape.
                assert!(mended && read.trajectories().count() == 4, "byte {place}");
            }
        }
    }
}
