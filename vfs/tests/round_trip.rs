//! What is written is read back, by every way of reading.

mod common;

use std::io::{BufRead, Read, Seek, SeekFrom};

use common::{Random, builder, random_entries, specimen, text, vfs_path};
use sema_vfs::{
    Archive, ArchiveBuilder, Compression, EntryKind, Overlay, VfsError, VfsPath, WriteError,
    checksum,
};

#[test]
fn random_archives_round_trip() {
    let mut random = Random(42);
    for round in 0..150 {
        let chunk_size = [1024, 2048, 4096][random.below(3)];
        let entries = random_entries(&mut random, chunk_size);
        let bytes = builder(&entries, chunk_size as u32).to_bytes().unwrap();
        let archive = Archive::from_bytes(bytes).unwrap();
        archive.verify().unwrap();
        assert_eq!(archive.entry_count(), entries.len(), "round {round}");
        for (kind, path, content) in &entries {
            let entry = archive.find(*kind, path).expect(path);
            assert_eq!((entry.kind(), entry.path()), (*kind, path.as_str()));
            assert_eq!(entry.length(), content.len() as u64);
            assert_eq!(&*entry.bytes().unwrap(), content.as_slice());
            if kind.is_code() {
                let mapped = entry.mapped().unwrap();
                assert_eq!(mapped, content.as_slice());
                assert_eq!(mapped.as_ptr().addr() % 8, 0);
            }
            for _ in 0..5 {
                let start = random.below(content.len() + 1);
                let end = start + random.below(content.len() - start + 1);
                let part = entry.read_range(start as u64..end as u64).unwrap();
                assert_eq!(&*part, &content[start..end]);
                let mut buffer = vec![0; end - start + random.below(3)];
                let count = entry.read_at(start as u64, &mut buffer).unwrap();
                assert_eq!(count, buffer.len().min(content.len() - start));
                assert_eq!(&buffer[..count], &content[start..start + count]);
            }
        }
        let listed: Vec<_> = archive.entries().map(|e| (e.path(), e.kind())).collect();
        let mut expected: Vec<_> = entries.iter().map(|(k, p, _)| (p.as_str(), *k)).collect();
        expected.sort();
        assert_eq!(listed, expected);
    }
}

#[test]
fn order_of_adding_does_not_matter() {
    let mut random = Random(7);
    for _ in 0..20 {
        let mut entries = random_entries(&mut random, 1024);
        let first = builder(&entries, 1024).to_bytes().unwrap();
        entries.reverse();
        let middle = entries.len() / 2;
        entries.rotate_left(middle);
        assert_eq!(first, builder(&entries, 1024).to_bytes().unwrap());
    }
}

#[test]
fn files_and_bytes_give_the_same_archive() {
    let scratch = common::Scratch::new("sources");
    let entries = specimen();
    let mut from_files = ArchiveBuilder::new().with_chunk_size(1024);
    for (number, (kind, path, content)) in entries.iter().enumerate() {
        let file = scratch.join(&number.to_string());
        std::fs::write(&file, content).unwrap();
        from_files
            .add_file(*kind, vfs_path(*kind, path), file)
            .unwrap();
    }
    assert_eq!(
        from_files.to_bytes().unwrap(),
        builder(&entries, 1024).to_bytes().unwrap()
    );
}

