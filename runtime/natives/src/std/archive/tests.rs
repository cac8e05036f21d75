//! Archives that are not what they should be.

use std::fs;
use std::io::Write;

use rawzip::path::EntryPath;
use rawzip::{CompressionMethod, ZipArchiveWriter};
use tar::{Builder, EntryType, Header};

use crate::testing::{Bench, Folder, eval_message, type_message};
use sema_machine::memory::value::Value;

fn texts(bench: &Bench, texts: &[&str]) -> Value {
    let values: Vec<Value> = texts.iter().map(|text| bench.text(text)).collect();
    bench.host.heap.list(&values)
}

/// A ZIP archive whose entries have just these names and contents.
fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipArchiveWriter::new(Vec::new());
    for (name, content) in entries {
        let (mut entry, config) = writer
            .new_file(EntryPath::verbatim(name.as_bytes()))
            .compression_method(CompressionMethod::STORE)
            .start()
            .unwrap();
        let mut data = config.wrap(&mut entry);
        data.write_all(content).unwrap();
        let (_, descriptor) = data.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    writer.finish().unwrap()
}

/// A tar archive whose entries have just these kinds, names and contents; links lead to their contents.
fn tar_of(entries: &[(EntryType, &str, &str)]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (kind, name, content) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        // The crate refuses to write what it would not unpack.
        let gnu = header.as_gnu_mut().unwrap();
        gnu.name[..name.len()].copy_from_slice(name.as_bytes());
        let is_link = matches!(kind, EntryType::Symlink | EntryType::Link);
        if is_link {
            gnu.linkname[..content.len()].copy_from_slice(content.as_bytes());
        }
        let content = if is_link { "" } else { content };
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

/// The names below a directory, sorted.
fn names(path: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_goes_in_comes_out() {
    let bench = Bench::new();
    let folder = Folder::new("archive-round");
    folder.file("in/one.txt", "first");
    folder.file("in/empty", "");
    folder.file("in/large", &"0123456789".repeat(100_000));
    let members = ["in/one.txt", "in/empty", "in/large"].map(|name| folder.path(name));
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    for (family, name) in [("zip", "a.zip"), ("tar", "a.tar"), ("tar", "a.tgz")] {
        let archive = bench.text(&folder.path(name));
        let out = folder.path(&format!("out-{name}"));
        let made = bench.call(
            &format!("{family}/create"),
            &[archive, texts(&bench, &members)],
        );
        assert_eq!(made, Value::small(3));
        let unpacked = bench.call(&format!("{family}/extract"), &[archive, bench.text(&out)]);
        assert_eq!(unpacked, Value::small(3));
        assert_eq!(names(&out), ["empty", "large", "one.txt"]);
        for file in ["one.txt", "empty", "large"] {
            let (before, after) = (folder.path(&format!("in/{file}")), format!("{out}/{file}"));
            assert_eq!(fs::read(before).unwrap(), fs::read(after).unwrap());
        }
        // Unpacking again replaces what is there.
        bench.call(&format!("{family}/extract"), &[archive, bench.text(&out)]);
    }
    assert!(fs::metadata(folder.path("a.tgz")).unwrap().len() < 100_000);
}

/// Names that are no UTF-8 are of code page 437, as programs wrote them before.
#[test]
fn old_names_are_read() {
    let bench = Bench::new();
    let folder = Folder::new("archive-old-names");
    let mut zip = zip_of(&[("caf_ _.txt", b"x")]);
    for at in 0..zip.len() {
        if zip[at..].starts_with(b"caf_ _.txt") {
            zip[at + 3] = 0x82;
            zip[at + 5] = 0xe1;
        }
    }
    fs::write(folder.path("old.zip"), zip).unwrap();
    let archive = bench.text(&folder.path("old.zip"));
    let listed = bench.call("zip/list", &[archive]);
    assert_eq!(bench.strings(listed), ["café ß.txt"]);
    let out = folder.path("out");
    bench.call("zip/extract", &[archive, bench.text(&out)]);
    assert_eq!(names(&out), ["café ß.txt"]);
}

#[test]
fn nothing_is_made_for_what_is_no_archive() {
    let bench = Bench::new();
    let folder = Folder::new("no-archive");
    for (name, content) in [
        ("short.txt", "notes".to_owned()),
        ("long.txt", "notes\n".repeat(1000)),
    ] {
        folder.file(name, &content);
        let args = [folder.path(name), folder.path("out")].map(|path| bench.text(&path));
        for family in ["tar", "zip"] {
            let message = eval_message(bench.error(&format!("{family}/extract"), &args));
            assert!(
                family == "zip" || message.contains("no tar archive"),
                "{message}"
            );
        }
    }
    assert_eq!(names(&folder.path("")), ["long.txt", "short.txt"]);
}

/// The checksum of a compressed archive lies behind the end of the archive itself, and what fills a tape behind that.
#[test]
fn compressed_archives_are_read_to_their_end() {
    let bench = Bench::new();
    let folder = Folder::new("archive-end");
    folder.file("one", "first");
    let archive = folder.path("a.tgz");
    let args = [bench.text(&archive), bench.text(&folder.path("out"))];
    let members = texts(&bench, &[&folder.path("one")]);
    bench.call("tar/create", &[args[0], members]);
    let good = fs::read(&archive).unwrap();
    fs::write(&archive, [&good[..], &[0; 5000]].concat()).unwrap();
    assert_eq!(bench.call("tar/extract", &args), Value::small(1));
    let mut other_sum = good.clone();
    *other_sum.iter_mut().nth_back(5).unwrap() ^= 1;
    for damaged in [
        &other_sum[..],
        &good[..good.len() - 3],
        &good[..good.len() - 20],
    ] {
        fs::write(&archive, damaged).unwrap();
        eval_message(bench.error("tar/extract", &args));
    }
}

#[test]
fn nothing_is_left_of_an_archive_that_failed() {
    let bench = Bench::new();
    let folder = Folder::new("archive-half");
    folder.file("in/a", "a");
    folder.file("other/a", "a");
    let (a, other) = (folder.path("in/a"), folder.path("other/a"));
    for (family, name) in [("zip", "x.zip"), ("tar", "x.tar")] {
        let create = format!("{family}/create");
        let archive = bench.text(&folder.path(name));
        let missing = folder.path("in/missing");
        let error = bench.error(&create, &[archive, texts(&bench, &[&a, &missing])]);
        assert_eq!(
            eval_message(error),
            format!("{create} {missing}: No such file or directory (os error 2)")
        );
        let error = bench.error(&create, &[archive, texts(&bench, &[&a, &other])]);
        assert!(eval_message(error).contains("two files would be called \"a\""));
        let directory = folder.path("in");
        let error = bench.error(&create, &[archive, texts(&bench, &[&directory])]);
        assert!(eval_message(error).contains("not a regular file"));
    }
    assert_eq!(names(&folder.path("")), ["in", "other"]);
}

#[test]
fn entries_outside_of_the_directory_are_left_out() {
    let bench = Bench::new();
    let folder = Folder::new("archive-out");
    let outside = folder.path("victim");
    fs::write(&outside, "safe").unwrap();
    let zip = zip_of(&[
        ("../victim", b"evil"),
        (&outside, b"evil"),
        ("a/../../victim", b"evil"),
        ("sub/../fine", b"good"),
        ("", b"evil"),
        ("..", b"evil"),
    ]);
    fs::write(folder.path("evil.zip"), zip).unwrap();
    let tar = tar_of(&[
        (EntryType::Regular, "../victim", "evil"),
        (EntryType::Regular, "a/../../victim", "evil"),
        (EntryType::Symlink, "up", ".."),
        (EntryType::Regular, "up/victim", "evil"),
        (EntryType::Symlink, "abs", &outside[..outside.len() - 7]),
        (EntryType::Regular, "abs/victim", "evil"),
        (EntryType::Symlink, "file", &outside),
        (EntryType::Link, "hard", "../victim"),
        (EntryType::Char, "device", ""),
        (EntryType::Fifo, "pipe", ""),
        (EntryType::Regular, "fine", "good"),
        (EntryType::Symlink, "link", "fine"),
        (EntryType::Link, "twin", "fine"),
    ]);
    fs::write(folder.path("evil.tar"), tar).unwrap();
    for (family, expected) in [
        ("zip", &["fine"][..]),
        ("tar", &["abs", "fine", "link", "twin", "up"]),
    ] {
        let out = folder.path(&format!("out-{family}"));
        let archive = bench.text(&folder.path(&format!("evil.{family}")));
        let count = bench.call(&format!("{family}/extract"), &[archive, bench.text(&out)]);
        assert_eq!(count, Value::index(expected.len()), "{family}");
        assert_eq!(names(&out), expected, "{family}");
        assert_eq!(fs::read_to_string(format!("{out}/fine")).unwrap(), "good");
        assert_eq!(fs::read_to_string(&outside).unwrap(), "safe", "{family}");
    }
    // What would have gone through the links has become directories of their names.
    let out = folder.path("out-tar");
    assert!(fs::symlink_metadata(format!("{out}/up")).unwrap().is_dir());
    assert!(fs::symlink_metadata(format!("{out}/abs")).unwrap().is_dir());
}

#[test]
fn links_that_were_there_before_are_not_followed_out() {
    let bench = Bench::new();
    let folder = Folder::new("archive-link");
    folder.file("out/keep", "");
    folder.file("elsewhere/keep", "");
    let link = folder.path("out/link");
    std::os::unix::fs::symlink(folder.path("elsewhere"), &link).unwrap();
    fs::write(folder.path("a.zip"), zip_of(&[("link/new", b"evil")])).unwrap();
    let args = [folder.path("a.zip"), folder.path("out")].map(|path| bench.text(&path));
    assert_eq!(bench.call("zip/extract", &args), Value::small(0));
    assert_eq!(names(&folder.path("elsewhere")), ["keep"]);
}

#[test]
fn limits_hold() {
    let bench = Bench::new();
    let folder = Folder::new("archive-limits");
    folder.file("zeros", &"\0".repeat(1 << 20));
    let zeros = folder.path("zeros");
    let options = |name: &str, limit: i32| {
        let entries = [(bench.host.keyword(name), Value::small(limit))];
        sema_machine::data::collections::sorted_map::from_entries(&bench.host, &entries)
    };
    for (family, name) in [("zip", "z.zip"), ("tar", "z.tgz")] {
        let extract = format!("{family}/extract");
        let archive = bench.text(&folder.path(name));
        bench.call(
            &format!("{family}/create"),
            &[archive, texts(&bench, &[&zeros])],
        );
        let out = folder.path(&format!("out-{family}"));
        let call = |options| bench.error(&extract, &[archive, bench.text(&out), options]);
        assert!(eval_message(call(options("max-bytes", 1000))).contains("larger than the limit"));
        assert!(names(&out).is_empty());
        assert!(eval_message(call(options("max-entries", 0))).contains("more entries"));
        assert!(eval_message(call(options("limit", 0))).contains("unknown option"));
        let args = [archive, bench.text(&out), options("max-bytes", 1 << 20)];
        assert_eq!(bench.call(&extract, &args), Value::small(1));
    }
}

#[test]
fn what_a_zip_archive_says_of_its_entries_is_checked() {
    let bench = Bench::new();
    let folder = Folder::new("archive-sums");
    let good = zip_of(&[("a.txt", b"hello hello hello")]);
    let place = |part: &[u8]| good.windows(part.len()).position(|found| found == part);
    let content = place(b"hello").unwrap();
    // Of the entry in the directory at the end: name of 5 bytes after 46, length after 24.
    let length = place(b"PK\x01\x02").unwrap() + 24;
    for (at, to, expected) in [
        (content, b'j', "Invalid checksum"),
        (length, 16, "Invalid size"),
        (length, 18, "Invalid size"),
    ] {
        let mut bad = good.clone();
        bad[at] = to;
        fs::write(folder.path("bad.zip"), &bad).unwrap();
        let args = [
            bench.text(&folder.path("bad.zip")),
            bench.text(&folder.path("out")),
        ];
        let message = eval_message(bench.error("zip/extract", &args));
        assert!(message.contains(expected), "{message}");
        assert!(!fs::exists(folder.path("out/a.txt")).unwrap());
    }
}

#[test]
fn damaged_archives_are_errors_or_other_archives() {
    let bench = Bench::new();
    let folder = Folder::new("archive-damage");
    let zip = zip_of(&[("a.txt", b"hello hello hello"), ("b/c.txt", b"more")]);
    let tar = tar_of(&[
        (EntryType::Regular, "a.txt", "hello"),
        (EntryType::Directory, "d", ""),
        (EntryType::Regular, "d/b.txt", "more"),
    ]);
    for (family, good) in [("zip", zip), ("tar", tar)] {
        let path = folder.path(&format!("damaged.{family}"));
        let out = folder.path(&format!("out-{family}"));
        for at in (0..good.len()).filter(|at| family == "zip" || at % 512 < 160 && at % 3 == 0) {
            for change in [0x01, 0xff] {
                let mut damaged = good.clone();
                damaged[at] ^= change;
                fs::write(&path, &damaged).unwrap();
                let args = [bench.text(&path), bench.text(&out)];
                let _ = bench.try_call(&format!("{family}/extract"), &args);
                let _ = bench.try_call("zip/list", &args[..1]);
            }
        }
        for length in (0..good.len()).step_by(7) {
            fs::write(&path, &good[..length]).unwrap();
            let args = [bench.text(&path), bench.text(&out)];
            let _ = bench.try_call(&format!("{family}/extract"), &args);
        }
    }
    // Whatever the names have become, nothing has been written next to the archives.
    let beside = names(&folder.path(""));
    assert_eq!(beside, ["damaged.tar", "damaged.zip", "out-tar", "out-zip"]);
}

#[test]
fn what_is_compressed_is_of_the_right_kind() {
    let bench = Bench::new();
    for name in ["gzip/compress", "gzip/decompress"] {
        let message = eval_message(bench.error(name, &[Value::NIL]));
        assert_eq!(message, "expected bytevector or string, got nil");
    }
    let folder = Folder::new("archive-kinds");
    let archive = bench.text(&folder.path("made"));
    for name in ["zip/create", "tar/create"] {
        let names = bench.host.heap.list(&[Value::small(1)]);
        let message = eval_message(bench.error(name, &[archive, names]));
        assert!(message.ends_with("expected string, got int"), "{message}");
        type_message(bench.error(name, &[Value::NIL, names]));
        assert!(!fs::exists(folder.path("made")).unwrap());
    }
}
