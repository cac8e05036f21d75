//! Built programs from start to exit status, in an empty directory with an empty environment.

mod common;

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::process::Stdio;

use common::{
    Directory, archive, calling, exporting, file, function, importing, module, output, result,
    runtime, throwing,
};
use sema_format::Module;
use sema_format::isa::Instruction;
use sema_format::model::Constant;

fn returning(name: &str) -> Module {
    module(
        name,
        function(
            "main",
            1,
            &[
                Instruction::LoadInt { a: 0, sbx: 7 },
                Instruction::Return { a: 0 },
            ],
        ),
    )
}

#[test]
fn a_program_that_ends_normally() {
    let directory = Directory::new("normal");
    let program = directory.executable("app", &[returning("main.semac")]);
    let output = directory.run(&program, &[]);
    assert_eq!(result(&output), (Some(0), String::new(), String::new()));
}

#[test]
fn output_is_flushed_at_the_end() {
    let directory = Directory::new("output");
    let hello = vec![Constant::Str("Hello, wörld!".to_owned())];
    let program = directory.executable("app", &[calling("main.semac", "println", hello)]);
    let output = directory.run(&program, &[]);
    assert_eq!(
        result(&output),
        (Some(0), "Hello, wörld!\n".to_owned(), String::new())
    );
}

#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    let directory = Directory::new("pipe");
    let long = vec![Constant::Str("long ".repeat(100_000))];
    let program = directory.executable("app", &[calling("main.semac", "println", long)]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = directory.command(&program);
    command.stdout(writer).stderr(Stdio::piped());
    let child = loop {
        match command.spawn() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
            result => break result.unwrap(),
        }
    };
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(!output.status.success());
}

#[test]
fn the_exit_status_is_the_programs() {
    let directory = Directory::new("exit");
    let status = vec![Constant::Int(42)];
    let program = directory.executable("app", &[calling("main.semac", "exit", status)]);
    let output = directory.run(&program, &[]);
    assert_eq!(result(&output), (Some(42), String::new(), String::new()));
}

#[test]
fn every_argument_belongs_to_the_program() {
    let directory = Directory::new("arguments");
    let mut main = module(
        "main.semac",
        function(
            "main",
            4,
            &[
                Instruction::CallNative {
                    a: 0,
                    b: 0,
                    c: 0,
                    x: 0,
                },
                Instruction::CallNative {
                    a: 0,
                    b: 0,
                    c: 1,
                    x: 1,
                },
                Instruction::Return { a: 0 },
            ],
        ),
    );
    main.natives = vec!["sys/args".to_owned(), "println".to_owned()];
    let program = directory.executable("app", &[main]);
    let arguments = ["--help", "-v", "--", "file"].map(OsStr::new);
    let (status, stdout, stderr) = result(&directory.run(&program, &arguments));
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    let shown = format!("({} --help -v -- file)\n", program.display());
    assert_eq!(stdout.replace('"', ""), shown);
}

#[test]
fn an_uncaught_condition() {
    let directory = Directory::new("uncaught");
    let program = directory.executable("app", &[throwing("main.semac", 4711)]);
    let (status, stdout, stderr) = result(&directory.run(&program, &[]));
    assert_eq!((status, stdout.as_str()), (Some(1), ""));
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(lines[0], "Error: User exception: 4711");
    assert_eq!(lines[1], "  --> main.sema:3:5");
    assert_eq!(lines[2], "  = code: E0905");
    assert_eq!(lines[3], "  at main (main.sema:3:5)");
}

#[test]
fn imports_come_from_the_archive() {
    let directory = Directory::new("imports");
    let modules = [
        importing("src/main.semac", "./util.semac"),
        exporting("src/util.semac", 42),
    ];
    let program = directory.executable("app", &modules);
    let (status, _, stderr) = result(&directory.run(&program, &[]));
    assert_eq!(status, Some(1));
    assert!(
        stderr.starts_with("Error: User exception: 42\n"),
        "{stderr}"
    );
}

