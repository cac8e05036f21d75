//! Any bytes as an archive, bare or behind an executable: refused, or readable within its bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sema_vfs::Archive;

const LIMIT: u64 = 1 << 20;

fn exercise(archive: &Archive) {
    let _ = archive.verify();
    for entry in archive.entries().take(64) {
        assert!(!entry.path().split('/').any(|segment| segment == ".."));
        let _ = entry.mapped();
        if let Ok(bytes) = entry.bytes_within(LIMIT) {
            assert_eq!(bytes.len() as u64, entry.length());
        }
        let _ = entry.read_at(entry.length() / 2, &mut [0; 100]);
    }
}

fuzz_target!(|bytes: &[u8]| {
    for archive in [
        Archive::from_bytes(bytes.to_vec()),
        Archive::from_executable_bytes(bytes.to_vec()),
    ] {
        if let Ok(archive) = archive {
            exercise(&archive);
        }
    }
});
