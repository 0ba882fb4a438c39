//! The house rules of `src/`: who may import whom, which file is the door of a foreign crate, heads and lengths.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

/// A module may import modules of later rows only; modules of one row never import each other.
const LAYERS: [&[&str]; 12] = [
    &["cli"],
    &["io"],
    &["analysis"],
    &["ensemble"],
    &["unravelling", "master"],
    &["propagate"],
    &["system"],
    &["hilbert"],
    &["model"],
    &["operator"],
    &["bath"],
    &["error"],
];

/// Imports that the layers would allow: the density matrix is an oracle that shares no propagator with the trajectories.
const FORBIDDEN: [(&str, &str); 1] = [("master", "propagate")];

/// A foreign crate and the only places (a file, or a folder with a final slash) that may name it.
const DOORS: [(&str, &[&str]); 18] = [
    ("bilby", &["bath/quadrature.rs"]),
    ("clap", &["cli/"]),
    ("indicatif", &["cli/progress.rs", "cli/status.rs"]),
    ("kuva", &["io/figure.rs"]),
    ("mpi", &["io/ranks/mpi_wire.rs"]),
    ("nalgebra", &["master/", "ensemble/least_squares.rs", "ensemble/closure.rs", "ensemble/pilot_moments.rs"]),
    ("netcdf3", &["io/netcdf.rs", "io/netcdf/"]),
    ("postcard", &["io/blocks/format.rs", "io/ranks/protocol.rs"]),
    ("pulp", &["hilbert/lanes.rs"]),
    ("rand", &["ensemble/streams.rs"]),
    ("rand_distr", &["ensemble/streams.rs", "ensemble/preparation.rs"]),
    ("rayon", &["ensemble/threads.rs", "hilbert/pieces.rs"]),
    ("sha2", &["io/provenance.rs"]),
    ("signal_hook", &["cli/interrupt.rs"]),
    ("statrs", &["analysis/", "bath/"]),
    ("tempfile", &["io/"]),
    ("thiserror", &["error.rs"]),
    ("toml", &["io/run_file/"]),
];

const MOST_LINES: usize = 400;

/// A source file: its path below `src` and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Names of the modules that lead to this file: `io/run_file/mod.rs` is `io`, `run_file`.
    fn modules(&self) -> Vec<&str> {
        let mut modules: Vec<&str> = self.path.trim_end_matches(".rs").split('/').collect();
        modules.pop_if(|last| ["mod", "lib", "main"].contains(last));
        modules
    }

    /// The text without comments, byte for byte at the same line.
    fn code(&self) -> String {
        self.text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
    }

    /// `src/path:line` of a byte of [`Source::code`], and what is wrong there.
    fn complain(&self, code: &str, at: usize, what: &str) -> String {
        format!("src/{}:{}: {what}", self.path, code[..at].matches('\n').count() + 1)
    }
}

/// All of `src/**/*.rs`.
fn sources() -> Vec<Source> {
    fn collect(root: &Path, directory: &Path, found: &mut Vec<Source>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(root, &path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                found.push(Source { path: below, text: fs::read_to_string(&path).unwrap() });
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &root, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 30, "only {} source files below {}", found.len(), root.display());
    found
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Where `word` begins in `code` as a whole word.
fn occurrences<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |&at| !code[..at].ends_with(is_word) && !code[at + word.len()..].starts_with(is_word))
}

/// The first names of the paths at the beginning of `rest`: `a::b` has `a`, `{c, d::{e, f}}` has `c` and `d`; with the
/// bytes where they begin.
fn first_names(rest: &str) -> Vec<(usize, &str)> {
    let name_at = |at: usize| {
        let length = rest[at..].find(|c| !is_word(c)).unwrap_or(rest.len() - at);
        (at, &rest[at..at + length])
    };
    if !rest.starts_with('{') {
        return vec![name_at(0)];
    }
    let (mut depth, mut fresh, mut names) = (0, false, Vec::new());
    for (at, character) in rest.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ if fresh && is_word(character) => {
                names.push(name_at(at));
                fresh = false;
            }
            _ => {}
        }
        fresh |= depth == 1 && (character == ',' || at == 0);
        if depth == 0 {
            break;
        }
    }
    names
}

