//! Archives in modules of WebAssembly.

use sema_vfs::{Archive, ArchiveBuilder, EntryKind, VfsError, VfsPath, WriteError, wasm};

const PAGE: usize = 1 << 16;

/// A section with a short content.
fn section(id: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![id, u8::try_from(content.len()).unwrap()];
    bytes.extend(content);
    bytes
}

/// What makes a runtime: a memory of two pages, the export of a global, 1024, and data before and behind which others are.
struct Runtime {
    memory: &'static [u8],
    export: &'static [u8],
}

const RUNTIME: Runtime = Runtime {
    memory: &[1, 0, 2],
    export: b"\x01\x0csema_archive\x03\x01",
};

impl Runtime {
    fn bytes(&self) -> Vec<u8> {
        let mut module = wasm::MAGIC.to_vec();
        module.extend(section(5, self.memory));
        // Two constants: 1 and 1024.
        module.extend(section(
            6,
            &[2, 0x7F, 0, 0x41, 1, 0x0B, 0x7F, 0, 0x41, 0x80, 0x08, 0x0B],
        ));
        module.extend(section(7, self.export));
        module.extend(section(0, b"\x05early12"));
        module.extend(section(12, &[1]));
        module.extend(section(11, &[1, 0, 0x41, 8, 0x0B, 3, b'a', b'b', b'c']));
        module.extend(section(0, b"\x04latex"));
        module
    }
}

fn builder() -> ArchiveBuilder {
    let mut builder = ArchiveBuilder::new();
    let path = |text| VfsPath::new(text).unwrap();
    builder
        .add_bytes(EntryKind::Module, path("main.sema"), b"code".to_vec())
        .unwrap();
    builder
        .add_bytes(EntryKind::Asset, path("a.txt"), vec![b'x'; 100_000])
        .unwrap();
    builder
        .add_bytes(EntryKind::Asset, path("b.txt"), b"short".to_vec())
        .unwrap();
    builder
}

fn reads(archive: &Archive) {
    archive.verify().unwrap();
    let content = |path| {
        archive
            .find(EntryKind::Asset, path)
            .unwrap()
            .bytes()
            .unwrap()
            .into_owned()
    };
    assert_eq!(content("a.txt"), vec![b'x'; 100_000]);
    assert_eq!(content("b.txt"), b"short");
}

/// A number in LEB128 at the front of some bytes, and what follows.
fn number(bytes: &[u8]) -> (usize, &[u8]) {
    let length = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let value = bytes[..length]
        .iter()
        .rev()
        .fold(0, |value, byte| value << 7 | usize::from(byte & 0x7F));
    (value, &bytes[length..])
}

/// The segments of data: addresses and contents.
fn segments(mut content: &[u8]) -> Vec<(usize, &[u8])> {
    let count;
    (count, content) = number(content);
    let segments = (0..count)
        .map(|_| {
            assert_eq!(content[..2], [0, 0x41]);
            let (address, rest) = number(&content[2..]);
            assert_eq!(rest[0], 0x0B);
            let (size, rest) = number(&rest[1..]);
            content = &rest[size..];
            (address, &rest[..size])
        })
        .collect();
    assert!(content.is_empty());
    segments
}

