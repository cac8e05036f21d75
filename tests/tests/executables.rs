//! Executables: what they need (nothing), what they hold, how they are named.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use sema_tests::{Outcome, Scratch, outcome, runtime, semac_in};

const MODULES: &[(&str, &str)] = &[
    (
        "main.sema",
        "(import \"lib/greet.sema\")\n(println (greet \"world\"))\n(println (file/read \"data/note.txt\"))\n",
    ),
    (
        "lib/greet.sema",
        "(module greet (export greet) (define (punctuate s) (str s \"!\"))\n  (define (greet name) (punctuate (str \"Hello, \" name))))\n",
    ),
    ("data/note.txt", "a note"),
];
const OUTPUT: &str = "Hello, world!\na note\n";

#[track_caller]
fn build(directory: &Path, arguments: &[&str]) -> Outcome {
    let mut command = semac_in(directory);
    command
        .arg("build")
        .args(arguments)
        .arg("--runtime")
        .arg(runtime());
    outcome(&mut command, b"")
}

#[track_caller]
fn run(executable: &Path, directory: &Path, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(executable);
    command.env_clear().current_dir(directory).args(arguments);
    outcome(&mut command, b"")
}

#[test]
fn an_executable_needs_nothing_else() {
    let project = Scratch::with(MODULES);
    build(project.path(), &["main.sema", "--include", "data"]).succeeded();
    let elsewhere = Scratch::new();
    let executable = elsewhere.file("renamed program");
    fs::copy(project.file("main"), &executable).unwrap();
    drop(project);
    let empty = Scratch::new();
    let got = run(&executable, empty.path(), &[]).succeeded();
    assert_eq!((got.stdout.as_str(), got.stderr.as_str()), (OUTPUT, ""));
    assert_eq!(empty.names(), [""; 0]);

    // Through a symbolic link, and without permission to read anything but itself.
    let link = elsewhere.file("link");
    std::os::unix::fs::symlink(&executable, &link).unwrap();
    assert_eq!(run(&link, empty.path(), &[]).succeeded().stdout, OUTPUT);
    fs::set_permissions(&executable, fs::Permissions::from_mode(0o555)).unwrap();
    assert_eq!(
        run(&executable, Path::new("/"), &[]).succeeded().stdout,
        OUTPUT
    );
}

#[test]
fn arguments_and_exit_status_belong_to_the_program() {
    let project = Scratch::with(&[(
        "args.sema",
        "(println (rest (sys/args)))\n(exit (length (rest (sys/args))))\n",
    )]);
    build(project.path(), &["args.sema"]).succeeded();
    for arguments in [
        [].as_slice(),
        &["--help"],
        &["--version", "-v", "--"],
        &["", "a b", "ü", "--runtime=x"],
    ] {
        let got = run(&project.file("args"), project.path(), arguments);
        let quoted: Vec<String> = arguments.iter().map(|one| format!("\"{one}\"")).collect();
        assert_eq!(got.stdout, format!("({})\n", quoted.join(" ")));
        assert_eq!(got.status, arguments.len() as i32);

        let mut command = semac_in(project.path());
        command.args(["run", "args.sema"]).args(arguments);
        assert_eq!(outcome(&mut command, b""), got, "semac run differs");
    }
}

#[test]
fn standard_input_and_error_output() {
    let project = Scratch::with(&[(
        "echo.sema",
        "(define (loop) (let ((l (read-line))) (unless (nil? l) (println (string/upper l)) (loop))))\n\
         (loop)\n(println-error \"done\")\n(throw :end)\n",
    )]);
    build(project.path(), &["echo.sema"]).succeeded();
    let mut command = Command::new(project.file("echo"));
    let got = outcome(command.env_clear(), b"one\ntwo");
    assert_eq!((got.stdout.as_str(), got.status), ("ONE\nTWO\n", 1));
    let (first, second) = (got.stderr.lines().next(), got.stderr.lines().nth(1));
    assert_eq!(first, Some("done"));
    assert_eq!(second, Some("Error: User exception: :end"));
}

#[test]
fn errors_have_positions_in_the_source() {
    let project = Scratch::with(&[
        (
            "main.sema",
            "(import \"lib.sema\")\n\n(define (start)\n  (+ 1 (risky 5)))\n(start)\n",
        ),
        ("lib.sema", "(define (risky x)\n  (+ x\n     (car x)))\n"),
    ]);
    build(project.path(), &["main.sema"]).succeeded();
    let got = run(&project.file("main"), Path::new("/"), &[]);
    assert_eq!(got.status, 1);
    assert!(got.stderr.contains("lib.sema:3:6"), "{}", got.stderr);
    assert!(got.stderr.contains("at risky"), "{}", got.stderr);
    assert!(
        got.stderr.contains("at start (main.sema:4:"),
        "{}",
        got.stderr
    );

    build(project.path(), &["main.sema", "--strip-debug"]).succeeded();
    let stripped = run(&project.file("main"), Path::new("/"), &[]);
    assert_eq!(stripped.stderr.lines().next(), got.stderr.lines().next());
    assert!(
        !stripped.stderr.contains("lib.sema:3"),
        "{}",
        stripped.stderr
    );
}

