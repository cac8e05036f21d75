//! Where outputs go, and what they never replace.
//!
//! Every way a file gets into a build is tried with every way of naming it: entry, import, load, package, lock,
//! asset, asset by directory, runtime; by name, by hard and symbolic link, through `..`. `build` and `compile` are
//! the only commands that write.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use sema_tests::{Outcome, Scratch, outcome, runtime, semac_in};

#[track_caller]
fn build(directory: &Path, arguments: &[&str]) -> Outcome {
    let mut command = semac_in(directory);
    command.env("SEMA_HOME", directory.join("home"));
    command.env("HOME", directory.join("house"));
    command.arg("build").args(arguments);
    command.arg("--runtime").arg(runtime());
    outcome(&mut command, b"")
}

#[track_caller]
fn run(executable: &Path) -> Outcome {
    outcome(&mut Command::new(executable), b"")
}

const PROJECT: &[(&str, &str)] = &[
    (
        "main.sema",
        "(import \"lib/util.sema\")\n(load \"part.sema\")\n(import \"user/tool\")\n(define (f) (load \"late.sema\"))\n(println x y z)\n",
    ),
    ("lib/util.sema", "(import \"deep.sema\")\n(define x w)\n"),
    ("lib/deep.sema", "(define w 1)\n"),
    ("part.sema", "(define y 2)\n"),
    ("late.sema", "(define late 4)\n"),
    (
        "sema.lock",
        "[packages.\"user/tool\"]\nsource = 'git'\ncommit = 'c1'\n",
    ),
    (
        "home/packages/.store/git-c1/user/tool/sema.toml",
        "entrypoint = \"tool.sema\"\n",
    ),
    (
        "home/packages/.store/git-c1/user/tool/tool.sema",
        "(define z 3)\n",
    ),
    ("data/note.txt", "a note"),
    ("one.txt", "one"),
];

#[test]
fn no_input_is_overwritten_under_any_name() {
    let project = Scratch::with(PROJECT);
    let root = project.path();
    let include = [
        "main.sema",
        "--include",
        "data",
        "--include",
        "one.txt",
        "-o",
    ];
    for (input, text) in PROJECT {
        let file = project.file(input);
        let hard = project.file("hard");
        let soft = project.file("soft");
        fs::hard_link(&file, &hard).unwrap();
        symlink(&file, &soft).unwrap();
        let around = format!("data/../{input}");
        let whole = file.to_str().unwrap().to_owned();
        for output in [*input, "hard", "soft", &around, &whole] {
            let got = build(root, &[&include[..], &[output]].concat());
            got.failed_with(1, "would overwrite");
            assert_eq!(
                fs::read_to_string(&file).unwrap(),
                *text,
                "{input} as {output}"
            );
        }
        fs::remove_file(hard).unwrap();
        fs::remove_file(soft).unwrap();
    }
    // The same for modules.
    for input in ["main.sema", "lib/util.sema", "lib/deep.sema", "part.sema"] {
        let mut command = semac_in(root);
        command.env("SEMA_HOME", project.file("home"));
        command.args(["compile", "main.sema", "-o", input]);
        outcome(&mut command, b"").failed_with(1, "would overwrite");
    }
    build(root, &[&include[..], &["new"]].concat()).succeeded();
    assert_eq!(run(&project.file("new")).succeeded().stdout, "1 2 3\n");
}

