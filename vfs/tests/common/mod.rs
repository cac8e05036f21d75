//! Shared by the integration tests: a deterministic generator of random
//! entries, and a scratch directory.

#![allow(
    dead_code,
    reason = "each test binary uses a part of this module, none all of it"
)]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use sema_vfs::{ArchiveBuilder, EntryKind, VfsPath};

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    pub fn noise(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    /// Noise, text that compresses well, or a row of both.
    pub fn content(&mut self, length: usize) -> Vec<u8> {
        match self.below(3) {
            0 => self.noise(length),
            1 => text(length),
            _ => {
                let mut bytes = text(length);
                let half = length / 2;
                let noise = self.noise(length - half);
                bytes[half..].copy_from_slice(&noise);
                bytes
            }
        }
    }

    pub fn path(&mut self) -> String {
        const NAMES: [&str; 8] = ["a", "lib", "data", "größe", "x.sema", "y.json", "z", "..b"];
        let segments = 1 + self.below(3);
        let names: Vec<String> = (0..segments)
            .map(|_| format!("{}{}", NAMES[self.below(NAMES.len())], self.below(20)))
            .collect();
        names.join("/")
    }
}

pub fn text(length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 32);
    let mut line = 0;
    while bytes.len() < length {
        bytes.extend(format!("line {line} of the text\n").bytes());
        line += 1;
    }
    bytes.truncate(length);
    bytes
}

pub type Entry = (EntryKind, String, Vec<u8>);

pub const KINDS: [EntryKind; 4] = [
    EntryKind::Module,
    EntryKind::PackageModule,
    EntryKind::Metadata,
    EntryKind::Asset,
];

pub fn vfs_path(kind: EntryKind, path: &str) -> VfsPath {
    match path.strip_prefix(".semac/") {
        Some(name) if kind == EntryKind::Metadata => VfsPath::metadata(name).unwrap(),
        _ => VfsPath::new(path).unwrap(),
    }
}

/// Entries with distinct keys, in no order, with lengths around chunk borders.
pub fn random_entries(random: &mut Random, chunk_size: usize) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for _ in 0..random.below(30) {
        let kind = KINDS[random.below(4)];
        let mut path = random.path();
        if kind == EntryKind::Metadata {
            path = format!(".semac/{path}");
        }
        let length = match random.below(5) {
            0 => random.below(3),
            1 => random.below(100),
            2 => random.below(chunk_size),
            3 => chunk_size * (1 + random.below(3)) + random.below(3) - 1,
            _ => random.below(5 * chunk_size),
        };
        if entries.iter().all(|(k, p, _)| (*k, p) != (kind, &path)) {
            entries.push((kind, path, random.content(length)));
        }
    }
    entries
}

pub fn builder(entries: &[Entry], chunk_size: u32) -> ArchiveBuilder {
    let mut builder = ArchiveBuilder::new().with_chunk_size(chunk_size);
    for (kind, path, content) in entries {
        builder
            .add_bytes(*kind, vfs_path(*kind, path), content.clone())
            .unwrap();
    }
    builder
}

/// One entry of every way of being stored, as small as that can be.
pub fn specimen() -> Vec<Entry> {
    vec![
        (
            EntryKind::Module,
            "main.sema".into(),
            b"module code".to_vec(),
        ),
        (
            EntryKind::PackageModule,
            "example.org/pkg".into(),
            b"package".to_vec(),
        ),
        (
            EntryKind::Metadata,
            ".semac/manifest".into(),
            b"entry=main.sema".to_vec(),
        ),
        (EntryKind::Asset, "main.sema".into(), b"(source)".to_vec()),
        (EntryKind::Asset, "empty".into(), Vec::new()),
        (EntryKind::Asset, "text".into(), text(1024)),
        (EntryKind::Asset, "chunked/text".into(), text(2600)),
        (
            EntryKind::Asset,
            "chunked/noise".into(),
            Random(1).noise(1100),
        ),
    ]
}

/// The start of an ELF file with one segment that ends at its last byte.
pub fn fake_runtime(length: usize) -> Vec<u8> {
    let mut file = vec![0x90u8; length.max(120)];
    file[..120].fill(0);
    file[..6].copy_from_slice(b"\x7fELF\x02\x01");
    file[32..40].copy_from_slice(&64u64.to_le_bytes());
    file[54..56].copy_from_slice(&56u16.to_le_bytes());
    file[56..58].copy_from_slice(&1u16.to_le_bytes());
    let end = file.len() as u64;
    file[96..104].copy_from_slice(&end.to_le_bytes());
    file
}

/// A directory that is removed at the end of the test.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("vfs-{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