/// Top-level modules that the file names, through `crate::` or through enough `super::`s, and where.
///
/// `super` is counted from the file; inside an inline module that finds a `super::` too many, never one too few.
fn imports(source: &Source, code: &str) -> Vec<(usize, String)> {
    let depth = source.modules().len();
    let mut found = Vec::new();
    let mut push =
        |at: usize| found.extend(first_names(&code[at..]).into_iter().map(|(o, name)| (at + o, name.to_owned())));
    for at in occurrences(code, "crate").filter(|at| code[at + 5..].starts_with("::")) {
        push(at + "crate::".len());
    }
    for at in occurrences(code, "super").filter(|&at| !code[..at].ends_with("super::")) {
        let supers = code[at..].split("::").take_while(|part| *part == "super").count();
        if supers >= depth {
            push(at + supers * "super::".len());
        }
    }
    found
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

/// Imports against the rule.
fn layering_violations(source: &Source) -> Vec<String> {
    let Some(home) = source.modules().first().copied() else { return Vec::new() };
    let code = source.code();
    let Some(own) = layer(home) else {
        return vec![source.complain(&code, 0, &format!("the module {home} has no place in the import rule"))];
    };
    let allowed = |module: &str| match layer(module) {
        Some(other) => module == home || (other > own && !FORBIDDEN.contains(&(home, module))),
        None => true,
    };
    let forbidden = imports(source, &code).into_iter().filter(|(_, module)| !allowed(module));
    forbidden.map(|(at, module)| source.complain(&code, at, &format!("{home} may not import {module}"))).collect()
}

/// What `mod.rs` of a folder exports of its modules: name and module.
fn exports(code: &str, modules: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for module in modules {
        for at in occurrences(code, module).filter(|at| code[..*at].ends_with("use ")) {
            let Some(path) = code[at + module.len()..].strip_prefix("::") else { continue };
            let path = &path[..path.find(';').unwrap_or(path.len())];
            for name in path.split([',', '{', '}']) {
                let name = name.rsplit([' ', ':', '\n']).find(|part| !part.is_empty()).unwrap_or("");
                found.push((name.to_owned(), (*module).to_owned()));
            }
        }
    }
    found
}

/// The modules of one folder that import each other in a circle, with what each of them imports of the others. Their tests may import
/// what they like.
fn circle(folder: &[&str], sources: &[Source]) -> Vec<String> {
    let inside = |source: &&Source| source.modules().starts_with(folder);
    let module_of = |source: &Source| source.modules().get(folder.len()).map(|module| (*module).to_owned());
    let mut names: Vec<String> = sources.iter().filter(inside).filter_map(module_of).collect();
    names.dedup();
    let modules: Vec<&str> = names.iter().map(String::as_str).collect();
    let head = sources.iter().find(|source| source.modules() == folder && source.path.ends_with("mod.rs"));
    let exports = head.map(|head| exports(&head.code(), &modules)).unwrap_or_default();
    let mut imports: Vec<(String, String)> = Vec::new();
    for source in sources.iter().filter(inside) {
        let Some(own) = module_of(source) else { continue };
        let code = source.code();
        let code = code.split("#[cfg(test)]\nmod tests").next().unwrap_or("");
        let mut places = Vec::new();
        let path = format!("crate::{}::", folder.join("::"));
        places.extend(code.match_indices(&path).map(|(at, _)| at + path.len()));
        for at in occurrences(code, "super").filter(|&at| !code[..at].ends_with("super::")) {
            let supers = code[at..].split("::").take_while(|part| *part == "super").count();
            if supers == source.modules().len() - folder.len() {
                places.push(at + supers * "super::".len());
            }
        }
        for (_, name) in places.into_iter().flat_map(|at| first_names(&code[at..])) {
            let exported = || exports.iter().find(|(known, _)| known == name).map(|(_, module)| module.clone());
            let other = if modules.contains(&name) { Some(name.to_owned()) } else { exported() };
            imports.extend(other.filter(|other| *other != own).map(|other| (own.clone(), other)));
        }
    }
    // Whoever imports nobody that is left is in no circle.
    let mut left = names.clone();
    loop {
        let before = left.len();
        let known = left.clone();
        left.retain(|module| imports.iter().any(|(from, to)| from == module && known.contains(to)));
        if left.len() == before {
            break;
        }
    }
    let mut circle: Vec<String> = imports
        .into_iter()
        .filter(|(from, to)| left.contains(from) && left.contains(to))
        .map(|(from, to)| format!("src/{}: {from} imports {to}", folder.join("/")))
        .collect();
    circle.sort();
    circle.dedup();
    circle
}

/// Foreign crates named outside their door.
fn door_violations(source: &Source) -> Vec<String> {
    let code = source.code();
    let mut found = Vec::new();
    for (name, doors) in DOORS {
        if doors.iter().any(|door| source.path == *door || (door.ends_with('/') && source.path.starts_with(door))) {
            continue;
        }
        let named = |at: &usize| code[at + name.len()..].starts_with("::") || code[..*at].ends_with("use ");
        let what = format!("the crate {name} belongs to src/{}", doors.join(", src/"));
        found.extend(occurrences(&code, name).filter(named).map(|at| source.complain(&code, at, &what)));
    }
    found
}

/// A missing head, a file that has grown too long.
fn shape_violations(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    let headless = !source.text.starts_with("//! ");
    let long = lines > MOST_LINES;
    let head =
        headless.then(|| format!("src/{}:1: does not begin with a `//!` line that says what it is", source.path));
    let length = long.then(|| format!("src/{}:{lines}: has {lines} lines, more than {MOST_LINES}", source.path));
    head.into_iter().chain(length).collect()
}

fn assert_none(violations: impl Fn(&Source) -> Vec<String>) {
    let found: Vec<String> = sources().iter().flat_map(violations).collect();
    assert!(found.is_empty(), "{} violations:\n{}", found.len(), found.join("\n"));
}

#[test]
fn modules_import_only_what_lies_to_their_right() {
    assert_none(layering_violations);
}

#[test]
fn no_modules_of_a_folder_import_each_other_in_a_circle() {
    let sources = sources();
    let folders = sources.iter().filter(|source| source.path.ends_with("/mod.rs")).map(Source::modules);
    let circles: Vec<String> = folders.flat_map(|folder| circle(&folder, &sources)).collect();
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

/// The control: circles are found through re-exports and from folders below, and what a test or a comment names is none.
#[test]
fn a_circle_is_found() {
    let sources = |a: &str, b: &str| {
        let head = "mod a;\nmod b;\npub use b::{Fine, deep::Other as B};\npub use a::A;";
        [("x/mod.rs", head), ("x/a.rs", a), ("x/b/mod.rs", "mod deep;"), ("x/b/deep.rs", b)]
            .map(|(path, text)| Source::new(path, text))
    };
    let found = |a: &str, b: &str| circle(&["x"], &sources(a, b)).join("; ");
    let both = "src/x: a imports b; src/x: b imports a";
    assert_eq!(found("use super::b::Fine;", "use super::super::a::A;"), both);
    assert_eq!(found("use super::{B, Y};", "fn f() { crate::x::A::new() }"), both);
    assert_eq!(found("use super::Fine;", "use super::A;"), "", "an A of its own folder");
    assert_eq!(
        found("use super::b::Fine;", "// super::super::a::A\n#[cfg(test)]\nmod tests {\n    use crate::x::A;\n}"),
        ""
    );
    assert_eq!(found("use crate::y::B;", "use crate::x::A;"), "");
}

#[test]
fn foreign_crates_have_one_door() {
    assert_none(door_violations);
}

#[test]
fn files_have_a_head_and_are_short() {
    assert_none(shape_violations);
}

#[test]
fn every_top_level_module_exists_and_has_a_layer() {
    let sources = sources();
    let exists = |module: &str| sources.iter().any(|source| source.modules().first() == Some(&module));
    let missing: Vec<&&str> = LAYERS.iter().copied().flatten().filter(|module| !exists(module)).collect();
    assert!(missing.is_empty(), "the import rule speaks of {missing:?}, which src/ does not have");
}

/// The control: every way to write a forbidden import is found, at its line.
#[test]
fn a_forbidden_import_is_found() {
    let violations = |path: &str, text: &str| layering_violations(&Source::new(path, text));
    let defect = |path: &str, text: &str| violations(path, text).join("; ");
    assert_eq!(defect("model/spin.rs", "//! x\nuse crate::io::write;"), "src/model/spin.rs:2: model may not import io");
    assert_eq!(
        defect("system/chain.rs", "use crate::{\n    Error, hilbert::{Ket, model},\n    ensemble,\n};"),
        "src/system/chain.rs:3: system may not import ensemble"
    );
    assert_eq!(
        defect("master/mod.rs", "fn f() { crate::unravelling::run() }"),
        "src/master/mod.rs:1: master may not import unravelling"
    );
    assert_eq!(
        defect("unravelling/mod.rs", "pub use super::master;"),
        "src/unravelling/mod.rs:1: unravelling may not import master"
    );
    assert_eq!(
        defect("io/run_file/model.rs", "use super::super::super::cli::main;"),
        "src/io/run_file/model.rs:1: io may not import cli"
    );
    assert_eq!(
        defect("master/krylov.rs", "use crate::propagate::X;"),
        "src/master/krylov.rs:1: master may not import propagate"
    );
    assert_eq!(
        defect("hilbert/ket.rs", "#[cfg(test)]\nmod tests {\n    use crate::system::Register;\n}"),
        "src/hilbert/ket.rs:3: hilbert may not import system"
    );
    assert_eq!(defect("gui/mod.rs", ""), "src/gui/mod.rs:1: the module gui has no place in the import rule");
}

/// The control: what is allowed is left alone.
#[test]
fn an_allowed_import_is_not_reported() {
    let none = |path: &str, text: &str| assert_eq!(layering_violations(&Source::new(path, text)), Vec::<String>::new());
    none("cli/run.rs", "use crate::{Error, io::run_file, model::Model};\nuse super::table;");
    none("system/chain.rs", "/// Unlike [`crate::cli`].\nuse crate::model::Model;\nuse crate::system::Register;");
    none("io/run_file/mod.rs", "use super::provenance::hash_text;\nuse self::model::parse;");
    none("lib.rs", "pub mod cli;\npub use crate::cli::main;");
}

/// The control: a crate outside its door is found, a headless and an endless file too.
#[test]
fn other_broken_rules_are_found() {
    let doors = |path: &str, text: &str| door_violations(&Source::new(path, text)).join("; ");
    assert_eq!(
        doors("model/spin.rs", "//! x\n\nuse rand::Rng;"),
        "src/model/spin.rs:3: the crate rand belongs to src/ensemble/streams.rs"
    );
    assert_eq!(
        doors("io/plot.rs", "fn f() { rayon::join(a, b) }"),
        "src/io/plot.rs:1: the crate rayon belongs to src/ensemble/threads.rs, src/hilbert/pieces.rs"
    );
    assert_eq!(doors("ensemble/streams.rs", "use rand::Rng;\nlet operand::x = strand::y;"), "");
    assert_eq!(shape_violations(&Source::new("a.rs", "use b;")).len(), 1);
    assert_eq!(shape_violations(&Source::new("a.rs", &("//! x\n".to_owned() + &"\n".repeat(MOST_LINES)))).len(), 1);
}
