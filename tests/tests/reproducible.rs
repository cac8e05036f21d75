//! Equal sources, options and release give equal bytes, whatever is around.
//!
//! Twenty builds at the same time, each with another directory, umask, locale, time zone, home, temporary directory,
//! order in which files were made and named, and times of files.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, SystemTime};

use sema_tests::{Scratch, outcome, runtime, semac};

const BUILDS: u64 = 20;

const FILES: &[(&str, &str)] = &[
    (
        "main.sema",
        "(import \"lib/a.sema\")\n(import \"lib/b.sema\")\n(define (start) (println (a 1) (b 2) (file/read \"data/one.txt\")))\n(start)\n",
    ),
    (
        "lib/a.sema",
        "(module a (export a) (define (a x) (map (fn (y) (* x y)) '(1 2 3))))\n",
    ),
    (
        "lib/b.sema",
        "(module b (export b) (import \"c.sema\") (define (b x) (c {:key x :other \"text\"})))\n",
    ),
    (
        "lib/c.sema",
        "(module c (export c) (define (c m) (:key m)))\n",
    ),
    ("data/one.txt", "one\n"),
    ("data/two.txt", "two\n"),
    ("data/deep/three.txt", "three\n"),
    ("logo.svg", "<svg/>\n"),
];

/// Builds the program with surroundings that follow from a number, and gives the executable and the image.
fn varied(number: u64, runtime: &Path) -> (Vec<u8>, Vec<u8>) {
    let scratch = Scratch::new();
    let name = format!("{}project {number}", "deep/".repeat((number % 4) as usize));
    let mut files: Vec<_> = FILES.to_vec();
    files.rotate_left((number as usize * 3) % FILES.len());
    if number.is_multiple_of(2) {
        files.reverse();
    }
    for (file, content) in files {
        let path = scratch.write(&format!("{name}/{file}"), content);
        let age = Duration::from_secs(number * 86_400 * 400);
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }
    let project = scratch.file(&name);
    let out = scratch.file("out dir");
    let mut includes = vec!["data", "logo.svg"];
    if number.is_multiple_of(3) {
        includes.reverse();
    }
    let mut build = semac();
    let semac = build.get_program().to_owned();
    build = Command::new("sh");
    let umask = ["022", "077", "002", "027"][(number % 4) as usize];
    build
        .arg("-c")
        .arg(format!("umask {umask}; exec \"$@\""))
        .arg("sh")
        .arg(semac);
    build.args(["build", "main.sema", "--runtime"]).arg(runtime);
    build
        .arg("-o")
        .arg(out.join("program"))
        .arg("--image")
        .arg(out.join("image.tar"));
    build.args(["--hardened", "--allow", "fs-read=data", "--deny", "network"]);
    for path in includes {
        build.args(["--include", path]);
    }
    build.env_clear().env("PATH", "/usr/bin:/bin");
    build.env(
        "LC_ALL",
        ["C", "de_DE.UTF-8", "tr_TR.UTF-8", "POSIX"][(number % 4) as usize],
    );
    build.env(
        "TZ",
        ["UTC", "Asia/Tokyo", "America/New_York"][(number % 3) as usize],
    );
    build
        .env("HOME", scratch.file("home"))
        .env("USER", format!("user{number}"));
    build.env("TMPDIR", scratch.path());
    outcome(build.current_dir(project), b"").succeeded();
    let read = |name: &str| std::fs::read(out.join(name)).unwrap();
    (read("program"), read("image.tar"))
}

#[test]
fn twenty_builds_in_other_surroundings_give_equal_bytes() {
    let runtime = slim_runtime();
    // Some at the same time, so that they could get into each other's way.
    let mut first: Option<(Vec<u8>, Vec<u8>)> = None;
    let numbers: Vec<u64> = (0..BUILDS).collect();
    for few in numbers.chunks(4) {
        let builds = few.iter().map(|&number| {
            let runtime = runtime.file("sema-rt");
            thread::spawn(move || varied(number, &runtime))
        });
        let builds: Vec<_> = builds.collect();
        for (build, number) in builds.into_iter().zip(few) {
            let (program, image) = build.join().unwrap();
            match &first {
                None => first = Some((program, image)),
                Some(first) => {
                    assert!(program == first.0, "program {number} differs");
                    assert!(image == first.1, "image {number} differs");
                }
            }
        }
    }
}

/// The runtime without what debuggers want, which makes it many times as long in the profile of the tests.
fn slim_runtime() -> Scratch {
    let scratch = Scratch::new();
    let slim = scratch.file("sema-rt");
    let mut strip = Command::new("strip");
    strip.arg("-o").arg(&slim).arg(runtime());
    if !strip.status().is_ok_and(|status| status.success()) {
        std::fs::copy(runtime(), &slim).unwrap();
    }
    scratch
}

#[test]
fn another_source_gives_other_bytes() {
    let build = |text: &str| {
        let project = Scratch::with(&[("main.sema", text)]);
        let mut command = semac();
        command
            .current_dir(project.path())
            .args(["build", "main.sema", "--runtime"])
            .arg(runtime());
        outcome(&mut command, b"").succeeded();
        std::fs::read(project.file("main")).unwrap()
    };
    assert!(build("(println 1)\n") != build("(println 2)\n"));
    assert!(build("(println 1)\n") == build("(println 1)\n"));
}