#[test]
fn the_archive_lies_behind_the_memory_of_the_runtime() {
    let module = builder().to_executable_bytes(&RUNTIME.bytes()).unwrap();
    let mut rest = &module[8..];
    let mut ids = Vec::new();
    let mut memory = 0;
    let mut data = Vec::new();
    while let Some((&id, after)) = rest.split_first() {
        let (size, content) = number(after);
        ids.push(id);
        match id {
            5 => memory = number(&content[2..size]).0,
            11 => data = segments(&content[..size]),
            12 => assert_eq!(number(content).0, 3),
            _ => {}
        }
        rest = &content[size..];
    }
    // Data comes last.
    assert_eq!(ids, [5, 6, 7, 0, 12, 0, 11]);
    let [own, place, archive] = data[..] else {
        panic!("{data:?}")
    };
    assert_eq!(own, (8, b"abc".as_slice()));
    assert_eq!(place.0, 1024);
    assert!(place.1.len() <= 24, "the runtime has room for so much");
    let word = |at: usize| u32::from_le_bytes(place.1[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!((word(0), word(4)), (archive.0, archive.1.len()));
    assert_eq!(archive.0, 2 * PAGE);
    assert!(
        (memory * PAGE).abs_diff(archive.0 + archive.1.len()) < PAGE
            && memory * PAGE >= archive.0 + archive.1.len()
    );
    assert!((module.len() - archive.1.len()).is_multiple_of(16));
    reads(&Archive::from_executable_bytes(module).unwrap());
}

#[test]
fn tools_may_write_a_module_anew() {
    let module = builder().to_executable_bytes(&RUNTIME.bytes()).unwrap();
    for length in 0..9 {
        let name = &b"\x08signature"[..=length];
        let custom = section(0, &[&[u8::try_from(length).unwrap()], &name[1..]].concat());
        let behind = [&module, &custom[..]].concat();
        reads(&Archive::from_executable_bytes(behind.clone()).unwrap());
        assert!(matches!(
            builder().to_executable_bytes(&behind),
            Err(WriteError::RuntimeCarriesProgram)
        ));
        let before = [&module[..8], &custom, &module[8..], &custom].concat();
        reads(&Archive::from_executable_bytes(before).unwrap());
    }
}

#[test]
fn modules_that_are_cut_off_are_damaged() {
    let module = builder().to_executable_bytes(&RUNTIME.bytes()).unwrap();
    for length in 8..module.len() {
        match Archive::from_executable_bytes(module[..length].to_vec()) {
            // Between two sections nothing tells that there were more.
            Err(VfsError::Damaged { .. } | VfsError::NoArchive) => {}
            other => panic!("{length}: {other:?}"),
        }
    }
}

#[test]
fn only_runtimes_take_an_archive() {
    let refused = |module: &[u8], problem: &str| {
        let error = builder().to_executable_bytes(module).unwrap_err();
        assert!(
            matches!(error, WriteError::Module(_)) && error.to_string().contains(problem),
            "{error}"
        );
    };
    let other = Runtime {
        export: b"\x01\x0csema_archivX\x03\x01",
        ..RUNTIME
    };
    refused(&other.bytes(), "does not export");
    let bounded = Runtime {
        memory: &[1, 1, 2, 9],
        ..RUNTIME
    };
    refused(&bounded.bytes(), "bounded");
    refused(&wasm::MAGIC, "does not export");
    let whole = RUNTIME.bytes();
    refused(&whole[..whole.len() - 3], "ends inside");
}

#[test]
fn custom_sections_are_found() {
    let module = RUNTIME.bytes();
    assert_eq!(
        wasm::custom_section(&module, "early"),
        Some(b"12".as_slice())
    );
    assert_eq!(wasm::custom_section(&module, "none"), None);
    assert_eq!(wasm::custom_section(b"\0asm", "early"), None);
}

#[test]
fn notices_of_licences_are_a_section_of_their_own() {
    let runtime = sema_vfs::with_notices(&RUNTIME.bytes(), "the licences").unwrap();
    assert!(wasm::custom_section(&runtime, "licenses").is_some());
    let archive =
        Archive::from_executable_bytes(builder().to_executable_bytes(&runtime).unwrap()).unwrap();
    reads(&archive);
    assert_eq!(archive.notices().unwrap().as_deref(), Some("the licences"));
    // They have gone to where the program is.
    let front = archive.front().unwrap();
    assert_eq!(sema_vfs::notices_in(front), None);
    assert_eq!(
        sema_vfs::notices_in(&runtime).as_deref(),
        Some("the licences")
    );
}
