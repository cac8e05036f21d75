//! Programs for other platforms, run by an emulator. `SEMAC_TEST_RUNTIMES` names the folder with their runtimes, as
//! `make runtimes` makes it.

use std::path::PathBuf;
use std::process::Command;

use sema_tests::{Scratch, outcome, peers, runtime, semac_in, skip};

const PROGRAM: &str = r#"
(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))
(define collected (map (fn (n) (* n 1.5)) (range 1 4)))
(println (sys/arch) (fib 20) collected (expt 3 100) {:a "ü"})
(println (await (async (async/sleep 5) (sort (list 3 1 2)))))
(println (try (nth [1 2] 5) (catch e (:type e))))
(println (string-length (apply string-append (map (fn (i) (str i)) (range 0 20000)))))
"#;

fn runtimes() -> Option<PathBuf> {
    let folder = std::env::var_os("SEMAC_TEST_RUNTIMES").map(PathBuf::from);
    let folder = folder.filter(|folder| folder.join("aarch64-unknown-linux-gnu").is_dir());
    if folder.is_none() {
        skip("SEMAC_TEST_RUNTIMES names no runtimes of other platforms");
    }
    folder
}

#[test]
fn other_processors_compute_the_same() {
    let Some(runtimes) = runtimes() else { return };
    if !peers(&[("qemu-aarch64", "qemu-user"), ("qemu-riscv64", "qemu-user")]) {
        return;
    }
    let scratch = Scratch::with(&[("app.sema", PROGRAM)]);
    for (target, processor) in [("linux/arm64", "aarch64"), ("riscv64", "riscv64")] {
        let mut command = semac_in(scratch.path());
        command.env("SEMAC_RUNTIMES", &runtimes);
        command.args(["build", "app.sema", "-o", processor, "--target", target]);
        outcome(&mut command, b"").succeeded();
        let mut emulator = Command::new(format!("qemu-{processor}"));
        emulator
            .arg(scratch.file(processor))
            .current_dir(scratch.path());
        let got = outcome(&mut emulator, b"").succeeded();
        let expected = format!(
            "{processor} 6765 (1.5 3.0 4.5) 515377520732011331036461129765621272702107522001 {{:a \"ü\"}}\n\
             (1 2 3)\n:eval\n88890\n"
        );
        assert_eq!(got.stdout, expected);
    }
}

