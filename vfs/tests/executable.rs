//! Files on disk: built executables, what is left after failures, the overlay.

mod common;

use std::path::Path;
use std::process::Command;

use common::{Scratch, builder, fake_runtime, specimen, text};
use sema_vfs::{
    Archive, ArchiveBuilder, EntryKind, Overlay, OverlayError, VfsError, VfsPath, WriteError,
};

#[test]
fn a_written_executable_opens() {
    let scratch = Scratch::new("open");
    let path = scratch.join("missing/directories/app");
    let runtime = fake_runtime(1003);
    let summary = builder(&specimen(), 1024)
        .write_executable(&runtime, &path)
        .unwrap();
    let written = std::fs::read(&path).unwrap();
    assert_eq!(summary.file_bytes, written.len() as u64);
    assert_eq!(summary.entry_count, specimen().len());
    assert_eq!(&written[..1003], runtime);
    let archive = Archive::open_executable(&path).unwrap();
    assert_eq!(archive.byte_length(), summary.archive_bytes);
    let code = archive.entry("main.sema").unwrap().mapped().unwrap();
    assert_eq!(code, b"module code");
    assert_eq!(code.as_ptr().addr() % 8, 0);
    assert_eq!(
        Archive::open_any(&path).unwrap().entry_count(),
        archive.entry_count()
    );
    assert!(matches!(
        Archive::open_file(&path),
        Err(VfsError::NotAnArchive { .. })
    ));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o755);
    }
    let again = builder(&specimen(), 1024).write_executable(&written, &path);
    assert!(matches!(again, Err(WriteError::RuntimeCarriesProgram)));
    assert_eq!(std::fs::read(&path).unwrap(), written);
}

#[test]
fn a_bare_archive_opens() {
    let scratch = Scratch::new("bare");
    let path = scratch.join("bundle");
    builder(&specimen(), 1024).write_file(&path).unwrap();
    for archive in [
        Archive::open_file(&path).unwrap(),
        Archive::read_file(&path).unwrap(),
        Archive::open_any(&path).unwrap(),
    ] {
        archive.verify().unwrap();
    }
    assert!(matches!(
        Archive::open_executable(&path),
        Err(VfsError::NoArchive)
    ));
    std::fs::write(&path, b"").unwrap();
    assert!(matches!(
        Archive::open_file(&path),
        Err(VfsError::NotAnArchive { .. })
    ));
    let message = Archive::open_file(&scratch.join("absent"))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("cannot open") && message.contains("absent"),
        "{message}"
    );
}

/// Runs as a child of the next test, inside an executable that test built.
#[test]
fn child_reads_itself() {
    if std::env::var_os("SEMA_VFS_TEST_CHILD").is_none() {
        return;
    }
    let archive = Archive::open_current_executable().unwrap();
    let code = archive.entry("main.sema").unwrap().mapped().unwrap();
    assert_eq!(code, b"module code");
}

#[cfg(target_os = "linux")]
#[test]
fn a_running_program_reads_itself_and_can_be_replaced() {
    let scratch = Scratch::new("self");
    let path = scratch.join("app");
    let runtime = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert!(matches!(
        Archive::open_current_executable(),
        Err(VfsError::NoArchive)
    ));
    let builder = builder(&specimen(), 1024);
    builder.write_executable(&runtime, &path).unwrap();
    let status = Command::new(&path)
        .args(["--exact", "child_reads_itself"])
        .env("SEMA_VFS_TEST_CHILD", "1")
        .output()
        .unwrap();
    assert!(status.status.success(), "{status:?}");
    // A mapping of the old file survives its replacement by a build.
    let before = Archive::open_executable(&path).unwrap();
    ArchiveBuilder::new()
        .write_executable(&runtime, &path)
        .unwrap();
    before.verify().unwrap();
    assert_eq!(Archive::open_executable(&path).unwrap().entry_count(), 0);
}

