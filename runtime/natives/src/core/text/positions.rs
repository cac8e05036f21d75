//! Positions of characters in strings that are not ASCII.
//!
//! Where a character begins is found by walking over the bytes. Programs walk over a text by index, so for long
//! texts the way is noted when it is first gone: where every [`STEP`]th character begins. What is noted is
//! kept until a collection moves the string, or there is too much of it.

use sema_machine::host::Host;
use sema_machine::memory::hash::NameMap;
use sema_machine::memory::value::Value;

/// Characters between two places that are noted.
const STEP: usize = 64;
/// Texts that are shorter, in bytes, are walked over each time.
const SHORT: usize = 256;
/// Places that are kept, of all strings together: some megabytes. A single text may have more.
const KEPT: usize = 1 << 20;

/// The places of strings, an extension of the host.
#[derive(Default)]
struct Places {
    /// By the strings' values.
    strings: NameMap<u64, Noted>,
    /// How many places they have.
    count: usize,
}

struct Noted {
    /// The string is still the one that was walked over as long as these are its length in bytes and its epoch
    /// ([`sema_machine::memory::heap::Heap::epoch`]).
    identity: (usize, u64),
    /// The byte offset of each [`STEP`]th character.
    starts: Vec<u32>,
}

impl Places {
    fn of(&mut self, string: u64, identity: (usize, u64), text: &str) -> &[u32] {
        let known = self.strings.get(&string);
        if known.is_none_or(|noted| noted.identity != identity) {
            let characters = text.char_indices().step_by(STEP);
            let starts: Vec<u32> = characters.map(|(offset, _)| offset as u32).collect();
            if self.count + starts.len() > KEPT {
                self.strings.clear();
                self.count = 0;
            }
            self.count += starts.len();
            let noted = Noted { identity, starts };
            if let Some(old) = self.strings.insert(string, noted) {
                self.count -= old.starts.len();
            }
        }
        self.strings.get(&string).map_or(&[], |noted| &noted.starts)
    }
}

fn with_places<R>(host: &Host, string: Value, text: &str, find: impl FnOnce(&[u32]) -> R) -> R {
    let identity = (text.len(), host.heap.epoch(string));
    host.with_extension(|places: &mut Places| find(places.of(string.bits(), identity, text)))
}

/// The byte offset of the character at `position`, which may be the end; `None` beyond it.
fn walk(text: &str, position: usize) -> Option<usize> {
    let mut seen = 0;
    for (offset, &byte) in text.as_bytes().iter().enumerate() {
        // Continuation bytes of UTF-8 are 10xxxxxx.
        if byte & 0xC0 != 0x80 {
            if seen == position {
                return Some(offset);
            }
            seen += 1;
        }
    }
    (seen == position).then_some(text.len())
}

/// The byte offset in a string, whose text is `text`, of the character at `position`, which may be the end; `None` beyond
/// it.
#[inline]
pub(crate) fn byte_offset(
    host: &Host,
    string: Value,
    text: &str,
    position: usize,
) -> Option<usize> {
    if host.heap.is_ascii(string) {
        return (position <= text.len()).then_some(position);
    }
    byte_offset_by_places(host, string, text, position)
}

/// The same in a string that is not all ASCII.
#[inline(never)]
fn byte_offset_by_places(host: &Host, string: Value, text: &str, position: usize) -> Option<usize> {
    if text.len() < SHORT || position < STEP {
        return walk(text, position);
    }
    let start = with_places(host, string, text, |starts| {
        starts.get(position / STEP).copied()
    });
    match start {
        Some(start) => {
            let start = start as usize;
            Some(start + walk(text.get(start..)?, position % STEP)?)
        }
        // The end may be where the next one would begin.
        None => (position == host.heap.char_len(string)).then_some(text.len()),
    }
}

/// The position of the character that begins at a byte offset.
pub(crate) fn position(host: &Host, string: Value, text: &str, offset: usize) -> usize {
    if host.heap.is_ascii(string) {
        return offset;
    }
    let count = |from: usize| {
        text.get(from..offset)
            .map_or(0, |part| part.chars().count())
    };
    if text.len() < SHORT || offset < STEP {
        return count(0);
    }
    let (before, start) = with_places(host, string, text, |starts| {
        let after = starts.partition_point(|&start| start as usize <= offset);
        let before = after.saturating_sub(1);
        (
            before,
            starts.get(before).map_or(0, |&start| start as usize),
        )
    });
    before * STEP + count(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    #[test]
    fn noted_places_are_those_of_a_walk() {
        let bench = Bench::new();
        let host = &bench.host;
        for (piece, times) in [
            ("é", 1000),
            ("aß€😀", 333),
            ("é", 10),
            ("€", 192),
            ("x", 500),
        ] {
            let text = piece.repeat(times) + "é";
            let string = host.heap.string(&text);
            let mut offsets: Vec<usize> = text.char_indices().map(|(offset, _)| offset).collect();
            offsets.push(text.len());
            for (number, &offset) in offsets.iter().enumerate() {
                assert_eq!(byte_offset(host, string, &text, number), Some(offset));
                assert_eq!(position(host, string, &text, offset), number);
            }
            assert_eq!(byte_offset(host, string, &text, offsets.len()), None);
            assert_eq!(byte_offset(host, string, &text, offsets.len() + 1000), None);
        }
    }

    #[test]
    fn strings_are_told_apart() {
        let bench = Bench::new();
        let host = &bench.host;
        let texts: Vec<String> = (0..10).map(|n| "a".repeat(n) + &"é".repeat(500)).collect();
        let strings: Vec<Value> = texts.iter().map(|text| host.heap.string(text)).collect();
        for _ in 0..3 {
            for (n, (text, string)) in texts.iter().zip(&strings).enumerate() {
                let offset = n + 2 * (300 - n);
                assert_eq!(byte_offset(host, *string, text, 300), Some(offset));
            }
        }
    }
}
