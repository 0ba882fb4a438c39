//! Whatever happens to a run, going on ends with the bytes of an undisturbed one, or with a clear refusal.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use fluctuator::ensemble::RangeSet;
use fluctuator::io::blocks::{Opened, PointBlocks, files};
use fluctuator::io::run_file::RunFile;

use crate::cli::Sandbox;

/// Many small blocks, written as often as possible.
const RUN: &str = "run run.toml --quiet --threads 2 --set ensemble.block=4 --store-every 0.001";

/// The files of blocks of the first sweep point.
pub fn block_files(sandbox: &Sandbox, out: &str) -> Vec<PathBuf> {
    files(&sandbox.path(out).join("blocks/point-0000")).unwrap()
}

/// Trajectories that heads say are stored.
pub fn stored(sandbox: &Sandbox, out: &str) -> u64 {
    let ranges =
        |head: fluctuator::io::blocks::Head| head.nodes.iter().map(|entry| head.range(entry)).collect::<Vec<_>>();
    // A file may go while we look.
    let heads = block_files(sandbox, out).into_iter().filter_map(|path| Some(Opened::open(&path).ok()?.head));
    heads.flat_map(ranges).collect::<RangeSet>().count()
}

/// The numbers of `result.nc`: all of it but where and when it was made, which is in the global attributes.
pub fn numbers(sandbox: &Sandbox, out: &str) -> Vec<(String, String)> {
    let mut file = netcdf3::FileReader::open(sandbox.path(out).join("result.nc")).unwrap();
    let names: Vec<String> = file.data_set().get_var_names();
    names.into_iter().map(|name| (name.clone(), format!("{:?}", file.read_var(&name).unwrap()))).collect()
}

/// The results of two directories have the same bytes.
pub fn assert_same(sandbox: &Sandbox, one: &str, other: &str) {
    assert!(sandbox.points(one) == sandbox.points(other), "summary.json of {one} and {other} differ");
    assert!(numbers(sandbox, one) == numbers(sandbox, other), "result.nc of {one} and {other} differ");
}

/// A small generator of moments and places, the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % bound
    }
}

/// Waits, not for ever.
fn wait_for(come: impl Fn() -> bool) {
    let begun = Instant::now();
    while !come() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not come");
        sleep(Duration::from_millis(5));
    }
}

