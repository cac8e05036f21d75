//! Large assets: written without holding them in memory, opened without
//! touching their pages. One test, because it measures its own process.

#![cfg(target_os = "linux")]

mod common;

use std::fs::File;
use std::io::Write;

use common::{Random, Scratch, fake_runtime};
use sema_vfs::{Archive, ArchiveBuilder, EntryKind, VfsPath};

const MEGABYTE: u64 = 1 << 20;

/// A line such as `VmHWM:  1234 kB`, in bytes.
fn field(text: &str, name: &str) -> u64 {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .map_or(0, |kilobytes| kilobytes * 1024)
}

fn peak_memory() -> u64 {
    field(
        &std::fs::read_to_string("/proc/self/status").unwrap(),
        "VmHWM:",
    )
}

/// Resident bytes of the mapping of `name`.
fn resident(name: &str) -> u64 {
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let start = maps.find(name).expect("the file is mapped");
    field(&maps[start..], "Rss:")
}

#[test]
fn large_assets_cost_neither_memory_nor_start_up() {
    let scratch = Scratch::new("large");
    let zeros = scratch.join("zeros");
    File::create(&zeros)
        .unwrap()
        .set_len(96 * MEGABYTE)
        .unwrap();
    let noise = scratch.join("noise");
    let mut file = File::create(&noise).unwrap();
    let mut random = Random(11);
    let block = random.noise(MEGABYTE as usize);
    for number in 0..32u8 {
        let changed: Vec<u8> = block.iter().map(|byte| byte ^ number).collect();
        file.write_all(&changed).unwrap();
    }
    drop(file);

    let mut builder = ArchiveBuilder::new();
    let add = |builder: &mut ArchiveBuilder, name: &str, file| {
        builder
            .add_file(EntryKind::Asset, VfsPath::new(name).unwrap(), file)
            .unwrap();
    };
    add(&mut builder, "noise", noise);
    add(&mut builder, "zeros", zeros);
    builder
        .add_bytes(EntryKind::Module, VfsPath::new("main").unwrap(), *b"code")
        .unwrap();

    let before = peak_memory();
    let path = scratch.join("built-app");
    let summary = builder
        .write_executable(&fake_runtime(5000), &path)
        .unwrap();
    let grown = peak_memory() - before;
    assert!(grown < 16 * MEGABYTE, "writing took {grown} bytes");
    assert_eq!(summary.original_bytes, 128 * MEGABYTE + 4);
    assert!(summary.file_bytes < 33 * MEGABYTE);

    let archive = Archive::open_executable(&path).unwrap();
    assert_eq!(archive.entry("main").unwrap().mapped().unwrap(), b"code");
    // What was asked for, and what the kernel maps around it.
    let opened = resident("built-app");
    assert!(opened <= 256 * 1024, "opening touched {opened} bytes");

    let noise = archive.entry("noise").unwrap();
    let position = 20 * MEGABYTE + 5;
    let part = noise.read_range(position..position + 3).unwrap();
    let expected: Vec<u8> = block[5..8].iter().map(|byte| byte ^ 20).collect();
    assert_eq!(&*part, expected);
    let read = resident("built-app") - opened;
    assert!(read <= 768 * 1024, "a range read touched {read} bytes");

    let before = peak_memory();
    let zeros = archive.entry("zeros").unwrap();
    let length = std::io::copy(&mut zeros.reader(), &mut std::io::sink()).unwrap();
    assert_eq!(length, 96 * MEGABYTE);
    let grown = peak_memory() - before;
    assert!(grown < 4 * MEGABYTE, "streaming took {grown} bytes");
    archive.verify().unwrap();
}