/// What is called by way of a link is written where the link leads, whether there is something or not, and the link stays.
#[test]
fn outputs_are_written_through_links() {
    let project = Scratch::with(&[("main.sema", "(println 1)\n")]);
    let command = |arguments: &[&str]| {
        let mut command = semac_in(project.path());
        outcome(command.args(arguments), b"")
    };
    fs::copy(sema_tests::runtime(), project.file("runtime")).unwrap();
    // What is in the list does not matter here.
    let components = r#"{ "components": [] }"#;
    project.write("runtime.components.json", components);
    let runtime = "runtime";
    command(&["keygen", "key"]).succeeded();
    command(&["build", "main.sema", "--runtime", runtime, "-o", "app"]).succeeded();
    fs::create_dir(project.file("far")).unwrap();
    symlink("far/away", project.file("link")).unwrap();
    let build = ["build", "main.sema", "--runtime", runtime];
    for arguments in [
        &[&build[..], &["-o", "link"]].concat()[..],
        &[&build[..], &["-o", "new", "--sbom", "link"]].concat(),
        &[&build[..], &["-o", "new", "--debug-out", "link"]].concat(),
        &[&build[..], &["--image", "link"]].concat(),
        &["compile", "main.sema", "-o", "link"],
        &["sign", "app", "--key", "key", "-o", "link"],
    ] {
        // Nothing there yet, then a file.
        for _ in 0..2 {
            command(arguments).succeeded();
            let link = fs::symlink_metadata(project.file("link")).unwrap();
            assert!(link.is_symlink(), "{arguments:?}");
        }
        fs::remove_file(project.file("far/away")).unwrap();
    }
    // A link to what is not there yet is still another name of it.
    symlink("other", project.file("alias")).unwrap();
    for what in ["--sbom", "--debug-out", "--image"] {
        command(&[&build[..], &["-o", "other", what, "alias"]].concat())
            .failed_with(1, "which is written, too");
    }
    symlink("round", project.file("round")).unwrap();
    command(&["compile", "main.sema", "-o", "round"]).failed_with(1, "cannot write 'round'");
    // Signing in place as well.
    symlink("app", project.file("signed")).unwrap();
    command(&["sign", "signed", "--key", "key"]).succeeded();
    command(&["verify", "app", "--key", "key.pub"]).succeeded();
    assert!(
        fs::symlink_metadata(project.file("signed"))
            .unwrap()
            .is_symlink()
    );
}

/// Files that macros read while the program is built, by each builtin that opens one.
#[test]
fn what_macros_read_is_not_overwritten() {
    for read in [
        "(file/read \"data.txt\")",
        "(file/read \"./x/../data.txt\")",
        "(first (file/read-lines \"data.txt\"))",
        "(file/fold-lines \"data.txt\" (fn (n line) line) \"\")",
        "(with-stream (s (stream/open-input \"data.txt\")) (stream/read-line s))",
        "((fn (read) (read \"data.txt\")) file/read)",
    ] {
        let main = format!("(defmacro text () {read})\n(println (text))\n");
        let project = Scratch::with(&[
            ("main.sema", main.as_str()),
            ("data.txt", "a text"),
            ("x/y", ""),
        ]);
        for command in ["build", "compile"] {
            let mut command_line = semac_in(project.path());
            command_line.env("SEMAC_RUNTIME", runtime());
            command_line.args([command, "main.sema", "-o", "data.txt"]);
            outcome(&mut command_line, b"").failed_with(1, "would overwrite");
            let left = fs::read_to_string(project.file("data.txt")).unwrap();
            assert_eq!(left, "a text", "{read}");
        }
        build(project.path(), &["main.sema", "-o", "app"]).succeeded();
        assert_eq!(run(&project.file("app")).succeeded().stdout, "a text\n");
    }
}

#[test]
fn the_runtime_is_not_overwritten() {
    let project = Scratch::with(&[("main.sema", "(println 1)")]);
    fs::copy(runtime(), project.file("rt")).unwrap();
    let mut command = semac_in(project.path());
    command.args(["build", "main.sema", "--runtime", "rt", "-o", "rt"]);
    outcome(&mut command, b"").failed_with(1, "would overwrite");
}