#[test]
fn failures_leave_nothing_behind() {
    let scratch = Scratch::new("failure");
    let path = scratch.join("app");
    std::fs::write(&path, b"the build before").unwrap();
    let mut failing = builder(&specimen(), 1024);
    let missing = scratch.join("missing");
    failing
        .add_file(
            EntryKind::Asset,
            VfsPath::new("zzz").unwrap(),
            missing.clone(),
        )
        .unwrap();
    let error = failing
        .write_executable(&fake_runtime(200), &path)
        .unwrap_err();
    assert!(error.to_string().contains("cannot embed"), "{error}");
    assert!(error.to_string().contains("missing"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"the build before");
    assert_eq!(scratch.names(), ["app"]);

    std::fs::create_dir(&missing).unwrap();
    let error = failing.write_file(&path).unwrap_err();
    assert!(error.to_string().contains("not a regular file"), "{error}");
    assert_eq!(scratch.names(), ["app", "missing"]);

    let error = ArchiveBuilder::new().write_file(&missing).unwrap_err();
    assert!(error.to_string().contains("is a directory"), "{error}");
    let error = ArchiveBuilder::new()
        .write_file(&path.join("below"))
        .unwrap_err();
    assert!(error.to_string().contains("app"), "{error}");
    assert_eq!(scratch.names(), ["app", "missing"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let null = Path::new("/dev/null");
        assert!(ArchiveBuilder::new().write_file(null).is_err());
        let kind = std::fs::metadata(null).unwrap().file_type();
        assert!(kind.is_char_device());
    }
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_written_through() {
    let scratch = Scratch::new("link");
    let (target, link) = (scratch.join("target"), scratch.join("link"));
    std::fs::write(&target, b"old").unwrap();
    std::os::unix::fs::symlink("target", &link).unwrap();
    ArchiveBuilder::new().write_file(&link).unwrap();
    assert!(
        std::fs::symlink_metadata(&link)
            .unwrap()
            .file_type()
            .is_symlink()
    );
    Archive::open_file(&target).unwrap();
    // The same for a target that is not there yet, by way of two links.
    std::fs::remove_file(&target).unwrap();
    std::os::unix::fs::symlink("link", scratch.join("chain")).unwrap();
    ArchiveBuilder::new()
        .write_file(&scratch.join("chain"))
        .unwrap();
    Archive::open_file(&target).unwrap();
    assert_eq!(scratch.names(), ["chain", "link", "target"]);
}

/// A disk that is full after some bytes.
struct FullDisk {
    inner: std::io::Cursor<Vec<u8>>,
    capacity: u64,
}

impl std::io::Write for FullDisk {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.inner.position() + bytes.len() as u64 > self.capacity {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl std::io::Seek for FullDisk {
    fn seek(&mut self, target: std::io::SeekFrom) -> std::io::Result<u64> {
        self.inner.seek(target)
    }
}

#[test]
fn a_full_disk_is_reported_wherever_it_fills_up() {
    let builder = builder(&specimen(), 1024);
    let length = builder.to_bytes().unwrap().len() as u64;
    for capacity in 0..=length {
        let mut disk = FullDisk {
            inner: std::io::Cursor::new(Vec::new()),
            capacity,
        };
        let outcome = builder.write_to(&mut disk);
        assert_eq!(outcome.is_ok(), capacity == length);
    }
}

#[test]
fn the_overlay_prefers_embedded_assets() {
    let scratch = Scratch::new("overlay");
    let on_disk = scratch.join("disk.txt");
    std::fs::write(&on_disk, b"on disk").unwrap();
    let disk_path = on_disk.to_str().unwrap();
    let entries = vec![
        (EntryKind::Asset, "lib/data.txt".to_owned(), text(3000)),
        (EntryKind::Module, "lib/code.sema".to_owned(), text(10)),
    ];
    let bytes = builder(&entries, 1024).to_bytes().unwrap();
    let overlay = Overlay::new(Some(Archive::from_bytes(bytes.clone()).unwrap()));

    assert_eq!(*overlay.read("lib/./data.txt", None).unwrap(), *text(3000));
    let importer = Some("lib/code.sema");
    assert_eq!(*overlay.read("data.txt", importer).unwrap(), *text(3000));
    assert!(overlay.exists("data.txt", importer));
    assert!(!overlay.exists("data.txt", None));
    assert_eq!(*overlay.read(disk_path, None).unwrap(), *b"on disk");
    assert!(overlay.exists(disk_path, None));
    // Bytecode is not a file of the program.
    assert!(!overlay.exists("lib/code.sema", None));
    match overlay.read("lib/absent.txt", None) {
        Err(OverlayError::FileSystem(error)) => {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
        }
        other => panic!("{other:?}"),
    }
    let plain = Overlay::default();
    assert!(plain.read("lib/data.txt", None).is_err());
    assert_eq!(*plain.read(disk_path, None).unwrap(), *b"on disk");

    // Damage is reported, not papered over with a file on disk.
    let mut damaged = bytes;
    let archive = overlay.archive.as_ref().unwrap();
    let offset = archive.entry("lib/data.txt").unwrap().data_offset();
    damaged[offset as usize] ^= 1;
    let overlay = Overlay::new(Some(Archive::from_bytes(damaged).unwrap()));
    let error = overlay.read("lib/data.txt", None).unwrap_err();
    assert!(error.is_embedded(), "{error}");
}

/// A static executable at a fixed address, as runtimes are; `None` where no compiler is at hand.
fn real_runtime(scratch: &Scratch) -> Option<Vec<u8>> {
    let (source, path) = (scratch.join("runtime.c"), scratch.join("runtime"));
    std::fs::write(&source, "void _start(void) { for (;;); }\n").unwrap();
    let compiled = Command::new("cc")
        .args([
            "-static",
            "-nostdlib",
            "-no-pie",
            "-Wl,--build-id=sha1",
            "-o",
        ])
        .args([&path, &source])
        .status();
    let is_compiled = compiled.is_ok_and(|status| status.success());
    is_compiled.then(|| std::fs::read(&path).unwrap())
}

/// The kinds: tools that remove symbols, that rewrite the file, and that put something behind it.
const TOOLS: [&[&str]; 9] = [
    &["strip"],
    &["strip", "--strip-debug"],
    &["strip", "--strip-all"],
    // As dh_strip calls it.
    &[
        "strip",
        "--remove-section=.comment",
        "--remove-section=.note",
    ],
    &["objcopy"],
    &["objcopy", "--strip-unneeded"],
    &["eu-strip"],
    &["llvm-strip"],
    &["patchelf", "--no-default-lib"],
];

/// Copies `path` and lets a tool change the copy; `None` where it cannot be done here.
#[cfg(target_os = "linux")]
fn changed_by(tool: &[&str], path: &Path, copy: &Path) -> Option<()> {
    std::fs::copy(path, copy).unwrap();
    let mut command = Command::new(tool[0]);
    let done = command.args(&tool[1..]).arg(copy).output();
    done.is_ok_and(|done| done.status.success()).then_some(())
}

#[test]
#[cfg(target_os = "linux")]
fn tools_for_executables_leave_the_archive() {
    let scratch = Scratch::new("tools");
    let Some(bare) = real_runtime(&scratch) else {
        return;
    };
    let notices = "the licences\n".repeat(1000);
    let runtime = sema_vfs::with_notices(&bare, &notices).unwrap();
    let path = scratch.join("app");
    builder(&specimen(), 1024)
        .write_executable(&runtime, &path)
        .unwrap();
    Archive::open_executable(&path).unwrap().verify().unwrap();
    let copy = scratch.join("copy");
    let mut tried = 0;
    for tool in TOOLS {
        if changed_by(tool, &path, &copy).is_none() {
            continue;
        }
        tried += 1;
        let archive = Archive::open_executable(&copy).unwrap_or_else(|e| panic!("{tool:?}: {e}"));
        archive.verify().unwrap();
        assert_eq!(archive.entry_count(), specimen().len() + 1, "{tool:?}");
        assert_eq!(
            archive.notices().unwrap().as_ref(),
            Some(&notices),
            "{tool:?}"
        );
    }
    assert!(tried > 0, "no compiler without strip");
    let mut signed = std::fs::read(&path).unwrap();
    signed.extend(b"a signature");
    assert!(Archive::from_executable_bytes(signed).is_ok());
}

/// Who packs runtimes strips them, too.
#[test]
#[cfg(target_os = "linux")]
fn the_licences_of_a_runtime_go_to_its_programs() {
    let scratch = Scratch::new("runtime-notices");
    let Some(bare) = real_runtime(&scratch) else {
        return;
    };
    let notices = "the licences\n".repeat(1000);
    let program = |runtime: &[u8]| {
        let bytes = builder(&specimen(), 1024).to_executable_bytes(runtime);
        Archive::from_executable_bytes(bytes.unwrap()).unwrap()
    };
    assert_eq!(program(&bare).notices().unwrap(), None);
    let runtime = sema_vfs::with_notices(&bare, &notices).unwrap();
    assert!(Archive::from_executable_bytes(runtime.clone()).is_err());
    assert_eq!(sema_vfs::notices_in(&runtime).as_ref(), Some(&notices));
    let made = program(&runtime);
    assert_eq!(made.notices().unwrap().as_ref(), Some(&notices));
    // Nothing of them is left in front.
    let with_length = |archive: &Archive| archive.front().unwrap().len();
    assert_eq!(with_length(&made), with_length(&program(&bare)));

    let (path, copy) = (scratch.join("sema-rt"), scratch.join("stripped"));
    std::fs::write(&path, &runtime).unwrap();
    let gnu = TOOLS
        .iter()
        .filter(|tool| ["strip", "objcopy"].contains(&tool[0]));
    for tool in gnu {
        if changed_by(tool, &path, &copy).is_none() {
            continue;
        }
        let stripped = std::fs::read(&copy).unwrap();
        assert_eq!(
            sema_vfs::notices_in(&stripped).as_ref(),
            Some(&notices),
            "{tool:?}"
        );
        let made = program(&stripped);
        assert_eq!(made.notices().unwrap().as_ref(), Some(&notices), "{tool:?}");
        made.verify().unwrap();
    }
}

/// The runtime is covered by a checksum, and an end that is lost is told apart from none.
#[test]
fn damage_outside_of_the_archive_is_found() {
    let scratch = Scratch::new("runtime-damage");
    let real = real_runtime(&scratch);
    for (runtime, has_segment) in [(Some(fake_runtime(1003)), false), (real, true)] {
        let Some(runtime) = runtime else { continue };
        let written = builder(&specimen(), 1024)
            .to_executable_bytes(&runtime)
            .unwrap();
        for place in [100, 500, 1002] {
            let mut changed = written.clone();
            changed[place] ^= 1;
            let Ok(archive) = Archive::from_executable_bytes(changed) else {
                continue;
            };
            let message = archive.verify().unwrap_err().to_string();
            assert!(message.contains("runtime in front"), "{message}");
        }
        if has_segment {
            let mut zeroed = written.clone();
            let from = zeroed.len() - 200;
            zeroed[from..].fill(0);
            let message = Archive::from_executable_bytes(zeroed)
                .unwrap_err()
                .to_string();
            assert!(message.contains("removed or overwritten"), "{message}");
        }
    }
}
