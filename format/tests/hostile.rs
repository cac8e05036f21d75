//! No bytes make the reader panic, hang or allocate without bound.

mod common;

use common::{Random, everything, file, random_module, rounds, with_part};
use sema_format::container::layout::{HEADER_BYTES, Section};
use sema_format::{AlignedBytes, ModuleView, disasm, verify};

/// Does everything that can be done with a file; returns whether it is accepted.
fn exercise(bytes: &[u8]) -> bool {
    let copy = AlignedBytes::copy_of(bytes);
    let Ok(view) = ModuleView::parse(copy.as_bytes()) else {
        return false;
    };
    let _ = view.check_content();
    let _ = view.to_module();
    for index in 0..view.constant_count().min(1_000) {
        let _ = view.constant(index);
    }
    let listing = disasm::module(&view);
    let accepted = verify(&view).is_ok();
    if accepted {
        // The proof covers all that running reads; debug information is only read for messages.
        if view.debug().is_ok() {
            let listing = listing.unwrap();
            assert!(!listing.contains("damaged") && !listing.contains(".word"));
        }
        for index in 0..view.function_count() {
            let entry = view.function(index).unwrap();
            view.function_code(&entry).unwrap();
            view.function_name(&entry).unwrap();
            assert!(
                view.handlers(&entry)
                    .unwrap()
                    .all(|handler| u32::from(handler.register) < entry.registers)
            );
        }
        for index in 0..view.constant_count() {
            view.constant(index).unwrap();
        }
        view.imports().unwrap();
        view.exports().unwrap();
        for part in view.parts() {
            view.function(part.unwrap().1).unwrap();
        }
    }
    accepted
}

#[test]
fn every_changed_byte() {
    for module in [everything(), with_part()] {
        let good = file(&module).as_bytes().to_vec();
        assert!(exercise(&good));
        let mut bytes = good.clone();
        for at in 0..good.len() {
            let changes = (0..8)
                .map(|bit| good[at] ^ 1 << bit)
                .chain([0, 1, 0x7f, 0x80, 0xff]);
            for value in changes {
                bytes[at] = value;
                exercise(&bytes);
            }
            bytes[at] = good[at];
        }
    }
}

#[test]
fn every_changed_word() {
    let good = file(&everything()).as_bytes().to_vec();
    let mut bytes = good.clone();
    for at in (0..good.len()).step_by(4) {
        for value in [
            0,
            1,
            u32::MAX,
            u32::MAX - 3,
            0x8000_0000,
            0x7fff_fffc,
            0x00ff_ffff,
        ] {
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            exercise(&bytes);
        }
        bytes[at..at + 4].copy_from_slice(&good[at..at + 4]);
    }
}

#[test]
fn every_truncation() {
    let good = file(&everything()).as_bytes().to_vec();
    for length in 0..good.len() {
        assert!(!exercise(&good[..length]));
        // The same with a length field that agrees.
        let mut bytes = good[..length].to_vec();
        if length >= HEADER_BYTES {
            bytes[24..28].copy_from_slice(&(length as u32).to_le_bytes());
            assert!(!exercise(&bytes));
        }
    }
    assert!(!exercise(&[&good[..], &[0; 4]].concat()));
}

#[test]
fn random_mutations() {
    let mut random = Random::new(20);
    let mut accepted = 0;
    for _ in 0..rounds(3_000) {
        let mut bytes = file(&random_module(&mut random)).as_bytes().to_vec();
        for _ in 0..=random.below(4) {
            // Beyond the header, which is covered byte by byte above.
            let at = HEADER_BYTES + random.below(bytes.len() - HEADER_BYTES);
            let length = (1 + random.below(4)).min(bytes.len() - at);
            match random.below(4) {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => bytes[at] = random.next() as u8,
                2 => bytes[at..at + length].fill(0xff),
                _ => {
                    let from = random.below(bytes.len() - length);
                    bytes.copy_within(from..from + length, at);
                }
            }
        }
        accepted += u32::from(exercise(&bytes));
    }
    // Otherwise the mutations would be too crude to reach deep.
    assert!(accepted > 0);
}

#[test]
fn random_bytes() {
    let mut random = Random::new(3);
    for _ in 0..rounds(2_000) {
        let mut bytes = file(&everything()).as_bytes()[..HEADER_BYTES].to_vec();
        bytes.extend((0..random.below(400)).map(|_| random.next() as u8));
        let length = bytes.len() as u32;
        bytes[24..28].copy_from_slice(&length.to_le_bytes());
        bytes[28..30].copy_from_slice(&(random.below(16) as u16).to_le_bytes());
        assert!(!exercise(&bytes));
    }
}

/// Replaces the content of one section by bytes of at most the same length.
fn with_section(section: Section, content: &[u8]) -> Vec<u8> {
    let mut bytes = file(&everything()).as_bytes().to_vec();
    let entry = HEADER_BYTES + (section as usize - 1) * 12;
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let (offset, length) = (word(entry + 4), word(entry + 8));
    assert!(content.len() <= length);
    bytes[offset..offset + content.len()].copy_from_slice(content);
    bytes
}

#[test]
fn huge_counts_are_refused_before_allocating() {
    // Bincode lengths of 2^64-1 and 2^32-1 records.
    for claim in [
        &[0xfd, 255, 255, 255, 255, 255, 255, 255, 255][..],
        &[0xfc, 255, 255, 255, 255],
    ] {
        for section in [Section::Imports, Section::Exports] {
            assert!(!exercise(&with_section(section, claim)));
        }
    }
    // A debug section of 4 GiB.
    let bytes = with_section(Section::Debug, &u32::MAX.to_le_bytes());
    let copy = AlignedBytes::copy_of(&bytes);
    let view = ModuleView::parse(copy.as_bytes()).unwrap();
    assert!(view.debug().is_err());
    // Records that claim 2^32-1 elements.
    for at in 0..everything().constants.len() {
        let mut words = [0u8; 64];
        words.fill(0xff);
        let bytes = with_section(Section::ConstantData, &words);
        let copy = AlignedBytes::copy_of(&bytes);
        let _ = ModuleView::parse(copy.as_bytes())
            .unwrap()
            .constant(at as u32);
        assert!(!exercise(&bytes));
    }
}