/// The format may change only together with its version: this is the archive of
/// one uncompressed entry, byte by byte as `docs/vfs.md` has it.
#[test]
fn layout_is_as_documented() {
    let mut builder = ArchiveBuilder::new();
    let path = VfsPath::new("m.sema").unwrap();
    builder
        .add_bytes(EntryKind::Module, path, *b"code")
        .unwrap();
    let bytes = builder.to_bytes().unwrap();

    let mut contents = Vec::new();
    contents.extend(0u32.to_le_bytes()); // path offset
    contents.extend(6u16.to_le_bytes()); // path length
    contents.extend([1, 0]); // module, not compressed
    contents.extend(120u64.to_le_bytes()); // data offset: 64 + 48 + 8
    contents.extend(4u64.to_le_bytes()); // stored
    contents.extend(4u64.to_le_bytes()); // original
    contents.extend(checksum(b"code").to_le_bytes());
    contents.extend([0; 8]); // no chunks
    contents.extend(b"m.sema\0\0");

    let mut expected = Vec::new();
    expected.extend(b"SEMAVFS\n");
    expected.extend([1, 0, 0, 0, 64, 0, 0, 0]);
    expected.extend(1u32.to_le_bytes()); // entries
    expected.extend(0u32.to_le_bytes()); // chunks
    expected.extend(128u64.to_le_bytes()); // archive length
    expected.extend(6u32.to_le_bytes()); // path text
    expected.extend(262_144u32.to_le_bytes()); // chunk size
    expected.extend(checksum(&contents).to_le_bytes());
    expected.extend([0; 8]);
    let sum = checksum(&expected);
    expected.extend(sum.to_le_bytes());
    expected.extend(contents);
    expected.extend(b"code\0\0\0\0");
    assert_eq!(bytes, expected);

    let executable = builder.to_executable_bytes(b"\x7fELF runtime").unwrap();
    assert_eq!(&executable[..16], b"\x7fELF runtime\0\0\0\0");
    assert_eq!(&executable[16..144], expected);
    let mut trailer = Vec::new();
    trailer.extend(b"SEMATAIL");
    trailer.extend([1, 0, 0, 0, 64, 0, 0, 0]);
    trailer.extend(16u64.to_le_bytes());
    trailer.extend(128u64.to_le_bytes());
    trailer.extend(sum.to_le_bytes());
    trailer.extend(checksum(&executable[..16]).to_le_bytes());
    let sum = checksum(&trailer);
    trailer.extend(sum.to_le_bytes());
    trailer.extend(b"SEMAEND\n");
    assert_eq!(&executable[144..], trailer);
}

#[test]
fn compression_is_used_where_it_pays() {
    let noise = Random(3).noise(5000);
    let entries = vec![
        (EntryKind::Asset, "short".to_owned(), text(1000)),
        (EntryKind::Asset, "text".to_owned(), text(5000)),
        (EntryKind::Asset, "noise".to_owned(), noise),
        (EntryKind::Module, "code".to_owned(), text(5000)),
    ];
    let archive = Archive::from_bytes(builder(&entries, 1 << 16).to_bytes().unwrap()).unwrap();
    let compression = |path| archive.entry(path).unwrap().compression();
    assert_eq!(compression("short"), Compression::None);
    assert_eq!(compression("text"), Compression::Zstd);
    assert_eq!(compression("noise"), Compression::None);
    assert_eq!(compression("code"), Compression::None);
    let text = archive.entry("text").unwrap();
    assert!(text.stored_length() * 2 < text.length());
    assert!(matches!(text.mapped(), Err(VfsError::NotInPlace { .. })));
    assert!(matches!(
        text.bytes_within(4999),
        Err(VfsError::TooLarge { .. })
    ));
    assert!(matches!(
        text.read_range(0..5001),
        Err(VfsError::RangeOutside { .. })
    ));
    #[allow(clippy::reversed_empty_ranges, reason = "the refusal is the point")]
    let reversed = text.read_range(5..4);
    assert!(matches!(reversed, Err(VfsError::RangeOutside { .. })));
    assert_eq!(text.read_at(u64::MAX, &mut [0; 4]).unwrap(), 0);
}

#[test]
fn one_path_may_hold_several_kinds() {
    let archive = Archive::from_bytes(builder(&specimen(), 1024).to_bytes().unwrap()).unwrap();
    let first = archive.entry("main.sema").unwrap();
    assert_eq!(first.kind(), EntryKind::Module);
    let asset = archive.find(EntryKind::Asset, "main.sema").unwrap();
    assert_eq!(&*asset.bytes().unwrap(), b"(source)");
    assert!(
        archive
            .find(EntryKind::PackageModule, "main.sema")
            .is_none()
    );
    let manifest = archive.metadata("manifest").unwrap();
    assert_eq!(&*manifest.bytes().unwrap(), b"entry=main.sema");
    assert!(archive.metadata("other").is_none());
}

#[test]
fn shared_bytes_outlive_the_archive_handle() {
    let archive = Archive::from_bytes(builder(&specimen(), 1024).to_bytes().unwrap()).unwrap();
    let shared = archive.entry("main.sema").unwrap().shared().unwrap();
    drop(archive);
    assert_eq!(&*shared, b"module code");
}