/// KILL at random moments, again and again: `FLUCTUATOR_KILLS=100 cargo test --release --test it kill` does it 100 times.
#[test]
fn killed_at_any_moment_a_run_goes_on_to_the_same_bytes() {
    let kills: u64 = std::env::var("FLUCTUATOR_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(8);
    let sandbox = Sandbox::new();
    let run = format!(
        "{RUN} --set output.correlations={{max_delay=0.5}} --set ensemble.pilot=16 --trajectories {}",
        1024 * kills
    );
    sandbox.expect(0, &format!("{run} --out whole"));
    let mut dice = Dice(1);
    let (mut killed, mut progress) = (0, Vec::new());
    while killed < kills {
        let mut running = sandbox.spawn(&format!("{run} --resume --out killed"));
        sleep(Duration::from_millis(30 + dice.below(300)));
        if killed + 1 == kills {
            wait_for(|| stored(&sandbox, "killed") > 0);
        }
        if running.is_over() {
            break;
        }
        running.signal("KILL");
        running.code();
        killed += 1;
        progress.push(stored(&sandbox, "killed"));
    }
    assert!(killed > 2, "it was too fast to be killed");
    assert!(progress.windows(2).all(|pair| pair[0] <= pair[1]), "blocks were lost: {progress:?}");
    assert!(progress.last() > Some(&0), "{progress:?}");
    sandbox.expect(0, &format!("{run} --resume --out killed"));
    assert_same(&sandbox, "whole", "killed");
    let left = fs::read_dir(sandbox.path("killed/blocks/point-0000")).unwrap().count();
    assert_eq!(left, 1, "nothing is left of the writers that were killed");
    println!("{killed} kills, stored after each: {progress:?}");
}

/// A bit flipped anywhere, a file cut anywhere: it is noticed, and what is still accepted is what was stored.
#[test]
fn no_flipped_bit_and_no_cut_goes_unnoticed() {
    let sandbox = Sandbox::new();
    let settings = ["ensemble.block=2", "ensemble.trajectories=14", "ensemble.pilot=0"].map(str::to_owned);
    let flags = settings.iter().map(|setting| format!(" --set {setting}")).collect::<String>();
    sandbox.expect(0, &format!("run run.toml --quiet{flags} --out a"));
    let [path] = &block_files(&sandbox, "a")[..] else { panic!("one file") };
    let file = RunFile::load(&sandbox.path("run.toml"), &settings).unwrap();
    let sound = fs::read(path).unwrap();
    let gather = || PointBlocks::new(&file, 0, None, vec![path.clone()]).gather(None);
    let whole = gather();
    assert!(whole.held.covers(&(0..14)) && whole.defects.is_empty(), "{:?}", whole.defects);
    assert_eq!(whole.stored.len(), 3, "seven blocks are 4 + 2 + 1");
    let check = |what: &str| {
        let found = gather();
        assert!(!found.held.covers(&(0..14)) && !found.defects.is_empty(), "{what} was not noticed");
        assert!(found.stored.iter().all(|node| whole.stored.contains(node)), "{what} changed what is read");
    };
    let mut dice = Dice(2);
    let head = 4000;
    let places = (0..sound.len()).filter(|place| *place < 64 || (*place < head && place % 5 == 0) || place % 97 == 0);
    let mut count = 0;
    for place in places {
        let mut bytes = sound.clone();
        bytes[place] ^= 1 << dice.below(8);
        fs::write(path, &bytes).unwrap();
        check(&format!("a flipped bit of byte {place}"));
        count += 1;
    }
    for length in (0..sound.len()).step_by(sound.len() / 300) {
        fs::write(path, &sound[..length]).unwrap();
        check(&format!("the cut after byte {length}"));
        count += 1;
    }
    println!("{count} damages of {} bytes", sound.len());

    // The program recomputes what it does not trust, and says so.
    for place in [3, 30, 2000, sound.len() - 1] {
        let mut bytes = sound.clone();
        bytes[place] ^= 4;
        fs::write(path, &bytes).unwrap();
        let again = sandbox.expect(0, &format!("run run.toml --quiet{flags} --out a --resume"));
        assert!(again.stderr.starts_with("warning: ") && again.stderr.contains("damaged"), "{}", again.stderr);
        sandbox.expect(0, &format!("run run.toml --quiet{flags} --out b --restart"));
        assert_same(&sandbox, "a", "b");
        let [new] = &block_files(&sandbox, "a")[..] else { panic!("the damaged file is gone") };
        fs::rename(new, path).unwrap();
    }
}

#[test]
fn a_changed_run_file_is_refused_with_its_keys() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, &format!("{RUN} --out a"));
    for (setting, named) in [
        ("ensemble.seed=2", "`ensemble.seed` was not given, is 2"),
        ("model.spins.0.coupling=0.5", "`model.spins.0.coupling` was 1.0, is 0.5"),
        ("output.observables=[\"number\"]", "`output.observables` was [\"number\", \"inversion\"], is [\"number\"]"),
        ("ensemble.block=8", "`ensemble.block` was 4, is 8"),
        ("ensemble.estimator=plain", "`ensemble.estimator` was not given, is \"plain\""),
        ("numerics.tolerance=1e-7", "`numerics.tolerance` was not given, is 0.0000001"),
        ("output.correlations={max_delay=0.5}", "`output.correlations.max_delay` was not given, is 0.5"),
        ("ensemble.pilot=16", "`ensemble.pilot` was not given, is 16"),
    ] {
        let refused = sandbox.expect(2, &format!("{RUN} --out a --resume --set {setting}"));
        assert!(refused.error().contains(named), "{setting}: {}", refused.stderr);
        assert!(refused.error().contains("trajectories-0-63."), "{}", refused.stderr);
    }
    // What decides nothing may change: title, pictures, a default written out.
    for setting in ["title=Other", "output.exact=true", "ensemble.time_limit=100.0", "model.spins.0.asymmetry=0.0"] {
        sandbox.expect(0, &format!("{RUN} --out a --resume --set {setting}"));
    }
    // In a sweep, too, and before anything is run: the first point has not changed.
    let sweep = "--set sweep.model.spins.0.bath.nbar=[0.5,2.0] --out swept";
    sandbox.expect(0, &format!("{RUN} {sweep}"));
    let before = sandbox.points("swept");
    let refused = sandbox.expect(2, &format!("{RUN} {} --resume", sweep.replace("2.0", "3.0")));
    assert!(refused.error().contains("`model.spins.0.bath.nbar` was 2.0, is 3.0"), "{}", refused.stderr);
    assert_eq!(sandbox.points("swept"), before);
    sandbox.expect(0, &format!("{RUN} {sweep} --resume"));
    assert_eq!(sandbox.points("swept"), before);
    let fewer = sandbox.expect(2, &format!("{RUN} --out a --resume --trajectories 40"));
    assert!(fewer.error().contains("holds trajectory 63 and 40 are asked for"), "{}", fewer.stderr);
}

