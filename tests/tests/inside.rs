//! What a program finds in itself, and under which names: built, and run as part of its project.

use std::process::{Command, Stdio};
use std::time::Duration;

use sema_tests::{Outcome, Scratch, outcome, runtime, semac_in};

#[track_caller]
fn semac(project: &Scratch, arguments: &[&str]) -> Outcome {
    outcome(semac_in(project.path()).args(arguments), b"")
}

/// Builds `main.sema` and runs it far away from its sources, beside these files.
#[track_caller]
fn built(project: &Scratch, arguments: &[&str], beside: &[(&str, &str)]) -> String {
    let mut command = semac_in(project.path());
    command.args(["build", "-o", "app"]).args(arguments);
    let runtime = match arguments.contains(&"--dynamic") {
        true => runtime().with_file_name("sema-rt-dynamic"),
        false => runtime().to_owned(),
    };
    outcome(command.arg("--runtime").arg(runtime), b"").succeeded();
    let elsewhere = Scratch::with(beside);
    let mut command = Command::new(project.file("app"));
    outcome(command.current_dir(elsewhere.path()), b"")
        .succeeded()
        .stdout
}

/// A file in a module's own directory is found from there, however the path comes to be known to the compiler, and by all
/// that reads.
#[test]
fn files_beside_the_module_that_asks() {
    let module = r#"
(define name "d.txt")
(define at-start (file/read "d.txt"))
(define (later)
  (list (file/read name) (file/exists? (path/join "." "d.txt")) (file/is-file? "d.txt") (:size (file/info "d.txt"))
        (file/read-lines "d.txt") (file/fold-lines name (fn (n line) (+ n 1)) 0)
        (utf8->string (stream/read (stream/open-input "./d.txt") 10)) (file/read "deep/../../top.txt") (file/list "more")
        (begin (file/copy "d.txt" "copied") (file/read "copied"))))
"#;
    let project = Scratch::with(&[
        (
            "main.sema",
            "(import \"sub/top.sema\" at-start later)\n(load \"other/part.sema\")\n(println at-start (later) (here))\n",
        ),
        ("sub/top.sema", module),
        ("sub/d.txt", "sub"),
        ("sub/more/x", "x"),
        ("top.txt", "top"),
        ("other/part.sema", "(define (here) (file/read \"d.txt\"))\n"),
        ("other/d.txt", "other"),
    ]);
    let includes = [
        "main.sema",
        "--include",
        "sub/d.txt",
        "--include",
        "sub/more",
        "--include",
        "other/d.txt",
        "--include",
        "top.txt",
    ];
    let expected = "sub (\"sub\" #t #t 3 (\"sub\") 1 \"sub\" \"top\" (\"x\") \"sub\") other\n";
    assert_eq!(built(&project, &includes, &[]), expected);
    // Without line tables, and with modules that stay apart.
    let slim = [&includes[..], &["--strip-debug"]].concat();
    assert_eq!(built(&project, &slim, &[]), expected);
    let open = [&includes[..], &["--dynamic"]].concat();
    assert_eq!(built(&project, &open, &[]), expected);
    // Nobody but the module means its directory, and what is not there is on disk.
    project.write(
        "main.sema",
        "(println (file/read \"d.txt\") (file/exists? \"more\"))\n",
    );
    assert_eq!(
        built(&project, &includes, &[("d.txt", "disk")]),
        "disk #t\n",
        "`more` is the last name of what was included, `d.txt` that of two files"
    );
}

/// A file is found under its last name, too, a directory under its last, as long as that means one file.
#[test]
fn names_without_directories() {
    let source = r#"
(define (said f) (try (f) (catch e (:type e))))
(println (file/read "x.txt") (file/read "./b/y.txt") (file/exists? "b/y.txt") (file/list "b") (file/glob "b/*")
         (file/is-directory? "b") (:size (file/info "x.txt")) (file/exists? "y.txt"))
(println (said (fn () (file/read "../no-such-directory/x.txt"))) (said (fn () (file/read "two.txt"))) (file/read "kept.txt"))
"#;
    let project = Scratch::with(&[
        ("main.sema", source),
        ("a/x.txt", "x"),
        ("a/b/y.txt", "y"),
        ("a/two.txt", "1"),
        ("c/two.txt", "2"),
        ("c/kept.txt", "c"),
        ("kept.txt", "own"),
        ("placed.txt", "placed"),
    ]);
    let arguments = [
        "main.sema",
        "--include",
        "a/x.txt",
        "--include",
        "a/b",
        "--include",
        "a/two.txt",
        "--include",
        "c/two.txt",
        "--include",
        "c/kept.txt",
        "--include",
        "kept.txt",
        "--include",
        "placed.txt=other/placed.txt",
    ];
    let expected = "x y #t (\"y.txt\") (\"b/y.txt\") #t 1 #f\n:io :io own\n";
    assert_eq!(built(&project, &arguments, &[]), expected);
    // The program says so itself where it is asked what it has.
    project.write(
        "main.sema",
        "(println (file/list \".\") (file/exists? \"placed.txt\"))\n",
    );
    assert_eq!(
        built(&project, &arguments, &[]),
        "(\"a\" \"c\" \"kept.txt\" \"other\") #f\n"
    );
}

