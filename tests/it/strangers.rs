//! Files that are not what they should be: pipes, devices, other people's; and texts that would do something to a terminal.

#![allow(clippy::unwrap_used)]
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;

use crate::cli::{Finished, Sandbox};

const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the program with arguments that may hold anything and something on its standard input.
fn fluctuator(sandbox: &Sandbox, code: i32, arguments: &[&str], input: &[u8]) -> Finished {
    let mut command = assert_cmd::Command::new(cargo_bin!("fluctuator"));
    command.current_dir(sandbox.path(".")).args(arguments).write_stdin(input).timeout(PATIENCE);
    let assertion = command.assert().code(code);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Finished { stdout: text(&assertion.get_output().stdout), stderr: text(&assertion.get_output().stderr) }
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_run_file_from_standard_input_is_read_once() {
    let sandbox = Sandbox::new();
    let text = sandbox.read("run.toml");
    sandbox.expect(0, "run run.toml --quiet --trajectories 16");
    for name in ["-", "/dev/stdin"] {
        // `--trajectories` asks the run file whether it has a target before it is set.
        fluctuator(
            &sandbox,
            0,
            &["run", name, "--quiet", "--trajectories", "16", "--restart", "--force"],
            text.as_bytes(),
        );
        assert_eq!(sandbox.points("out/stdin"), sandbox.points("out/run"), "{name}");
    }
    assert!(fluctuator(&sandbox, 0, &["check", "-"], text.as_bytes()).stdout.contains("the run file is sound"));
    let shell = format!("{} check <(cat run.toml)", cargo_bin!("fluctuator").display());
    let piped = Command::new("bash").args(["-c", &shell]).current_dir(sandbox.path(".")).output().unwrap();
    assert!(piped.status.success(), "{piped:?}");
    assert!(
        fluctuator(&sandbox, 2, &["check", "-"], b"\xff\xfe")
            .error()
            .ends_with("the run file cannot be read: is not UTF-8")
    );
    let refused = fluctuator(&sandbox, 2, &["run", "-", "--mpi"], text.as_bytes());
    assert!(refused.error().contains("every rank reads the run file"));
}

#[test]
fn what_is_no_run_file_is_bad_input() {
    let sandbox = Sandbox::new();
    fifo(&sandbox.path("pipe.toml"));
    fs::create_dir(sandbox.path("directory.toml")).unwrap();
    fs::write(sandbox.path("latin.toml"), b"title = \"\xe9\"").unwrap();
    for (name, reason) in [
        ("absent.toml", "No such file"),
        ("pipe.toml", "is a pipe or a device, not a regular file"),
        ("directory.toml", "is a directory, not a file"),
        ("latin.toml", "is not UTF-8"),
        ("/dev/zero", "is a pipe or a device, not a regular file"),
    ] {
        for command in ["run", "check", "exact", "converge", "coverage", "coefficients"] {
            let finished = sandbox.expect(2, &format!("{command} {name}"));
            let error = finished.error();
            assert!(
                error.starts_with(&format!("{name}: the run file cannot be read: ")) && error.contains(reason),
                "{error}"
            );
        }
    }
    assert!(!sandbox.path("out").exists());
}

#[test]
fn pipes_in_result_directories_are_no_results() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, "run run.toml --quiet --out done");
    fs::create_dir_all(sandbox.path("odd/blocks/point-0000")).unwrap();
    fifo(&sandbox.path("odd/summary.json"));
    fifo(&sandbox.path("odd/blocks/point-0000/trajectories-0-64-000000000000.blocks"));
    for arguments in ["plot odd", "compare done odd"] {
        assert!(sandbox.expect(1, arguments).error().contains("is a pipe or a device"), "{arguments}");
    }
    for arguments in ["status odd", "merge odd"] {
        assert!(sandbox.expect(2, arguments).error().contains("is a pipe or a device"), "{arguments}");
    }
}