/// Raising the number goes on where the shorter run ended, short last blocks included.
#[test]
fn more_trajectories_extend_a_run() {
    let sandbox = Sandbox::new();
    let run = "run run.toml --quiet --set ensemble.block=8 --set ensemble.pilot=32";
    for count in [57, 64, 127, 1000, 1001] {
        let grown = sandbox.expect(0, &format!("{run} --trajectories {count} --out grown --resume"));
        assert_eq!((grown.stderr.as_str(), stored(&sandbox, "grown")), ("", count), "nothing was lost on the way");
        sandbox.expect(0, &format!("{run} --trajectories {count} --out {count}"));
        assert_same(&sandbox, "grown", &count.to_string());
    }
    // A short last block that is stored before its neighbours stays by itself, too.
    sandbox.expect(0, &format!("{run} --trajectories 57 --shard 1/2 --out parts"));
    for count in [57, 64] {
        let grown = sandbox.expect(0, &format!("{run} --trajectories {count} --out parts --resume"));
        assert_eq!((grown.stderr.as_str(), stored(&sandbox, "parts")), ("", count));
        assert_same(&sandbox, "parts", &count.to_string());
    }
    // The default numbers of the first run are kept, and that is said.
    sandbox.expect(0, "run run.toml --quiet --trajectories 512 --out few");
    let more = sandbox.expect(0, "run run.toml --quiet --trajectories 2048 --out few --resume");
    assert!(more.stderr.starts_with("note: keeps ensemble.pilot = 64 and ensemble.block = 1"), "{}", more.stderr);
    let numbers = "--set ensemble.pilot=64 --set ensemble.block=1";
    sandbox.expect(0, &format!("run run.toml --quiet --trajectories 2048 --out many {numbers}"));
    assert_same(&sandbox, "few", "many");
    // Shards that extend a run keep them, too, those that have nothing of it included.
    sandbox.expect(0, "run run.toml --quiet --trajectories 512 --out shared");
    (0..3).for_each(|index| {
        drop(sandbox.expect(0, &format!("run run.toml --quiet --trajectories 2048 --out shared --shard {index}/3")));
    });
    sandbox.expect(0, "merge shared --quiet");
    assert_same(&sandbox, "shared", "many");
}

#[test]
fn a_tighter_target_extends_a_run() {
    let sandbox = Sandbox::new();
    let file = sandbox.read("run.toml");
    let target = |error: f64| {
        let target =
            format!("target = {{ observable = \"number\", standard_error = {error:?} }}\nestimator = \"plain\"");
        sandbox.write("run.toml", &file.replace("trajectories = 64", &target));
    };
    for (error, out) in [(0.02, "loose"), (0.01, "tight")] {
        target(error);
        sandbox.expect(0, "run run.toml --quiet --out grown --resume");
        sandbox.expect(0, &format!("run run.toml --quiet --out {out}"));
        assert_same(&sandbox, "grown", out);
        let ending = |out: &str| sandbox.summary(out)["provenance"]["endings"].clone();
        assert_eq!(ending("grown"), ending(out), "looks are taken again");
    }
    let trajectories = |out: &str| sandbox.summary(out)["points"][0]["trajectories"].as_u64().unwrap();
    assert!(trajectories("loose") < trajectories("tight"));
    // Back to the looser one: its look is among those that can be taken again.
    target(0.02);
    sandbox.expect(0, "run run.toml --quiet --out grown --resume");
    assert_same(&sandbox, "grown", "loose");
    // A run without looks stored its blocks in larger nodes: that is another run.
    sandbox.write("run.toml", &file);
    let refused = sandbox.expect(2, "run run.toml --quiet --out grown --resume --set ensemble.estimator=plain");
    assert!(refused.error().contains("`ensemble.target` was a target, is none"), "{}", refused.stderr);
}