/// What looks at embedded directories needs no capability, and sees nothing else without it.
#[test]
fn embedded_directories_need_no_capability() {
    let source = r#"
(define (said f) (try (f) (catch e (:type e))))
(println (file/list "data") (file/is-directory? "data") (:is-dir (file/info "data")) (file/exists? "data")
         (file/is-file? "data") (file/is-file? "data/x"))
(println (said (fn () (file/list "secret"))) (said (fn () (file/is-directory? "secret"))) (said (fn () (file/read "data"))))
(println (said (fn () (eval '(file/list "data")))) (said (fn () (eval '(file/info "secret")))))
"#;
    let project = Scratch::with(&[("main.sema", source), ("data/x", "x")]);
    let beside = [("data/secret", "s"), ("secret/s", "s")];
    let denied = ":permission-denied :permission-denied :permission-denied\n";
    for allow in ["fs-read=nowhere", "fs-read=nowhere,nor-here"] {
        let arguments = [
            "main.sema",
            "--dynamic",
            "--include",
            "data",
            "--allow",
            allow,
        ];
        assert_eq!(
            built(&project, &arguments, &beside),
            format!("(\"x\") #t #t #t #f #t\n{denied}(\"x\") :permission-denied\n")
        );
    }
}

/// Compiled modules among the files are modules.
#[test]
fn compiled_modules_are_found_among_the_files() {
    let project = Scratch::with(&[
        (
            "lib.sema",
            "(define (twice n) (* 2 n))\n(define touch (fn (p) (file/write p \"\")))\n",
        ),
        (
            "main.sema",
            "(define (name) (string-append \"plug\" \"ins/lib.semac\"))\n(import (name) twice)\n(println (twice 21))\n\
             (load (name))\n(println (twice 4))\n",
        ),
    ]);
    semac(&project, &["compile", "lib.sema", "-o", "lib.semac"]).succeeded();
    let arguments = ["main.sema", "--include", "lib.semac=plugins/lib.semac"];
    for more in [
        &["--allow", "fs-write"][..],
        &["--allow", "fs-write", "--dynamic"],
    ] {
        let arguments = [&arguments[..], more].concat();
        assert_eq!(built(&project, &arguments, &[]), "42\n8\n");
    }
    // It gets no more than the program has.
    project.write(
        "main.sema",
        "(println (try (import \"plugins/lib.semac\") (catch e (:type e))))\n",
    );
    assert_eq!(built(&project, &arguments, &[]), ":permission-denied\n");
    let toml = "[build]\nentry = \"main.sema\"\ninclude = [\"lib.semac=plugins/lib.semac\"]\n";
    project.write("sema.toml", toml);
    project.write(
        "main.sema",
        "(import \"plugins/lib.semac\" twice)\n(println (twice 5))\n",
    );
    let got = semac(&project, &["run", "--allow", "fs-write"]).succeeded();
    assert_eq!(got.stdout, "10\n");
}

/// A file that is loaded under its name somewhere is found under a computed name, and does the same.
#[test]
fn loaded_files_are_found_under_computed_names() {
    let source = r#"
(define count 0)
(define (name text) (string-append text ".sema"))
(define (later) (load "later.sema"))
(load "now.sema")
(load (name "now"))
(println count)
(println (try (load (name "later")) (catch e (:message e))))
(later)
(println count)
(println (try (load (name "missing")) (catch e (:type e))))
"#;
    let project = Scratch::with(&[
        ("main.sema", source),
        ("now.sema", "(set! count (+ count 1))\n"),
        ("later.sema", "(set! count (+ count 10))\n"),
    ]);
    let expected = "2\n12\n22\n:io\n";
    assert_eq!(
        semac(&project, &["run", "main.sema"]).succeeded().stdout,
        expected
    );
    for arguments in [
        &["main.sema"][..],
        &["main.sema", "--dynamic"],
        &["main.sema", "-O0"],
    ] {
        assert_eq!(built(&project, arguments, &[]), expected, "{arguments:?}");
    }
}

