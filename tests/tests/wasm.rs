//! Programs as modules of WebAssembly, under the hosts that are here: Node's WASI and wasmtime. `SEMAC_TEST_RUNTIMES` names the
//! folder with the runtimes, as `make runtimes TARGET=wasm32` makes it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use sema_tests::{Outcome, Scratch, fixtures, outcome, peers, root, semac_in, skip};

/// A host of modules: the command up to the module, and its name.
struct Host {
    name: &'static str,
    command: Vec<PathBuf>,
}

/// The Python that has wasmtime, which the script installs if it can.
fn python_with_wasmtime() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let mut install = Command::new("sh");
            install.arg(root().join("tests/peers/wasmtime.sh"));
            let printed = install.output().ok().filter(|got| got.status.success())?;
            Some(PathBuf::from(
                String::from_utf8(printed.stdout).ok()?.trim(),
            ))
        })
        .clone()
}

/// The hosts that are here. What is missing is noted as skipped.
fn hosts() -> Vec<Host> {
    let mut hosts = Vec::new();
    if peers(&[("node", "nodejs")]) {
        let script = root().join("tests/peers/node-wasi.mjs");
        hosts.push(Host {
            name: "node",
            command: vec!["node".into(), "--no-warnings".into(), script],
        });
    }
    match python_with_wasmtime() {
        Some(python) => hosts.push(Host {
            name: "wasmtime",
            command: vec![python, root().join("tests/peers/wasmtime_wasi.py")],
        }),
        None => skip("there is no wasmtime (package of Python)"),
    }
    hosts
}

impl Host {
    /// A command that runs a module of a directory, which the program sees as `/`, with these arguments.
    fn run(&self, directory: &Path, module: &str, arguments: &[&str]) -> Command {
        let (program, rest) = self.command.split_first().expect("a host is a command");
        let mut command = Command::new(program);
        command.args(rest).current_dir(directory).arg("--dir");
        command.arg(format!("{}::/", directory.display()));
        command.arg(module).args(arguments);
        command
    }
}

/// The folder of runtimes, if those for WebAssembly are in it.
fn runtimes() -> Option<PathBuf> {
    let folder = std::env::var_os("SEMAC_TEST_RUNTIMES").map(PathBuf::from);
    let folder = folder.filter(|folder| folder.join("wasm32-wasip1/sema-rt-core").is_file());
    if folder.is_none() {
        skip("SEMAC_TEST_RUNTIMES names no runtimes for WebAssembly");
    }
    folder
}

/// `semac build` for WebAssembly.
fn build(directory: &Path, arguments: &[&str]) -> Outcome {
    let runtimes = std::env::var_os("SEMAC_TEST_RUNTIMES").unwrap_or_default();
    let mut command = semac_in(directory);
    command.env("SEMAC_RUNTIMES", runtimes);
    command
        .args(["build", "--target", "wasm32-wasip1"])
        .args(arguments);
    outcome(&mut command, b"")
}

/// Builds a program and runs it under every host, which have to agree; what one of them showed.
#[track_caller]
fn under_hosts(
    scratch: &Scratch,
    options: &[&str],
    arguments: &[&str],
    input: &[u8],
) -> Option<Outcome> {
    runtimes()?;
    build(
        scratch.path(),
        &[options, &["app.sema", "-o", "app.wasm"]].concat(),
    )
    .succeeded();
    let mut first: Option<Outcome> = None;
    for host in hosts() {
        let got = outcome(&mut host.run(scratch.path(), "app.wasm", arguments), input);
        match &first {
            Some(first) => assert_eq!(&got, first, "under {}", host.name),
            None => first = Some(got),
        }
    }
    first
}

/// The same for a program without anything else.
#[track_caller]
fn shows(program: &str, expected: &str) {
    let scratch = Scratch::with(&[("app.sema", program)]);
    if let Some(got) = under_hosts(&scratch, &[], &[], b"") {
        assert_eq!(got.succeeded().stdout, expected);
    }
}

