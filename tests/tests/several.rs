//! Several programs in one executable, and bundles that an installed runtime runs.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use sema_tests::{Outcome, Scratch, outcome, runtime, semac_in};

#[track_caller]
fn build(directory: &Path, arguments: &[&str]) -> Outcome {
    outcome(semac_in(directory).arg("build").args(arguments), b"")
}

#[track_caller]
fn run(program: &Path, arguments: &[&str]) -> Outcome {
    let elsewhere = Scratch::new();
    let mut command = Command::new(program);
    outcome(command.args(arguments).current_dir(elsewhere.path()), b"")
}

const SHARED: &str = "\
(println \"shared starts\")
(define (shout text) (string/upper text))
(define (helper x) (map (fn (n) (* n n)) (range x)))
";

fn programs() -> Scratch {
    Scratch::with(&[
        (
            "bin/greet.sema",
            "(import \"../lib/shared.sema\")\n(define (main) (println (shout \"hello\") (sys/args)))\n(main)\n",
        ),
        (
            "count.sema",
            "(import \"lib/shared.sema\" helper)\n(define (main) (println (helper 3) (rest (sys/args))))\n(main)\n(exit 3)\n",
        ),
        ("fail.sema", "(define (main) (error \"no luck\"))\n(main)\n"),
        ("lib/shared.sema", SHARED),
    ])
}

fn tools(project: &Scratch) -> std::path::PathBuf {
    let line = [
        "bin/greet.sema",
        "count.sema",
        "fail.sema",
        "-o",
        "tools",
        "--runtime",
        runtime().to_str().unwrap(),
    ];
    let got = build(project.path(), &line).succeeded();
    assert!(got.stderr.contains("4 source files"), "{got:?}");
    assert!(!got.stderr.contains("Warning"), "{got:?}");
    project.file("tools")
}

#[test]
fn the_first_argument_or_the_name_chooses() {
    let project = programs();
    let tools = tools(&project);
    let got = run(&tools, &["greet", "-x"]).succeeded();
    assert_eq!(got.stdout, "shared starts\nHELLO (\"greet\" \"-x\")\n");
    let got = run(&tools, &["count", "greet"]);
    assert_eq!(
        (got.status, &*got.stdout),
        (3, "shared starts\n(0 1 4) (\"greet\")\n")
    );
    for name in ["greet", "count"] {
        symlink(&tools, project.file(name)).unwrap();
    }
    let got = run(&project.file("count"), &["greet", "7"]);
    assert_eq!(
        (got.status, &*got.stdout),
        (3, "shared starts\n(0 1 4) (\"greet\" \"7\")\n")
    );
    let link = project.file("greet");
    let got = run(&link, &[]).succeeded();
    assert_eq!(
        got.stdout,
        format!("shared starts\nHELLO (\"{}\")\n", link.display())
    );
    let failed = run(&tools, &["fail"]).failed_with(1, "no luck");
    assert!(failed.stderr.contains("fail.sema:1:"), "{failed:?}");
    // A copy has a name of its own.
    fs::copy(&tools, project.file("other")).unwrap();
    run(&project.file("other"), &["greet"]).succeeded();
}

#[test]
fn what_is_asked_for_must_be_there() {
    let project = programs();
    let tools = tools(&project);
    for arguments in [[].as_slice(), &["--help"], &["-x", "greet"]] {
        let got = run(&tools, arguments).failed_with(2, "usage: tools PROGRAM [ARGUMENT...]");
        assert!(got.stderr.contains("one of: greet, count, fail"), "{got:?}");
        assert_eq!(got.stdout, "");
    }
    run(&tools, &["gret"]).failed_with(2, "there is no program 'gret'");
}

#[test]
fn shared_modules_are_there_once() {
    let big: String = (0..300)
        .map(|n| format!("(define (f{n} x) (println \"function {n}\" (* x {n})))\n"))
        .collect();
    let calls: String = (0..300).map(|n| format!("(f{n} 1)\n")).collect();
    let program = format!("(import \"big.sema\")\n{calls}");
    let project = Scratch::with(&[
        ("big.sema", &big),
        ("a.sema", &program),
        ("b.sema", &program),
    ]);
    let size = |arguments: &[&str]| {
        let line = [
            arguments,
            &["--json", "--runtime", runtime().to_str().unwrap()],
        ]
        .concat();
        let report = build(project.path(), &line).succeeded().stdout;
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        report["archive_bytes"].as_u64().unwrap()
    };
    let one = size(&["a.sema", "-o", "one"]);
    let two = size(&["a.sema", "b.sema", "-o", "two"]);
    let calls = size(&["a.sema", "-o", "calls", "--strip-debug"]);
    assert!(
        two < 2 * one - calls / 4,
        "{two} bytes for two, {one} for one"
    );
}

#[test]
fn mistakes_are_found_before_anything_is_written() {
    let project = programs();
    project.write("x/greet.sema", "1");
    let line = |arguments: &[&str]| build(project.path(), arguments);
    line(&["bin/greet.sema", "count.sema"]).failed_with(2, "-o OUT");
    line(&["bin/greet.sema", "x/greet.sema", "-o", "t"])
        .failed_with(1, "would both be the program 'greet'");
    line(&["bin/greet.sema", "none.sema", "-o", "t"]).failed_with(1, "cannot read 'none.sema'");
    line(&["bin/greet.sema", "lib", "-o", "t"]).failed_with(1, "'lib' is no file");
    line(&["bin/greet.sema", "count.sema", "-o", "count.sema"]).failed_with(1, "would overwrite");
    assert!(!project.file("t").exists());
}

