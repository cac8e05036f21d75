//! `--hardened`: what the kernel refuses a program.
//!
//! A program that cannot reach a builtin cannot try what it is for, so the border of a program that can do nothing is put
//! around one that tries everything: the kernel is all that is in its way.

#![cfg(target_os = "linux")]

use std::process::Command;

use sema_tests::{Outcome, Scratch, outcome, runtime, semac_in};
use sema_vfs::{Archive, ArchiveBuilder, EntryKind, VfsPath};

fn build(project: &Scratch, source: &str, options: &[&str]) -> Outcome {
    let mut command = semac_in(project.path());
    command.args(["build", source, "--runtime"]).arg(runtime());
    outcome(command.args(options), b"")
}

fn run(project: &Scratch, program: &str) -> Outcome {
    let mut command = Command::new(project.file(program));
    outcome(
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .current_dir(project.path()),
        b"",
    )
}

fn tries(forms: &[&str]) -> String {
    let one = |form: &&str| format!("(println (try {form} (catch e (:message e))))\n");
    forms.iter().map(one).collect()
}

/// Puts the border of one program around another: `app`.
fn surrounded(project: &Scratch, program: &str, border_of: &str) {
    let inner = Archive::open_executable(&project.file(program)).unwrap();
    let outer = Archive::open_executable(&project.file(border_of)).unwrap();
    let mut archive = ArchiveBuilder::new();
    for entry in inner.entries() {
        let path = match entry.kind() {
            EntryKind::Metadata => VfsPath::metadata(entry.path().strip_prefix(".semac/").unwrap()),
            _ => VfsPath::new(entry.path()),
        };
        let bytes = entry.bytes().unwrap().into_owned();
        archive
            .add_bytes(entry.kind(), path.unwrap(), bytes)
            .unwrap();
    }
    for name in [
        "policy",
        "hardening",
        "filter-x86_64",
        "filter-aarch64",
        "filter-riscv64",
    ] {
        let bytes = outer.metadata(name).unwrap().bytes().unwrap().into_owned();
        let bytes = if name == "policy" { Vec::new() } else { bytes };
        archive
            .add_bytes(EntryKind::Metadata, VfsPath::metadata(name).unwrap(), bytes)
            .unwrap();
    }
    let runtime = std::fs::read(runtime()).unwrap();
    archive
        .write_executable(&runtime, &project.file("app"))
        .unwrap();
}

const TRIES: &[&str] = &[
    "(file/read \"data.txt\")",
    "(file/list \".\")",
    "(file/write \"made.txt\" \"x\")",
    "(file/append \"data.txt\" \"x\")",
    "(file/delete \"data.txt\")",
    "(file/rename \"data.txt\" \"other.txt\")",
    "(file/mkdir \"directory\")",
    "(:stdout (shell \"echo\" \"x\"))",
    "(proc/wait (proc/spawn (list \"/bin/echo\" \"x\")))",
    "(http/get \"http://127.0.0.1:1/\")",
];

#[test]
fn the_kernel_refuses_what_a_program_cannot_need() {
    let all = tries(TRIES);
    let project = Scratch::with(&[
        ("all.sema", all.as_str()),
        ("nothing.sema", "(println 1)\n"),
        ("data.txt", "data"),
    ]);
    build(&project, "all.sema", &[]).succeeded();
    build(&project, "nothing.sema", &["--hardened"]).succeeded();
    assert_eq!(run(&project, "nothing").succeeded().stdout, "1\n");
    surrounded(&project, "all", "nothing");
    let got = run(&project, "app").succeeded().stdout;
    let lines: Vec<&str> = got.lines().collect();
    assert_eq!(lines.len(), TRIES.len(), "{got}");
    for (line, form) in lines.iter().zip(TRIES) {
        let is_refused = line.contains("ermission denied") || line.contains("not permitted");
        assert!(is_refused, "{form}: {line}");
    }
    assert_eq!(
        std::fs::read_to_string(project.file("data.txt")).unwrap(),
        "data"
    );
    assert!(!project.file("made.txt").exists());
    // The program itself can do all that.
    let free = run(&project, "all").succeeded().stdout;
    assert!(
        free.starts_with("data\n") && !free.contains("ermission denied"),
        "{free}"
    );
}