const DENSITY: &str = "version = 1\n[model]\nkind = \"born-markov\"\nfrequency = 1.0\ntemperature = 0.5\n\
                       density = { kind = \"table\", file = \"FILE\" }\n[time]\nend = 1.0\n";

#[test]
fn a_density_table_is_a_regular_file_of_a_size_and_is_not_quoted() {
    let sandbox = Sandbox::new();
    fifo(&sandbox.path("pipe.csv"));
    sandbox.write("secret.csv", "root:x:0:0:the secret\n1,2\n");
    sandbox.write("numbers.csv", "omega, J\n0,0\n1,the secret\n");
    fs::write(sandbox.path("long.csv"), "0.5,0.25\n".repeat(1_000_000)).unwrap();
    for (name, reason) in [
        ("pipe.csv", "is a pipe or a device, not a regular file"),
        ("/dev/zero", "is a pipe or a device, not a regular file"),
        ("secret.csv", "line 1 is not two numbers"),
        ("numbers.csv", "line 3 is not two numbers"),
        ("long.csv", "is longer than 8000000 bytes"),
        ("absent.csv", "No such file"),
    ] {
        sandbox.write("density.toml", &DENSITY.replace("FILE", name));
        for command in ["check", "coefficients"] {
            let error = sandbox.expect(2, &format!("{command} density.toml")).error().to_owned();
            assert!(error.contains(reason) && !error.contains("secret\n") && !error.contains("the secret"), "{error}");
        }
    }
}

#[test]
fn files_are_whose_the_umask_says() {
    for (umask, mode) in [("022", 0o644), ("027", 0o640), ("077", 0o600), ("002", 0o664)] {
        let sandbox = Sandbox::new();
        let program = cargo_bin!("fluctuator");
        let shell = format!(
            "umask {umask}; exec {} run run.toml --quiet --out a --trajectories 16 --set output.exact=true",
            program.display()
        );
        assert!(Command::new("sh").args(["-c", &shell]).current_dir(sandbox.path(".")).status().unwrap().success());
        let mut files = vec![sandbox.path("a/exact/summary.json")];
        for entry in
            fs::read_dir(sandbox.path("a")).unwrap().chain(fs::read_dir(sandbox.path("a/blocks/point-0000")).unwrap())
        {
            files.push(entry.unwrap().path());
        }
        files.retain(|path| path.is_file());
        assert!(files.len() >= 6, "{files:?}");
        for path in files {
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
        }
    }
}

/// What would move the cursor, ring, or hide text.
const HOSTILE: &str = "\\u001b[31mred\\u0007\\u009b2J\\u202eback";

fn assert_harmless(text: &str) {
    let odd = text.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
    assert_eq!(odd, None, "{text:?}");
}

#[test]
fn control_characters_reach_neither_terminal_nor_picture() {
    let sandbox = Sandbox::new();
    let text = sandbox.read("run.toml").replace("One spin", HOSTILE);
    sandbox.write("title.toml", &text);
    let mut said = String::new();
    let mut hear = |finished: Finished| said += &format!("{}{}", finished.stdout, finished.stderr);
    hear(sandbox.expect(0, "run title.toml --out a"));
    hear(sandbox.expect(0, "check title.toml"));
    hear(sandbox.expect(0, "exact title.toml --out b"));
    hear(sandbox.expect(0, "merge a --out c"));
    hear(sandbox.expect(0, "status a"));
    let escape = "\u{1b}]0;owned\u{7}";
    for setting in [
        format!("model.{escape}=1"),
        format!("model.kind={escape}"),
        escape.to_owned(),
        format!("output.observables=[\"{HOSTILE}\"]"),
        format!("sweep.model.spins.0.initial=[\"ground\",\"{HOSTILE}\"]"),
    ] {
        hear(fluctuator(&sandbox, 2, &["run", "run.toml", "--set", &setting], b""));
    }
    hear(fluctuator(&sandbox, 0, &["check", "run.toml", "--set", &format!("title={escape}\n[[[{escape}")], b""));
    hear(fluctuator(&sandbox, 2, &["check", "-"], format!("{escape} = [[").as_bytes()));
    hear(fluctuator(&sandbox, 2, &["check", &format!("{escape}.toml")], b""));
    assert_harmless(&said);
    assert!(said.contains("\\u{1b}[31mred\\u{7}\\u{9b}2J\\u{202e}back"), "{said}");
    for picture in ["a/number.svg", "b/number.svg", "c/number.svg"] {
        let svg = sandbox.read(picture);
        assert_harmless(&svg);
        assert!(svg.contains("\\u{1b}[31mred"), "{picture}");
    }
    // The file itself is kept word for word.
    assert_eq!(sandbox.summary("a")["provenance"]["run_file"], text);
}