#[test]
fn products_of_earlier_builds_are_not_included_in_directories() {
    let project = Scratch::with(&[
        ("main.sema", "(println (file/read \"d.txt\"))"),
        ("d.txt", "data"),
    ]);
    let arguments = [
        "main.sema",
        "--include",
        ".",
        "-o",
        "app",
        "--debug-out",
        "app.dbg",
    ];
    build(project.path(), &arguments).succeeded();
    let bill = "{\n  \"bomFormat\": \"CycloneDX\",\n  \"metadata\": {\"tools\": [{\"name\": \"semac\"}]}\n}\n";
    fs::write(project.file("app.sbom"), bill).unwrap();
    let first = fs::read(project.file("app")).unwrap();
    let mut compile = semac_in(project.path());
    outcome(compile.args(["compile", "main.sema"]), b"").succeeded();
    fs::copy(project.file("app"), project.file("copy of app")).unwrap();
    build(project.path(), &["main.sema", "--image", "image.tar"]).succeeded();
    build(project.path(), &arguments).succeeded();
    assert!(fs::read(project.file("app")).unwrap() == first);
    // A user's own file at that place is no product.
    fs::write(project.file("app"), "precious").unwrap();
    build(project.path(), &arguments).failed_with(1, "would overwrite");
    // What is named is wanted.
    let named = [
        "main.sema",
        "--include",
        "copy of app",
        "--include",
        "d.txt",
        "-o",
        "app2",
        "--json",
    ];
    let got = build(project.path(), &named).succeeded();
    assert!(got.stdout.contains("\"bundled_files\": 3"), "{got:?}");
}

#[test]
fn directories_and_the_home_directory_are_outputs() {
    let project = Scratch::with(&[("main.sema", "(println 1)")]);
    fs::create_dir(project.file("there")).unwrap();
    for (output, file) in [
        ("there", "there/main"),
        ("new/deep/", "new/deep/main"),
        ("~/bin/x", "house/bin/x"),
        ("~", "house/main"),
    ] {
        build(project.path(), &["main.sema", "-o", output]).succeeded();
        assert_eq!(
            run(&project.file(file)).succeeded().stdout,
            "1\n",
            "{output}"
        );
    }
    // As `--image=~/i.tar` reaches semac: no shell has seen the `~`.
    let arguments = ["main.sema", "--image=~/i.tar", "--debug-out=~/lines"];
    build(project.path(), &arguments).succeeded();
    for file in ["i.tar", "lines"] {
        assert!(project.file("house").join(file).is_file(), "{file}");
    }
}

/// Paths in messages are relative to the directory that semac was started in, however they were given.
#[test]
fn messages_name_files_from_here() {
    let project = Scratch::with(&[("main.sema", "(println 1)"), ("dir/d.txt", "data")]);
    fs::write(project.file("binary.sema"), b"(a)\xff").unwrap();
    fs::create_dir(project.file("pipes")).unwrap();
    let whole = |name: &str| project.file(name).to_str().unwrap().to_owned();
    let (main, binary, data) = (whole("main.sema"), whole("binary.sema"), whole("dir/d.txt"));
    let missing = whole("missing");
    for (arguments, message) in [
        (
            vec![&*main, "-o", &main],
            "'main.sema' would overwrite 'main.sema'",
        ),
        (
            vec!["main.sema", "--include", "dir", "-o", "dir/d.txt"],
            "would overwrite 'dir/d.txt'",
        ),
        (
            vec!["main.sema", "--include", "dir", "-o", &data],
            "'dir/d.txt' would overwrite",
        ),
        (vec![&*binary], "load binary.sema: "),
        (
            vec!["main.sema", "--include", &missing],
            "cannot include 'missing'",
        ),
        (
            vec!["main.sema", "--trust", &missing],
            "cannot read 'missing'",
        ),
        (vec![&*missing], "'missing'"),
    ] {
        let got = build(project.path(), &arguments);
        assert_ne!(got.status, 0, "{arguments:?}: {got:?}");
        assert!(got.stderr.contains(message), "{arguments:?}: {got:?}");
        let here = project.path().to_str().unwrap();
        assert!(!got.stderr.contains(here), "{arguments:?}: {got:?}");
    }
}

