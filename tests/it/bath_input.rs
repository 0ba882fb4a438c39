//! Baths in run files: the bad ones are refused in the words they carry, by the parser or when coefficients are asked for.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use fluctuator::bath::{BathKind, SpectralDensity};
use fluctuator::io::run_file::CoefficientsFile;

/// The run files of `tests/input/<kind>`.
fn run_files(kind: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/input").join(kind);
    let mut files: Vec<PathBuf> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    assert!(files.len() > 5, "only {} files in {}", files.len(), directory.display());
    files
}

/// Parses a run file and computes every point's coefficients.
fn compute(path: &Path) -> fluctuator::Result<CoefficientsFile> {
    let file = CoefficientsFile::load(path, &[])?;
    for point in &file.points {
        point.bath.coefficients()?;
    }
    Ok(file)
}

/// What is wrong with a bad file's refusal, if anything.
fn defect(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).unwrap();
    let Some(expected) = text.lines().next().and_then(|line| line.strip_prefix("#^ ")) else {
        return Some("does not begin with `#^ <expected message>`".into());
    };
    match compute(path) {
        Ok(_) => Some("was accepted".into()),
        Err(error) if !error.is_input() => Some(format!("is not an error of the input (exit code 2): {error}")),
        Err(error) if !error.to_string().contains(expected) => Some(format!("says `{error}`, not `{expected}`")),
        Err(_) => None,
    }
}

#[test]
fn bad_baths_are_refused_in_the_words_they_carry() {
    let files = run_files("bad-density");
    let defects: Vec<String> =
        files.iter().filter_map(|path| Some(format!("{}: {}", path.display(), defect(path)?))).collect();
    assert!(defects.is_empty(), "{} of {}:\n{}", defects.len(), files.len(), defects.join("\n"));
}

/// The control: an acceptable bath and a wrong expectation are complained about.
#[test]
fn acceptance_and_wrong_words_are_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.toml");
    let about = |first: &str, name: &str| {
        let original = run_files("bad-density").into_iter().find(|path| path.ends_with(name)).unwrap();
        let text = fs::read_to_string(original).unwrap();
        fs::write(&path, format!("{first}\n{}", text.split_once('\n').unwrap().1.replace("= -0.5", "= 0.5"))).unwrap();
        defect(&path).unwrap()
    };
    assert_eq!(about("#^ T must be ≥ 0", "temperature-negative.toml"), "was accepted");
    assert!(about("#^ nonsense", "cutoff-zero.toml").ends_with("not `nonsense`"));
    assert!(about("# nothing", "cutoff-zero.toml").contains("does not begin with"));
}

#[test]
fn good_baths_have_coefficients() {
    for path in run_files("good-density") {
        if let Err(error) = compute(&path) {
            panic!("{}: {error}", path.display());
        }
    }
}

#[test]
fn what_is_written_is_what_is_meant() {
    let load = |name: &str| {
        let path = run_files("good-density").into_iter().find(|path| path.ends_with(name)).unwrap();
        CoefficientsFile::load(&path, &["title=words".into()]).unwrap()
    };
    let everything = load("everything.toml");
    assert_eq!((everything.title.as_str(), everything.points.len()), ("words", 4));
    let bath = &everything.points[1].bath;
    assert_eq!((bath.kind, bath.mass, bath.frequency, bath.temperature), (BathKind::Spin, 2.0, 1.5, 1.0));
    assert_eq!((bath.diffusion_floor, bath.tolerance), (0.01, 1e-7));
    assert_eq!(bath.density, SpectralDensity::OhmicDrude { mass: 2.0, gamma0: 0.1, cutoff: 2.0 });
    let spins = &load("spins-broadened.toml").points[0].bath;
    let SpectralDensity::Spins(list) = &spins.density else { panic!("{spins:?}") };
    assert_eq!(spins.kind, BathKind::Oscillator);
    assert_eq!(list.spins().len(), 2);
    assert!((list.constant(0.5) - 0.0036).abs() < 1e-15, "Σ(gω/ω̃)², the paper's");
    let [(low, weight), (high, _)] = list.lines() else { panic!("{list:?}") };
    assert!((low - 1.0).abs() < 1e-15 && (weight - 0.0064).abs() < 1e-15 && *high == 1.7);
}