/// A bundle whose first line names the runtime under test.
fn bundle(source: &str) -> Scratch {
    let project = Scratch::with(&[("app.sema", source)]);
    let option = format!("--bundle={}", runtime().display());
    build(project.path(), &["app.sema", &option]).succeeded();
    project
}

#[test]
fn a_bundle_runs_by_the_runtime_that_its_first_line_names() {
    let project = bundle("(println \"args\" (rest (sys/args)))\n(exit 7)\n");
    let app = project.file("app");
    let bytes = fs::read(&app).unwrap();
    assert!(bytes.len() < 10_000, "{} bytes", bytes.len());
    let line = format!("#!{}\n", runtime().display());
    assert!(bytes.starts_with(line.as_bytes()));
    assert_eq!(
        fs::metadata(&app).unwrap().permissions().mode() & 0o111,
        0o111
    );
    let got = run(&app, &["-v", "--", "x"]);
    assert_eq!(
        (got.status, &*got.stdout),
        (7, "args (\"-v\" \"--\" \"x\")\n"),
        "{got:?}"
    );
    // The tools know it.
    for command in ["inspect", "verify", "disasm"] {
        outcome(semac_in(project.path()).args([command, "app"]), b"").succeeded();
    }
    // What is damaged does not run.
    let mut damaged = bytes.clone();
    let at = bytes.len() / 2;
    damaged[at] ^= 0x55;
    project.write("bad", &damaged);
    fs::set_permissions(project.file("bad"), fs::Permissions::from_mode(0o755)).unwrap();
    let got = run(&project.file("bad"), &[]);
    assert_eq!((got.status, &*got.stdout), (1, ""), "{got:?}");
    assert_eq!(
        outcome(semac_in(project.path()).args(["verify", "bad"]), b"").status,
        1
    );
    // What is cut off says how much is missing.
    for length in [bytes.len() - 1, bytes.len() / 2] {
        fs::write(project.file("bad"), &bytes[..length]).unwrap();
        let said = format!("{length} bytes of it are here, and it had {}", bytes.len());
        run(&project.file("bad"), &[]).failed_with(1, &said);
        for command in ["inspect", "verify"] {
            let got = outcome(semac_in(project.path()).args([command, "bad"]), b"");
            got.failed_with(1, &said);
        }
    }
}

#[test]
fn no_program_hides_behind_the_name_of_the_executable() {
    let project = Scratch::with(&[("one.sema", "1"), ("two.sema", "2")]);
    let got = build(project.path(), &["one.sema", "two.sema", "-o", "two"]);
    got.failed_with(1, "would be called 'two' like one of the programs");
    let got = build(project.path(), &["one.sema", "--bundle", "--trust", "k"]);
    assert_eq!(got.status, 2, "{got:?}");
}

#[test]
fn the_installed_runtime_is_found_by_name() {
    let project = Scratch::with(&[("app.sema", "(println \"by name\")\n")]);
    build(project.path(), &["app.sema", "--bundle", "-o", "app"]).succeeded();
    fs::create_dir(project.file("bin")).unwrap();
    symlink(runtime(), project.file("bin/sema-rt")).unwrap();
    let mut command = Command::new(project.file("app"));
    command.env("PATH", project.file("bin"));
    assert_eq!(outcome(&mut command, b"").succeeded().stdout, "by name\n");
    for wrong in ["--bundle=sema-rt", "--bundle=/a\nb"] {
        assert_eq!(
            build(project.path(), &["app.sema", wrong]).status,
            2,
            "{wrong}"
        );
    }
    let got = build(project.path(), &["app.sema", "--bundle", "--dynamic"]);
    assert_eq!(got.status, 2, "{got:?}");
}

#[test]
fn bundles_are_the_same_wherever_they_are_built() {
    let [one, two] = [bundle("(println 1)"), bundle("(println 1)")];
    let bytes = |scratch: &Scratch| fs::read(scratch.file("app")).unwrap();
    assert_eq!(bytes(&one), bytes(&two));
}

#[test]
fn a_bundle_of_a_higher_tier_is_refused_with_both_named() {
    use sema_vfs::{Archive, ArchiveBuilder, VfsPath};
    let project = bundle("(println (string-append \"x\" \"y\"))\n");
    let app = project.file("app");
    let archive = Archive::open_executable(&app).unwrap();
    let tier = archive.metadata("tier").unwrap();
    assert_eq!(&*tier.bytes().unwrap(), b"core");
    assert_eq!(run(&app, &[]).succeeded().stdout, "xy\n");
    // The runtime under test has the highest tier, so the bundle asks for one that there is not.
    let mut other = ArchiveBuilder::from_archive(&archive).unwrap();
    other.set_metadata(VfsPath::metadata("tier").unwrap(), b"vast".to_vec());
    let bytes = other
        .to_rewritten_executable(&fs::read(&app).unwrap())
        .unwrap();
    project.write("vast", &bytes);
    let mut command = Command::new(runtime());
    outcome(command.arg(project.file("vast")), b"").failed_with(
        1,
        "it needs a runtime of tier vast, and this one is of tier full",
    );
}
