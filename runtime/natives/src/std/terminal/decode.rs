//! Bytes from a terminal as events: xterm's sequences, their extensions for the mouse (SGR), pasted text and focus, and
//! the keyboard protocol of kitty (<https://sw.kovidgoyal.net/kitty/keyboard-protocol/>).

use super::event::{Event, Key, Meaning, Modifiers};

/// What the bytes begin with.
#[derive(Debug, PartialEq)]
pub enum Decoded {
    /// An event, of so many bytes.
    Event(Event, usize),
    /// A sequence that says nothing to us, of so many bytes.
    Unknown(usize),
    /// Something that has only begun. If nothing more comes soon, it is what [`decode`] makes of it with `is_all`.
    Incomplete,
    /// Pasted text whose end has not come, however long that takes.
    Pasting,
    /// Nothing.
    Nothing,
}

const ESCAPE: u8 = 0x1b;
/// Longest sequence, but for pasted text, that is taken for one.
const LONGEST_SEQUENCE: usize = 128;
/// Most bytes of pasted text; what is longer comes in parts.
const LONGEST_PASTE: usize = 16 << 20;
const PASTE_START: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";

/// The event that bytes begin with. `is_all`: nothing more will come. `expects_cursor`: the program has asked where the cursor is,
/// so an answer is not taken for a key.
pub fn decode(bytes: &[u8], is_all: bool, expects_cursor: bool) -> Decoded {
    match bytes {
        [] => Decoded::Nothing,
        [ESCAPE, rest @ ..] => escape(bytes, rest, is_all, expects_cursor),
        _ => plain(bytes, is_all),
    }
}

fn key(meaning: Meaning) -> Event {
    modified(meaning, Modifiers::default())
}

fn modified(meaning: Meaning, modifiers: Modifiers) -> Event {
    Event::Key(Key {
        meaning,
        modifiers,
        ..Key::default()
    })
}

/// What a control character means.
fn control(byte: u8) -> Option<Meaning> {
    Some(match byte {
        b'\r' | b'\n' => Meaning::Named("enter"),
        b'\t' => Meaning::Named("tab"),
        0x7f | 0x08 => Meaning::Named("backspace"),
        ESCAPE => Meaning::Named("esc"),
        0 => Meaning::Control(' '),
        0x01..=0x1a => Meaning::Control(char::from(byte | 0x60)),
        0x1c..=0x1f => Meaning::Control(char::from(byte | 0x40)),
        _ => return None,
    })
}

/// A character that no sequence begins with.
fn plain(bytes: &[u8], is_all: bool) -> Decoded {
    let Some(&first) = bytes.first() else {
        return Decoded::Nothing;
    };
    if let Some(meaning) = control(first) {
        return Decoded::Event(key(meaning), 1);
    }
    match character(bytes, is_all) {
        Some((character, length)) => {
            Decoded::Event(key(Meaning::Text(character.to_string())), length)
        }
        None => Decoded::Incomplete,
    }
}

/// The character that bytes begin with, and its length; bytes that are none are the replacement character. `None`: it has
/// only begun.
fn character(bytes: &[u8], is_all: bool) -> Option<(char, usize)> {
    let part = bytes.get(..4).unwrap_or(bytes);
    let (valid, length) = match std::str::from_utf8(part) {
        Ok(text) => (text, None),
        Err(error) => {
            let valid = part.get(..error.valid_up_to()).unwrap_or_default();
            (
                std::str::from_utf8(valid).unwrap_or_default(),
                error.error_len(),
            )
        }
    };
    match (valid.chars().next(), length) {
        (Some(character), _) => Some((character, character.len_utf8())),
        (None, Some(length)) => Some((char::REPLACEMENT_CHARACTER, length)),
        (None, None) if is_all => Some((char::REPLACEMENT_CHARACTER, part.len().max(1))),
        (None, None) => None,
    }
}