#[test]
fn a_module_runs_once_and_keeps_its_private_names() {
    let project = Scratch::with(&[
        (
            "main.sema",
            "(import \"a.sema\")\n(import \"b.sema\")\n(import \"a.sema\")\n\
             (println (a) (b))\n(println (try secret (catch e (:type e))))\n",
        ),
        (
            "a.sema",
            "(module a (export a) (println \"a runs\") (define secret 1) (define (a) secret))\n",
        ),
        (
            "b.sema",
            "(module b (export b) (import \"a.sema\" a) (define secret 2) (define (b) (+ (a) secret)))\n",
        ),
    ]);
    build(project.path(), &["main.sema"]).succeeded();
    let got = run(&project.file("main"), Path::new("/"), &[]).succeeded();
    assert_eq!(got.stdout, "a runs\n1 3\n:unbound\n");
}

#[test]
fn embedded_files_come_before_files_on_disk() {
    let project = Scratch::with(&[
        (
            "main.sema",
            "(println (file/read \"data/x.txt\"))\n(println (file/exists? \"data/y.txt\"))\n",
        ),
        ("data/x.txt", "embedded"),
    ]);
    build(project.path(), &["main.sema", "--include", "data/x.txt"]).succeeded();
    let elsewhere = Scratch::with(&[("data/x.txt", "on disk"), ("data/y.txt", "")]);
    let got = run(&project.file("main"), elsewhere.path(), &[]).succeeded();
    assert_eq!(got.stdout, "embedded\n#t\n");
}

#[test]
fn outputs_go_where_they_are_told() {
    let project = Scratch::with(&[("src/app.sema", "(println 1)\n")]);
    build(project.path(), &["src/app.sema"]).succeeded();
    build(project.path(), &["src/app.sema", "-o", "new/deep/name"]).succeeded();
    assert_eq!(project.names(), ["app", "new", "src"]);
    let executable = project.file("new/deep/name");
    assert_eq!(
        run(&executable, project.path(), &[]).succeeded().stdout,
        "1\n"
    );
    let mode = fs::metadata(&executable).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);

    // A running program can be replaced, and a link stays a link.
    let link = project.file("link");
    std::os::unix::fs::symlink("new/deep/name", &link).unwrap();
    project.write("src/app.sema", "(println 2)\n");
    build(project.path(), &["src/app.sema", "-o", "link"]).succeeded();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        run(&executable, project.path(), &[]).succeeded().stdout,
        "2\n"
    );
}

#[test]
fn equal_inputs_give_equal_bytes() {
    let files = [("b.txt", "x".repeat(10_000)), ("a.txt", "y".to_owned())];
    let built: Vec<Vec<u8>> = ["one", "another/place/with/a/longer/name"]
        .iter()
        .map(|place| {
            let scratch = Scratch::new();
            for (name, content) in MODULES {
                scratch.write(&format!("{place}/{name}"), content);
            }
            for (name, content) in &files {
                scratch.write(&format!("{place}/data/{name}"), content);
            }
            let directory = scratch.file(place);
            build(
                &directory,
                &["main.sema", "--include", "data", "-o", "out/app"],
            )
            .succeeded();
            fs::read(directory.join("out/app")).unwrap()
        })
        .collect();
    assert!(built[0] == built[1], "the bytes depend on the directory");
    let archive = sema_vfs::Archive::from_executable_bytes(built[0].clone()).unwrap();
    let start = built[0].len() - archive.byte_length() as usize;
    let text = String::from_utf8_lossy(&built[0][start..]);
    let temporary = std::env::temp_dir();
    assert!(
        !text.contains(&*temporary.to_string_lossy()),
        "a path of the build machine"
    );
}