#[test]
fn plugins_come_from_disk_and_are_verified() {
    let directory = Directory::new("plugins");
    let program = directory.executable("app", &[importing("main.semac", "plugin.semac")]);
    let plugin = directory.path("empty/plugin.semac");
    let run = || result(&directory.run(&program, &[]));

    assert_eq!(
        run().2.lines().next(),
        Some("Error: I/O error: import plugin.semac: No such file or directory (os error 2)")
    );

    fs::write(&plugin, file(&exporting("plugin.semac", 5))).unwrap();
    let (status, _, stderr) = run();
    assert_eq!(status, Some(1));
    assert!(stderr.starts_with("Error: User exception: 5\n"), "{stderr}");

    // A register outside the window: the file is whole, the code is not valid.
    let mut invalid = exporting("plugin.semac", 5);
    invalid.functions[0].code[0] |= 0xff00;
    fs::write(&plugin, file(&invalid)).unwrap();
    let (status, _, stderr) = run();
    assert_eq!(status, Some(1));
    assert!(stderr.contains("is not valid and was refused"), "{stderr}");

    fs::write(&plugin, "(define answer 1)").unwrap();
    let (status, _, stderr) = run();
    assert_eq!(status, Some(1));
    assert!(stderr.contains("not a compiled Sema module"), "{stderr}");
}

#[test]
fn source_files_need_a_compiler() {
    let directory = Directory::new("source");
    let program = directory.executable("app", &[importing("main.semac", "plugin.sema")]);
    fs::write(directory.path("empty/plugin.sema"), "(define answer 1)").unwrap();
    let (status, _, stderr) = result(&directory.run(&program, &[]));
    assert_eq!(status, Some(1));
    assert!(stderr.contains("contains no compiler"), "{stderr}");
}

#[test]
fn missing_builtins_are_named() {
    let directory = Directory::new("builtins");
    let mut main = returning("main.semac");
    main.natives.push("from/the-future".to_owned());
    let program = directory.executable("app", &[main]);
    let (status, _, stderr) = result(&directory.run(&program, &[]));
    assert_eq!(status, Some(1));
    assert!(
        stderr.contains("needs builtins that this runtime does not have: from/the-future"),
        "{stderr}"
    );
}

#[test]
fn the_runtime_alone_runs_bundles() {
    let directory = Directory::new("bundle");
    let bundle = directory.path("app.bundle");
    archive(&[throwing("main.semac", 4711)])
        .write_file(&bundle)
        .unwrap();
    let program = directory.executable("app", &[throwing("main.semac", 4711)]);
    for bundle in [bundle, program] {
        let output = directory.run(runtime(), &[bundle.as_os_str(), OsStr::new("--help")]);
        let (status, _, stderr) = result(&output);
        assert_eq!(status, Some(1));
        assert!(stderr.contains("4711"), "{stderr}");
    }
}

#[test]
fn bundles_are_verified() {
    let directory = Directory::new("bundle-verified");
    let mut main = throwing("main.semac", 4711);
    main.functions[0].code[0] |= 0xff00;
    let bundle = directory.path("app.bundle");
    archive(&[main]).write_file(&bundle).unwrap();
    let (status, _, stderr) = result(&directory.run(runtime(), &[bundle.as_os_str()]));
    assert_eq!(status, Some(1));
    assert!(stderr.contains("is not valid and was refused"), "{stderr}");
}

#[test]
fn wrong_use_of_the_runtime_alone() {
    let directory = Directory::new("usage");
    for arguments in [&[][..], &[OsStr::new("--version")]] {
        let (status, stdout, stderr) = result(&directory.run(runtime(), arguments));
        assert_eq!((status, stdout.as_str()), (Some(2), ""));
        assert!(stderr.starts_with("usage: sema-rt BUNDLE"), "{stderr}");
    }
    let missing = OsStr::new("no-such-file");
    let (status, _, stderr) = result(&directory.run(runtime(), &[missing]));
    assert_eq!(status, Some(1));
    assert!(stderr.contains("cannot run 'no-such-file'"), "{stderr}");

    let text = directory.path("text");
    fs::write(&text, "(println 1)").unwrap();
    let (status, _, stderr) = result(&directory.run(runtime(), &[text.as_os_str()]));
    assert_eq!(status, Some(1));
    assert!(stderr.contains("not a Sema archive"), "{stderr}");
}

