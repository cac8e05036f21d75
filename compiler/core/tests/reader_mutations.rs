//! Random mutations of seed texts: the reader must not panic, hang, or return positions outside the text.
//!
//! The walk is fixed, so a failure can be repeated. `READER_MUTATIONS=N` sets the number of texts and
//! `READER_MUTATION_SEED=N` takes another walk. A text that once failed belongs into `reader-seeds/`.

use std::fs;
use std::path::Path;

use semac_core::front::datum::{Datum, DatumKind, FileId, Interner, Span, new_interner};
use semac_core::front::diagnostic::Diagnostic;
use semac_core::front::diagnostic::render::Renderer;
use semac_core::front::reader::{ReadErrorKind, datum_to_text, read_all, read_many_limited};
use semac_core::front::source::SourceMap;

const TEXTS: u64 = 4_000;

/// Pieces that are inserted: the boundaries of tokens are where readers break.
const PIECES: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "'",
    "`",
    ",",
    ",@",
    "@",
    ".",
    " ",
    "\n",
    "\r",
    "\t",
    ";",
    "#",
    "#(",
    "#u8(",
    "#f64(",
    "#i64(",
    "#\\",
    "#\"",
    "\"",
    "\\",
    "\\x",
    "\\u",
    "\\U",
    "f\"",
    "${",
    "}\"",
    "%",
    "%&",
    "%300",
    ":",
    "1",
    "-",
    "+",
    "/",
    "e",
    "i",
    "#x",
    "#e",
    "é",
    "💥",
    "²",
    "\u{feff}",
    "\0",
    "\u{a0}",
    "|",
    "|#",
    "$",
    "#!",
    "((((((((((((((((",
    "''''''''''''''''",
    "f\"${f\"${f\"${f\"${",
    "99999999999999999999",
    "1e999999999",
    "#e1e-999999999",
];

/// xorshift64*
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

#[test]
fn mutated_texts_are_read_or_refused() {
    let setting =
        |name: &str, default| std::env::var(name).map_or(default, |value| value.parse().unwrap());
    let mut random = Random(setting("READER_MUTATION_SEED", 1) | 1 << 63);
    let seeds = seeds();
    for _ in 0..setting("READER_MUTATIONS", TEXTS) {
        let text = mutate(&mut random, &seeds);
        check(&text);
    }
}

#[test]
fn seeds_are_read_or_refused() {
    let mut refused = 0;
    for (name, text) in seeds() {
        check(&text);
        let result = read_all(&mut new_interner(), FileId(0), &text);
        assert_eq!(
            result.is_err(),
            name.starts_with("errors"),
            "{name}: {result:?}"
        );
        refused += usize::from(result.is_err());
    }
    assert!(refused > 0);
}

#[test]
fn every_prefix_of_a_seed_is_read_or_refused() {
    for (_, text) in seeds() {
        for (end, _) in text.char_indices() {
            check(&text[..end]);
        }
    }
}

fn seeds() -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reader-seeds");
    let mut seeds: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs::read_to_string(entry.path()).unwrap(),
            )
        })
        .collect();
    seeds.sort();
    seeds
}

fn mutate(random: &mut Random, seeds: &[(String, String)]) -> String {
    let mut text: Vec<char> = seeds[random.below(seeds.len())].1.chars().collect();
    for _ in 0..1 + random.below(6) {
        let at = random.below(text.len() + 1);
        let end = at + random.below((text.len() - at).min(40) + 1);
        match random.below(6) {
            0 => drop(text.drain(at..end)),
            1 => text.truncate(at),
            2 => {
                let copy = text[at..end].to_vec();
                text.splice(at..at, copy);
            }
            3 => {
                let other: Vec<char> = seeds[random.below(seeds.len())].1.chars().collect();
                let from = random.below(other.len() + 1);
                let length = random.below((other.len() - from).min(60) + 1);
                text.splice(at..end, other[from..from + length].iter().copied());
            }
            _ => {
                let piece = PIECES[random.below(PIECES.len())];
                text.splice(at..at, piece.chars());
            }
        }
    }
    text.into_iter().collect()
}

/// Reads a text and checks what must hold whatever it is.
fn check(text: &str) {
    let mut sources = SourceMap::new();
    let file = sources.add("mutated.sema", text.to_owned());
    let mut interner = new_interner();
    match read_all(&mut interner, file, text) {
        Ok(data) => {
            data.iter().for_each(|datum| check_datum(text, datum));
            let printed = text_of(&interner, &data);
            check_reading_back(&mut interner, text, &printed);
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "{text:?}");
            for error in &errors {
                check_span(text, error.span);
                error
                    .related
                    .iter()
                    .for_each(|related| check_span(text, related.span));
                let drawn = Renderer::new(false)
                    .render(&sources, &Diagnostic::reader(error, sources.text(file)));
                assert!(drawn.starts_with("Error: "), "{drawn}");
            }
            let first = read_many_limited(&mut interner, file, text, usize::MAX).expect_err(text);
            assert_eq!(Some(&first), errors.first(), "{text:?}");
        }
    }
    let _ = read_many_limited(&mut interner, file, text, 1);
}

fn text_of(interner: &Interner, data: &[Datum]) -> String {
    data.iter()
        .map(|datum| datum_to_text(interner, datum))
        .collect::<Vec<_>>()
        .join("\n")
}

/// What is printed reads back to what prints the same.
fn check_reading_back(interner: &mut Interner, text: &str, printed: &str) {
    // A complex number with an infinite part has no literal.
    if printed.contains("inf") {
        return;
    }
    match read_all(interner, FileId(0), printed) {
        Ok(again) => {
            // In an array of floats a negative zero prints as `-0`, which is the integer zero.
            let unsigned_zeros = |text: &str| text.replace("-0", "0");
            assert_eq!(
                unsigned_zeros(printed),
                unsigned_zeros(&text_of(interner, &again)),
                "{text:?}"
            );
        }
        // Printed, a short lambda has one level more.
        Err(errors) => assert_eq!(
            errors[0].kind,
            ReadErrorKind::TooDeep,
            "{text:?}: {printed:?}"
        ),
    }
}

fn check_datum(text: &str, datum: &Datum) {
    check_span(text, datum.span);
    let children: Vec<&Datum> = match &datum.kind {
        DatumKind::List(items) | DatumKind::Vector(items) => items.iter().collect(),
        DatumKind::Map(entries) => entries
            .iter()
            .flat_map(|(key, value)| [key, value])
            .collect(),
        _ => return,
    };
    for child in children {
        assert!(
            datum.span.start <= child.span.start && child.span.end <= datum.span.end,
            "{text:?}"
        );
        check_datum(text, child);
    }
}

fn check_span(text: &str, span: Span) {
    assert!(
        text.get(span.start as usize..span.end as usize).is_some(),
        "{span:?} in {text:?}"
    );
}