#[test]
fn readers_stream_and_seek() {
    for content in [text(10_000), Random(5).noise(10_000), Vec::new()] {
        let entries = vec![(EntryKind::Asset, "file".to_owned(), content.clone())];
        let archive = Archive::from_bytes(builder(&entries, 1024).to_bytes().unwrap()).unwrap();
        let mut reader = archive.entry("file").unwrap().reader();
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert_eq!(all, content);
        assert!(reader.seek(SeekFrom::Current(-20_000)).is_err());
        if content.is_empty() {
            continue;
        }
        assert_eq!(reader.seek(SeekFrom::End(-5)).unwrap(), 9_995);
        all.clear();
        reader.read_to_end(&mut all).unwrap();
        assert_eq!(all, &content[9_995..]);
        reader.seek(SeekFrom::Start(1_023)).unwrap();
        let mut two = [0; 2];
        reader.read_exact(&mut two).unwrap();
        assert_eq!(two, content[1_023..1_025]);
        reader.seek(SeekFrom::Start(0)).unwrap();
        let lines: Vec<Vec<u8>> = reader.split(b'\n').map(Result::unwrap).collect();
        let expected: Vec<&[u8]> = content
            .strip_suffix(b"\n")
            .unwrap_or(&content)
            .split(|byte| *byte == b'\n')
            .collect();
        assert_eq!(lines, expected);
    }
}

#[test]
fn requests_are_resolved_in_three_steps() {
    let entries: Vec<_> = ["data/x.txt", "lib/data/x.txt", "lib/y.txt", "..odd"]
        .iter()
        .map(|path| {
            (
                EntryKind::Asset,
                (*path).to_owned(),
                path.as_bytes().to_vec(),
            )
        })
        .collect();
    let archive = Archive::from_bytes(builder(&entries, 1024).to_bytes().unwrap()).unwrap();
    let resolve = |requested, importer| {
        archive
            .resolve(EntryKind::Asset, requested, importer)
            .map(|entry| entry.path())
    };
    let importer = Some("lib/a.sema");
    assert_eq!(resolve("data/x.txt", None), Some("data/x.txt"));
    assert_eq!(resolve("./data//x.txt", importer), Some("data/x.txt"));
    assert_eq!(resolve("y.txt", importer), Some("lib/y.txt"));
    assert_eq!(resolve("../data/x.txt", importer), Some("data/x.txt"));
    assert_eq!(resolve("../data/x.txt", None), None);
    assert_eq!(resolve("../../data/x.txt", importer), None);
    assert_eq!(resolve("/data/x.txt", importer), None);
    assert_eq!(resolve("..odd", None), Some("..odd"));
    assert_eq!(resolve("data", None), None);
    assert_eq!(resolve("", importer), None);
    assert_eq!(resolve("data/x.txt\0", importer), None);
    assert!(
        archive
            .resolve(EntryKind::Module, "data/x.txt", None)
            .is_none()
    );
}

#[test]
fn the_builder_refuses_contradictions() {
    let mut builder = ArchiveBuilder::new();
    let path = VfsPath::new("a").unwrap();
    builder
        .add_bytes(EntryKind::Asset, path.clone(), *b"1")
        .unwrap();
    assert!(matches!(
        builder.add_bytes(EntryKind::Asset, path.clone(), *b"2"),
        Err(WriteError::Duplicate { .. })
    ));
    assert!(matches!(
        builder.add_bytes(EntryKind::Metadata, path, *b"3"),
        Err(WriteError::KindMismatch { .. })
    ));
    assert!(matches!(
        builder.add_bytes(EntryKind::Asset, VfsPath::metadata("m").unwrap(), *b"4"),
        Err(WriteError::KindMismatch { .. })
    ));
    assert_eq!(builder.entry_count(), 1);
}

#[test]
fn an_empty_archive_is_an_archive() {
    let archive = Archive::from_bytes(ArchiveBuilder::new().to_bytes().unwrap()).unwrap();
    assert_eq!(archive.entries().len(), 0);
    assert!(archive.entry("x").is_none());
    archive.verify().unwrap();
}

