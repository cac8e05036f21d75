//! Programs of semac inside of other programs: the facade with built programs, and the C interface.

use std::fs;
use std::path::Path;
use std::process::Command;

use sema::{Data, Error, Program, Runtime};
use sema_tests::{Scratch, fixtures, outcome, root, runtime, semac_in};

/// `fixtures/embed/pricing.semac`, which tests and examples load, is what semac makes of its source. With
/// `SEMAC_BLESS=1` it is made anew.
#[test]
fn the_compiled_fixture_is_up_to_date() {
    let directory = fixtures("embed");
    let scratch = Scratch::new();
    let made = scratch.file("pricing.semac");
    let mut command = semac_in(&directory);
    command
        .args(["compile", "--stoppable", "--allow", "W0201"])
        .args(["pricing.sema", "-o"])
        .arg(&made);
    outcome(&mut command, b"").succeeded();
    let kept = directory.join("pricing.semac");
    if std::env::var_os("SEMAC_BLESS").is_some() {
        fs::copy(&made, &kept).unwrap();
    }
    assert!(
        fs::read(made).unwrap() == fs::read(kept).unwrap(),
        "fixtures/embed/pricing.semac is not what semac makes of pricing.sema; SEMAC_BLESS=1 makes it anew"
    );
}

const MODULES: &[(&str, &str)] = &[
    (
        "main.sema",
        "(import \"lib/prices.sema\")\n\
         (module app (export price-of)\n\
         (define counted (map app/double '(1 2 3)))\n\
         (define (price-of article) (app/double (base-price article)))\n\
         (println (app/double 21))\n\
         (println (file/read \"data/note.txt\"))\n\
         (apply + counted))\n",
    ),
    (
        "lib/prices.sema",
        "(module prices (export base-price)\n  (define (base-price article) (app/double (string-length article))))\n",
    ),
    ("data/note.txt", "a note"),
];

/// Natives that no table of the workspace has, called by a program of several modules.
#[test]
fn a_built_program_calls_natives_from_outside() {
    for level in ["-O0", "-O2"] {
        let project = Scratch::with(MODULES);
        let mut command = semac_in(project.path());
        command.args([
            "build",
            level,
            "--extern",
            "app/double/1",
            "main.sema",
            "--include",
            "data",
            "--runtime",
        ]);
        outcome(command.arg(runtime()), b"").succeeded();
        let program = Program::load(&fs::read(project.file("main")).unwrap()).unwrap();
        drop(project);
        let mut runtime = Runtime::builder()
            .capture_output()
            .function("app/double", 1..=1, |arguments| match arguments {
                [Data::Int(number)] => Ok(Data::Int(2 * number)),
                _ => Err("a number is needed".to_owned()),
            })
            .build()
            .unwrap();
        // The embedded file needs no capability.
        let result = runtime.run(&program);
        let output = String::from_utf8(runtime.take_output()).unwrap();
        assert_eq!(output, "42\na note\n", "{level}: {result:?}");
        assert_eq!(result.unwrap(), Data::Int(12), "{level}");
        // What the entry file exports can be called, host functions are not among it.
        let price = runtime.call("price-of", &["tea".into()]);
        assert_eq!(price.unwrap(), Data::Int(12), "{level}");
        let hidden = runtime.call("app/double", &[]);
        assert!(matches!(hidden, Err(Error::NoExport(_))), "{level}");
    }
}

/// The C program of the fixtures, built with the static library.
#[test]
fn a_c_program_runs_a_program() {
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    if Command::new(&compiler).arg("--version").output().is_err() {
        eprintln!("skipped: there is no C compiler");
        return;
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()).env("CARGO_TARGET_DIR", target);
    cargo.args([
        "rustc",
        "--quiet",
        "--offline",
        "--package",
        "sema-embed",
        "--lib",
    ]);
    cargo.args(["--features", "c-api", "--crate-type", "staticlib"]);
    let made = cargo.output().unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );

    let scratch = Scratch::new();
    let program = scratch.file("shop");
    let mut command = Command::new(compiler);
    command.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I"]);
    command
        .arg(root().join("runtime/embed/include"))
        .arg(fixtures("embed/shop.c"));
    command
        .arg(target.join("debug/libsema.a"))
        .args(["-lm", "-lpthread", "-ldl", "-o"]);
    outcome(command.arg(&program), b"").succeeded();

    let got = outcome(
        Command::new(program).arg(fixtures("embed/pricing.semac")),
        b"",
    )
    .succeeded();
    assert_eq!(
        got.stdout,
        "output: pricing is ready\n\
         total: 42\n\
         lookup: 9 after 1 call\n\
         map: 2 items, second number 7\n\
         counter: 2\n\
         eval: an article is a string\n\
         timeout: the program has taken all the time it may take: 200 ms\n\
         done\n"
    );
}