#[test]
fn the_umask_is_obeyed() {
    let project = Scratch::with(&[("main.sema", "(println 1)")]);
    for (mask, program, module) in [
        ("077", 0o700, 0o600),
        ("027", 0o750, 0o640),
        ("022", 0o755, 0o644),
    ] {
        let semac = semac_in(project.path()).get_program().to_owned();
        let script = format!(
            "umask {mask}; \"$0\" build main.sema --runtime \"$1\" -o a && \"$0\" compile main.sema -o m.semac"
        );
        let mut shell = Command::new("sh");
        shell
            .current_dir(project.path())
            .args(["-c", &script])
            .arg(semac)
            .arg(runtime());
        outcome(&mut shell, b"").succeeded();
        for (file, mode) in [("a", program), ("m.semac", module)] {
            let got = fs::metadata(project.file(file))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(got & 0o777, mode, "{file} under {mask}");
        }
    }
}

#[test]
fn names_that_are_not_unicode() {
    let scratch = Scratch::new();
    let directory = scratch
        .path()
        .join(std::ffi::OsStr::from_bytes(b"proj\xe9t"));
    fs::create_dir(&directory).unwrap();
    let odd = directory.join(std::ffi::OsStr::from_bytes(b"fil\xe9.sema"));
    fs::write(
        directory.join("m.sema"),
        "(define v 7)\n(define (fail) (car v))",
    )
    .unwrap();
    let text =
        "(import \"m.sema\")\n(println \"ok\" v)\n(load (string-append \"m\" \".sema\"))\n(fail)";
    fs::write(&odd, text).unwrap();
    let mut command = semac_in(&directory);
    let got = outcome(command.arg("run").arg(&odd), b"");
    assert!(got.stderr.contains("m.sema:2:16"), "{got:?}");
    assert_eq!(got.stdout, "ok 7\n");
    let mut command = semac_in(&directory);
    outcome(command.arg("check").arg(odd.file_name().unwrap()), b"").succeeded();
    let mut command = semac_in(&directory);
    command
        .arg("build")
        .arg(&odd)
        .args(["-o", "app", "--runtime"])
        .arg(runtime());
    outcome(&mut command, b"").succeeded();
    assert_eq!(run(&directory.join("app")).stdout, "ok 7\n");
}

#[test]
fn sources_from_pipes_and_with_byte_order_marks() {
    let project = Scratch::with(&[("m.sema", "\u{feff}(define v 7)\n(define (f) (car v))")]);
    let source = b"\xef\xbb\xbf#!/usr/bin/env semac\n(import \"m.sema\")\n(println v)\n(load (str \"m\" \".sema\"))\n";
    let mut command = semac_in(project.path());
    let got = outcome(command.args(["run", "/dev/stdin"]), source).succeeded();
    assert_eq!(got.stdout, "7\n");
    let mut command = semac_in(project.path());
    command
        .args(["build", "/dev/stdin", "--runtime"])
        .arg(runtime());
    outcome(&mut command, b"(import \"m.sema\") (println (+ v 1))").succeeded();
    assert_eq!(run(&project.file("stdin")).stdout, "8\n");
}

/// Directories that were made for an output go with it.
#[test]
fn a_failed_build_leaves_no_directories() {
    let scratch = Scratch::with(&[("a.sema", "(println 1)\n"), ("file", "")]);
    fs::create_dir(scratch.file("there")).unwrap();
    let script = format!(
        "ulimit -f 8; exec {} build a.sema --runtime {} -o there/new/deep/a",
        sema_tests::semac().get_program().display(),
        runtime().display()
    );
    let mut command = Command::new("sh");
    // Who writes more than it may gets an error instead of the signal.
    command.args(["-c", &format!("trap '' XFSZ; {script}")]);
    let got = outcome(command.current_dir(scratch.path()), b"");
    assert_eq!(got.status, 1, "{got:?}");
    assert_eq!(fs::read_dir(scratch.file("there")).unwrap().count(), 0);
    build(scratch.path(), &["a.sema", "-o", "there/new/deep/a"]).succeeded();
    // What is no file is said as such, also behind links.
    let got = build(scratch.path(), &["a.sema", "-o", "/dev/stdout"]);
    got.failed_with(1, "not a regular file");
    let got = build(scratch.path(), &["there/new/deep/a"]);
    got.failed_with(1, "it is an executable, not the source");
}

