//! Run files: the good ones parse, the bad ones are refused in the words they carry, and no text makes the parser panic.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use fluctuator::analysis::Quantity;
use fluctuator::ensemble::Plan;
use fluctuator::io::run_file::{CoefficientsFile, RunFile};
use proptest::prelude::*;

const EVERYTHING: &str = include_str!("../input/good/everything.toml");

/// The run files of `tests/input/<kind>`, in alphabetical order.
fn run_files(kind: &str) -> Vec<PathBuf> {
    run_files_in(&Path::new("tests/input").join(kind))
}

/// The run files of a folder of the project.
fn run_files_in(folder: &Path) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    assert!(files.len() > 10, "only {} files in {}", files.len(), directory.display());
    files
}

fn good(name: &str) -> RunFile {
    let path = run_files("good").into_iter().find(|path| path.file_stem().is_some_and(|stem| stem == name));
    RunFile::load(&path.unwrap(), &[]).unwrap()
}

/// What is wrong with a bad file's refusal, if anything.
fn defect(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).unwrap();
    let Some(expected) = text.lines().next().and_then(|line| line.strip_prefix("#^ ")) else {
        return Some("does not begin with `#^ <expected message>`".into());
    };
    match RunFile::load(path, &[]) {
        Ok(_) => Some("was accepted".into()),
        Err(error) if !error.is_input() => Some(format!("is not an error of the input (exit code 2): {error}")),
        Err(error) if !error.to_string().contains(expected) => Some(format!("says `{error}`, not `{expected}`")),
        Err(_) => None,
    }
}

/// Reports every file with a defect at once.
fn assert_no_complaints(kind: &str, defect: impl Fn(&Path) -> Option<String>) {
    assert_no_complaints_of(run_files(kind), defect);
}

fn assert_no_complaints_of(files: Vec<PathBuf>, defect: impl Fn(&Path) -> Option<String>) {
    let defects: Vec<String> =
        files.iter().filter_map(|path| Some(format!("{}: {}", path.display(), defect(path)?))).collect();
    assert!(defects.is_empty(), "{} of {}:\n{}", defects.len(), files.len(), defects.join("\n"));
}

#[test]
fn good_files_parse() {
    assert_no_complaints("good", |path| RunFile::load(path, &[]).err().map(|error| error.to_string()));
}

/// Those of `runs/`, which the documents speak of: as runs, or as densities for `coefficients` alone.
#[test]
fn run_files_of_the_studies_are_accepted() {
    assert_no_complaints_of(run_files_in(Path::new("runs")), |path| {
        let refused = RunFile::load(path, &[]).err()?;
        CoefficientsFile::load(path, &[]).err().map(|error| format!("{refused}; {error}"))
    });
}

#[test]
fn bad_files_are_refused_in_the_words_they_carry() {
    assert_no_complaints("bad", defect);
}

/// The control of the test above: it notices acceptance, a wrong message and a missing expectation.
#[test]
fn a_wrong_expectation_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let complaint_about = |text: &str| {
        let path = directory.path().join("run.toml");
        fs::write(&path, text).unwrap();
        defect(&path).unwrap()
    };
    assert_eq!(complaint_about(&format!("#^ x\n{EVERYTHING}")), "was accepted");
    assert!(complaint_about("#^ nonsense\nversion = 2\n").ends_with("not `nonsense`"));
    assert!(complaint_about("version = 2\n").contains("does not begin with"));
}

#[test]
fn what_is_left_out_has_the_documented_default() {
    let (minimal, point) = (good("minimal"), &good("minimal").points[0]);
    assert_eq!(minimal.title, "minimal", "without a title: the file's stem");
    assert_eq!((point.stopping.trajectories, point.seed, point.block), (1024, 1, 2));
    assert_eq!(point.experiment.times.len(), 101);
    let names: Vec<String> = point.experiment.observables.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["number"]);
}

