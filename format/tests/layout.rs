//! The layout of `docs/module-format.md`, byte by byte.

mod common;

use common::{everything, file};
use sema_format::container::layout::{self, HEADER_BYTES, Section};
use sema_format::{AlignedBytes, FormatError, ModuleView, verify};

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn parse(bytes: &[u8]) -> Result<(), FormatError> {
    let copy = AlignedBytes::copy_of(bytes);
    ModuleView::parse(copy.as_bytes()).map(|_| ())
}

/// The section table as kind, flags, offset and length.
fn sections(bytes: &[u8]) -> Vec<(u16, u16, usize, usize)> {
    (0..usize::from(half(bytes, 28)))
        .map(|index| HEADER_BYTES + index * 12)
        .map(|at| {
            (
                half(bytes, at),
                half(bytes, at + 2),
                word(bytes, at + 4) as usize,
                word(bytes, at + 8) as usize,
            )
        })
        .collect()
}

#[test]
fn the_header() {
    let file = file(&everything());
    let bytes = file.as_bytes();
    // 0..8: NUL, the name, a line end.
    assert_eq!(&bytes[..8], b"\0SEMAC\r\n");
    // 8..10: the format version; 10..12: zero.
    assert_eq!(half(bytes, 8), 1);
    assert_eq!(half(bytes, 10), 0);
    // 12..16: the canary.
    assert_eq!(&bytes[12..16], &[0x1a, 0x0a, 0x34, 0x12]);
    // 16..24: the hash of everything from byte 24.
    let hash = u64::from_le_bytes(bytes[16..24].try_into().unwrap());
    assert_eq!(hash, layout::content_hash(bytes));
    // 24..28: the length of the file, which is whole words.
    assert_eq!(word(bytes, 24) as usize, bytes.len());
    assert_eq!(bytes.len() % 4, 0);
    // 28..30: the number of sections; 30..32: flags.
    assert_eq!(half(bytes, 28), 14);
    assert_eq!(half(bytes, 30), 0);
    // 32..64: the producer, padded with NUL.
    assert_eq!(&bytes[32..44], b"semac 0.1.0\0");
    assert!(bytes[44..64].iter().all(|byte| *byte == 0));
}

#[test]
fn the_section_table() {
    let file = file(&everything());
    let bytes = file.as_bytes();
    let table = sections(bytes);
    let kinds: Vec<u16> = table.iter().map(|entry| entry.0).collect();
    assert_eq!(kinds, (1..=14).collect::<Vec<_>>());
    let mut expected = 64 + 14 * 12;
    for (kind, flags, offset, length) in table {
        let section = Section::from_number(kind).unwrap();
        assert_eq!(flags, u16::from(section.required()));
        assert_eq!(offset, expected, "{section} follows what is before it");
        expected = (offset + length).next_multiple_of(4);
    }
    assert_eq!(expected, bytes.len());
}

#[test]
fn strings_constants_and_functions() {
    let file = file(&everything());
    let bytes = file.as_bytes();
    let table = sections(bytes);
    let offset = |section: Section| table[section as usize - 1].2;
    // String 0 is the module's name.
    assert_eq!(word(bytes, offset(Section::StringOffsets)), 0);
    assert_eq!(word(bytes, offset(Section::StringOffsets) + 4), 13);
    let text = offset(Section::StringBytes);
    assert_eq!(&bytes[text..text + 13], b"app/main.sema");
    // Constants: kind in the low byte, value above.
    let constants = offset(Section::Constants);
    assert_eq!(word(bytes, constants), 0, "nil");
    assert_eq!(word(bytes, constants + 4), 0x101, "#t");
    assert_eq!(word(bytes, constants + 12), 0x8000_0003, "-2^23");
    assert_eq!(word(bytes, constants + 16), 0x4, "2^23, first record");
    assert_eq!(word(bytes, offset(Section::ConstantData)), 0x80_0000);
    assert_eq!(word(bytes, constants + 44), 0x10ff_ff09, "last character");
    // Functions: eight words each.
    assert_eq!(table[Section::Functions as usize - 1].3, 3 * 32);
    let count = offset(Section::Functions) + 32;
    let main_words = everything().functions[0].code.len() as u32;
    let code_words = everything().functions[1].code.len() as u32;
    assert_eq!(word(bytes, count), main_words, "code start");
    assert_eq!(word(bytes, count + 4), code_words, "code words");
    assert_eq!(word(bytes, count + 12), 301, "registers");
    assert_eq!(half(bytes, count + 16), 1, "required");
    assert_eq!(half(bytes, count + 18), 2, "parameters");
    assert_eq!(half(bytes, count + 20), 0, "captures");
    assert_eq!(half(bytes, count + 22), 3, "rest and library");
    assert_eq!(word(bytes, count + 24), 1, "first handler");
    assert_eq!(word(bytes, count + 28), 0, "handlers");
    // Handlers: four words each.
    let handlers = offset(Section::Handlers);
    assert_eq!(table[Section::Handlers as usize - 1].3, 16);
    assert_eq!(word(bytes, handlers), 3, "start");
    assert_eq!(word(bytes, handlers + 12), 3, "register");
}

