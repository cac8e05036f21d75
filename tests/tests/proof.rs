//! What a program says about its making: stamp, sources, licences, bill of materials; and what is not packed into it.

use std::process::Command;

use sema_tests::{Outcome, Scratch, outcome, root, runtime, semac_in};
use serde_json::Value;

fn semac(project: &Scratch, arguments: &[&str]) -> Outcome {
    outcome(semac_in(project.path()).args(arguments), b"")
}

fn build(project: &Scratch, options: &[&str]) -> Outcome {
    let mut command = semac_in(project.path());
    command
        .args(["build", "main.sema", "-o", "program", "--runtime"])
        .arg(runtime());
    outcome(command.args(options), b"")
}

fn run(project: &Scratch) -> Outcome {
    outcome(Command::new(project.file("program")).env_clear(), b"")
}

fn inspected(project: &Scratch) -> Value {
    let text = semac(project, &["inspect", "program", "--json"])
        .succeeded()
        .stdout;
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_stamp_is_read_by_inspect_and_by_the_program() {
    let main = "(println (:version (sys/stamp)) (length (keys (sys/stamp))))\n";
    let project = Scratch::with(&[("main.sema", main)]);
    build(
        &project,
        &["--stamp", "version=1.2.3", "--stamp", "commit=abc=def"],
    )
    .succeeded();
    assert_eq!(run(&project).succeeded().stdout, "1.2.3 2\n");
    assert_eq!(inspected(&project)["stamp"]["commit"], "abc=def");
    let first = std::fs::read(project.file("program")).unwrap();
    build(
        &project,
        &["--stamp", "commit=abc=def", "--stamp", "version=1.2.3"],
    )
    .succeeded();
    assert!(
        std::fs::read(project.file("program")).unwrap() == first,
        "the order does not matter"
    );
    build(&project, &[]).succeeded();
    assert_eq!(run(&project).succeeded().stdout, "nil 0\n");
    assert_eq!(
        semac(&project, &["run", "main.sema"]).succeeded().stdout,
        "nil 0\n"
    );
    build(&project, &["--stamp", "a=1", "--stamp", "a=2"]).failed_with(1, "given twice");
    build(&project, &["--stamp", "a b=1"]).failed_with(2, "letters, digits");
    build(&project, &["--stamp", "a"]).failed_with(2, "NAME=VALUE");
}

#[test]
fn the_sources_are_known_by_their_digests() {
    let project = Scratch::with(&[
        ("main.sema", "(import \"lib/a.sema\")\n(println (a))\n"),
        ("lib/a.sema", "(module a (export a) (define (a) 1))\n"),
    ]);
    build(&project, &[]).succeeded();
    let sum = Command::new("sha256sum")
        .args(["lib/a.sema", "main.sema"])
        .current_dir(project.path())
        .output()
        .unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    let found: String = inspected(&project)["provenance"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            format!(
                "{}  {}\n",
                one["sha256"].as_str().unwrap(),
                one["path"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(found, sum);
    build(&project, &["--strip-debug"]).succeeded();
    assert_eq!(inspected(&project)["provenance"], Value::Array(Vec::new()));
}

#[test]
fn files_that_look_like_keys_are_not_packed() {
    let project = Scratch::with(&[
        ("main.sema", "(println (file/read \"conf/settings\"))\n"),
        (
            "conf/settings",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n",
        ),
        ("env/.env", "KEY=1\n"),
        ("plain/notes.txt", "about private keys\n"),
    ]);
    build(&project, &["--include", "conf"])
        .failed_with(1, "'conf/settings' looks like a secret (a private key)")
        .failed_with(1, "--allow-secrets GLOB");
    assert!(!project.file("program").exists());
    build(&project, &["--include", "env"]).failed_with(1, "'env/.env' looks like a secret");
    build(&project, &["--include", "env", "--allow-secrets", "*.pem"]).failed_with(1, "env/.env");
    build(&project, &["--include", "env", "--allow-secrets", "env/*"]).succeeded();
    // Another name in the program makes it no less of a secret.
    build(&project, &["--include", "env/.env=settings.txt"]).failed_with(
        1,
        "'settings.txt' looks like a secret (variables of an environment)",
    );
    let allowed = [
        "--include",
        "env/.env=settings.txt",
        "--allow-secrets",
        ".env",
    ];
    build(&project, &allowed).succeeded();
    build(
        &project,
        &["--include", "conf", "--allow-secrets", "settings"],
    )
    .succeeded();
    build(&project, &["--include", "plain"]).succeeded();
}

/// A runtime with its licences in it and a list of what it is made of beside it, as `make` leaves it.
fn listed_runtime(project: &Scratch) -> String {
    let path = project.file("sema-rt");
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut tool = Command::new("python3");
    tool.arg(root().join("tools/components.py"))
        .args(["sema-rt", "full", &target]);
    tool.args(["sema-rt.components.json", "notices.txt"].map(|name| project.file(name)));
    outcome(&mut tool, b"").succeeded();
    let notices = std::fs::read_to_string(project.file("notices.txt")).unwrap();
    let listed = sema_vfs::with_notices(&std::fs::read(runtime()).unwrap(), &notices).unwrap();
    // With the permissions of the runtime.
    std::fs::copy(runtime(), &path).unwrap();
    std::fs::write(&path, listed).unwrap();
    path.to_string_lossy().into_owned()
}

#[test]
fn the_bill_of_materials_names_everything() {
    let project = Scratch::with(&[
        (
            "main.sema",
            "(import \"lib/a.sema\")\n(println (a) (file/read \"data.txt\"))\n",
        ),
        ("lib/a.sema", "(module a (export a) (define (a) 1))\n"),
        ("data.txt", "data"),
    ]);
    build(&project, &["--sbom", "bill.json"])
        .failed_with(1, "there is no list of what the runtime is made of");
    let runtime = listed_runtime(&project);
    let bill = |output: &str| {
        let arguments = [
            "build",
            "main.sema",
            "-o",
            "program",
            "--include",
            "data.txt",
            "--runtime",
            &runtime,
            "--sbom",
            output,
            "--stamp",
            "version=2.0",
        ];
        semac(&project, &arguments).succeeded();
        std::fs::read_to_string(project.file(output)).unwrap()
    };
    let text = bill("bill.json");
    assert_eq!(text, bill("again.json"));
    let bill: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&bill["bomFormat"], &bill["specVersion"]),
        (&"CycloneDX".into(), &"1.5".into())
    );
    assert!(
        bill["serialNumber"]
            .as_str()
            .unwrap()
            .starts_with("urn:uuid:")
    );
    assert_eq!(bill["metadata"]["component"]["version"], "2.0");
    let components = bill["components"].as_array().unwrap();
    let find = |name: &str| {
        components
            .iter()
            .find(|one| one["name"] == name)
            .unwrap_or_else(|| panic!("{name}"))
    };
    for name in ["sema-machine", "zstd", "rustls", "hyper", "rust-std"] {
        let found = find(name);
        assert_eq!(found["type"], "library");
        assert!(found["licenses"][0]["expression"].is_string());
        assert!(found["purl"].as_str().unwrap().starts_with(&match name {
            "rust-std" => format!("pkg:generic/{name}@"),
            _ => format!("pkg:cargo/{name}@"),
        }));
    }
    // What a bundle is for is not a part of it.
    let mut command = semac_in(project.path());
    command.args([
        "build",
        "main.sema",
        "--bundle",
        "-o",
        "small",
        "--sbom",
        "small.json",
    ]);
    outcome(&mut command, b"").succeeded();
    let small = std::fs::read_to_string(project.file("small.json")).unwrap();
    assert!(
        small.contains("\"main.sema\"") && !small.contains("pkg:"),
        "{small}"
    );
    // The digest of "data".
    let digest = "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7";
    assert_eq!(find("data.txt")["hashes"][0]["content"], digest);
    assert_eq!(find("lib/a.sema")["type"], "file");
    let all: Vec<&Value> = components.iter().map(|one| &one["bom-ref"]).collect();
    let named = bill["dependencies"][0]["dependsOn"].as_array().unwrap();
    assert_eq!(all, named.iter().collect::<Vec<_>>());
}

#[test]
fn a_program_shows_the_licences_of_what_it_contains() {
    let project = Scratch::with(&[(
        "main.sema",
        "(println (or (env \"SEMAC_INFO\") \"runs\"))\n",
    )]);
    let runtime = listed_runtime(&project);
    semac(
        &project,
        &["build", "main.sema", "-o", "program", "--runtime", &runtime],
    )
    .succeeded();
    let info = |value: &str| {
        outcome(
            Command::new(project.file("program"))
                .env_clear()
                .env("SEMAC_INFO", value),
            b"",
        )
    };
    let licences = info("licenses").succeeded().stdout;
    for part in [
        "zstd",
        "Permission is hereby granted, free of charge",
        "rustls",
    ] {
        assert!(licences.contains(part), "{part}");
    }
    assert_eq!(
        semac(&project, &["inspect", "program", "--licenses"])
            .succeeded()
            .stdout,
        licences
    );
    // Whoever makes the program smaller does not lose them.
    for tool in ["strip", "eu-strip", "llvm-strip"] {
        std::fs::copy(project.file("program"), project.file("stripped")).unwrap();
        let done = Command::new(tool).arg(project.file("stripped")).output();
        if done.is_ok_and(|done| done.status.success()) {
            let mut stripped = Command::new(project.file("stripped"));
            stripped.env_clear().env("SEMAC_INFO", "licenses");
            assert_eq!(outcome(&mut stripped, b"").succeeded().stdout, licences);
        }
    }
    // The runtime alone has them, and runs bundles as before.
    let alone = |value: Option<&str>, bundle: &str| {
        let mut command = Command::new(&runtime);
        command.env_clear().current_dir(project.path());
        command.envs(value.map(|value| ("SEMAC_INFO", value)));
        outcome(command.arg(bundle), b"")
    };
    assert_eq!(alone(Some("licenses"), "").succeeded().stdout, licences);
    semac(
        &project,
        &["build", "main.sema", "--bundle", "-o", "bundle"],
    )
    .succeeded();
    assert_eq!(alone(None, "bundle").succeeded().stdout, "runs\n");
    alone(None, "-v").failed_with(2, "usage: sema-rt BUNDLE");
    info("other").failed_with(2, "SEMAC_INFO can be licenses, not other");
    assert_eq!(run(&project).succeeded().stdout, "runs\n");
    semac(&project, &["verify", "program"]).succeeded();
    // Built with a runtime of which nothing is known.
    build(&project, &[]).succeeded();
    info("licenses").failed_with(1, "this program has no licences in it");
    semac(&project, &["inspect", "program", "--licenses"]).failed_with(1, "it has no licences");
}