/// A run of few trajectories is not made of few blocks; nor are the blocks of many smaller than pays.
#[test]
fn a_default_block_follows_from_the_number_of_trajectories() {
    let block = |name: &str, overrides: &[&str]| {
        let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
        RunFile::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/input/good/{name}.toml")), &overrides)
            .unwrap()
            .points[0]
            .block
    };
    let of = |trajectories: u64| block("minimal", &[&format!("ensemble.trajectories={trajectories}")]);
    let known = [(2, 1), (8, 1), (64, 1), (1000, 1), (1023, 1), (1024, 2), (2047, 2), (2048, 4), (4096, 8), (8192, 16)];
    known.into_iter().for_each(|(trajectories, block)| assert_eq!(of(trajectories), block, "{trajectories}"));
    assert_eq!([16_383, 16_384, 100_000, 1 << 53].map(of), [16, 32, 32, 32]);
    for trajectories in (2..20_000).step_by(37) {
        let block = Plan::default_block(trajectories);
        assert!(block.is_power_of_two() && trajectories.div_ceil(block) >= trajectories.min(512), "{trajectories}");
        assert!(block == 32 || trajectories.div_ceil(block) <= 1024, "{trajectories}");
    }
    // With a target: eight times the first look, if there are as many.
    assert_eq!(block("target", &[]), 8);
    assert_eq!(block("target", &["ensemble.max_trajectories=2000"]), 2);
    assert_eq!(block("target", &["ensemble.min_trajectories=16"]), 1);
    assert_eq!(block("target", &["ensemble.min_trajectories=100000"]), 32);
    // Whoever names one gets it; strata are units of the statistics.
    assert_eq!(block("minimal", &["ensemble.block=64"]), 64);
    assert_eq!(block("minimal", &["ensemble.trajectories=100000", "ensemble.block=1"]), 1);
    assert_eq!(block("target", &["ensemble.block=32"]), 32);
    let spin = ["ensemble.trajectories=64", "ensemble.sampling=stratified"];
    assert_eq!(block("minimal", &spin), 32);
}

#[test]
fn targets_are_what_was_written() {
    let bounds = |name: &str| {
        let stopping = &good(name).points[0].stopping;
        (stopping.targets.len(), stopping.min_trajectories, stopping.trajectories)
    };
    assert_eq!(bounds("target"), (1, 512, 1_000_000));
    assert_eq!(bounds("targets"), (4, 300, 20_000), "ensemble.max_trajectories counts before those of the targets");
    assert_eq!(bounds("target-tables"), (2, 512, 100), "the smallest of those of the targets counts");
    let targets = good("targets").points[0].stopping.targets.clone();
    let said: Vec<String> = targets.iter().map(ToString::to_string).collect();
    assert_eq!(said[0], "relative error of number ≤ 0.01");
    assert_eq!(said[3], "standard error of heating_rate ≤ 0.01");
    let number = |name: &str, times| Quantity::Observable { name: name.into(), times };
    assert_eq!(targets[0].quantity, number("number", 1..5), "every time but the first");
    assert_eq!(targets[1].quantity, number("inversion_0", 2..3), "the nearest time");
    assert_eq!(targets[2].quantity, number("inversion_0", 4..5), "the end");
}

#[test]
fn the_last_key_of_a_sweep_runs_fastest() {
    let parameters = |key: &str| -> Vec<f64> {
        good("sweep").points.iter().map(|point| point.parameters[key].as_f64().unwrap()).collect()
    };
    assert_eq!(parameters("model.spins.0.bath.nbar"), [0.0, 0.0, 1.0, 1.0, 5.0, 5.0]);
    assert_eq!(parameters("model.spins.0.coupling"), [0.5, 1.0, 0.5, 1.0, 0.5, 1.0]);
}