/// What begins with the escape character; `rest` is what stands behind it.
fn escape(bytes: &[u8], rest: &[u8], is_all: bool, expects_cursor: bool) -> Decoded {
    match rest {
        [] if is_all => Decoded::Event(key(Meaning::Named("esc")), 1),
        [] => Decoded::Incomplete,
        [b'['] | [b'O'] if !is_all => Decoded::Incomplete,
        [b'[', _, ..] if PASTE_START.starts_with(bytes) && bytes.len() < PASTE_START.len() => {
            if is_all {
                Decoded::Unknown(bytes.len())
            } else {
                Decoded::Incomplete
            }
        }
        _ if bytes.starts_with(PASTE_START) => paste(bytes, is_all),
        [b'[', sequence @ ..] if !sequence.is_empty() => {
            match control_sequence(sequence, expects_cursor) {
                Some(Sequence { event, length }) => match event {
                    Some(event) => Decoded::Event(event, length + 2),
                    None => Decoded::Unknown(length + 2),
                },
                None if is_all || sequence.len() > LONGEST_SEQUENCE => {
                    Decoded::Unknown(bytes.len())
                }
                None => Decoded::Incomplete,
            }
        }
        [b'O', last, ..] => match named_by_letter(*last) {
            Some(name) => Decoded::Event(key(Meaning::Named(name)), 3),
            None => Decoded::Unknown(3),
        },
        // Escape twice: the first one is a key of its own.
        [ESCAPE, ..] => Decoded::Event(key(Meaning::Named("esc")), 1),
        [first, ..] => with_alt(*first, rest, is_all),
    }
}

/// A key with alt: the escape character, and what the key is without alt.
fn with_alt(first: u8, rest: &[u8], is_all: bool) -> Decoded {
    if let Some(meaning) = control(first) {
        let event = modified(meaning, Modifiers(Modifiers::ALT));
        return Decoded::Event(event, 2);
    }
    match character(rest, is_all) {
        Some((character, length)) => Decoded::Event(key(Meaning::Alt(character)), length + 1),
        None => Decoded::Incomplete,
    }
}

/// Text between the marks of pasted text.
fn paste(bytes: &[u8], is_all: bool) -> Decoded {
    let content = bytes.get(PASTE_START.len()..).unwrap_or_default();
    let end = content
        .windows(PASTE_END.len())
        .position(|part| part == PASTE_END);
    let text = |content: &[u8]| Event::Paste(String::from_utf8_lossy(content).into_owned());
    match end {
        Some(end) => {
            let content = content.get(..end).unwrap_or_default();
            Decoded::Event(text(content), PASTE_START.len() + end + PASTE_END.len())
        }
        None if is_all || content.len() > LONGEST_PASTE => {
            Decoded::Event(text(content), bytes.len())
        }
        None => Decoded::Pasting,
    }
}

/// Whether pasted text may have come to its end, if its first `known` bytes do not hold it.
pub fn may_end_paste(bytes: &[u8], known: usize) -> bool {
    let from = known.saturating_sub(PASTE_END.len() - 1);
    let unseen = bytes.get(from..).unwrap_or_default();
    bytes.len() > PASTE_START.len() + LONGEST_PASTE
        || unseen
            .windows(PASTE_END.len())
            .any(|part| part == PASTE_END)
}

/// What a control sequence means, if it means something, and its length.
struct Sequence {
    event: Option<Event>,
    length: usize,
}

