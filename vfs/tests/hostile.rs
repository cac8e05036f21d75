//! Arbitrary bytes: the reader answers, it does not panic or allocate without
//! bound. Mutations are sealed with right checksums half of the time, so that
//! what lies behind the checksums is reached.
//!
//! `SEMA_VFS_HOSTILE_ROUNDS` sets the number of mutations (default 20000).

mod common;

use common::{Random, builder, fake_runtime, random_entries, specimen};
use sema_vfs::{Archive, EntryKind, VfsError, checksum};

const HEADER: usize = 64;
const RECORD: usize = 48;

fn rounds() -> u64 {
    std::env::var("SEMA_VFS_HOSTILE_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(20_000)
}

/// Uses everything the reader offers; results do not matter.
fn exercise(archive: &Archive, random: &mut Random) {
    // Content that is decompressed is bounded here, so that a round that
    // happens on large lengths takes no longer than the others.
    const LIMIT: u64 = 1 << 20;
    let _ = archive.verify();
    for entry in archive.entries().take(64) {
        let _ = entry.mapped();
        let _ = entry.shared();
        if let Ok(bytes) = entry.bytes_within(LIMIT) {
            assert_eq!(bytes.len() as u64, entry.length());
        }
        let start = random.next() % entry.length().saturating_add(2);
        let end = start.saturating_add(random.next() % 3000);
        let _ = entry.read_range(start..end);
        let _ = entry.read_at(start, &mut [0; 100]);
        let found = archive.find(entry.kind(), entry.path()).map(|e| e.path());
        assert_eq!(found, Some(entry.path()));
        assert!(!entry.path().split('/').any(|segment| segment == ".."));
        let _ = std::io::copy(
            &mut std::io::Read::take(entry.reader(), LIMIT),
            &mut std::io::sink(),
        );
    }
    let _ = archive.resolve(EntryKind::Asset, "../text", Some("chunked/a"));
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..at + 8)
        .map_or(0, |field| u64::from_le_bytes(field.try_into().unwrap()))
}