#[test]
fn an_unfinished_run_is_not_thrown_away_unasked() {
    let sandbox = Sandbox::new();
    let run = format!("{RUN} --trajectories 100000000 --out a");
    let cut = |arguments: &str| {
        let before = block_files(&sandbox, "a");
        let running = sandbox.spawn(arguments);
        wait_for(|| block_files(&sandbox, "a").iter().any(|path| !before.contains(path)));
        running.signal("TERM");
        assert_eq!(running.code(), Some(3));
    };
    cut(&run);
    let before = stored(&sandbox, "a");
    assert!(before > 0);
    let refused = sandbox.expect(2, &run);
    assert!(refused.error().contains("go on with --resume, or discard them with --restart"), "{}", refused.stderr);
    assert_eq!(stored(&sandbox, "a"), before);
    cut(&format!("{run} --resume"));
    let after = stored(&sandbox, "a");
    assert!(after > before);
    cut(&format!("{run} --restart"));
    // Nor by another run in the same place.
    let before = stored(&sandbox, "a");
    let refused = sandbox.expect(2, &format!("{RUN} --seed 7 --out a"));
    assert!(refused.error().contains("of another run, which is not complete (`ensemble.seed` was not given, is 7)"));
    assert_eq!(stored(&sandbox, "a"), before);
    sandbox.expect(0, &format!("{RUN} --seed 7 --out a --restart"));
    assert_eq!(stored(&sandbox, "a"), 64);
    sandbox.expect(0, &format!("{RUN} --out b --no-blocks"));
    assert!(!sandbox.path("b/blocks").exists());
}

/// Every signal that batch systems send: what is finished is stored, exit code 3, and it goes on.
#[test]
fn signals_store_what_is_finished_and_exit_with_3() {
    let sandbox = Sandbox::new();
    // Without a signal nothing would be stored before the end.
    let run = "run run.toml --quiet --trajectories 20000 --set ensemble.pilot=16 --store-every 1000";
    sandbox.expect(0, &format!("{run} --out whole"));
    let (mut before, mut wait) = (0, Duration::from_millis(100));
    for signal in ["USR1", "TERM", "INT", "XCPU"] {
        loop {
            let mut running = sandbox.spawn(&format!("{run} --resume --out cut"));
            sleep(wait);
            assert!(!running.is_over(), "20000 trajectories were too few");
            running.signal(signal);
            let code = running.code();
            if code == Some(3) && stored(&sandbox, "cut") > before {
                break;
            }
            // On a busy machine it may have been too early.
            assert!(code == Some(130) || code == Some(3) || wait < Duration::from_millis(200), "{signal}: {code:?}");
            wait *= 2;
        }
        before = stored(&sandbox, "cut");
    }
    sandbox.expect(0, &format!("{run} --resume --out cut"));
    assert_same(&sandbox, "whole", "cut");
    let limited = sandbox.expect(3, "run run.toml --trajectories 100000000 --time-limit 0.3 --out limited");
    assert!(limited.stderr.contains("time limit: "), "{}", limited.stderr);
}

/// Runs a line of shell in the sandbox; `fluctuator` is the program. Returns exit code and stderr.
pub fn shell(sandbox: &Sandbox, line: &str) -> (Option<i32>, String) {
    let program = cargo_bin!("fluctuator").display().to_string();
    let line = format!("fluctuator() {{ {program} \"$@\"; }}; PROGRAM={program}; {line}");
    let output = Command::new("sh").args(["-c", &line]).current_dir(sandbox.path("")).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_job_requeues_itself_or_holds() {
    let sandbox = Sandbox::new();
    // In place of Slurm's: notes what it is asked for.
    sandbox.write("scontrol", "#!/bin/sh\necho \"$@\" >> requeued\n");
    fs::set_permissions(sandbox.path("scontrol"), fs::Permissions::from_mode(0o755)).unwrap();
    let run = format!("{RUN} --trajectories 100000000 --resume --out a");
    let begun = "while ! ls a/blocks/point-0000/*.blocks >/dev/null 2>&1; do sleep 0.05; done";
    let line = format!("PATH=.:$PATH SLURM_JOB_ID=42 $PROGRAM {run} --requeue & {begun}; kill -USR1 $!; wait $!");
    let (code, stderr) = shell(&sandbox, &line);
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains("job 42 is requeued"), "{stderr}");
    assert_eq!(sandbox.read("requeued"), "requeue 42\n");
    assert!(stored(&sandbox, "a") > 0);

    fs::remove_file(sandbox.path("a/summary.json")).unwrap();
    let mut running = sandbox.spawn(&format!("{run} --hold"));
    let before = stored(&sandbox, "a");
    wait_for(|| stored(&sandbox, "a") > before);
    running.signal("USR1");
    wait_for(|| sandbox.path("a/summary.json").exists());
    sleep(Duration::from_millis(500));
    assert!(!running.is_over(), "it should have held");
    running.signal("TERM");
    assert_eq!(running.code(), Some(143));
}