/// The control sequence that bytes begin with, behind its introduction; `None`: its end has not come.
fn control_sequence(bytes: &[u8], expects_cursor: bool) -> Option<Sequence> {
    // The oldest form of mouse reports: three bytes follow that may be anything.
    if let [b'M', report @ ..] = bytes {
        return (report.len() >= 3).then_some(Sequence {
            event: None,
            length: 4,
        });
    }
    let end = bytes
        .iter()
        .position(|byte| !(0x20..=0x3f).contains(byte))?;
    let last = *bytes.get(end)?;
    let sequence = |event| {
        Some(Sequence {
            event,
            length: end + 1,
        })
    };
    if !(0x40..=0x7e).contains(&last) {
        // No sequence goes on like that. What does not belong to it is looked at by itself.
        return Some(Sequence {
            event: None,
            length: end,
        });
    }
    let content = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let (mark, parameters) = match content.as_bytes().first() {
        Some(b'<' | b'>' | b'?' | b'=') => content.split_at(1),
        _ => ("", content),
    };
    let parameters = Parameters(parameters);
    sequence(match (mark, last) {
        ("<", b'M' | b'm') => mouse(&parameters, last == b'M'),
        ("?", b'u') => Some(Event::KittyFlags(parameters.number(0, 0))),
        ("?", b'c') => Some(attributes("primary", &parameters)),
        (">", b'c') => Some(attributes("secondary", &parameters)),
        ("", b'I') if content.is_empty() => Some(Event::Focus(true)),
        ("", b'O') if content.is_empty() => Some(Event::Focus(false)),
        ("", b'R') if expects_cursor => Some(Event::Cursor {
            row: parameters.number(0, 1),
            column: parameters.number(1, 1),
        }),
        ("", b'u') => kitty(&parameters),
        ("", b'~') => numbered(&parameters),
        ("", b'Z') => {
            let held = modifiers(&parameters, 1).0 & !Modifiers::SHIFT;
            Some(modified(Meaning::Named("shift-tab"), Modifiers(held)))
        }
        ("", letter) => named_by_letter(letter).map(|name| named(name, &parameters, 1)),
        _ => None,
    })
}

/// Numbers between semicolons, each of which may have parts between colons.
struct Parameters<'s>(&'s str);

impl Parameters<'_> {
    /// A part of a parameter, counted from 0; `None` if it is missing.
    fn part(&self, index: usize, part: usize) -> Option<u32> {
        let parameter = self.0.split(';').nth(index)?;
        parameter.split(':').nth(part)?.parse().ok()
    }

    fn number(&self, index: usize, default: u32) -> u32 {
        self.part(index, 0).unwrap_or(default)
    }
}

/// The keys held down, as the parameter says: one more than the sum of their bits.
fn modifiers(parameters: &Parameters<'_>, index: usize) -> Modifiers {
    Modifiers(parameters.number(index, 1).saturating_sub(1) & 0xff)
}

/// What has happened to the key: the second part of the parameter of the keys held down.
fn key_event(parameters: &Parameters<'_>, index: usize) -> Option<&'static str> {
    Some(match parameters.part(index, 1)? {
        1 => "press",
        2 => "repeat",
        3 => "release",
        _ => return None,
    })
}

/// A key with a name.
fn named(name: &'static str, parameters: &Parameters<'_>, index: usize) -> Event {
    Event::Key(Key {
        meaning: Meaning::Named(name),
        modifiers: modifiers(parameters, index),
        event: key_event(parameters, index),
        ..Key::default()
    })
}

fn named_by_letter(letter: u8) -> Option<&'static str> {
    Some(match letter {
        b'A' => "up",
        b'B' => "down",
        b'C' => "right",
        b'D' => "left",
        b'F' => "end",
        b'H' => "home",
        b'M' => "enter",
        b'P' => "f1",
        b'Q' => "f2",
        b'R' => "f3",
        b'S' => "f4",
        _ => return None,
    })
}

fn named_by_number(number: u32) -> Option<&'static str> {
    Some(match number {
        1 | 7 => "home",
        2 => "insert",
        3 => "delete",
        4 | 8 => "end",
        5 => "page-up",
        6 => "page-down",
        11 => "f1",
        12 => "f2",
        13 => "f3",
        14 => "f4",
        15 => "f5",
        17 => "f6",
        18 => "f7",
        19 => "f8",
        20 => "f9",
        21 => "f10",
        23 => "f11",
        24 => "f12",
        _ => return None,
    })
}

/// `NUMBER ; MODIFIERS ~`, or `27 ; MODIFIERS ; CHARACTER ~` of `modifyOtherKeys`.
fn numbered(parameters: &Parameters<'_>) -> Option<Event> {
    match parameters.number(0, 0) {
        27 => {
            let key = of_code(parameters.number(2, 0), modifiers(parameters, 1), None)?;
            Some(Event::Key(key))
        }
        number => named_by_number(number).map(|name| named(name, parameters, 1)),
    }
}