#[test]
fn programs_compute_the_same() {
    shows(
        r#"
(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))
(define collected (map (fn (n) (* n 1.5)) (range 1 4)))
(println (sys/os) (sys/arch) (fib 20) collected (expt 3 100) {:a "ü"})
(println (await (async (async/sleep 5) (sort (list 3 1 2)))))
(println (try (nth [1 2] 5) (catch e (:type e))) (try (nth (list 1 2) 4294967296) (catch e (:type e))))
(println (string-length (apply string-append (map (fn (i) (str i)) (range 0 20000)))))
(define numbers (foldl (fn (m i) (assoc m i (* i i))) {} (range 5000)))
(println (length (keys numbers)) (foldl + 0 (vals numbers)))
(define table (foldl (fn (m i) (hashmap/assoc m i (* i i))) (hashmap/new) (range 5000)))
(println (foldl + 0 (map (fn (i) (hashmap/get table i)) (range 5000))))
(println (expt 2 70) (* 4294967296 4294967296) (quotient (expt 10 40) 12345678901234567890))
"#,
        "wasi wasm32 6765 (1.5 3.0 4.5) 515377520732011331036461129765621272702107522001 {:a \"ü\"}\n\
         (1 2 3)\n:eval :eval\n88890\n5000 41654167500\n41654167500\n\
         1180591620717411303424 18446744073709551616 810000007290000066347\n",
    );
}

/// Every program of the fixtures that a module can be shows what it shows elsewhere.
#[test]
fn the_programs_of_the_fixtures() {
    let Some(_) = runtimes() else { return };
    let hosts = hosts();
    let Some(host) = hosts.first() else { return };
    let mut ran = 0;
    let mut problems = Vec::new();
    let mut entries: Vec<PathBuf> = fs::read_dir(fixtures("programs"))
        .expect("the fixtures can be listed")
        .map(|entry| entry.expect("the fixtures can be listed").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "sema")
        })
        .collect();
    entries.sort();
    let scratch = Scratch::new();
    for source in entries {
        let name = source
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if NEED_MORE.contains(&&*name) {
            continue;
        }
        let expected =
            fs::read_to_string(source.with_extension("out")).expect("what it shows is known");
        scratch.write(
            "app.sema",
            fs::read(&source).expect("the fixture can be read"),
        );
        let built = build(scratch.path(), &["app.sema", "-o", "app.wasm"]);
        if built.status != 0 {
            problems.push(format!("{name} is not built: {}", built.stderr));
            continue;
        }
        let input = fs::read(source.with_extension("in")).unwrap_or_default();
        let mut command = host.run(scratch.path(), "app.wasm", &[]);
        // Endless recursions end sooner.
        command.env("SEMAC_STACK_MB", "128");
        let got = outcome(&mut command, &input);
        if got.stdout != expected {
            problems.push(format!("{name}: {got:#?}"));
        }
        ran += 1;
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(ran >= 40, "{ran} programs");
}

/// Programs that need what there is for other platforms only: values of conversations with models are of tier net.
const NEED_MORE: &[&str] = &["messages"];

#[test]
fn arguments_environment_input_and_status() {
    let scratch = Scratch::with(&[(
        "app.sema",
        r#"
(println (rest (sys/args)) (env "SEMA_TEST"))
(define (lines n) (let ((line (io/read-line))) (if (nil? line) n (begin (println "<" line ">") (lines (+ n 1))))))
(println (lines 0))
(println-error "to standard error")
(exit 7)
"#,
    )]);
    let Some(_) = runtimes() else { return };
    build(scratch.path(), &["app.sema", "-o", "app.wasm"]).succeeded();
    for host in hosts() {
        let mut command = host.run(scratch.path(), "app.wasm", &["one", "zwei drei"]);
        command.env("SEMA_TEST", "from outside");
        let got = outcome(&mut command, "first\nzweite Zeile ü".as_bytes());
        assert_eq!(got.status, 7, "{}: {got:?}", host.name);
        let expected = "(\"one\" \"zwei drei\") from outside\n< first >\n< zweite Zeile ü >\n2\n";
        assert_eq!(got.stdout, expected, "{}", host.name);
        assert_eq!(got.stderr, "to standard error\n", "{}", host.name);
    }
}