#[test]
fn the_report_names_what_was_built() {
    let project = Scratch::with(MODULES);
    let got = build(
        project.path(),
        &["main.sema", "--include", "data", "--json"],
    )
    .succeeded();
    let report: serde_json::Value = serde_json::from_str(&got.stdout).unwrap();
    let bytes = fs::metadata(project.file("main")).unwrap().len();
    assert_eq!(report["bundled_files"], 3);
    assert!(report["source"].as_str().unwrap().ends_with("/main.sema"));
    assert!(report["duration_ms"].is_u64() && report["archive_bytes"].as_u64().unwrap() < 10_000);
    let target = &report["targets"][0];
    assert_eq!(target["ok"], true);
    assert!(target["error"].is_null());
    assert_eq!(target["bytes"], bytes);
    assert_eq!(target["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(target["os"], "linux");

    let got = build(project.path(), &["main.sema", "--include", "data", "-v"]).succeeded();
    for part in [
        "runtime",
        "source main.sema",
        "source lib/greet.sema",
        "module main.sema",
        "asset data/note.txt",
    ] {
        assert!(got.stderr.contains(part), "{part}: {}", got.stderr);
    }
    assert_eq!(got.stdout, "");
}

#[test]
fn inspect_and_verify_look_inside() {
    let project = Scratch::with(MODULES);
    build(
        project.path(),
        &["main.sema", "--include", "data", "-o", "app"],
    )
    .succeeded();
    let mut inspect = semac_in(project.path());
    let got = outcome(inspect.args(["inspect", "app", "--json"]), b"").succeeded();
    let inspection: serde_json::Value = serde_json::from_str(&got.stdout).unwrap();
    assert_eq!(inspection["kind"], "program");
    assert_eq!(inspection["program"]["entry"], "main.sema");
    let modules = inspection["modules"].as_array().unwrap();
    let names: Vec<&str> = modules
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["main.sema"]);
    let sources = modules[0]["sources"].as_array().unwrap();
    // Of other files nothing may be left.
    assert!(sources.contains(&"main.sema".into()), "{sources:?}");
    // Nothing can be imported from a program that exports nothing.
    assert_eq!(modules[0]["exports"], serde_json::json!([]));
    assert_eq!(inspection["assets"][0]["path"], "data/note.txt");
    assert_eq!(inspection["tier"], "core");

    let mut inspect = semac_in(project.path());
    let text = outcome(inspect.args(["inspect", "app"]), b"")
        .succeeded()
        .stdout;
    assert!(text.contains("  sources   main.sema"), "{text}");
    let mut verify = semac_in(project.path());
    let text = outcome(verify.args(["verify", "app"]), b"")
        .succeeded()
        .stdout;
    assert_eq!(text, "app: ok (1 module, 1 asset)\n");
    let mut disasm = semac_in(project.path());
    let text = outcome(disasm.args(["disasm", "app", "--module", "main.sema"]), b"")
        .succeeded()
        .stdout;
    assert!(text.contains("greet"), "{text}");
}

#[test]
fn compiled_modules_are_imported_when_the_program_runs() {
    let project = Scratch::with(&[
        (
            "lib.sema",
            "(module lib (export twice) (define (hidden x) (* 2 x)) (define (twice x) (hidden x)))\n",
        ),
        (
            "main.sema",
            "(import \"lib.semac\")\n(println (twice 21))\n",
        ),
    ]);
    let mut compile = semac_in(project.path());
    outcome(compile.args(["compile", "lib.sema"]), b"").succeeded();
    let mut verify = semac_in(project.path());
    outcome(verify.args(["verify", "lib.semac"]), b"").succeeded();
    fs::remove_file(project.file("lib.sema")).unwrap();
    build(project.path(), &["main.sema"]).succeeded();
    let got = run(&project.file("main"), project.path(), &[]).succeeded();
    assert_eq!(got.stdout, "42\n");

    // Code from elsewhere is verified before it runs.
    let mut module = fs::read(project.file("lib.semac")).unwrap();
    let last = module.len() - 1;
    module[last] ^= 0x40;
    fs::write(project.file("lib.semac"), module).unwrap();
    let got = run(&project.file("main"), project.path(), &[]);
    assert_eq!((got.stdout.as_str(), got.status), ("", 1));
    assert!(got.stderr.contains("checksum"), "{}", got.stderr);
}

#[test]
fn what_open_streams_buffer_is_written_at_the_end() {
    let scratch = Scratch::with(&[
        (
            "end.sema",
            "(define s (stream/open-output \"end.txt\"))\n(stream/write-string s \"kept\")\n",
        ),
        (
            "exit.sema",
            "(define s (stream/open-output \"exit.txt\"))\n(stream/write-string s \"kept\")\n(exit 3)\n",
        ),
    ]);
    for (name, status) in [("end", 0), ("exit", 3)] {
        build(scratch.path(), &[&format!("{name}.sema")]).succeeded();
        let got = run(&scratch.file(name), scratch.path(), &[]);
        assert_eq!((got.status, got.stderr.as_str()), (status, ""));
        let text = fs::read_to_string(scratch.file(&format!("{name}.txt"))).unwrap();
        assert_eq!(text, "kept");
    }
}

/// Closed descriptors must not be taken by the first file that a program opens.
#[test]
fn closed_standard_output_is_not_mixed_up_with_files() {
    let scratch = Scratch::with(&[(
        "app.sema",
        "(file/write \"a.txt\" \"text\")\n(define s (stream/open-output \"b.txt\"))\n\
         (println \"lost\")\n(stream/write-string s \"kept\")\n(stream/close s)\n",
    )]);
    build(scratch.path(), &["app.sema"]).succeeded();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "./app >&- <&-"])
        .env_clear()
        .current_dir(scratch.path());
    outcome(&mut shell, b"");
    assert_eq!(fs::read_to_string(scratch.file("b.txt")).unwrap(), "kept");
}