#[test]
fn several_platforms_at_once() {
    let Some(runtimes) = runtimes() else { return };
    let scratch = Scratch::with(&[("app.sema", PROGRAM)]);
    let mut command = semac_in(scratch.path());
    command.env("SEMAC_RUNTIMES", &runtimes);
    command.args(["build", "app.sema", "-o", "out", "--image", "app.tar"]);
    command.args(["--target", "aarch64", "--target", "riscv64", "--json"]);
    let text = outcome(&mut command, b"").succeeded().stdout;
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let targets = report["targets"].as_array().unwrap();
    let names: Vec<_> = targets
        .iter()
        .map(|target| target["target"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["aarch64-unknown-linux-gnu", "riscv64gc-unknown-linux-gnu"]
    );
    for name in ["out/app-aarch64-linux", "out/app-riscv64-linux"] {
        assert!(scratch.file(name).is_file(), "{name}");
    }
    if !peers(&[("skopeo", "skopeo")]) {
        return;
    }
    for (name, image_name) in [("aarch64", "arm64"), ("riscv64", "riscv64")] {
        let mut inspect = Command::new("skopeo");
        inspect.args([
            "--override-arch",
            image_name,
            "inspect",
            "oci-archive:app.tar",
        ]);
        let got = outcome(inspect.current_dir(scratch.path()), b"").succeeded();
        assert!(
            got.stdout
                .contains(&format!("\"Architecture\": \"{image_name}\"")),
            "{name}: {got:?}"
        );
    }
}

#[test]
fn a_runtime_of_another_platform_is_refused() {
    let scratch = Scratch::with(&[("app.sema", "1\n")]);
    let build = |options: &[&str]| {
        let mut command = semac_in(scratch.path());
        command.env("SEMAC_RUNTIMES", scratch.path());
        outcome(command.args(["build", "app.sema"]).args(options), b"")
    };
    let runtime = runtime().to_str().unwrap();
    let other = if cfg!(target_arch = "aarch64") {
        "x86_64"
    } else {
        "aarch64"
    };
    let refused = build(&["--runtime", runtime, "--target", other]);
    let refused = refused.failed_with(1, "is a runtime for ");
    assert!(
        refused
            .stderr
            .contains(&format!("not for {other}-unknown-linux-gnu")),
        "{refused:?}"
    );
    let missing = build(&["--target", other]);
    let missing = missing.failed_with(
        1,
        &format!("no runtime of tier core for {other}-unknown-linux-gnu"),
    );
    assert!(
        missing.stderr.contains("make runtimes TARGET="),
        "{missing:?}"
    );
    build(&["--runtime", runtime, "--target", "host"]).succeeded();
}

/// `all` means the platforms that the program can run on, and says which it leaves out.
#[test]
fn all_platforms_are_those_that_the_program_can_run_on() {
    let Some(runtimes) = runtimes() else { return };
    let scratch = Scratch::with(&[("app.sema", "(println (:stdout (shell \"echo hi\")))\n")]);
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let foreign = match std::env::consts::ARCH {
        "aarch64" => "riscv64gc-unknown-linux-gnu",
        _ => "aarch64-unknown-linux-gnu",
    };
    let folder = scratch.file("runtimes");
    for (target, tier, file) in [
        (&*host, "std", runtime().to_owned()),
        (foreign, "core", runtimes.join(foreign).join("sema-rt-core")),
    ] {
        std::fs::create_dir_all(folder.join(target)).unwrap();
        std::fs::copy(file, folder.join(target).join(format!("sema-rt-{tier}"))).unwrap();
    }
    let build = |names: &[&str]| {
        let mut command = semac_in(scratch.path());
        command
            .env("SEMAC_RUNTIMES", &folder)
            .args(["build", "app.sema", "-o", "out"]);
        let targets = names.iter().flat_map(|name| ["--target", name]);
        outcome(command.args(targets), b"")
    };
    let got = build(&["all"]).succeeded();
    let said = format!("Left out {foreign}: there is no runtime of tier std for {foreign} here");
    assert!(got.stderr.contains(&said), "{got:?}");
    let written: Vec<_> = std::fs::read_dir(scratch.file("out"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(written, [format!("app-{}-linux", std::env::consts::ARCH)]);
    // What is named is not left out.
    build(&["all", foreign]).failed_with(1, "no runtime of tier std");
    // A file that is not what its name says is named.
    std::fs::copy(
        runtimes.join(foreign).join("sema-rt-core"),
        folder.join(foreign).join("sema-rt-std"),
    )
    .unwrap();
    build(&[foreign]).failed_with(1, "sema-rt-std' is a runtime of tier core");
}

/// What `all` writes does not depend on how many runtimes happen to be there.
#[test]
fn all_platforms_go_to_a_directory_also_if_there_is_one() {
    let scratch = Scratch::with(&[("app.sema", "(println \"here\")\n")]);
    let folder = scratch.file("runtimes");
    let processor = std::env::consts::ARCH;
    let of_host = folder.join(format!("{processor}-unknown-linux-gnu"));
    std::fs::create_dir_all(&of_host).unwrap();
    std::fs::copy(runtime(), of_host.join("sema-rt-core")).unwrap();
    let build = |options: &[&str]| {
        let mut command = semac_in(scratch.path());
        command.env("SEMAC_RUNTIMES", &folder);
        outcome(command.args(["build", "app.sema"]).args(options), b"").succeeded()
    };
    let name = format!("app-{processor}-linux");
    for (options, place) in [
        (&["--target", "all", "-o", "out"][..], format!("out/{name}")),
        (&["--target", "all"], name.clone()),
        (
            &["--target", "all", "--target", "host", "-o", "both"],
            format!("both/{name}"),
        ),
        (&["--target", "host", "-o", "one"], "one".to_owned()),
    ] {
        build(options);
        let mut program = Command::new(scratch.file(&place));
        assert_eq!(
            outcome(program.env_clear(), b"").succeeded().stdout,
            "here\n"
        );
    }
    let text = build(&["--target", "all", "-o", "out", "--json"]).stdout;
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(text.contains(&name), "{report}");
}