/// Makes all checksums right, entries first, as far as lengths allow.
fn seal(bytes: &mut [u8]) {
    if bytes.len() < HEADER {
        return;
    }
    let count = u64_at(bytes, 16) as u32 as usize;
    let paths = u64_at(bytes, 32) as u32 as usize;
    for number in 0..count.min(100) {
        let at = HEADER + number * RECORD;
        let Some(record) = bytes.get(at..at + RECORD) else {
            break;
        };
        let (offset, length) = (u64_at(record, 8) as usize, u64_at(record, 16) as usize);
        let chunks = u64_at(record, 40) as u32 as usize;
        let Some(end) = offset.checked_add(length).filter(|end| *end <= bytes.len()) else {
            continue;
        };
        let table = end.saturating_sub(chunks.saturating_mul(24)).max(offset);
        for line in (table..end).step_by(24).take_while(|line| line + 24 <= end) {
            let start = offset.saturating_add(u64_at(bytes, line) as usize);
            let length = u64_at(bytes, line + 8) as u32 as usize;
            if chunks > 0
                && let Some(chunk) = start
                    .checked_add(length)
                    .and_then(|end| bytes.get(start..end))
            {
                let sum = checksum(chunk).to_le_bytes();
                bytes[line + 16..line + 24].copy_from_slice(&sum);
            }
        }
        let checked = if chunks > 0 { table..end } else { offset..end };
        let sum = checksum(&bytes[checked]).to_le_bytes();
        bytes[at + 32..at + 40].copy_from_slice(&sum);
    }
    let contents = (count * RECORD + paths).next_multiple_of(8);
    if let Some(contents) = bytes.get(HEADER..HEADER + contents) {
        let sum = checksum(contents).to_le_bytes();
        bytes[40..48].copy_from_slice(&sum);
    }
    let sum = checksum(&bytes[..56]).to_le_bytes();
    bytes[56..64].copy_from_slice(&sum);
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    const WILD: [u64; 8] = [
        0,
        1,
        u64::MAX,
        u64::MAX / 2,
        1 << 32,
        (1 << 32) - 1,
        262_144,
        1 << 63,
    ];
    for _ in 0..1 + random.below(4) {
        // Half of the changes go where the structure is.
        let front = bytes.len().min(HEADER + 9 * RECORD);
        let range = [front, bytes.len()][random.below(2)];
        let at = random.below(range);
        match random.below(7) {
            0 if !bytes.is_empty() => bytes[at] = random.next() as u8,
            1 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            2 => bytes.truncate(at),
            3 => {
                let value = WILD[random.below(WILD.len())];
                let at = at / 8 * 8;
                if let Some(field) = bytes.get_mut(at..at + 8) {
                    field.copy_from_slice(&value.to_le_bytes());
                }
            }
            4 => {
                let value = WILD[random.below(WILD.len())] as u32;
                let at = at / 4 * 4;
                if let Some(field) = bytes.get_mut(at..at + 4) {
                    field.copy_from_slice(&value.to_le_bytes());
                }
            }
            5 => {
                // A record over another: duplicates, overlaps, disorder.
                let (from, to) = (random.below(8), random.below(8));
                let (from, to) = (HEADER + from * RECORD, HEADER + to * RECORD);
                if from.max(to) + RECORD <= bytes.len() {
                    bytes.copy_within(from..from + RECORD, to);
                }
            }
            _ => {
                // Small steps find the borders of comparisons.
                let at = at / 4 * 4;
                let step = random.below(33) as u32;
                if let Some(field) = bytes.get_mut(at..at + 4) {
                    let value = u32::from_le_bytes(field.try_into().unwrap());
                    let value = value.wrapping_add(step).wrapping_sub(16);
                    field.copy_from_slice(&value.to_le_bytes());
                }
            }
        }
    }
}

#[test]
fn mutated_archives_are_survived() {
    let mut random = Random(0x5E4A);
    let mut opened = 0;
    let mut base = builder(&specimen(), 1024).to_bytes().unwrap();
    for round in 0..rounds() {
        if round % 500 == 499 {
            let entries = random_entries(&mut random, 1024);
            base = builder(&entries, 1024).to_bytes().unwrap();
        }
        let mut bytes = base.clone();
        mutate(&mut bytes, &mut random);
        if random.below(2) == 0 {
            // The length field as well: otherwise truncation ends at once.
            if random.below(2) == 0 && bytes.len() >= HEADER {
                let length = bytes.len() as u64;
                bytes[24..32].copy_from_slice(&length.to_le_bytes());
            }
            seal(&mut bytes);
        }
        if let Ok(archive) = Archive::from_bytes(bytes) {
            opened += 1;
            exercise(&archive, &mut random);
        }
    }
    // Otherwise the checksums kept all mutations out and nothing was tested.
    assert!(opened > rounds() / 20, "only {opened} archives opened");
}

#[test]
fn mutated_executables_are_survived() {
    let mut random = Random(0xE1F);
    let executable = builder(&specimen(), 1024)
        .to_executable_bytes(&fake_runtime(130))
        .unwrap();
    for _ in 0..rounds() / 4 {
        let mut bytes = executable.clone();
        let end = bytes.len();
        for _ in 0..1 + random.below(3) {
            let at = end - 1 - random.below(64);
            bytes[at] = random.next() as u8;
        }
        if random.below(2) == 0 {
            let sum = checksum(&bytes[end - 64..end - 16]).to_le_bytes();
            bytes[end - 16..end - 8].copy_from_slice(&sum);
        }
        if random.below(8) == 0 {
            bytes.drain(..random.below(end));
        }
        if let Ok(archive) = Archive::from_executable_bytes(bytes) {
            exercise(&archive, &mut random);
        }
    }
}

