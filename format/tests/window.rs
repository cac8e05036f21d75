//! The format's version rises with every change of what a file may contain.
//!
//! The instruction table, the sections and the layout are written down as text, and its digest is noted for each
//! version. Whoever changes one of them has to raise the version, add a line here, and say in
//! `OLDEST_FORMAT_VERSION` whether files of earlier versions still mean what they meant.

use std::fmt::Write as _;

use sema_format::container::layout::{
    self, FORMAT_VERSION, OLDEST_FORMAT_VERSION, Section, constant, function, header,
};
use sema_format::isa::{INSTRUCTIONS, Predicate, special};

/// The digest of each version, in order from the first one on.
const DIGESTS: &[u64] = &[0x09cd_1f9b_9f13_4d5a];

/// Everything that files depend on, as text.
fn table() -> String {
    let mut text = String::new();
    for info in INSTRUCTIONS {
        let operands = info
            .operands
            .iter()
            .map(|one| format!("{}:{:?}", one.field, one.kind));
        let operands: Vec<String> = operands.collect();
        writeln!(
            text,
            "{} {} ({}) {:?} {}",
            info.op as u8,
            info.mnemonic,
            operands.join(" "),
            info.flow,
            info.words
        )
        .unwrap();
    }
    for predicate in Predicate::ALL {
        writeln!(text, "predicate {} {}", *predicate as u8, predicate.name()).unwrap();
    }
    writeln!(
        text,
        "special {:?}",
        [
            special::NIL,
            special::FALSE,
            special::TRUE,
            special::EMPTY_LIST,
            special::MISSING,
            special::COUNT
        ]
    )
    .unwrap();
    for section in Section::ALL {
        writeln!(
            text,
            "section {} {} {}",
            *section as u16,
            section.name(),
            section.required()
        )
        .unwrap();
    }
    writeln!(
        text,
        "header {:?} {:?} {:#x} {} flags {}",
        layout::MAGIC,
        [
            header::VERSION,
            header::RESERVED,
            header::CANARY,
            header::CONTENT_HASH,
            header::LENGTH,
            header::SECTION_COUNT,
            header::FLAGS,
            header::PRODUCER,
            header::PRODUCER_BYTES,
        ],
        layout::CANARY,
        layout::HEADER_BYTES,
        layout::KNOWN_FLAGS
    )
    .unwrap();
    writeln!(
        text,
        "function {:?} {} handler {} part {} entry {}",
        [
            function::CODE_START,
            function::CODE_WORDS,
            function::NAME,
            function::REGISTERS,
            function::PARAMETERS,
            function::CAPTURES,
            function::HANDLER_START,
            function::HANDLER_COUNT,
        ],
        function::KNOWN_FLAGS,
        layout::HANDLER_ENTRY_WORDS,
        layout::PART_ENTRY_WORDS,
        layout::SECTION_ENTRY_WORDS
    )
    .unwrap();
    writeln!(
        text,
        "constants {:?}",
        [
            constant::NIL,
            constant::BOOL,
            constant::EMPTY_LIST,
            constant::SMALL_INT,
            constant::INT,
            constant::BIG_INT,
            constant::RATIO,
            constant::FLOAT,
            constant::COMPLEX,
            constant::CHAR,
            constant::STR,
            constant::SYMBOL,
            constant::KEYWORD,
            constant::LIST,
            constant::VECTOR,
            constant::MAP,
            constant::BYTES,
            constant::F64_ARRAY,
            constant::I64_ARRAY,
        ]
    )
    .unwrap();
    text
}

/// FNV-1a with 64 bits: short, and written down here, so that no library can change it.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[test]
fn the_version_rises_with_every_change() {
    let digest = digest(&table());
    assert_eq!(
        DIGESTS.len(),
        usize::from(FORMAT_VERSION),
        "one digest for each version"
    );
    assert_eq!(
        DIGESTS.last(),
        Some(&digest),
        "instructions, sections or layout have changed: raise FORMAT_VERSION, add {digest:#018x} to DIGESTS, and add a \
         directory to fixtures/format (docs/module-format.md, \"Changing the format\")"
    );
    for (place, one) in DIGESTS.iter().enumerate() {
        assert!(
            !DIGESTS[..place].contains(one),
            "a version without a change"
        );
    }
}

/// Each version of the window has files that the tests load; the ones that run are in `tests/tests/format_window.rs`.
#[test]
fn each_version_of_the_window_has_files() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/format");
    for version in OLDEST_FORMAT_VERSION..=FORMAT_VERSION {
        let directory = fixtures.join(format!("v{version}"));
        for name in [
            "minimal.semac",
            "everything.semac",
            "stripped.semac",
            "program.bundle",
            "program.output",
        ] {
            assert!(
                directory.join(name).is_file(),
                "{}/{name}",
                directory.display()
            );
        }
    }
}

/// A digest finds changes that are one word.
#[test]
fn small_changes_are_seen() {
    let text = table();
    for (from, to) in [
        ("move", "mov"),
        ("section 13", "section 16"),
        ("Next", "Exit"),
    ] {
        assert_ne!(digest(&text), digest(&text.replacen(from, to, 1)));
    }
}