#[test]
fn a_hardened_program_does_what_it_needs() {
    let main = tries(&[
        "(begin (file/write \"out/a.txt\" \"x\") (file/read \"out/a.txt\"))",
        "(file/read \"data.txt\")",
        "(http/get \"http://localhost:1/\")",
        "(number? (time/now))",
        "(begin (async/sleep 1) 5)",
    ]);
    let project = Scratch::with(&[
        ("main.sema", main.as_str()),
        ("data.txt", "data"),
        ("out/.keep", ""),
    ]);
    let options = [
        "--hardened",
        "--allow",
        "fs-write=out",
        "--allow",
        "fs-read=out,data.txt",
    ];
    build(&project, "main.sema", &options).succeeded();
    let got = run(&project, "main").succeeded().stdout;
    let lines: Vec<&str> = got.lines().collect();
    assert_eq!(lines[..2], ["x", "data"]);
    assert!(lines[2].contains("refused"), "{got}");
    assert!(!got.contains("ermission denied"), "{got}");
    let shown = outcome(semac_in(project.path()).args(["inspect", "main"]), b"")
        .succeeded()
        .stdout;
    let line = "hardened      by a filter for system calls and Landlock (limits to read, write)";
    assert!(shown.contains(line), "{shown}");
    // A program that starts others is not limited in what those may need.
    let starts = tries(&["(:stdout (shell \"cat\" \"data.txt\"))"]);
    project.write("starts.sema", &starts);
    build(&project, "starts.sema", &["--hardened"]).succeeded();
    assert_eq!(run(&project, "starts").succeeded().stdout, "data\n");
}

/// The border is set by the same calls wherever they come from: here the kernel knows none of them.
#[test]
fn a_kernel_without_it_is_named() {
    let project = Scratch::with(&[("main.sema", "(println 1)\n")]);
    build(&project, "main.sema", &["--hardened"]).succeeded();
    // A hardened program cannot start others, but a filter that refuses Landlock can be inherited.
    let script = "
import ctypes, os, struct, sys
calls = ctypes.CDLL(None, use_errno=True)
def rule(code, yes, no, value): return struct.pack('<HBBI', code, yes, no, value)
program = rule(0x20, 0, 0, 0) + rule(0x15, 0, 1, 444) + rule(0x06, 0, 0, 0x00050000 | 38) + rule(0x06, 0, 0, 0x7fff0000)
held = ctypes.create_string_buffer(program)
class Filter(ctypes.Structure): _fields_ = [('length', ctypes.c_ushort), ('code', ctypes.c_void_p)]
calls.prctl(38, 1, 0, 0, 0)
assert calls.prctl(22, 2, ctypes.byref(Filter(4, ctypes.addressof(held)))) == 0
os.execv('./main', ['./main'])
";
    let mut command = Command::new("python3");
    let got = outcome(
        command.args(["-c", script]).current_dir(project.path()),
        b"",
    );
    got.clone()
        .failed_with(
            1,
            "the program was built with --hardened: this kernel has no Landlock (",
        )
        .failed_with(1, "which Linux has from 5.13 on");
    assert_eq!(got.stdout, "");
}

/// A store that is there already is read, and what is still to be made is made.
#[test]
fn stores_are_read_and_written_behind_the_border() {
    let main =
        "(kv/open \"s\" \"data/s.json\") (println (kv/get \"s\" \"a\")) (kv/set \"s\" \"a\" 2)";
    let project = Scratch::with(&[("main.sema", main), ("data/s.json", "{\"a\": 1}")]);
    build(&project, "main.sema", &["--hardened", "--allow", "fs=data"]).succeeded();
    assert_eq!(run(&project, "main").succeeded().stdout, "1\n");
    assert_eq!(run(&project, "main").succeeded().stdout, "2\n");
}

/// Certificates lie where variables of the environment say when the program starts.
#[test]
fn certificates_are_read_from_where_they_are() {
    let main = "(println (try (http/get \"https://127.0.0.1:1/\") (catch e (:message e))))";
    let project = Scratch::with(&[
        ("main.sema", main),
        ("elsewhere/ca.pem", ""),
        ("certs/a", ""),
    ]);
    build(&project, "main.sema", &["--hardened"]).succeeded();
    for (name, value) in [
        ("SSL_CERT_FILE", "elsewhere/ca.pem"),
        ("SSL_CERT_FILE", "link.pem"),
        ("SSL_CERT_DIR", "certs"),
        ("SSL_CERT_DIR", "none:certs"),
    ] {
        let _ = std::os::unix::fs::symlink("elsewhere/ca.pem", project.file("link.pem"));
        let mut command = Command::new(project.file("main"));
        command.env_clear().env(name, value);
        let got = outcome(command.current_dir(project.path()), b"").succeeded();
        assert!(
            !got.stdout.contains("Permission denied"),
            "{name}={value}: {got:?}"
        );
    }
}