/// No room left, at whatever point: the run ends with a clear sentence, what was stored stays, and with room it goes on.
#[test]
fn a_full_disk_ends_a_run_that_can_go_on() {
    let sandbox = Sandbox::new();
    let run = |more: &str| format!("{RUN} --trajectories 4092 {more}");
    sandbox.expect(0, &run("--out whole"));
    let file = &block_files(&sandbox, "whole")[0];
    let size = fs::metadata(file).unwrap().len();
    // A file size limit (in blocks of 512 bytes) fails like a full disk: at some byte of a write. First with the signal that
    // comes with it ignored: an error; then with the signal: the process dies in the middle of the write.
    let small = size / 512 / 3;
    let limited = |trap: &str, blocks: u64| {
        shell(&sandbox, &format!("{trap} ulimit -f {blocks}; exec $PROGRAM {}", run("--out full --resume")))
    };
    let (code, stderr) = limited("trap '' XFSZ;", small);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("blocks stored before are intact: `--resume` goes on from there"), "{stderr}");
    let (code, _) = limited("", small);
    assert_ne!(code, Some(0));
    sandbox.expect(0, &run("--out full --resume"));
    assert_same(&sandbox, "whole", "full");

    // A real full disk, where a user may mount one.
    let disk = "unshare --user --map-root-user --mount sh -c";
    let mount = "mkdir -p disk && mount -t tmpfs -o size=64k none disk";
    if shell(&sandbox, &format!("{disk} '{mount}'")).0 != Some(0) {
        println!("no user namespaces here: the small disk is left out");
        return;
    }
    let program = cargo_bin!("fluctuator").display().to_string();
    let line = format!(
        "{mount} && {program} {}; code=$?; ls -A disk/a/blocks/point-0000 >&2; exit $code",
        run("--out disk/a")
    );
    let (code, stderr) = shell(&sandbox, &format!("{disk} '{line}'"));
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("No space left on device"), "{stderr}");
    assert!(!stderr.lines().any(|name| name.starts_with('.')), "no part of a file is left: {stderr}");
}

#[test]
fn where_nothing_can_be_written_nothing_is_begun() {
    let sandbox = Sandbox::new();
    let begun = Instant::now();
    let refused = sandbox.expect(1, "run run.toml --quiet --trajectories 100000000 --out /proc/fluctuator");
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(refused.error().starts_with("/proc/fluctuator: "), "{}", refused.stderr);
    // The place of the blocks is taken while the run goes on.
    sandbox.write("taken", "");
    fs::create_dir(sandbox.path("a")).unwrap();
    fs::write(sandbox.path("a/blocks"), "no directory").unwrap();
    let refused = sandbox.expect(1, &format!("{RUN} --out a"));
    assert!(refused.error().contains("a/blocks"), "{}", refused.stderr);
}

/// O(log n) nodes for a contiguous range of n blocks; a few per look with a target.
#[test]
fn what_is_stored_grows_with_the_logarithm() {
    let sandbox = Sandbox::new();
    let run = "run run.toml --quiet --set ensemble.block=2 --set ensemble.estimator=plain";
    let nodes = |out: &str| Opened::open(Path::new(&block_files(&sandbox, out)[0])).unwrap().head.nodes.len();
    for (count, expected) in [(64, 1), (4096, 1), (4094, 11), (4095, 12)] {
        sandbox.expect(0, &format!("{run} --trajectories {count} --out {count}"));
        assert_eq!(nodes(&count.to_string()), expected, "{count} trajectories in blocks of 2");
    }
    let target = "ensemble.target={observable=\"number\",standard_error=0.005}";
    sandbox.write("run.toml", &sandbox.read("run.toml").replace("trajectories = 64", ""));
    sandbox.expect(0, &format!("{run} --set {target} --set ensemble.max_trajectories=8192 --out target"));
    assert!(nodes("target") < 16 * 6, "{} nodes", nodes("target"));
}