#[test]
fn limits_of_the_process_are_limits_of_the_program() {
    let program = "
(define (held xs) (held (cons (string/repeat \"a\" 1000) xs)))
(println (try (held '()) (catch e (:type e))))
(held '())
";
    let project = Scratch::with(&[("main.sema", program)]);
    build(project.path(), &["main.sema"]).succeeded();
    let limited = |variables: &str| {
        let mut command = Command::new("sh");
        let script = format!("ulimit -v 400000; {variables} exec ./main");
        command.current_dir(project.path()).args(["-c", &script]);
        outcome(&mut command, b"")
    };
    let got = limited("").failed_with(1, "Error: out of memory: the data exceed");
    assert_eq!(got.stdout, ":eval\n");
    // A limit above what the system grants: nothing can be caught any more.
    limited("SEMAC_HEAP_MB=100000").failed_with(1, "Error: out of memory: the system refuses");
}

#[test]
fn embedded_files_are_seen_by_everything_that_reads() {
    let project = Scratch::with(&[
        (
            "main.sema",
            r#"(println (file/list "site"))
(println (file/list "."))
(println (file/glob "site/**/*.txt"))
(println (file/glob "*/sub/"))
(println (map file/is-file? '("site/a.txt" "site" "none" "real.txt")))
(println (map file/is-directory? '("site" "site/sub" "site/a.txt" "none")))
(println (file/exists? "site/sub"))
(println (map (fn (p) (:size (file/info p))) '("site/a.txt" "./site/../site/a.txt")))
(println (:is-dir (file/info "site/sub")))
(println (file/fold-lines "site/a.txt" (fn (n line) (+ n 1)) 0))
(with-stream (s (stream/open-input "site/sub/b.txt")) (println (stream/read-line s)))
(file/copy "site/a.txt" "copy.txt")
(println (file/read "copy.txt"))
(println (try (file/list "none") (catch e (:type e))))
"#,
        ),
        ("site/a.txt", "one\ntwo\n"),
        ("site/sub/b.txt", "deep"),
    ]);
    build(
        project.path(),
        &["main.sema", "--include", "site", "-o", "app"],
    )
    .succeeded();
    let elsewhere = Scratch::with(&[("real.txt", ""), ("site/c.txt", "on disk")]);
    let got = run(&project.file("app"), elsewhere.path(), &[]).succeeded();
    let expected = "(\"a.txt\" \"sub\" \"c.txt\")
(\"site\" \"real.txt\")
(\"site/a.txt\" \"site/c.txt\" \"site/sub/b.txt\")
(\"site/sub\")
(#t #f #f #t)
(#t #t #f #f)
#t
(8 8)
#t
2
deep
one
two

:io
";
    assert_eq!(got.stdout, expected);
}

#[test]
fn inspect_tells_what_code_from_elsewhere_may_reach() {
    for (program, words) in [
        ("(println 1)", [false, false]),
        ("(eval (list '+ 1 2))", [true, false]),
        ("(import (str \"a\" \".semac\"))", [false, true]),
        ("(load (str \"a\" \".sema\"))", [false, true]),
    ] {
        for compiler in [false, true] {
            let project = Scratch::with(&[("main.sema", program)]);
            let options: &[&str] = if compiler {
                &["main.sema", "--dynamic"]
            } else {
                &["main.sema"]
            };
            build(project.path(), options).succeeded();
            let mut inspect = semac_in(project.path());
            let text = outcome(inspect.args(["inspect", "main"]), b"")
                .succeeded()
                .stdout;
            let found =
                ["code it evaluates", "files with computed paths"].map(|part| text.contains(part));
            assert_eq!(found, words, "{program}: {text}");
            // What the compiler makes may use every builtin, within the capabilities of the program.
            assert_eq!(
                text.contains("every builtin of the runtime, within the capabilities above"),
                compiler && words.contains(&true),
                "{program}: {text}"
            );
            assert!(!text.contains("shell"), "{program}: {text}");
        }
    }
}