#[test]
fn the_hash_knows_content_and_overrides_but_not_layout() {
    let hash = |text: &str, overrides: &[&str]| {
        let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
        RunFile::parse(text, "run", &overrides).unwrap().hash
    };
    let plain = hash(EVERYTHING, &[]);
    assert_eq!(plain, hash(&format!("# a comment\n\n{}", EVERYTHING.replace(" = ", "=")), &[]));
    assert_ne!(plain, hash(EVERYTHING, &["ensemble.seed=5"]));
    assert_eq!(plain, hash(&EVERYTHING.replace("block = 16", "block = 32"), &["ensemble.block=16"]));
}

/// One edit of a text.
#[derive(Debug, Clone)]
enum Edit {
    Delete,
    Duplicate,
    Replace(String),
}

/// Pieces that mean something in a run file, and noise.
fn piece() -> impl Strategy<Value = String> {
    const TELLING: [&str; 18] = [
        "nan",
        "-inf",
        "1e400",
        "-1",
        "0",
        "1e308",
        "9223372036854775807",
        "\"\"",
        "[]",
        "{}",
        "[[",
        "]]",
        "true",
        "1979-05-27",
        "{ a = 1 }",
        "[sweep]\n\"model.cutoff\" = [2, 3]\n",
        "\n[model]\n",
        "=",
    ];
    prop_oneof![
        prop::sample::select(&TELLING[..]).prop_map(str::to_owned),
        "\\PC{0,12}",
        "[a-z_.=\"\\[\\]{}0-9\n]{0,12}"
    ]
}

fn edit() -> impl Strategy<Value = (f64, usize, Edit)> {
    let edit = prop_oneof![Just(Edit::Delete), Just(Edit::Duplicate), piece().prop_map(Edit::Replace)];
    (0.0..1.0, 0usize..24, edit)
}

/// Applies `edit` to the `length` characters that begin at the fraction `place` of the text.
fn edited(text: &str, (place, length, edit): (f64, usize, Edit)) -> String {
    let characters: Vec<char> = text.chars().collect();
    let begin = (place * characters.len() as f64) as usize;
    let end = (begin + length).min(characters.len());
    let slice = |range: std::ops::Range<usize>| characters[range].iter().collect::<String>();
    let middle = match edit {
        Edit::Delete => String::new(),
        Edit::Duplicate => slice(begin..end).repeat(2),
        Edit::Replace(piece) => piece,
    };
    slice(0..begin) + &middle + &slice(end..characters.len())
}

/// A value after some `=` of the text, replaced.
fn with_value(text: &str, which: usize, piece: &str) -> String {
    let assignments: Vec<usize> = text.match_indices("= ").map(|(at, _)| at + 2).collect();
    let begin = assignments[which % assignments.len()];
    let end = begin + text[begin..].find([',', '}', '\n']).unwrap();
    format!("{}{piece} {}", &text[..begin], &text[end..])
}

/// Parsing may fail, but with one of the library's messages.
fn parse(text: &str, overrides: &[String]) {
    if let Err(error) = RunFile::parse(text, "fuzzed", overrides) {
        assert!(error.is_input() && !error.to_string().is_empty(), "{error:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_run_files_never_panic(edits in prop::collection::vec(edit(), 1..5)) {
        parse(&edits.into_iter().fold(EVERYTHING.to_owned(), |text, edit| edited(&text, edit)), &[]);
    }

    #[test]
    fn replaced_values_never_panic(which in any::<usize>(), piece in piece()) {
        parse(&with_value(EVERYTHING, which, &piece), &[]);
    }

    #[test]
    fn random_overrides_never_panic(
        overrides in prop::collection::vec(
            prop_oneof![
                "\\PC{0,24}",
                "[a-z0-9_.=\"]{0,24}",
                (
                    "(model|initial|time|sweep|ensemble|output)(\\.(spins|0|bath|nbar|oscillator|end|seed|[0-9]{1,20}|[a-z]{0,4})){0,4}",
                    piece(),
                )
                    .prop_map(|(key, value)| format!("{key}={value}")),
            ],
            1..4,
        )
    ) {
        parse(EVERYTHING, &overrides);
    }
}
