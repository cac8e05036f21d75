//! Files that must stay what they are. `SEMAC_BLESS=1 cargo test -p sema-format` rewrites them.
//!
//! `fixtures/format/v1` belongs to format version 1 and never changes once that is released: a new
//! version gets a directory of its own, and the old files keep loading or keep being refused.

mod common;

use std::path::{Path, PathBuf};

use common::{everything, main_only, options, with_part, words};
use sema_format::container::layout::{HEADER_BYTES, content_hash};
use sema_format::isa::Instruction;
use sema_format::model::Module;
use sema_format::{AlignedBytes, ModuleView, WriteOptions, disasm, docs, verify, write};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn fixture(name: &str) -> PathBuf {
    repository().join("fixtures/format/v1").join(name)
}

fn updating() -> bool {
    std::env::var_os("SEMAC_BLESS").is_some_and(|value| value == "1")
}

/// The committed file, rewritten first if that was asked for.
fn golden(path: &Path, current: &[u8]) -> Vec<u8> {
    if updating() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, current).unwrap();
    }
    std::fs::read(path)
        .unwrap_or_else(|error| panic!("{}: {error}; run with SEMAC_BLESS=1", path.display()))
}

fn check_text(path: &Path, current: &str) {
    let committed = golden(path, current.as_bytes());
    assert_eq!(
        String::from_utf8(committed).unwrap(),
        current,
        "{} is stale: run with SEMAC_BLESS=1",
        path.display()
    );
}

fn minimal() -> Module {
    main_only(words(&[Instruction::Return { a: 0 }]), 1)
}

fn stripped() -> WriteOptions {
    WriteOptions {
        debug: false,
        docs: false,
        ..options()
    }
}

/// `module` with one more section, whose content is four bytes.
fn with_extra_section(module: &Module, kind: u16, required: bool) -> Vec<u8> {
    let old = write(module, &stripped()).unwrap();
    let count = u16::from_le_bytes([old[28], old[29]]);
    let table_end = HEADER_BYTES + usize::from(count) * 12;
    let mut file = old[..table_end].to_vec();
    for entry in file[HEADER_BYTES..].chunks_mut(12) {
        let offset = u32::from_le_bytes(entry[4..8].try_into().unwrap()) + 12;
        entry[4..8].copy_from_slice(&offset.to_le_bytes());
    }
    file.extend_from_slice(&kind.to_le_bytes());
    file.extend_from_slice(&u16::from(required).to_le_bytes());
    file.extend_from_slice(&(old.len() as u32 + 12).to_le_bytes());
    file.extend_from_slice(&4u32.to_le_bytes());
    file.extend_from_slice(&old[table_end..]);
    file.extend_from_slice(b"new!");
    file[28..30].copy_from_slice(&(count + 1).to_le_bytes());
    let length = file.len() as u32;
    file[24..28].copy_from_slice(&length.to_le_bytes());
    let hash = content_hash(&file);
    file[16..24].copy_from_slice(&hash.to_le_bytes());
    file
}

fn load(bytes: &[u8]) -> Result<Module, String> {
    let copy = AlignedBytes::copy_of(bytes);
    let view = ModuleView::parse(copy.as_bytes()).map_err(|error| error.to_string())?;
    view.check_content().map_err(|error| error.to_string())?;
    verify(&view).map_err(|error| error.to_string())?;
    view.to_module().map_err(|error| error.to_string())
}

#[test]
fn accepted_files_keep_loading() {
    let current = write(&minimal(), &stripped()).unwrap();
    let committed = golden(&fixture("minimal.semac"), &current);
    assert_eq!(
        committed, current,
        "the layout changed without a new version"
    );
    assert_eq!(load(&committed), Ok(minimal()));

    let current = write(&everything(), &stripped()).unwrap();
    let committed = golden(&fixture("stripped.semac"), &current);
    assert_eq!(
        committed, current,
        "the layout changed without a new version"
    );
    assert!(load(&committed).is_ok());

    let current = write(&with_part(), &stripped()).unwrap();
    let committed = golden(&fixture("part.semac"), &current);
    assert_eq!(
        committed, current,
        "the layout changed without a new version"
    );
    assert_eq!(load(&committed), Ok(with_part()));

    // Compressed bytes depend on the compressor's release, so only the meaning is compared.
    let current = write(&everything(), &options()).unwrap();
    let committed = golden(&fixture("everything.semac"), &current);
    assert_eq!(load(&committed), Ok(everything()));

    let current = with_extra_section(&minimal(), 900, false);
    let committed = golden(&fixture("unknown-optional-section.semac"), &current);
    assert_eq!(load(&committed), Ok(minimal()));
}

#[test]
fn refused_files_keep_their_message() {
    let current = with_extra_section(&minimal(), 901, true);
    let committed = golden(&fixture("unknown-required-section.semac"), &current);
    assert_eq!(
        load(&committed).unwrap_err(),
        "the module needs section 901, which this program does not know: use the semac release that \
         wrote it, or a newer one"
    );

    let mut current = write(&minimal(), &stripped()).unwrap();
    current[8..10].copy_from_slice(&999u16.to_le_bytes());
    let committed = golden(&fixture("other-version.semac"), &current);
    assert_eq!(
        load(&committed).unwrap_err(),
        "this module has bytecode format 999 (written by semac 0.1.0), and this program reads format \
         1: use a newer semac or runtime, or rebuild the module from source with this one"
    );
}

#[test]
fn the_listing() {
    let bytes = AlignedBytes::copy_of(&write(&everything(), &stripped()).unwrap());
    let view = ModuleView::parse(bytes.as_bytes()).unwrap();
    let with_debug = AlignedBytes::copy_of(&write(&everything(), &options()).unwrap());
    let debug = ModuleView::parse(with_debug.as_bytes())
        .unwrap()
        .debug()
        .unwrap();
    let mut listing = "; Rewrite with SEMAC_BLESS=1 cargo test -p sema-format\n\n".to_owned();
    listing.push_str(&disasm::module(&view).unwrap());
    listing.push_str("\nwith debug information:\n\n");
    listing.push_str(&disasm::function(&view, 0, debug.as_ref()).unwrap());
    check_text(&fixture("everything.listing"), &listing);
}

#[test]
fn the_reference_page() {
    let page = repository().join("docs/bytecode.md");
    check_text(&page, &docs::bytecode_reference());
}
