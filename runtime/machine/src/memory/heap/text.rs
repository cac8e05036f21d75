//! Strings: UTF-8 with the number of characters and a cached hash beside it.
//!
//! The extra word holds the number of characters in its low half and the hash in its high half
//! (0: not yet computed). A string is ASCII when both lengths agree, and then indexing is O(1).

use super::{Heap, object};
use crate::memory::value::{Kind, Value};

impl Heap {
    /// A string.
    pub fn string(&self, text: &str) -> Value {
        let chars = if is_ascii(text) {
            text.len()
        } else {
            text.chars().count()
        };
        self.alloc_bytes(Kind::String, 0, chars as u64, text.as_bytes())
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

    /// A string of ASCII characters, which nobody looks at again to find out that it is.
    #[inline]
    pub fn ascii_string(&self, text: &str) -> Value {
        debug_assert!(text.is_ascii());
        self.alloc_bytes(Kind::String, 0, text.len() as u64, text.as_bytes())
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