#[test]
fn noise_is_survived() {
    let mut random = Random(99);
    for _ in 0..rounds() / 4 {
        let length = random.below(300);
        let mut bytes = random.noise(length);
        if random.below(2) == 0 && bytes.len() >= 16 {
            bytes[..16].copy_from_slice(b"SEMAVFS\n\x01\0\0\0\x40\0\0\0");
            seal(&mut bytes);
        }
        assert!(Archive::from_bytes(bytes.clone()).is_err());
        assert!(Archive::from_executable_bytes(bytes).is_err());
    }
}

/// A sealed archive whose only entry claims the given lengths over `stored`.
fn forged(compression: u8, original: u64, chunks: u32, stored: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    bytes[..8].copy_from_slice(b"SEMAVFS\n");
    bytes[8] = 1;
    bytes[12] = 64;
    bytes[16] = 1;
    bytes[20..24].copy_from_slice(&chunks.to_le_bytes());
    bytes[32] = 1;
    bytes[36..40].copy_from_slice(&(1u32 << 22).to_le_bytes());
    bytes.extend([0, 0, 0, 0, 1, 0, 4, compression]);
    bytes.extend(120u64.to_le_bytes());
    bytes.extend((stored.len() as u64).to_le_bytes());
    bytes.extend(original.to_le_bytes());
    bytes.extend([0; 8]);
    bytes.extend(chunks.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(b"x\0\0\0\0\0\0\0");
    bytes.extend(stored);
    let length = bytes.len() as u64;
    bytes[24..32].copy_from_slice(&length.to_le_bytes());
    seal(&mut bytes);
    bytes
}

#[test]
fn decompression_bombs_do_not_go_off() {
    // In one piece more than a chunk is refused at once.
    let error = Archive::from_bytes(forged(1, 1 << 40, 0, &[0; 64])).unwrap_err();
    assert!(error.to_string().contains("cannot hold"), "{error}");
    assert!(Archive::from_bytes(forged(1, 0, 0, &[0; 64])).is_err());
    // More chunks than the archive has room for.
    let error = Archive::from_bytes(forged(1, 1 << 40, 1 << 18, &[0; 64])).unwrap_err();
    assert!(error.to_string().contains("do not fit"), "{error}");
    // A frame that gives more, or less, than the entry announces.
    let frame = zstd::bulk::compress(&vec![0; 1 << 20], 3).unwrap();
    for claimed in [1, 2, (1 << 20) - 1, (1 << 20) + 1] {
        let archive = Archive::from_bytes(forged(1, claimed, 0, &frame)).unwrap();
        assert!(matches!(
            archive.entry("x").unwrap().bytes(),
            Err(VfsError::EntryDamaged { .. })
        ));
    }
    let archive = Archive::from_bytes(forged(1, 1 << 20, 0, &frame)).unwrap();
    assert_eq!(archive.entry("x").unwrap().bytes().unwrap().len(), 1 << 20);
    // Many chunks that all point at one small frame: 12 GiB from 70 KB.
    let frame = zstd::bulk::compress(&vec![0; 1 << 22], 3).unwrap();
    let chunks = 3000u32;
    let mut stored = frame.clone();
    for _ in 0..chunks {
        stored.extend(0u64.to_le_bytes());
        stored.extend((frame.len() as u32).to_le_bytes());
        stored.extend(1u32.to_le_bytes());
        stored.extend([0; 8]);
    }
    let bytes = forged(1, u64::from(chunks) << 22, chunks, &stored);
    assert!(bytes.len() < 100_000);
    let archive = Archive::from_bytes(bytes).unwrap();
    let bomb = archive.entry("x").unwrap();
    assert!(matches!(bomb.bytes(), Err(VfsError::TooLarge { .. })));
    assert_eq!(*bomb.read_range(5 << 30..(5 << 30) + 3).unwrap(), [0; 3]);
}
