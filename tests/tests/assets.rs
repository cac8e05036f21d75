//! Embedded files from the command line and the project file to `inspect`, `extract` and the running program.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use sema_tests::{Outcome, Scratch, outcome, runtime, semac_in};

#[track_caller]
fn semac(directory: &Path, arguments: &[&str]) -> Outcome {
    outcome(semac_in(directory).args(arguments), b"")
}

#[track_caller]
fn build(directory: &Path, arguments: &[&str]) -> Outcome {
    let mut command = semac_in(directory);
    command.arg("build").args(arguments);
    outcome(command.arg("--runtime").arg(runtime()), b"")
}

/// Runs a program far away from its sources.
#[track_caller]
fn run(executable: &Path) -> String {
    let elsewhere = Scratch::new();
    let mut command = Command::new(executable);
    outcome(command.current_dir(elsewhere.path()), b"")
        .succeeded()
        .stdout
}

fn assets(directory: &Path, app: &str) -> Vec<String> {
    let text = semac(directory, &["inspect", app, "--json"])
        .succeeded()
        .stdout;
    let found: serde_json::Value = serde_json::from_str(&text).unwrap();
    let assets = found["assets"].as_array().unwrap().iter();
    assets
        .map(|asset| asset["path"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn places_patterns_and_excludes() {
    let project = Scratch::with(&[
        ("app/main.sema", "(println (file/read \"in/a.txt\"))\n"),
        ("data/a.txt", "a"),
        ("data/b.txt", "b"),
        ("data/b.bak", "old"),
        ("data/deep/c.txt", "c"),
    ]);
    let directory = project.file("app");
    let arguments = [
        "main.sema",
        "--include",
        "../data=in",
        "--exclude",
        "*.bak",
        "--exclude",
        "in/deep",
    ];
    let got = build(&directory, &arguments).succeeded();
    assert!(!got.stderr.contains("Warning"), "{}", got.stderr);
    assert_eq!(assets(&directory, "main"), ["in/a.txt", "in/b.txt"]);
    assert_eq!(run(&directory.join("main")), "a\n");
    build(
        project.path(),
        &["app/main.sema", "--include", "data/**/*.txt"],
    )
    .succeeded();
    assert_eq!(
        assets(project.path(), "main"),
        ["data/a.txt", "data/b.txt", "data/deep/c.txt"]
    );
}

#[test]
fn an_include_of_nothing_is_an_error_and_leaves_nothing() {
    let project = Scratch::with(&[("main.sema", "1"), ("data/a.txt", "a")]);
    fs::create_dir(project.file("empty")).unwrap();
    for (arguments, message) in [
        (
            ["--include", "empty"].as_slice(),
            "'empty' includes nothing: the directory has no files",
        ),
        (
            &["--include", "data/*.csv"],
            "'data/*.csv' includes nothing: no file matches",
        ),
        (
            &["--include", "data", "--exclude", "a.*"],
            "left out by --exclude",
        ),
        (&["--include", "no"], "cannot include 'no'"),
        (&["--include", "data=../x"], "'..'"),
        (&["--exclude", "[a"], "the pattern '[a' cannot be read"),
    ] {
        let line = [&["main.sema"], arguments].concat();
        build(project.path(), &line).failed_with(1, message);
        assert_eq!(project.names(), ["data", "empty", "main.sema"]);
    }
}

#[test]
fn what_a_program_reads_and_does_not_carry_is_a_warning() {
    let source = "\
(define table \"data/t.csv\")
(println (file/read \"data/a.txt\"))
(println (file/read-lines table))
(file/write \"log.txt\" \"x\")
(file/read \"log.txt\")
(file/read \"missing.txt\")
(file/read \"/etc/passwd\")
(file/exists? \"data/b.txt\")
(for-each file/read (file/list \"more\"))
";
    let project = Scratch::with(&[
        ("main.sema", source),
        ("data/a.txt", "a"),
        ("data/b.txt", "b"),
        ("data/t.csv", "t"),
        ("log.txt", "earlier"),
        ("more/x", "x"),
    ]);
    let got = build(project.path(), &["main.sema"]).succeeded().stderr;
    for expected in [
        "file/read reads 'data/a.txt'",
        "main.sema:2:21",
        "file/read-lines reads 'data/t.csv'",
        "main.sema:3:27",
        "file/list reads 'more'",
        "`--include data/a.txt` puts it in",
        "W0410",
    ] {
        assert!(got.contains(expected), "{expected}: {got}");
    }
    assert_eq!(got.matches("W0410").count(), 3, "{got}");
    build(
        project.path(),
        &["main.sema", "--deny-warnings", "-o", "denied"],
    )
    .failed_with(1, "W0410");
    assert!(!project.file("denied").exists());
    let settled = [
        "main.sema",
        "--include",
        "data",
        "--exclude",
        "more",
        "--deny-warnings",
    ];
    build(project.path(), &settled).succeeded();
    // From elsewhere the files beside the program count.
    let name = project.file("main.sema");
    let elsewhere = Scratch::new();
    let got = build(elsewhere.path(), &[name.to_str().unwrap()]).succeeded();
    assert_eq!(got.stderr.matches("W0410").count(), 3, "{}", got.stderr);
}

const PROJECT: &str = "\
[build]
entry = \"src/main.sema\"
include = [\"data/*.txt\", \"logo.svg=images/\"]
exclude = [\"b.txt\"]
output = \"dist/report\"
tier = \"std\"
capabilities = [\"fs-read\"]
";

fn project() -> Scratch {
    Scratch::with(&[
        ("p/sema.toml", PROJECT),
        (
            "p/src/main.sema",
            "(println (file/read \"data/a.txt\") (file/read \"images/logo.svg\"))\n",
        ),
        ("p/data/a.txt", "a"),
        ("p/data/b.txt", "b"),
        ("p/logo.svg", "<svg/>"),
    ])
}

#[test]
fn the_project_file_says_what_is_built() {
    let project = project();
    for (directory, arguments) in [("p", [].as_slice()), ("", &["p"]), ("p/src", &[".."])] {
        build(&project.file(directory), arguments).succeeded();
        let app = project.file("p/dist/report");
        assert_eq!(run(&app), "a <svg/>\n", "{directory}");
        assert_eq!(
            assets(project.path(), "p/dist/report"),
            ["data/a.txt", "images/logo.svg"]
        );
        fs::remove_file(app).unwrap();
    }
    // The command line wins.
    let line = [
        "p",
        "-o",
        "other",
        "--include",
        "p/data/b.txt=images/logo.svg",
    ];
    build(project.path(), &line).succeeded();
    assert_eq!(run(&project.file("other")), "a b\n");
    assert!(!project.file("p/dist/report").exists());
    // Beside the program it counts, too, unless it is about another one.
    project.write("p/sema.toml", PROJECT.replace("src/", ""));
    fs::rename(project.file("p/src/main.sema"), project.file("p/main.sema")).unwrap();
    build(project.path(), &["p/main.sema"]).succeeded();
    assert_eq!(run(&project.file("p/dist/report")), "a <svg/>\n");
    project.write("p/second.sema", "(println 2)");
    build(project.path(), &["p/second.sema"]).succeeded();
    assert_eq!(assets(project.path(), "second"), [""; 0]);
}

#[test]
fn mistakes_in_the_project_file_are_shown_where_they_are() {
    let project = project();
    let wrong = |text: &str| {
        project.write("p/sema.toml", text);
        build(project.path(), &["p"])
    };
    let got = wrong("[build]\nentry = \"src/main.sema\"\ninclued = []\n");
    assert!(got.stderr.contains("p/sema.toml:3:1"), "{got:?}");
    assert!(got.stderr.contains("Did you mean 'include'?"), "{got:?}");
    got.failed_with(1, "unknown key 'inclued'");
    wrong("[build\n").failed_with(1, "E0003");
    // Scripts get a report of that, too.
    let report = build(project.path(), &["p", "--json"])
        .failed_with(1, "E0003")
        .stdout;
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["error"], "sema.toml has mistakes");
    assert_eq!(report["diagnostics"][0]["line"], 1);
    wrong("[build]\n").failed_with(1, "does not say which file the program begins with");
    wrong("[package]\n").failed_with(1, "has no sema.toml with a table [build]");
    build(project.path(), &[]).failed_with(2, "no FILE is given");
    wrong(&PROJECT.replace("fs-read", "process")).failed_with(
        1,
        "reaches file/read, which needs the capability fs-read, and sema.toml does not grant it",
    );
    wrong(&PROJECT.replace("data/*.txt", "nothing")).failed_with(1, "cannot include");
    assert!(!project.file("p/dist").exists());
}

#[test]
fn files_come_out_as_they_went_in() {
    let project = Scratch::with(&[
        ("main.sema", "1"),
        ("data/a.txt", "a"),
        ("data/b/c.txt", "c"),
    ]);
    let long = "0123456789".repeat(100_000);
    project.write("data/long.txt", &long);
    build(
        project.path(),
        &["main.sema", "--include", "data", "-o", "app"],
    )
    .succeeded();
    let extract =
        |arguments: &[&str]| semac(project.path(), &[&["extract", "app"], arguments].concat());
    extract(&["-o", "all"]).succeeded();
    assert_eq!(
        fs::read_to_string(project.file("all/data/long.txt")).unwrap(),
        long
    );
    assert_eq!(
        fs::read_to_string(project.file("all/data/b/c.txt")).unwrap(),
        "c"
    );
    extract(&["data/b", "-o", "some"]).succeeded();
    assert_eq!(fs::read_dir(project.file("some/data")).unwrap().count(), 1);
    extract(&["data/x", "-o", "none"]).failed_with(1, "has no file 'data/x'");
    assert!(!project.file("none").exists());
    // What is there stays.
    project.write("all/data/a.txt", "mine");
    extract(&["-o", "all"]).failed_with(1, "all/data/a.txt' is there already");
    assert_eq!(
        fs::read_to_string(project.file("all/data/a.txt")).unwrap(),
        "mine"
    );
    extract(&["-o", "all", "--force"]).succeeded();
    assert_eq!(
        fs::read_to_string(project.file("all/data/a.txt")).unwrap(),
        "a"
    );
    // Links do not lead out.
    for (link, target) in [
        ("data", "outside"),
        ("data/b", "outside"),
        ("data/a.txt", "outside/x"),
    ] {
        fs::create_dir_all(project.file("outside")).unwrap();
        let directory = Scratch::new();
        let place = directory.file(link);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        symlink(project.file(target), place).unwrap();
        let output = directory.path().to_str().unwrap().to_owned();
        let got = extract(&["-o", &output, "--force"]);
        assert_eq!(got.status, 1, "{got:?}");
        assert_eq!(
            fs::read_dir(project.file("outside")).unwrap().count(),
            0,
            "{link}"
        );
    }
    // Of what is damaged nothing comes out.
    let mut bytes = fs::read(project.file("app")).unwrap();
    let at = bytes.len() - 3000;
    bytes[at] ^= 1;
    project.write("bad", &bytes);
    assert_eq!(
        semac(project.path(), &["extract", "bad", "-o", "bad-out"]).status,
        1
    );
    assert!(!project.file("bad-out").exists());
}

/// Archives that semac does not write: nothing of them comes out, or nothing where it should not.
#[test]
fn archives_of_others_are_extracted_with_care() {
    let project = Scratch::with(&[("taken", "mine")]);
    let archive = |name: &str, files: &[&str]| {
        let mut builder = sema_vfs::ArchiveBuilder::new();
        for file in files {
            let path = sema_vfs::VfsPath::new(file).unwrap();
            builder
                .add_bytes(sema_vfs::EntryKind::Asset, path, b"text".to_vec())
                .unwrap();
        }
        builder.write_file(&project.file(name)).unwrap();
    };
    archive("nested", &["a", "b/c", "b/c/d/e"]);
    let got = semac(project.path(), &["extract", "nested", "-o", "out"]);
    got.failed_with(1, "'b/c' would be a file and, for 'b/c/d/e', a directory");
    assert!(!project.file("out").exists());
    semac(project.path(), &["extract", "nested", "b/c/d", "-o", "out"]).succeeded();
    assert_eq!(
        fs::read_to_string(project.file("out/b/c/d/e")).unwrap(),
        "text"
    );
    // Names that lead elsewhere are damage: the path in the file is changed behind the writer's back.
    for (name, hostile) in [("xx/yy", "../yy"), ("xx/zz", "/x/zz"), ("x/././", "x/../")] {
        let placeholder = name.replace('.', "q");
        let placeholder = placeholder.trim_end_matches('/');
        let hostile = hostile.get(..placeholder.len()).unwrap();
        archive("hostile", &[placeholder]);
        let mut bytes = fs::read(project.file("hostile")).unwrap();
        let at = bytes
            .windows(placeholder.len())
            .position(|part| part == placeholder.as_bytes())
            .unwrap();
        bytes[at..at + placeholder.len()].copy_from_slice(hostile.as_bytes());
        project.write("hostile", &bytes);
        let got = semac(project.path(), &["extract", "hostile", "-o", "in/side"]);
        assert_eq!(got.status, 1, "{got:?}");
        assert!(!project.file("in").exists(), "{hostile}");
    }
    semac(project.path(), &["extract", "nested", "a", "-o", "taken"]).failed_with(1, "taken");
    assert_eq!(fs::read_to_string(project.file("taken")).unwrap(), "mine");
}

#[test]
fn assets_are_listed_with_their_sizes() {
    let project = Scratch::with(&[("main.sema", "1")]);
    project.write("long.txt", "0123456789".repeat(10_000));
    build(project.path(), &["main.sema", "--include", "long.txt"]).succeeded();
    let text = semac(project.path(), &["inspect", "main"])
        .succeeded()
        .stdout;
    assert!(text.contains("assets (1 file, 100.0 kB, "), "{text}");
    assert!(
        text.contains("100.0 kB (") && text.contains("stored)  long.txt"),
        "{text}"
    );
}

/// The project file may lie above the program, if it names it; `run` and `check` obey it as `build` does.
#[test]
fn a_project_file_above_its_entry_counts() {
    let toml = "[build]\nentry = \"src/main.sema\"\noutput = \"out/\"\ncapabilities = []\n";
    let project = Scratch::with(&[
        ("sema.toml", toml),
        ("src/main.sema", "(println (env \"HOME\"))\n"),
        ("src/other.sema", "(println (env \"HOME\"))\n"),
        ("test/main_test.sema", "(test \"one\" (assert= 1 1))\n"),
    ]);
    let denied = "sema.toml does not grant it";
    for arguments in [
        &["build", "src/main.sema"][..],
        &["run", "src/main.sema"],
        &["run"],
        &["run", "."],
        &["check", "src/main.sema"],
        &["check"],
        &["check", "."],
    ] {
        semac(project.path(), arguments).failed_with(1, denied);
    }
    // It says nothing about others.
    semac(project.path(), &["check", "src/other.sema"]).succeeded();
    project.write("sema.toml", toml.replace("[]", "[\"env\"]"));
    semac(project.path(), &["run"]).succeeded();
    // Tests are checked as tests.
    semac(project.path(), &["check", "test/main_test.sema"]).succeeded();
    project.write(
        "test/main_test.sema",
        "(test \"one\" (assert= 1 (unknown)))\n",
    );
    let got = semac(
        project.path(),
        &["check", "--deny-warnings", "test/main_test.sema"],
    );
    got.failed_with(1, "test/main_test.sema:1:25");
    // A directory is no name for a program.
    build(project.path(), &[]).succeeded();
    assert!(project.file("out/main").is_file());
    semac(Scratch::new().path(), &["check"]).failed_with(2, "no sema.toml");
}

/// What semac made is left out of directories, and said: a program that is meant to be there would be missed late.
#[test]
fn what_is_left_out_is_said() {
    let project = Scratch::with(&[("main.sema", "1"), ("tools/readme", "r")]);
    build(project.path(), &["main.sema", "-o", "tools/helper"]).succeeded();
    let include = ["main.sema", "-o", "tools/app", "--include", "tools"];
    let got = build(project.path(), &include).succeeded();
    assert!(
        got.stderr
            .contains("Left out tools/helper, which semac made"),
        "{}",
        got.stderr
    );
    // The program itself is written anew.
    let got = build(project.path(), &include).succeeded();
    assert!(!got.stderr.contains("tools/app, which"), "{}", got.stderr);
    for more in [["--exclude", "helper"], ["--include", "tools/helper"]] {
        let got = build(project.path(), &[&include[..], &more].concat()).succeeded();
        assert!(!got.stderr.contains("Left out"), "{}", got.stderr);
    }
    let pattern = ["main.sema", "--include", "tools/h*"];
    build(project.path(), &pattern).failed_with(1, "what matches was made by semac");
}

/// Patterns, directories that are served and paths made of constants count; functions that nothing calls do not.
#[test]
fn what_is_read_is_found_where_its_path_is_made_of_constants() {
    let source = "\
(define directory \"data\")
(println (file/glob \"data/*.csv\"))
(define app (http/router [[:static \"/\" \"pages\"] [:static \"/a\" \"assets\" {:headers {\"x\" \"y\"}}]]))
(println (file/read (path/join directory \"a.txt\")) (app {:method :get :path \"/x\"}))
(println (file/read (string-append directory \"/b.txt\")))
(define (never) (file/read \"data/c.txt\"))
(define (nor-this) (never))
(println (file/glob \"data/*.png\"))
";
    let files = ["a.csv", "a.txt", "b.txt", "c.txt"].map(|name| format!("data/{name}"));
    let mut all = vec![("main.sema", source), ("pages/x", "x"), ("assets/y", "y")];
    all.extend(files.iter().map(|name| (name.as_str(), "x")));
    let project = Scratch::with(&all);
    let got = build(project.path(), &["main.sema"]).succeeded().stderr;
    for expected in [
        "file/glob reads 'data/*.csv'",
        "`--include 'data/*.csv'` puts it in",
        "main.sema:2:21",
        "a route :static reads 'pages'",
        "main.sema:3:40",
        "a route :static reads 'assets'",
        "file/read reads 'data/a.txt'",
        "file/read reads 'data/b.txt'",
    ] {
        assert!(got.contains(expected), "{expected}: {got}");
    }
    assert_eq!(got.matches("W0410").count(), 5, "{got}");
    let settled = "main.sema --include data --include pages --include assets";
    let settled: Vec<&str> = settled.split(' ').collect();
    let got = build(project.path(), &settled).succeeded().stderr;
    assert!(!got.contains("W0410"), "{got}");
}

/// What is read part by part is decompressed part by part, wherever it is read.
#[test]
fn large_files_are_read_where_they_lie() {
    let main = r#"
(define (head path) (with-stream (s (stream/open-input path)) (stream/read-line s)))
(define (count path) (with-stream (s (stream/open-input path)) (stream/copy s (stream/open-output "copied") 1000000000)))
(println (head "big.txt") (head "noise.bin"))
(println (count "big.txt"))
(file/copy "big.txt" "copy.txt")
(println (:size (file/info "copy.txt")))
(tar/create "out.tar" (list "big.txt"))
(println (file/fold-lines "big.txt" (fn (n line) (+ n 1)) 0))
(println (first (filter (fn (line) (string/starts-with? line "VmHWM")) (file/read-lines "/proc/self/status"))))
"#;
    // Compresses well, and not at all.
    let line = format!("{}\n", "0123456789".repeat(10));
    let lines = 300_000;
    let noise: Vec<u8> = (0..10_000_000u64)
        .map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8 ^ n as u8)
        .collect();
    let project = Scratch::with(&[("main.sema", main)]);
    project.write("big.txt", line.repeat(lines));
    project.write("noise.bin", [b"noise\n", &noise[..]].concat());
    let arguments = [
        "main.sema",
        "--include",
        "big.txt",
        "--include",
        "noise.bin",
    ];
    build(project.path(), &arguments).succeeded();
    let elsewhere = Scratch::new();
    let mut command = Command::new(project.file("main"));
    let got = outcome(command.current_dir(elsewhere.path()), b"").succeeded();
    let bytes = line.len() * lines;
    let expected = format!("{} noise\n{bytes}\n{bytes}\n{lines}\n", line.trim_end());
    let (found, resident) = got.stdout.rsplit_once("VmHWM:").unwrap();
    assert_eq!(found, expected);
    let kilobytes: usize = resident.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes < 20_000, "{resident}");
    let copied = fs::read(elsewhere.file("copy.txt")).unwrap();
    assert!(copied == fs::read(project.file("big.txt")).unwrap());
    assert!(copied == fs::read(elsewhere.file("copied")).unwrap());
}