#[test]
fn other_versions_are_refused_by_name() {
    let mut bytes = file(&everything()).as_bytes().to_vec();
    bytes[8] = 7;
    bytes[32..43].copy_from_slice(b"semac 9.9.9");
    // Nothing but signature, version and producer is read.
    bytes[44..].fill(0xff);
    bytes[43] = 0;
    let message = parse(&bytes).unwrap_err().to_string();
    assert_eq!(
        message,
        "this module has bytecode format 7 (written by semac 9.9.9), and this program reads format 1: \
         use a newer semac or runtime, or rebuild the module from source with this one"
    );
    bytes[8] = 0;
    bytes[32] = 0x1b;
    let message = parse(&bytes[..70]).unwrap_err().to_string();
    assert_eq!(
        message,
        "this module has bytecode format 0 (written by an unknown program), and this program reads \
         format 1: rebuild the module from source with this semac"
    );
}

#[test]
fn foreign_files_are_refused() {
    assert_eq!(parse(b""), Err(FormatError::NotAModule));
    assert_eq!(parse(b"(println 1)"), Err(FormatError::NotAModule));
    assert_eq!(parse(b"\0SEMAC\n\0\0\0"), Err(FormatError::TextTransfer));
    assert_eq!(
        parse(b"\0SEMAC\r\n"),
        Err(FormatError::Length {
            expected: 64,
            found: 8
        })
    );
}

#[test]
fn damaged_frames_are_refused() {
    let good = file(&everything()).as_bytes().to_vec();
    let changed = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        parse(&bytes).unwrap_err()
    };
    assert!(matches!(changed(10, 1), FormatError::Header(_)));
    assert!(matches!(changed(12, 0), FormatError::Header(_)));
    assert!(matches!(
        changed(24, good[24] ^ 4),
        FormatError::Length { .. }
    ));
    assert!(matches!(changed(31, 0x80), FormatError::Header(_)));
    assert!(matches!(changed(32, 0xff), FormatError::Header(_)));
    for (at, value) in [
        (28, 13),
        (29, 0xff),
        (64, 2),
        (66, 3),
        (68, 0),
        (72, 0xff),
        (75, 0x7f),
    ] {
        assert!(
            matches!(changed(at, value), FormatError::SectionTable(_)),
            "byte {at}"
        );
    }
    let copy = AlignedBytes::copy_of(&[&[0], &good[..]].concat());
    assert_eq!(
        ModuleView::parse(&copy.as_bytes()[1..]).map(|_| ()),
        Err(FormatError::Misaligned)
    );
}

#[test]
fn changed_content_does_not_match_the_hash() {
    let mut bytes = file(&everything()).as_bytes().to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let copy = AlignedBytes::copy_of(&bytes);
    let view = ModuleView::parse(copy.as_bytes()).unwrap();
    assert_eq!(view.check_content(), Err(FormatError::Checksum));
}

#[test]
fn a_misplaced_string_is_found() {
    let mut bytes = file(&everything()).as_bytes().to_vec();
    let at = sections(&bytes)[0].2 + 4;
    bytes[at] = 0xff;
    let copy = AlignedBytes::copy_of(&bytes);
    let view = ModuleView::parse(copy.as_bytes()).unwrap();
    assert!(view.name().is_err());
    assert!(verify(&view).is_err());
}