/// What one build writes appears together or not at all.
#[test]
fn a_build_writes_all_or_nothing() {
    let project = Scratch::with(&[("main.sema", "(println 1)\n")]);
    let files = |name: &str| fs::read(project.file(name)).unwrap();
    let names = |expected: &[&str]| assert_eq!(project.names(), expected);
    for place in ["denied", "image", "debug"] {
        fs::create_dir(project.file(place)).unwrap();
    }
    let arguments = [
        "main.sema",
        "-o",
        "new/app",
        "--debug-out",
        "debug",
        "--image",
        "i.tar",
    ];
    build(project.path(), &arguments).failed_with(1, "cannot write 'debug': it is a directory");
    let arguments = [
        "main.sema",
        "-o",
        "new/app",
        "--debug-out",
        "app.debug",
        "--image",
        "image",
    ];
    build(project.path(), &arguments).failed_with(1, "cannot write 'image': it is a directory");
    let arguments = [
        "main.sema",
        "-o",
        "denied",
        "--debug-out",
        "d/app.debug",
        "--image",
        "i.tar",
    ];
    fs::create_dir(project.file("denied/main")).unwrap();
    build(project.path(), &arguments)
        .failed_with(1, "cannot write 'denied/main': it is a directory");
    names(&["debug", "denied", "image", "main.sema"]);
    // An earlier program stays with the file that belongs to it.
    let arguments = ["main.sema", "-o", "app", "--debug-out", "app.debug"];
    build(project.path(), &arguments).succeeded();
    let before = (files("app"), files("app.debug"));
    project.write("main.sema", "(println (car 2))\n");
    let more = [&arguments[..], &["--image", "image"]].concat();
    build(project.path(), &more).failed_with(1, "cannot write 'image'");
    assert!(before == (files("app"), files("app.debug")));
    build(project.path(), &arguments).succeeded();
    assert!(before.0 != files("app") && before.1 != files("app.debug"));
    names(&["app", "app.debug", "debug", "denied", "image", "main.sema"]);
}

/// Where the executables of several platforms go there cannot be a file.
#[test]
fn a_file_is_no_place_for_several_executables() {
    let toml = "[build]\nentry = \"main.sema\"\noutput = \"dist/report\"\ntarget = [\"all\"]\n";
    let project = Scratch::with(&[
        ("main.sema", "1"),
        ("sema.toml", toml),
        ("dist/report", "earlier"),
    ]);
    let mut semac = semac_in(project.path());
    let got = outcome(semac.arg("build"), b"").failed_with(1, "to 'dist/report': it is a file");
    assert!(got.stderr.contains("hint: remove it"), "{}", got.stderr);
    assert_eq!(fs::read(project.file("dist/report")).unwrap(), b"earlier");
    // The directory that a build has made does not change what the next one calls its files.
    fs::remove_file(project.file("dist/report")).unwrap();
    let mut names = Vec::new();
    for _ in 0..2 {
        let mut semac = semac_in(project.path());
        outcome(semac.arg("build"), b"").succeeded();
        let found = fs::read_dir(project.file("dist/report")).unwrap();
        let mut found: Vec<_> = found.map(|entry| entry.unwrap().file_name()).collect();
        found.sort();
        assert!(
            found
                .iter()
                .all(|name| name.to_str().unwrap().starts_with("report-")),
            "{found:?}"
        );
        names.push(found);
    }
    assert_eq!(names[0], names[1]);
}
