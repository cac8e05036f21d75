//! Strings: UTF-8 with the number of characters and a cached hash beside it.
//!
//! The extra word holds the number of characters in its low half and the hash in its high half
//! (0: not yet computed). A string is ASCII when both lengths agree, and then indexing is O(1).

use super::{Heap, object};
use crate::memory::value::{Kind, Value};

impl Heap {
    /// A string.
    pub fn string(&self, text: &str) -> Value {
        self.alloc_bytes(Kind::String, 0, char_count(text) as u64, text.as_bytes())
    }

    /// Whether this is a string.
    #[inline(always)]
    pub fn is_string(&self, value: Value) -> bool {
        value.is_heap() && object::kind_at(value) == Kind::String
    }

    /// The text of a string.
    #[inline]
    pub fn as_str(&self, value: Value) -> Option<&str> {
        if !self.is_string(value) {
            return None;
        }
        // SAFETY: the bytes of a string were copied from a `str`.
        Some(unsafe { std::str::from_utf8_unchecked(self.raw_bytes(value)) })
    }

    /// Number of characters of a string.
    #[inline]
    pub fn char_len(&self, value: Value) -> usize {
        if self.is_string(value) {
            self.extra_word(value).get() as u32 as usize
        } else {
            0
        }
    }

    /// Whether a string is all ASCII, so that byte and character offsets agree.
    #[inline]
    pub fn is_ascii(&self, value: Value) -> bool {
        self.is_string(value) && self.char_len(value) == self.raw_bytes(value).len()
    }

    /// The cached hash of a string, computed by `hash` the first time.
    #[inline(always)]
    pub fn string_hash(&self, value: Value, hash: impl FnOnce(&[u8]) -> u32) -> u32 {
        let extra = self.extra_word(value);
        let cached = (extra.get() >> 32) as u32;
        if cached != 0 {
            return cached;
        }
        let computed = hash(self.raw_bytes(value)).max(1);
        extra.set(extra.get() & 0xFFFF_FFFF | u64::from(computed) << 32);
        computed
    }

    /// Whether [`Heap::grow_string`] has room for a text of so many bytes where the string is.
    pub fn can_grow(&self, text: Value, length: usize) -> bool {
        let header = object::header_at(text);
        header & object::OWNED != 0 && length <= object::bytes_reserved(header)
    }

    /// The string of `text` and `more`. If `text` is a string that belongs to a variable ([`object::OWNED`]) and has room, it
    /// is that string, grown; else a new one that belongs to the variable, with room for half as much again at least: building a text piece by piece takes time in proportion to
    /// its length.
    pub fn grow_string(&self, text: Value, more: &str) -> Value {
        let Some(start) = self.as_str(text) else {
            return self.string(more);
        };
        let header = object::header_at(text);
        let length = start.len() + more.len();
        let chars = self.char_len(text) + char_count(more);
        let is_owned = header & object::OWNED != 0;
        let place = if is_owned && length <= object::bytes_reserved(header) {
            text.address() as *mut u64
        } else {
            let room = (length + length / 2).next_power_of_two().max(LEAST_ROOM);
            let (place, flags) = self.allocate(16 + room, false);
            let aux = room.trailing_zeros() as u16;
            // SAFETY: room for the header, the extra word and `room` bytes was just allocated.
            unsafe {
                *place = object::header(Kind::String, flags | object::OWNED, aux, 0);
                std::ptr::copy_nonoverlapping(
                    start.as_ptr(),
                    place.add(2).cast::<u8>(),
                    start.len(),
                );
            }
            place
        };
        // SAFETY: there is room for `length` bytes, of which the first are those of `text`. Nobody but the variable that it
        // belongs to sees a string that grows, so nobody has a slice of it; `more` is another string's, or from elsewhere.
        unsafe {
            std::ptr::copy_nonoverlapping(
                more.as_ptr(),
                place.add(2).cast::<u8>().add(start.len()),
                more.len(),
            );
            *place = *place & 0xFFFF_FFFF | u64::from(Self::length(length)) << 32;
            // The hash is not known any more.
            *place.add(1) = chars as u64;
        }
        Value::from_address(place as usize)
    }

    /// A string of ASCII characters, which nobody looks at again to find out that it is.
    #[inline]
    pub fn ascii_string(&self, text: &str) -> Value {
        debug_assert!(text.is_ascii());
        self.alloc_bytes(Kind::String, 0, text.len() as u64, text.as_bytes())
    }
}

/// Bytes that a string that grows has room for at least.
const LEAST_ROOM: usize = 64;

/// Number of characters.
fn char_count(text: &str) -> usize {
    if is_ascii(text) {
        text.len()
    } else {
        text.chars().count()
    }
}

/// Whether a text is ASCII. The library's search is made for long texts.
#[inline]
fn is_ascii(text: &str) -> bool {
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
    let bytes = text.as_bytes();
    if bytes.len() > 64 {
        return bytes.is_ascii();
    }
    let Some(last) = bytes.last_chunk::<8>() else {
        return bytes.iter().fold(0, |all, &byte| all | byte) < 0x80;
    };
    let (words, _) = bytes.as_chunks::<8>();
    let all = words.iter().fold(u64::from_le_bytes(*last), |all, word| {
        all | u64::from_le_bytes(*word)
    });
    all & HIGH_BITS == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_grow_in_place_only_if_they_belong_to_somebody() {
        let heap = Heap::new();
        let first = heap.string("aé");
        let grown = heap.grow_string(first, "b");
        assert_ne!(first, grown);
        let again = heap.grow_string(grown, "ü");
        assert_eq!(grown, again);
        assert_eq!(
            (heap.as_str(again), heap.char_len(again)),
            (Some("aébü"), 4)
        );
        let whole = (0..10_000).fold(again, |text, _| heap.grow_string(text, "xy"));
        assert_eq!(heap.as_str(whole).unwrap().len(), 20_006);
        assert_eq!(heap.as_str(first), Some("aé"));
        object::set_owned(whole, false);
        let other = heap.grow_string(whole, "z");
        assert_ne!(other, whole);
        assert_eq!(heap.char_len(whole), 20_004);
    }

    #[test]
    fn counts_characters() {
        let heap = Heap::new();
        let plain = heap.string("hello");
        let accents = heap.string("héllo");
        assert_eq!((heap.char_len(plain), heap.is_ascii(plain)), (5, true));
        assert_eq!((heap.char_len(accents), heap.is_ascii(accents)), (5, false));
        assert_eq!(heap.as_str(accents), Some("héllo"));
        assert_eq!(heap.as_str(Value::NIL), None);
    }
}