#[test]
fn files_of_the_host_and_of_the_bundle() {
    let long = "0123456789abcdef".repeat(20_000);
    let scratch = Scratch::with(&[
        (
            "app.sema",
            r#"
(println (file/read "data/small.txt") (string-length (file/read "data/long.txt")))
(file/write "made.txt" "written\n")
(file/append "made.txt" "appended\n")
(println (file/read "/made.txt") (file/exists? "made.txt") (file/exists? "nothing"))
(file/mkdir "folder")
(file/write "folder/a.txt" "a")
(println (file/list "folder") (file/is-directory? "folder") (path/absolute "folder/../made.txt"))
(println (try (file/read "../outside") (catch e (:type e))) (try (file/read "absent") (catch e (:type e))))
(file/delete "made.txt")
(println (file/exists? "made.txt"))
"#,
        ),
        ("data/small.txt", "small"),
        ("data/long.txt", &long),
    ]);
    let Some(got) = ({
        let options = ["--include", "data"];
        runtimes().and_then(|_| {
            build(
                scratch.path(),
                &["--include", "data", "app.sema", "-o", "app.wasm"],
            )
            .succeeded();
            // What is in the bundle is not read from the host.
            fs::remove_dir_all(scratch.file("data")).expect("the folder is there");
            let mut last = None;
            for host in hosts() {
                let _ = fs::remove_dir_all(scratch.file("folder"));
                let got = outcome(&mut host.run(scratch.path(), "app.wasm", &[]), b"");
                assert_eq!(got.status, 0, "{} {options:?}: {got:?}", host.name);
                last = Some(got);
            }
            last
        })
    }) else {
        return;
    };
    assert_eq!(
        got.stdout,
        "small 320000\nwritten\nappended\n #t #f\n(\"a.txt\") #t /made.txt\n:io :io\n#f\n"
    );
}

#[test]
fn errors_have_their_traces() {
    let scratch = Scratch::with(&[(
        "app.sema",
        "(define (inner x) (car x))\n(define (outer x) (+ 1 (inner x)))\n(println :before)\n(outer 5)\n",
    )]);
    let Some(got) = under_hosts(&scratch, &[], &[], b"") else {
        return;
    };
    assert_eq!(got.stdout, ":before\n");
    let got = got.failed_with(1, "expected");
    assert!(got.stderr.contains("app.sema:1:19"), "{got:?}");
    assert!(got.stderr.contains("app.sema:2:"), "{got:?}");
}

