//! No flipped byte goes unnoticed: it is reported, or nothing depends on it.

mod common;

use common::{Entry, builder, fake_runtime, specimen};
use sema_vfs::{Archive, VfsError};

/// Whether everything can still be read as it was written. Panics when
/// something is read that was not.
fn is_intact(archive: &Archive, entries: &[Entry]) -> bool {
    assert_eq!(archive.entry_count(), entries.len());
    let mut intact = true;
    for (kind, path, content) in entries {
        let entry = archive.find(*kind, path).expect("the entry is not lost");
        let parts = [
            entry.bytes(),
            entry.read_range(0..content.len() as u64),
            entry.read_range(content.len() as u64 / 2..content.len() as u64),
        ];
        for (part, expected) in
            parts
                .into_iter()
                .zip([&content[..], &content[..], &content[content.len() / 2..]])
        {
            match part {
                Ok(bytes) => assert_eq!(&*bytes, expected, "{path}"),
                Err(VfsError::EntryDamaged { .. }) => intact = false,
                Err(other) => panic!("{other}"),
            }
        }
        // A fault is not forgotten because it was seen once.
        assert_eq!(entry.bytes().is_ok(), entry.verify().is_ok());
    }
    // Verifying looks at more than the entries.
    let verified = archive.verify().is_ok();
    assert!(intact || !verified);
    verified
}

#[test]
fn every_flipped_bit_of_an_archive_is_detected() {
    let entries = specimen();
    let bytes = builder(&entries, 1024).to_bytes().unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let intact =
                Archive::from_bytes(changed).is_ok_and(|archive| is_intact(&archive, &entries));
            assert!(!intact, "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn every_flipped_byte_of_an_executable_is_detected() {
    let entries = specimen();
    let executable = builder(&entries, 1024)
        .to_executable_bytes(&fake_runtime(200))
        .unwrap();
    for at in 0..executable.len() {
        for mask in [0xff, 0x01, 0x80] {
            let mut changed = executable.clone();
            changed[at] ^= mask;
            let intact = match Archive::from_executable_bytes(changed) {
                Ok(archive) => is_intact(&archive, &entries),
                Err(VfsError::NoArchive) => panic!("byte {at}: damage taken for absence"),
                Err(_) => false,
            };
            assert!(!intact, "byte {at}");
        }
    }
}

#[test]
fn every_truncation_is_detected() {
    let entries = specimen();
    let bare = builder(&entries, 1024).to_bytes().unwrap();
    for length in 0..bare.len() {
        assert!(Archive::from_bytes(bare[..length].to_vec()).is_err());
    }
    let runtime = fake_runtime(208);
    let executable = builder(&entries, 1024)
        .to_executable_bytes(&runtime)
        .unwrap();
    for length in 0..executable.len() {
        let error = Archive::from_executable_bytes(executable[..length].to_vec())
            .expect_err("a part is not the whole");
        // Cut exactly at its end, or before an ELF header can be read, the
        // runtime is what it was before: an executable without a program.
        if length > runtime.len() {
            assert!(
                matches!(error, VfsError::Damaged { .. }),
                "{length}: {error}"
            );
        }
    }
    let mut longer = executable.clone();
    longer.push(0);
    assert!(matches!(
        Archive::from_executable_bytes(longer),
        Err(VfsError::Damaged { .. })
    ));
    let mut longer = bare.clone();
    longer.push(0);
    assert!(Archive::from_bytes(longer).is_err());
}

#[test]
fn damage_in_one_entry_leaves_the_others_readable() {
    let entries = specimen();
    let mut bytes = builder(&entries, 1024).to_bytes().unwrap();
    let at = Archive::from_bytes(bytes.clone())
        .unwrap()
        .find(sema_vfs::EntryKind::Asset, "chunked/text")
        .unwrap()
        .data_offset() as usize;
    bytes[at] ^= 1;
    let archive = Archive::from_bytes(bytes).unwrap();
    for entry in archive.entries() {
        assert_eq!(entry.bytes().is_err(), entry.path() == "chunked/text");
    }
    // And the chunks behind the damaged one, too.
    let entry = archive.entry("chunked/text").unwrap();
    assert!(entry.read_range(0..1).is_err());
    assert!(entry.read_range(1024..2600).is_ok());
    let message = entry.bytes().unwrap_err().to_string();
    assert!(
        message.contains("'chunked/text'") && message.contains("checksum"),
        "{message}"
    );
}

#[test]
fn absence_and_strangers_are_told_apart() {
    let absent = Archive::from_executable_bytes(fake_runtime(300)).unwrap_err();
    assert!(matches!(absent, VfsError::NoArchive));
    assert!(absent.to_string().contains("semac build"));
    let stranger = Archive::from_bytes(b"PK\x03\x04 some other archive".to_vec()).unwrap_err();
    assert!(stranger.to_string().contains("not a Sema archive"));
    let mut newer = builder(&specimen(), 1024).to_bytes().unwrap();
    newer[8] = 2;
    let newer = Archive::from_bytes(newer).unwrap_err().to_string();
    assert!(newer.contains("version 2") && newer.contains("version 1"));
}

/// A bundle that an installed runtime runs, `#!` and all.
#[test]
fn bundles_say_that_their_end_is_missing() {
    let line = b"#!/usr/bin/env sema-rt\n";
    let bundle = builder(&specimen(), 1024)
        .to_executable_bytes(line)
        .unwrap();
    Archive::from_executable_bytes(bundle.clone()).unwrap();
    for length in [
        64,
        100,
        bundle.len() / 2,
        bundle.len() - 64,
        bundle.len() - 1,
    ] {
        let error = Archive::from_executable_bytes(bundle[..length].to_vec()).unwrap_err();
        let message = error.to_string();
        let expected = format!("{length} bytes of it are here, and it had {}", bundle.len());
        assert!(message.contains(&expected), "{message}");
    }
    let longer = [&bundle[..], b"\n"].concat();
    let error = Archive::from_executable_bytes(longer).unwrap_err();
    assert!(error.to_string().contains("written to it since"), "{error}");
    // Other scripts are none.
    let script = [&line[..], b"echo SEMAVFS\n", &[b' '; 500]].concat();
    let error = Archive::from_executable_bytes(script).unwrap_err();
    assert!(matches!(error, VfsError::NoArchive), "{error}");
}