const PROJECT: &str = "[build]\nentry = \"src/main.sema\"\ninclude = [\"../logo.svg=images/logo.svg\", \"data/*.csv\"]\n";

fn project() -> Scratch {
    Scratch::with(&[
        ("logo.svg", "logo"),
        ("app/sema.toml", PROJECT),
        ("app/data/a.csv", "a"),
        (
            "app/src/main.sema",
            "(import \"lib.sema\" logo)\n(println (logo) (file/list \"images\") (file/glob \"data/*.csv\") (file/exists? \"a.csv\"))\n",
        ),
        (
            "app/src/lib.sema",
            "(define (logo) (file/read \"images/logo.svg\"))\n",
        ),
        (
            "app/test/logo_test.sema",
            "(import \"../src/lib.sema\" logo)\n(test \"logo\" (assert= \"logo\" (logo)))\n",
        ),
    ])
}

/// What runs at once finds what the built program would, wherever in the project it is started.
#[test]
fn a_project_runs_as_it_is_built() {
    let project = project();
    let expected = "logo (\"logo.svg\") (\"data/a.csv\") #f\n";
    for (directory, arguments) in [
        ("app", &["run"][..]),
        ("app", &["run", "src/main.sema"]),
        ("app/src", &["run", "main.sema"]),
        ("", &["run", "app"]),
        ("", &["run", "app/src/main.sema"]),
    ] {
        let mut command = semac_in(&project.file(directory));
        let got = outcome(command.args(arguments), b"").succeeded();
        assert_eq!(got.stdout, expected, "{directory} {arguments:?}");
    }
    outcome(semac_in(&project.file("app")).arg("test"), b"").succeeded();
    project.write("app/sema.toml", PROJECT.replace("data/*.csv", "none/*.csv"));
    for command in ["run", "check", "build"] {
        outcome(semac_in(&project.file("app")).arg(command), b"")
            .failed_with(1, "sema.toml:3:43: 'none/*.csv' includes nothing");
    }
}

/// Files that are included are part of what is watched, also new ones; what builds write there is not.
#[test]
fn included_files_are_watched() {
    let project = project();
    let toml = PROJECT
        .replace("data/*.csv", "data")
        .replace("[build]", "[build]\noutput = \"data/app\"");
    project.write("app/sema.toml", toml);
    let mut command = semac_in(&project.file("app"));
    command
        .args(["watch", "--action", "build", "--quiet"])
        .stdin(Stdio::null());
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let app = project.file("app/data/app");
    let files = || {
        let archive = sema_vfs::Archive::open_executable(&app).ok()?;
        let paths = archive
            .entries()
            .filter(|entry| entry.kind() == sema_vfs::EntryKind::Asset);
        let read = paths.map(|entry| {
            let content = entry.bytes().unwrap();
            format!("{}={}", entry.path(), String::from_utf8_lossy(&content))
        });
        Some(read.collect::<Vec<_>>().join(" "))
    };
    let until = |expected: &str| {
        for _ in 0..300 {
            if files().is_some_and(|found| found == expected) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{expected}: {:?}", files());
    };
    until("data/a.csv=a images/logo.svg=logo");
    project.write("logo.svg", "logo two");
    until("data/a.csv=a images/logo.svg=logo two");
    project.write("app/data/deep/b.csv", "b");
    until("data/a.csv=a data/deep/b.csv=b images/logo.svg=logo two");
    std::fs::remove_file(project.file("app/data/a.csv")).unwrap();
    until("data/deep/b.csv=b images/logo.svg=logo two");
    let modified = || std::fs::metadata(&app).unwrap().modified().unwrap();
    let built = modified();
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(modified(), built, "it is built again and again");
    let mut interrupt = Command::new("kill");
    outcome(interrupt.args(["-INT", &child.id().to_string()]), b"").succeeded();
    child.wait().unwrap();
}