#[test]
fn recursion_and_data_have_limits_that_can_be_caught() {
    let program = r#"
(define (deep n) (if (= n 0) 0 (+ 1 (deep (- n 1)))))
(println (deep 1000000))
(println (try (deep 100000000) (catch e (:message e))))
(define (nested n) (foldl (fn (inner i) (list inner)) '() (range n)))
(define one (nested 300000))
(define other (nested 300000))
(println (equal? one other) (> (string-length (str one)) 0))
(println :still-here)
"#;
    let scratch = Scratch::with(&[("app.sema", program)]);
    let Some(_) = runtimes() else { return };
    build(scratch.path(), &["app.sema", "-o", "app.wasm"]).succeeded();
    for host in hosts() {
        let mut command = host.run(scratch.path(), "app.wasm", &[]);
        let got = outcome(command.env("SEMAC_STACK_MB", "128"), b"").succeeded();
        let expected = "1000000\nstack overflow: maximum call depth exceeded\n#t #t\n:still-here\n";
        assert_eq!(got.stdout, expected, "{}", host.name);
    }
}

#[test]
fn memory_can_be_limited() {
    let scratch = Scratch::with(&[(
        "app.sema",
        r#"
(define (grow all) (grow (cons (string/repeat "a" 1000) all)))
(println (try (grow '()) (catch e (:type e))))
(println :still (+ 1 2))
"#,
    )]);
    let Some(_) = runtimes() else { return };
    build(scratch.path(), &["app.sema", "-o", "app.wasm"]).succeeded();
    for host in hosts() {
        let mut command = host.run(scratch.path(), "app.wasm", &[]);
        let got = outcome(command.env("SEMAC_HEAP_MB", "32"), b"").succeeded();
        assert_eq!(got.stdout, ":eval\n:still 3\n", "{}", host.name);
    }
}

/// The heap begins behind the archive: what a program computes does not overwrite what it still has to read.
#[test]
fn the_heap_leaves_the_archive_alone() {
    let letters: String = (0..3_000_000u32)
        .map(|i| char::from(b'a' + (i.wrapping_mul(2_654_435_761) >> 27) as u8 % 26))
        .collect();
    let scratch = Scratch::with(&[
        (
            "app.sema",
            r#"
(define kept (map (fn (i) (str i (string/repeat "x" 200))) (range 100000)))
(define text (file/read "letters.txt"))
(println (string-length text) (length kept) (string-length (last kept)))
(println (file/read "end.txt"))
"#,
        ),
        ("letters.txt", &letters),
        ("end.txt", "the end"),
    ]);
    let options = ["--include", "letters.txt", "--include", "end.txt"];
    let Some(got) = under_hosts(&scratch, &options, &[], b"") else {
        return;
    };
    assert_eq!(got.succeeded().stdout, "3000000 100000 205\nthe end\n");
}

#[test]
fn damage_is_found() {
    let scratch = Scratch::with(&[
        ("app.sema", "(println (file/read \"data.txt\"))\n"),
        ("data.txt", "content of the file"),
    ]);
    let Some(_) = runtimes() else { return };
    build(
        scratch.path(),
        &["app.sema", "-o", "app.wasm", "--include", "data.txt"],
    )
    .succeeded();
    let whole = fs::read(scratch.file("app.wasm")).expect("it was built");
    let semac =
        |command: &str, file: &str| outcome(semac_in(scratch.path()).args([command, file]), b"");
    semac("verify", "app.wasm").succeeded();

    scratch.write("cut.wasm", &whole[..whole.len() - 100]);
    semac("verify", "cut.wasm").failed_with(1, "ends inside of a section");

    let at = whole
        .windows(19)
        .position(|bytes| bytes == b"content of the file")
        .expect("the asset is not compressed");
    let mut changed = whole.clone();
    changed[at] ^= 1;
    scratch.write("changed.wasm", &changed);
    semac("verify", "changed.wasm").failed_with(1, "checksum");
    for host in hosts() {
        let mut command = host.run(scratch.path(), "changed.wasm", &[]);
        outcome(&mut command, b"").failed_with(1, "damaged");
    }
    // The runtime's own part is looked at by `verify` only.
    let mut changed = whole;
    let last_of_runtime = at.min(1000);
    changed[last_of_runtime] ^= 1;
    scratch.write("runtime.wasm", &changed);
    semac("verify", "runtime.wasm").failed_with(1, "runtime in front of the archive");
}

#[test]
fn reports_know_modules() {
    let scratch = Scratch::with(&[
        ("app.sema", "(println (file/read \"data.txt\"))\n"),
        ("data.txt", "content"),
    ]);
    let Some(runtimes) = runtimes() else { return };
    let text = build(
        scratch.path(),
        &["app.sema", "--include", "data.txt", "--json"],
    )
    .succeeded()
    .stdout;
    let report: serde_json::Value = serde_json::from_str(&text).expect("the report is JSON");
    assert_eq!(report["targets"][0]["target"], "wasm32-wasip1");
    assert!(
        scratch.file("app.wasm").is_file(),
        "the name of the module follows from that of the source"
    );
    let got = outcome(semac_in(scratch.path()).args(["inspect", "app.wasm"]), b"").succeeded();
    assert!(
        got.stdout.contains("program app.wasm") && got.stdout.contains("data.txt"),
        "{got:?}"
    );
    let mut command = semac_in(scratch.path());
    command.env("SEMAC_RUNTIMES", &runtimes);
    let got = outcome(command.args(["build", "--list-targets"]), b"").succeeded();
    let list = &got.stdout[got.stdout.find("wasm32-wasip1").expect("it is listed")..];
    assert!(list.contains("core") && list.contains("MB"), "{list}");
    // A program takes no second one.
    build(
        scratch.path(),
        &["app.sema", "--runtime", "app.wasm", "-o", "two.wasm"],
    )
    .failed_with(1, "already carries a program");
    // Equal inputs, equal bytes.
    let first = fs::read(scratch.file("app.wasm")).expect("it was built");
    build(scratch.path(), &["app.sema", "--include", "data.txt"]).succeeded();
    assert_eq!(
        first,
        fs::read(scratch.file("app.wasm")).expect("it was built")
    );
}

#[test]
fn what_the_platform_has_not_is_said_with_the_way_there() {
    let scratch = Scratch::with(&[
        (
            "app.sema",
            "(define (start n)\n  (when (> n 10)\n    (println (length (sys/args)))\n    (shell \"ls\" n)))\n\
             (define (go n)\n  (println n)\n  (start n)\n  (go (+ n 1)))\n(go 1)\n",
        ),
        ("net.sema", "(println (http/get \"http://localhost\"))\n"),
        ("name.sema", "(println (sys/hostname))\n"),
    ]);
    let got = build(scratch.path(), &["app.sema", "-o", "app.wasm"])
        .failed_with(1, "wasm32-wasip1 has not");
    assert!(got.stderr.contains("shell"), "{got:?}");
    assert!(
        got.stderr.contains("app.sema:4:5"),
        "where it is called: {got:?}"
    );
    assert!(
        got.stderr.contains("app.sema:7:3"),
        "and who calls that: {got:?}"
    );
    assert!(!scratch.file("app.wasm").exists());
    let got = build(scratch.path(), &["net.sema"]).failed_with(1, "http/get");
    assert!(got.stderr.contains("network"), "{got:?}");
    build(scratch.path(), &["name.sema"]).failed_with(1, "sys/hostname");
}

#[test]
fn images_and_the_compiler_are_for_other_platforms() {
    let scratch = Scratch::with(&[("app.sema", "1\n")]);
    build(scratch.path(), &["app.sema", "--image", "app.tar"])
        .failed_with(1, "container images hold executables for Linux");
    build(scratch.path(), &["app.sema", "--dynamic"]).failed_with(1, "cannot contain the compiler");
    assert!(!scratch.file("app.tar").exists());
}

/// A compiled module of a directory that the host has opened is taken in as on other platforms, and within the program's
/// capabilities.
#[test]
fn plugins_are_taken_in() {
    let scratch = Scratch::with(&[
        (
            "app.sema",
            "(import (string-append \"plu\" \"gin.semac\"))\n(println (twice 21))\n",
        ),
        (
            "plugin.sema",
            "(module plugin (export twice) (define (twice n) (* 2 n)))\n",
        ),
    ]);
    let Some(_) = runtimes() else { return };
    outcome(
        semac_in(scratch.path()).args(["compile", "plugin.sema"]),
        b"",
    )
    .succeeded();
    let Some(got) = under_hosts(&scratch, &[], &[], b"") else {
        return;
    };
    assert_eq!(got.succeeded().stdout, "42\n");
}
