//! Damaged executables: every change is noticed or harmless, and never a crash.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use sema_tests::{Scratch, outcome, runtime, semac_in};

const SOURCE: &str = "(define (square x) (* x x))\n(println (square 7) (file/read \"note.txt\"))\n";
const OUTPUT: &str = "49 a note\n";

/// A built program, and where its archive starts.
fn victim(scratch: &Scratch) -> (std::path::PathBuf, u64) {
    scratch.write("app.sema", SOURCE);
    scratch.write("note.txt", "a note");
    let mut build = semac_in(scratch.path());
    build
        .args(["build", "app.sema", "--include", "note.txt", "--runtime"])
        .arg(runtime());
    outcome(&mut build, b"").succeeded();
    let path = scratch.file("app");
    let length = fs::metadata(&path).unwrap().len();
    let archive = sema_vfs::Archive::open_executable(&path).unwrap();
    (path, length - archive.byte_length() - TRAILER)
}

/// Length of the trailer, see docs/vfs.md.
const TRAILER: u64 = 64;

/// Runs a perhaps damaged program: it must work, or refuse before it does anything.
fn is_noticed(path: &Path, what: &str) -> bool {
    let got = outcome(Command::new(path).env_clear().current_dir("/"), b"");
    if got.status == 0 {
        assert_eq!(got.stdout, OUTPUT, "{what}: wrong output");
        return false;
    }
    // A damaged asset is found when it is read: as an error of the program.
    let refused = got.stderr.starts_with("Error: ") && got.stdout.is_empty();
    assert!(refused && got.status == 1, "{what}: {got:?}");
    true
}

#[test]
fn every_flipped_byte_is_noticed_or_harmless() {
    let scratch = Scratch::new();
    let (path, start) = victim(&scratch);
    assert!(!is_noticed(&path, "undamaged"));
    let bytes = fs::read(&path).unwrap();
    let mut harmless = 0;
    for offset in start..bytes.len() as u64 {
        let original = bytes[offset as usize];
        // Which bit, varies with the place: one run per byte is enough.
        let changed = original ^ 1 << (offset % 8);
        write_byte(&path, offset, changed);
        harmless += u32::from(!is_noticed(&path, &format!("byte {offset}")));
        write_byte(&path, offset, original);
    }
    assert!(!is_noticed(&path, "repaired"));
    // No checksum covers padding between entries, and a program never reads what it was made from.
    let archive = sema_vfs::Archive::open_executable(&path).unwrap();
    let unread = archive.metadata("sources").unwrap().stored_length();
    let noticed = u64::from(harmless) < 64 + unread;
    assert!(noticed, "{harmless} changes went unnoticed");
}

fn write_byte(path: &Path, offset: u64, byte: u8) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(&[byte], offset).unwrap();
}

#[test]
fn every_truncation_is_noticed() {
    let scratch = Scratch::new();
    let (path, start) = victim(&scratch);
    let length = fs::metadata(&path).unwrap().len();
    let mut cut = length - 1;
    while cut > start {
        OpenOptions::new()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(cut)
            .unwrap();
        assert!(is_noticed(
            &path,
            &format!("cut to {cut} of {length} bytes")
        ));
        cut -= cut.saturating_sub(start).clamp(1, 13);
    }
}

/// The kernel maps the archive with the program. Pages of the mapping that the file no longer has
/// must not be touched.
#[test]
fn lost_pages_are_noticed() {
    let scratch = Scratch::new();
    // Does not compress.
    let noise: Vec<u8> = (0..100_000u64)
        .map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8 ^ n as u8)
        .collect();
    scratch.write("noise.bin", &noise);
    scratch.write(
        "app.sema",
        "(println (length (file/read-bytes \"noise.bin\")))",
    );
    let mut build = semac_in(scratch.path());
    build
        .args(["build", "app.sema", "--include", "noise.bin", "--runtime"])
        .arg(runtime());
    outcome(&mut build, b"").succeeded();
    let path = scratch.file("app");
    let intact = outcome(Command::new(&path).env_clear(), b"").succeeded();
    assert_eq!(intact.stdout, "100000\n");
    let length = fs::metadata(&path).unwrap().len();
    for lost in [1, 63, 64, 4095, 4096, 4097, 50_000, 99_000, 100_500] {
        OpenOptions::new()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(length - lost)
            .unwrap();
        assert!(is_noticed(&path, &format!("{lost} bytes lost")));
    }
}

#[test]
fn verify_finds_what_running_might_not() {
    let scratch = Scratch::new();
    let (path, start) = victim(&scratch);
    let length = fs::metadata(&path).unwrap().len();
    let middle = start + (length - start) / 2;
    let original = fs::read(&path).unwrap()[middle as usize];
    write_byte(&path, middle, !original);
    let mut verify = semac_in(scratch.path());
    outcome(verify.args(["verify", "app"]), b"").failed_with(1, "damaged");
}

/// Signatures may follow a program. `semac verify` tells that the file has grown.
#[test]
fn appended_bytes_do_not_matter_to_the_program() {
    let scratch = Scratch::new();
    let (path, _) = victim(&scratch);
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(b"more");
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(!is_noticed(&path, "appended bytes"));
    let mut verify = semac_in(scratch.path());
    // Tools that sign or strip write behind the archive, too.
    outcome(verify.args(["verify", "app"]), b"").succeeded();
}
