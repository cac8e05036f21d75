//! `--hardened`: what the kernel refuses a program.
//!
//! A program that cannot reach a builtin cannot try what it is for, so the border of a program that can do nothing is put
//! around one that tries everything: the kernel is all that is in its way.

#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;

use sema_tests::{Outcome, Scratch, outcome, runtime, semac_in, skip};
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
fn surrounded(project: &Scratch, program: &str, border_of: &str, runtime: &Path) {
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
    let runtime = std::fs::read(runtime).unwrap();
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
    surrounded(&project, "all", "nothing", runtime());
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

/// A file of an archive for the kernel's first file system (Documentation/driver-api/early-userspace/buffer-format.rst).
fn boot_file(name: &str, mode: u32, device: [u32; 2], content: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
    let fields = [
        0,
        mode,
        0,
        0,
        1,
        0,
        length(content),
        0,
        0,
        device[0],
        device[1],
        length(name.as_bytes()) + 1,
        0,
    ];
    let mut bytes = b"070701".to_vec();
    bytes.extend(
        fields
            .iter()
            .flat_map(|field| format!("{field:08X}").into_bytes()),
    );
    for part in [[name.as_bytes(), b"\0"].concat(), content.to_vec()] {
        bytes.extend(part);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

/// What a program writes that a kernel for another processor starts as its first and only process.
fn booted(kernel: &Path, processor: &str, program: &Path) -> String {
    /// The kind of a device.
    const CHARACTERS: u32 = 0o020_000;
    let image = [
        boot_file("init", 0o100_755, [0, 0], &std::fs::read(program).unwrap()),
        boot_file("data.txt", 0o100_644, [0, 0], b"data"),
        // Can be started, and is no program.
        boot_file("none", 0o100_755, [0, 0], b"none"),
        boot_file("dev", 0o040_755, [0, 0], b""),
        boot_file("dev/console", CHARACTERS | 0o600, [5, 1], b""),
        boot_file("dev/null", CHARACTERS | 0o666, [1, 3], b""),
        boot_file("TRAILER!!!", 0, [0, 0], b""),
    ];
    let path = program.with_extension("initrd");
    std::fs::write(&path, image.concat()).unwrap();
    let (model, console) = match processor {
        "aarch64" => (&["-cpu", "cortex-a57"][..], "ttyAMA0"),
        _ => (&[][..], "ttyS0"),
    };
    let mut emulator = Command::new(format!("qemu-system-{processor}"));
    emulator.args([
        "-M",
        "virt",
        "-m",
        "512",
        "-nographic",
        "-no-reboot",
        "-net",
        "none",
    ]);
    emulator.args(model).arg("-kernel").arg(kernel);
    emulator.arg("-initrd").arg(path);
    // The kernel gives up when its first process ends, and the emulator ends with it. What the console has not sent then is lost, so
    // programs wait before they end.
    emulator
        .arg("-append")
        .arg(format!("console={console} quiet loglevel=1 panic=-1"));
    outcome(&mut emulator, b"").stdout.replace('\r', "")
}

/// The emulator of programs knows no filters, so whole machines are emulated: `tests/kernels.sh` brings the kernels and says
/// where they are.
#[test]
fn the_kernels_of_other_processors_refuse_the_same() {
    let given = |name| std::env::var_os(name).map(PathBuf::from);
    let (Some(kernels), Some(runtimes)) =
        (given("SEMAC_TEST_KERNELS"), given("SEMAC_TEST_RUNTIMES"))
    else {
        skip("SEMAC_TEST_KERNELS names no kernels: tests/kernels.sh");
        return;
    };
    // There are no other programs than that one.
    let forms = TRIES.iter().filter(|form| !form.contains("http/"));
    let forms = forms.map(|form| {
        form.replace("/bin/echo", "/none")
            .replace("\"echo\"", "\"/none\"")
    });
    let forms: Vec<String> = forms.collect();
    let tried: Vec<&str> = forms.iter().map(String::as_str).collect();
    let all = format!(
        "(println \"begins\")\n{}(println \"ends\")\n(sleep 3000)\n",
        tries(&tried)
    );
    let project = Scratch::with(&[
        ("all.sema", all.as_str()),
        (
            "nothing.sema",
            "(println \"begins\")\n(println \"ends\")\n(sleep 3000)\n",
        ),
    ]);
    let mut kernels_found = 0;
    for (processor, triple) in [
        ("aarch64", "aarch64-unknown-linux-gnu"),
        ("riscv64", "riscv64gc-unknown-linux-gnu"),
    ] {
        let kernel = kernels.join(processor);
        if !kernel.exists() {
            continue;
        }
        kernels_found += 1;
        for (source, options) in [("all.sema", &[][..]), ("nothing.sema", &["--hardened"])] {
            let mut command = semac_in(project.path());
            command.env("SEMAC_RUNTIMES", &runtimes);
            command.args(["build", source, "--tier", "std", "--target", processor]);
            outcome(command.args(options), b"").succeeded();
        }
        let answers = |program: &str| {
            let text = booted(&kernel, processor, &project.file(program));
            let found = text
                .split_once("begins\n")
                .and_then(|(_, rest)| rest.split_once("ends\n"));
            let lines = found
                .unwrap_or_else(|| panic!("{processor}, {program}: {text}"))
                .0
                .lines();
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        // It lives, and the answers of one that is free are others.
        assert!(answers("nothing").is_empty());
        let free = answers("all");
        assert_eq!(free[0], "data");
        surrounded(
            &project,
            "all",
            "nothing",
            &runtimes.join(triple).join("sema-rt-std"),
        );
        let refused = answers("app");
        assert_eq!(refused.len(), forms.len(), "{refused:#?}");
        for ((line, free), form) in refused.iter().zip(&free).zip(&forms) {
            let is_refused = line.contains("ermission denied") || line.contains("not permitted");
            assert!(is_refused, "{processor}: {form}: {line}");
            assert!(
                line != free,
                "{processor}: {form} is refused without a border, too"
            );
        }
    }
    assert!(
        kernels_found > 0,
        "there are no kernels in {}",
        kernels.display()
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