#[test]
fn damaged_programs_say_what_to_do() {
    let directory = Directory::new("damaged");
    let program = directory.executable("app", &[throwing("main.semac", 4711)]);
    let whole = fs::read(&program).unwrap();
    let bundle = directory.path("app.bundle");
    archive(&[throwing("main.semac", 4711)])
        .write_file(&bundle)
        .unwrap();
    // The archive is the end of the file; some bytes of all that it consists of.
    let start = whole.len() - fs::metadata(&bundle).unwrap().len() as usize;
    let mut silent = Vec::new();
    for at in (start..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        let damaged = directory.path("damaged");
        let _ = fs::remove_file(&damaged);
        fs::write(&damaged, &bytes).unwrap();
        fs::set_permissions(&damaged, fs::metadata(&program).unwrap().permissions()).unwrap();
        let (status, _, stderr) = result(&directory.run(&damaged, &[]));
        assert_eq!(status, Some(1), "byte {at}: {stderr}");
        if stderr.contains("4711") {
            // Padding between the parts.
            silent.push(at);
            continue;
        }
        let named = stderr.starts_with("Error: cannot run '") && stderr.contains("/damaged': ");
        assert!(
            named && (stderr.contains("again") || stderr.contains("`semac` made")),
            "byte {at}: {stderr}"
        );
    }
    let checked = (whole.len() - start) / 7;
    assert!(
        silent.len() * 2 < checked,
        "{} of {checked} changes were not noticed",
        silent.len()
    );

    for length in [start + 3, whole.len() - 1, whole.len() - 64, start - 100] {
        let cut = directory.path("cut");
        let _ = fs::remove_file(&cut);
        fs::write(&cut, &whole[..length]).unwrap();
        fs::set_permissions(&cut, fs::metadata(&program).unwrap().permissions()).unwrap();
        let (status, _, stderr) = result(&directory.run(&cut, &[]));
        assert_eq!(status, Some(1), "{length} bytes: {stderr}");
        assert!(stderr.starts_with("Error: cannot run '"), "{stderr}");
    }
}

#[test]
fn programs_without_a_beginning() {
    let directory = Directory::new("no-entry");
    let bundle = directory.path("app.bundle");
    let mut builder = sema_vfs::ArchiveBuilder::new();
    let path = sema_vfs::VfsPath::new("main.semac").unwrap();
    let content = file(&returning("main.semac"));
    builder
        .add_bytes(sema_vfs::EntryKind::Module, path, content)
        .unwrap();
    builder.write_file(&bundle).unwrap();
    let (status, _, stderr) = result(&directory.run(runtime(), &[bundle.as_os_str()]));
    assert_eq!(status, Some(1));
    assert!(stderr.contains("no '.semac/entry'"), "{stderr}");
}

#[test]
fn the_stack_variable() {
    let directory = Directory::new("stack-variable");
    // (define (deep) (+ 1 (deep))) without the sum: calls that never return.
    let mut main = module(
        "main.semac",
        function(
            "main",
            4,
            &[
                Instruction::CallKnown { a: 0, b: 0, x: 1 },
                Instruction::Return { a: 0 },
            ],
        ),
    );
    main.functions.push(function(
        "deep",
        4,
        &[
            Instruction::CallKnown { a: 2, b: 0, x: 1 },
            Instruction::Return { a: 0 },
        ],
    ));
    let program = directory.executable("app", &[main]);
    let run = |value: &str| {
        let mut command = directory.command(&program);
        result(&output(command.env("SEMAC_STACK_MB", value)))
    };
    let (status, _, stderr) = run("1");
    assert_eq!(status, Some(1));
    assert!(stderr.starts_with("Error: "), "{stderr}");
    for wrong in ["", "0", "-1", "many", "99999999999999999999"] {
        let (status, _, stderr) = run(wrong);
        assert_eq!(status, Some(1));
        assert!(stderr.contains("SEMAC_STACK_MB must be"), "{stderr}");
    }
}