/// What the code of a character and the keys held down mean; `text` is what the terminal says the key would print.
fn of_code(code: u32, modifiers: Modifiers, text: Option<String>) -> Option<Key> {
    let meaning = match code {
        13 | 57_414 => Meaning::Named("enter"),
        9 if modifiers.0 & Modifiers::SHIFT != 0 => Meaning::Named("shift-tab"),
        9 => Meaning::Named("tab"),
        27 => Meaning::Named("esc"),
        8 | 127 => Meaning::Named("backspace"),
        57_399..=57_408 => Meaning::Text(char::from_digit(code - 57_399, 10)?.to_string()),
        57_409..=57_416 => {
            let keypad = ['.', '/', '*', '-', '+', '\r', '=', ','];
            let index = usize::try_from(code - 57_409).ok()?;
            Meaning::Text(keypad.get(index)?.to_string())
        }
        57_417..=57_426 => {
            let keypad = [
                "left",
                "right",
                "up",
                "down",
                "page-up",
                "page-down",
                "home",
                "end",
                "insert",
                "delete",
            ];
            let index = usize::try_from(code - 57_417).ok()?;
            Meaning::Named(keypad.get(index)?)
        }
        // Keys that print nothing and have no name here: locks, media keys, keys held down alone.
        57_344..=63_743 => return None,
        _ => {
            let character = char::from_u32(code)?;
            match () {
                () if modifiers.0 & Modifiers::CONTROL != 0 => Meaning::Control(character),
                () if modifiers.0 & Modifiers::ALT != 0 => Meaning::Alt(character),
                () => Meaning::Text(text.unwrap_or_else(|| character.to_string())),
            }
        }
    };
    Some(Key {
        meaning,
        modifiers,
        ..Key::default()
    })
}

/// `CODE:SHIFTED:BASE ; MODIFIERS:EVENT ; TEXT u`.
fn kitty(parameters: &Parameters<'_>) -> Option<Event> {
    let text: Option<String> = parameters.0.split(';').nth(2).map(|codes| {
        let codes = codes.split(':').filter_map(|code| code.parse().ok());
        codes.filter_map(char::from_u32).collect()
    });
    let text = text.filter(|text| !text.is_empty());
    let key = of_code(parameters.number(0, 1), modifiers(parameters, 1), text)?;
    let character = |part| parameters.part(0, part).and_then(char::from_u32);
    Some(Event::Key(Key {
        event: key_event(parameters, 1),
        shifted: character(1),
        base: character(2),
        ..key
    }))
}

/// `BUTTON ; COLUMN ; ROW M`, with `m` for a button that is let go.
fn mouse(parameters: &Parameters<'_>, is_pressed: bool) -> Option<Event> {
    let bits = parameters.part(0, 0)?;
    let held = [
        (4, Modifiers::SHIFT),
        (8, Modifiers::ALT),
        (16, Modifiers::CONTROL),
    ];
    let held = held.iter().filter(|(bit, _)| bits & bit != 0);
    let action = match (bits & 64 != 0, bits & 32 != 0) {
        (true, _) => match bits & 3 {
            0 => "wheel-up",
            1 => "wheel-down",
            2 => "wheel-left",
            _ => "wheel-right",
        },
        (false, true) => "move",
        (false, false) if is_pressed => "press",
        (false, false) => "release",
    };
    Some(Event::Mouse {
        action,
        column: parameters.part(1, 0)?,
        row: parameters.part(2, 0)?,
        button: bits & 3 | if bits & 128 != 0 { 8 } else { 0 },
        modifiers: Modifiers(held.map(|(_, modifier)| modifier).sum()),
    })
}

fn attributes(device: &'static str, parameters: &Parameters<'_>) -> Event {
    let numbers = parameters.0.split(';');
    Event::Attributes {
        device,
        parameters: numbers.filter_map(|number| number.parse().ok()).collect(),
    }
}

#[cfg(test)]
mod tests;