#[test]
fn directories_are_what_the_paths_of_files_say() {
    let asset = |path: &str, content: &[u8]| (EntryKind::Asset, path.to_owned(), content.to_vec());
    let long = text(10_000);
    let entries = [
        asset("site/a.txt", b"a"),
        asset("site/a/deep.txt", b"b"),
        asset("site.txt", b"c"),
        asset("site-map/x", &long),
        (
            EntryKind::Module,
            "site/code.sema".to_owned(),
            b"code".to_vec(),
        ),
    ];
    let bytes = builder(&entries, 1024).to_bytes().unwrap();
    let files = Overlay::new(Some(Archive::from_bytes(bytes).unwrap()));
    assert_eq!(files.embedded_names("site"), ["a", "a.txt"]);
    assert_eq!(files.embedded_names("./site/a/.."), ["a", "a.txt"]);
    for root in ["", ".", "./", "site/.."] {
        assert_eq!(files.embedded_names(root), ["site", "site-map", "site.txt"]);
    }
    for nothing in ["site.txt", "sit", "/site", "..", "../site", "no"] {
        assert!(files.embedded_names(nothing).is_empty(), "{nothing}");
        assert!(!files.is_embedded_directory(nothing), "{nothing}");
    }
    assert!(files.is_embedded_directory("site/a"));
    assert!(files.exists("site/a", None) && !files.exists("site/b", None));
    let mut content = Vec::new();
    let mut file = files.open_embedded("site-map/x").unwrap();
    file.read_to_end(&mut content).unwrap();
    assert_eq!(content, long);
    assert!(files.open_embedded("site").is_none());
    assert!(Overlay::default().embedded_names("").is_empty());
}

/// Other names are looked at last, and mean what they mean only if that is one thing.
#[test]
fn other_names_of_files_and_directories() {
    let mut entries: Vec<_> = ["a/x", "a/b/y", "c/b/z", "c/two", "d/two", "own", "e/own"]
        .map(|path| {
            let content = path.as_bytes().to_vec();
            (EntryKind::Asset, path.to_owned(), content)
        })
        .to_vec();
    let names = [
        ("x", "a/x"),
        ("b", "a/b"),
        ("b", "c/b"),
        ("two", "c/two"),
        ("two", "d/two"),
        ("own", "e/own"),
        ("gone", "a/gone"),
    ];
    let content = sema_vfs::names_metadata(names);
    entries.push((EntryKind::Metadata, ".semac/names".to_owned(), content));
    let files = |entries: &[(EntryKind, String, Vec<u8>)]| {
        let bytes = builder(entries, 1024).to_bytes().unwrap();
        Overlay::new(Some(Archive::from_bytes(bytes).unwrap()))
    };
    let overlay = files(&entries);
    let found = |path: &str| {
        overlay
            .embedded(path, None)
            .map(|entry| entry.path().to_owned())
    };
    for (path, expected) in [
        ("x", Some("a/x")),
        ("./q/../x", Some("a/x")),
        ("b/y", Some("a/b/y")),
        ("b/z", Some("c/b/z")),
        ("own", Some("own")),
        ("two", None),
        ("gone", None),
        ("b", None),
        ("x/y", None),
        ("../x", None),
        ("/x", None),
        ("y", None),
        ("bx", None),
        ("", None),
    ] {
        assert_eq!(found(path).as_deref(), expected, "{path}");
    }
    assert!(overlay.open_embedded("b/y").is_some());
    assert_eq!(overlay.embedded_names("a"), ["b", "x"]);
    // Two directories of one name are none.
    assert!(!overlay.is_embedded_directory("b"));
    if let Some((.., content)) = entries.last_mut() {
        *content = sema_vfs::names_metadata([("b", "a/b")]);
    }
    let one = files(&entries);
    assert_eq!(one.embedded_names("./b/"), ["y"]);
    assert!(one.exists("b", None) && one.exists("b/y", None));
    // What is no list of names is none.
    for damaged in [&b"\xff\xfe"[..], b"x", b"x\0", b"\0\0\0", b""] {
        if let Some((.., content)) = entries.last_mut() {
            *content = damaged.to_vec();
        }
        let overlay = files(&entries);
        assert!(overlay.embedded("x", None).is_none(), "{damaged:?}");
        assert!(overlay.embedded("a/x", None).is_some());
    }
}
