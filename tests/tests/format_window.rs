//! Programs of earlier versions of the format run as they ran: `fixtures/format/vN/program.bundle`.
//!
//! `SEMAC_BLESS=1` writes the bundle of the current version from `fixtures/format/program.sema`. Those of versions that
//! are released stay as they are.

use std::process::Command;

use sema_format::{FORMAT_VERSION, ModuleView, OLDEST_FORMAT_VERSION};
use sema_tests::{Scratch, fixtures, outcome, runtime, semac_in};
use sema_vfs::{Archive, ArchiveBuilder, EntryKind, VfsPath};

/// The bundle of a program, without a runtime.
fn bundle() -> Vec<u8> {
    let project = Scratch::new();
    let source = std::fs::read(fixtures("format/program.sema")).unwrap();
    project.write("program.sema", source);
    project.write("data.txt", "embedded\n");
    let mut build = semac_in(project.path());
    build
        .args([
            "build",
            "program.sema",
            "--include",
            "data.txt",
            "--runtime",
        ])
        .arg(runtime());
    outcome(&mut build, b"").succeeded();
    let built = Archive::open_executable(&project.file("program")).unwrap();
    let mut archive = ArchiveBuilder::new();
    for entry in built.entries() {
        let path = match entry.path().strip_prefix(".semac/") {
            Some(name) => VfsPath::metadata(name),
            None => VfsPath::new(entry.path()),
        };
        let bytes = entry.bytes().unwrap().into_owned();
        archive
            .add_bytes(entry.kind(), path.unwrap(), bytes)
            .unwrap();
    }
    archive.to_bytes().unwrap()
}

fn run(bundle: &std::path::Path) -> String {
    let mut command = Command::new(runtime());
    outcome(command.env_clear().arg(bundle), b"")
        .succeeded()
        .stdout
}

#[test]
fn programs_of_every_version_of_the_window_run() {
    if std::env::var_os("SEMAC_BLESS").is_some_and(|value| value == "1") {
        let directory = fixtures(&format!("format/v{FORMAT_VERSION}"));
        let file = directory.join("program.bundle");
        std::fs::write(&file, bundle()).unwrap();
        std::fs::write(directory.join("program.output"), run(&file)).unwrap();
    }
    for version in OLDEST_FORMAT_VERSION..=FORMAT_VERSION {
        let directory = fixtures(&format!("format/v{version}"));
        let file = directory.join("program.bundle");
        let expected = std::fs::read_to_string(directory.join("program.output")).unwrap();
        assert_eq!(run(&file), expected, "version {version}");
        let archive = Archive::open_file(&file).unwrap();
        archive.verify().unwrap();
        let mut modules = archive
            .entries()
            .filter(|entry| entry.kind() == EntryKind::Module);
        assert!(modules.all(|module| {
            let bytes = module.bytes().unwrap();
            u16::from_le_bytes([bytes[8], bytes[9]]) == version
        }));
    }
    // What is run now does the same.
    let project = Scratch::new();
    let now = project.write("now.bundle", bundle());
    let current = fixtures(&format!("format/v{FORMAT_VERSION}/program.output"));
    assert_eq!(run(&now), std::fs::read_to_string(current).unwrap());
}

/// Versions outside of the window are refused, and both sides are named.
#[test]
fn other_versions_are_refused() {
    for version in [OLDEST_FORMAT_VERSION - 1, FORMAT_VERSION + 1] {
        let bytes = std::fs::read(fixtures("format/v1/minimal.semac")).unwrap();
        let mut bytes = sema_format::AlignedBytes::copy_of(&bytes)
            .as_bytes()
            .to_vec();
        bytes[8..10].copy_from_slice(&version.to_le_bytes());
        let copy = sema_format::AlignedBytes::copy_of(&bytes);
        let message = ModuleView::parse(copy.as_bytes()).unwrap_err().to_string();
        assert!(
            message.contains(&format!("bytecode format {version} ")),
            "{message}"
        );
        assert!(
            message.contains(&format!("reads format {FORMAT_VERSION}")),
            "{message}"
        );
    }
}