/// A result and stored blocks of somebody else's, whose names and values are not ours.
#[test]
fn what_others_wrote_is_shown_without_control_characters() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, "run run.toml --quiet --out a --set sweep.model.spins.0.bath.nbar=[0.0,1.0]");
    let hostile =
        sandbox.read("a/summary.json").replace("model.spins.0.bath.nbar", &format!("model.{HOSTILE}\\nerror: none"));
    sandbox.write("a/summary.json", &hostile);
    let compared = sandbox.expect(0, "compare a a");
    sandbox.expect(0, "plot a");
    assert_harmless(&compared.stdout);
    assert!(!compared.stdout.lines().any(|line| line.starts_with("error: none")), "{}", compared.stdout);
    assert_harmless(&sandbox.read("a/number.svg"));
    assert_harmless(&sandbox.read("a/heating.svg"));
}

#[test]
fn titles_and_labels_of_any_length_fit_into_pictures() {
    let sandbox = Sandbox::new();
    let size = |svg: &str| {
        let number = |name: &str| -> f64 {
            let rest = svg.split_once(&format!("{name}=\"")).unwrap().1;
            rest.split_once('"').unwrap().0.parse().unwrap()
        };
        (number("width"), number("height"))
    };
    for title in ["x".repeat(4_000_000), "語".repeat(300_000), "$$ ".repeat(500_000), "many words ".repeat(300_000)] {
        sandbox.write("long.toml", &sandbox.read("run.toml").replace("One spin", &title));
        let finished = sandbox.expect(0, "run long.toml --trajectories 8 --restart --force");
        assert!(finished.stdout.lines().next().unwrap().chars().count() <= 100);
        let svg = sandbox.read("out/long/number.svg");
        let (width, height) = size(&svg);
        assert!(width < 1200.0 && height < 800.0 && svg.contains('…'), "{width} × {height}");
    }
    // A swept table of the model, whose text is the label.
    let long = format!("{{excited_probability=0.{}1}}", "0".repeat(3000));
    let sweep = format!("sweep.model.spins.0.initial=[\"ground\",{long}]");
    let finished =
        fluctuator(&sandbox, 0, &["run", "run.toml", "--trajectories", "8", "--set", &sweep, "--out", "swept"], b"");
    assert!(finished.stdout.lines().all(|line| line.chars().count() < 260), "{}", finished.stdout);
    let (width, height) = size(&sandbox.read("swept/number.svg"));
    assert!(width < 1600.0 && height < 800.0, "{width} × {height}");
}

#[test]
fn an_inversion_needs_a_spin() {
    let sandbox = Sandbox::new();
    for model in [
        "kind = \"adiabatic\"\ndiffusion = 0.1",
        "kind = \"oscillator-spins\"\noscillator_bath = { kappa = 1.0, nbar = 1.0 }",
    ] {
        let output = "[output]\nobservables = [\"number\", \"inversion\"]";
        sandbox.write(
            "bare.toml",
            &format!("version = 1\n[model]\nfrequency = 1.0\n{model}\n[time]\nend = 1.0\n{output}\n"),
        );
        let finished = sandbox.expect(2, "check bare.toml");
        let expected = "`output.observables` = \"inversion\": there are no spins: leave it out";
        assert!(finished.error().starts_with(expected), "{}", finished.error());
    }
}
