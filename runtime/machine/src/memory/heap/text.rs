//! Strings: UTF-8 with the number of characters and a cached hash beside it.
//!
//! The extra word holds the number of characters in its low half and the hash in its high half
//! (0: not yet computed). A string is ASCII when both lengths agree, and then indexing is O(1).
//!
//! A text that is built piece by piece is kept in a buffer, a string with room to grow that nobody else sees. The strings that
//! share it are its beginnings: each says how many of its bytes are its own, behind the reference to the buffer. Its header gives the
//! length 0, as that of the empty text does, so that all other texts are read without a question. Appending to the longest of them writes behind its end, which
//! no other one can see, so it takes time in proportion to what is appended, wherever the string is kept: in a global variable, a map or
//! a record. Appending to one of the others copies. A buffer is made when something is appended to a string that was made by
//! appending itself, so a string that is put together once takes no more than its bytes.

use std::str::Utf8Error;

use super::{Heap, object, utf8};
use crate::memory::value::{Kind, Value};

impl Heap {
    /// A string.
    pub fn string(&self, text: &str) -> Value {
        self.alloc_bytes(Kind::String, 0, char_count(text) as u64, text.as_bytes())
    }

    /// A string of bytes that come from outside.
    ///
    /// # Errors
    /// They are not UTF-8.
    #[inline]
    pub fn utf8_string(&self, bytes: &[u8]) -> Result<Value, Utf8Error> {
        let count = utf8::character_count(bytes)?;
        Ok(self.alloc_bytes(Kind::String, 0, count as u64, bytes))
    }

    /// Whether this is a string.
    #[inline(always)]
    pub fn is_string(&self, value: Value) -> bool {
        value.is_heap() && object::kind_at(value) == Kind::String
    }

    /// The text of a string.
    #[inline]
    pub fn as_str(&self, value: Value) -> Option<&str> {
        self.as_str_here(value)
    }

    /// The same where a call would cost as much as what it does.
    #[inline(always)]
    pub(crate) fn as_str_here(&self, value: Value) -> Option<&str> {
        if !self.is_string(value) {
            return None;
        }
        // SAFETY: the bytes of a string were copied from a `str`.
        Some(unsafe { std::str::from_utf8_unchecked(self.text_bytes(value)) })
    }

    /// The bytes of a string.
    #[inline(always)]
    fn text_bytes(&self, value: Value) -> &[u8] {
        let header = object::header_at(value);
        debug_assert_eq!(object::kind_of(header), Kind::String);
        let length = object::length_of(header);
        if length == 0 {
            return self.shared_bytes(value);
        }
        // SAFETY: a string whose header gives a length has its bytes behind its extra word.
        unsafe { std::slice::from_raw_parts((value.address() + BYTES_OFFSET) as *const u8, length) }
    }

    /// The bytes of a string whose header gives the length 0: one that shares its bytes, or the empty text.
    #[cold]
    fn shared_bytes(&self, value: Value) -> &[u8] {
        if !object::is_shared_text(object::header_at(value)) {
            return &[];
        }
        let buffer = self.buffer(value);
        // SAFETY: a buffer has the bytes of each string that shares it behind its extra word. What has been written there
        // does not change as long as a string shares it.
        unsafe {
            std::slice::from_raw_parts(
                (buffer.address() + BYTES_OFFSET) as *const u8,
                self.shared_length(value),
            )
        }
    }

    /// How many bytes of its buffer a string that shares its bytes has.
    fn shared_length(&self, value: Value) -> usize {
        debug_assert!(object::is_shared_text(object::header_at(value)));
        // SAFETY: the buffer of such a string is followed by this word.
        unsafe { *(value.address() as *const usize).add(1 + object::BUFFER_FIELD + 1) }
    }

    /// The buffer of a string that shares its bytes.
    #[inline(always)]
    fn buffer(&self, value: Value) -> Value {
        debug_assert!(object::is_shared_text(object::header_at(value)));
        // SAFETY: the extra word of such a string is followed by its buffer.
        unsafe { *(value.address() as *const Value).add(1 + object::BUFFER_FIELD) }
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
        if !self.is_string(value) {
            return false;
        }
        let (header, chars) = (object::header_at(value), self.char_len(value));
        chars == object::length_of(header)
            || object::is_shared_text(header) && chars == self.shared_length(value)
    }

    /// The cached hash of a string, computed by `hash` the first time.
    #[inline(always)]
    pub fn string_hash(&self, value: Value, hash: impl FnOnce(&[u8]) -> u32) -> u32 {
        let extra = self.extra_word(value);
        let cached = (extra.get() >> 32) as u32;
        if cached != 0 {
            return cached;
        }
        let computed = hash(self.text_bytes(value)).max(1);
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
            let room = room_for(length);
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

    /// The string of `text`, which is one, and `more`: with a buffer if `text` has one or was made by appending itself.
    pub fn append_string(&self, text: Value, more: &str) -> Value {
        let start = self.as_str(text).unwrap_or_default();
        let length = start.len() + more.len();
        let chars = self.char_len(text) + char_count(more);
        let header = object::header_at(text);
        if object::is_shared_text(header) {
            let buffer = self.buffer(text);
            let used = object::header_at(buffer);
            if object::length_of(used) == start.len() && length <= object::bytes_reserved(used) {
                // SAFETY: there is room behind the bytes in use. `more` may lie among those, which stay as they are.
                unsafe { self.fill_buffer(buffer, start.len(), more) };
                return self.beginning_of(buffer, length, chars);
            }
        }
        let is_built = length < MOST_ROOM
            && matches!(
                object::aux_of(header),
                object::SHARED_TEXT | object::APPENDED_TEXT
            );
        if !is_built {
            let (place, flags) = self.allocate(BYTES_OFFSET + length.next_multiple_of(8), false);
            // SAFETY: room for the header, the extra word and the padded bytes was just allocated.
            unsafe {
                *place = object::header(
                    Kind::String,
                    flags,
                    object::APPENDED_TEXT,
                    Self::length(length),
                );
                *place.add(1) = chars as u64;
                let bytes = place.byte_add(BYTES_OFFSET).cast::<u8>();
                std::ptr::copy_nonoverlapping(start.as_ptr(), bytes, start.len());
                std::ptr::copy_nonoverlapping(more.as_ptr(), bytes.add(start.len()), more.len());
            }
            return Value::from_address(place as usize);
        }
        let room = room_for(length);
        let (place, flags) = self.allocate(BYTES_OFFSET + room, false);
        let buffer = Value::from_address(place as usize);
        // SAFETY: room for the header, the extra word and `room` bytes was just allocated, more than both texts have.
        unsafe {
            *place = object::header(Kind::String, flags, room.trailing_zeros() as u16, 0);
            *place.add(1) = 0;
            self.fill_buffer(buffer, 0, start);
            self.fill_buffer(buffer, start.len(), more);
        }
        self.beginning_of(buffer, length, chars)
    }

    /// Bytes that [`Heap::append_string`] takes for a text of so many bytes.
    pub fn bytes_to_append(&self, text: Value, length: usize) -> usize {
        let header = object::header_at(text);
        if object::is_shared_text(header) {
            let used = object::header_at(self.buffer(text));
            if object::length_of(used) == self.shared_length(text)
                && length <= object::bytes_reserved(used)
            {
                return 0;
            }
        }
        room_for(length.min(MOST_ROOM - 1))
    }

    /// Writes a text into a buffer, behind the `used` bytes that are in use.
    ///
    /// # Safety
    /// The buffer has room for it.
    unsafe fn fill_buffer(&self, buffer: Value, used: usize, text: &str) {
        let place = buffer.address() as *mut u64;
        // SAFETY: by the caller; `text` lies elsewhere, or before what is written.
        unsafe {
            std::ptr::copy_nonoverlapping(
                text.as_ptr(),
                place.byte_add(BYTES_OFFSET + used).cast::<u8>(),
                text.len(),
            );
            *place = *place & 0xFFFF_FFFF | u64::from(Self::length(used + text.len())) << 32;
        }
    }

    /// The string of the first bytes of a buffer, which are so many characters.
    fn beginning_of(&self, buffer: Value, length: usize, chars: usize) -> Value {
        let (place, flags) = self.allocate(BYTES_OFFSET + object::SHARED_TEXT_BYTES, true);
        // SAFETY: room for the header, the extra word, the reference and the length was just allocated.
        unsafe {
            *place = object::header(Kind::String, flags, object::SHARED_TEXT, 0);
            *place.add(1) = chars as u64;
            *place.add(1 + object::BUFFER_FIELD) = buffer.bits();
            *place.add(1 + object::BUFFER_FIELD + 1) = length as u64;
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

/// Bytes in front of those of a string: its header and its extra word.
const BYTES_OFFSET: usize = 16;

/// Shorter strings are copied.
pub const LEAST_SHARED: usize = 256;

/// Bytes that a string that grows has room for when it has so many, fewer than [`MOST_ROOM`]: natives refuse to make longer
/// ones, and what slips through ends the process.
fn room_for(length: usize) -> usize {
    Heap::length(2 * length);
    (length + length / 2)
        .next_power_of_two()
        .clamp(LEAST_ROOM, MOST_ROOM)
}

/// Bytes that a string that grows has room for at least.
const LEAST_ROOM: usize = 64;

/// Bytes that a string has room for at most.
const MOST_ROOM: usize = 1 << 31;

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
    use crate::memory::heap::Tracer;

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
    fn texts_that_are_built_share_a_buffer() {
        let heap = Heap::new();
        let first = heap.string(&"é".repeat(200));
        let second = heap.append_string(first, "a");
        let third = heap.append_string(second, "b");
        assert!(!object::is_shared_text(object::header_at(second)));
        assert!(object::is_shared_text(object::header_at(third)));
        let fourth = heap.append_string(third, "ü");
        assert_eq!(heap.buffer(third), heap.buffer(fourth));
        // The third one is not the longest any more.
        let other = heap.append_string(third, "x");
        assert_ne!(heap.buffer(third), heap.buffer(other));
        let itself = heap.append_string(fourth, heap.as_str(fourth).unwrap());
        let text = |value: Value| heap.as_str(value).unwrap();
        let start = "é".repeat(200);
        assert_eq!(text(third), format!("{start}ab"));
        assert_eq!(text(fourth), format!("{start}abü"));
        assert_eq!(text(other), format!("{start}abx"));
        assert_eq!(text(itself), format!("{start}abü{start}abü"));
        assert_eq!((heap.char_len(fourth), heap.char_len(itself)), (203, 406));
        assert!(!heap.is_ascii(fourth));
        let plain = heap.append_string(heap.append_string(heap.string("a"), "b"), "c");
        assert!(heap.is_ascii(plain));
        let hash = |bytes: &[u8]| bytes.len() as u32;
        assert_eq!(heap.string_hash(plain, hash), 3);
    }

    #[test]
    fn shared_texts_outlive_collections() {
        struct Held(Vec<Value>);
        impl crate::memory::heap::Roots for Held {
            fn trace(&mut self, tracer: &mut Tracer<'_>) {
                tracer.values(&mut self.0);
            }
        }
        let mut heap = Heap::new();
        let mut held = Held(vec![heap.string("")]);
        let mut model = String::new();
        for round in 0..3000 {
            let last = held.0.len() - 1;
            let piece = format!("{round} é ");
            model.push_str(&piece);
            let longer = heap.append_string(held.0[last], &piece);
            match round % 300 {
                0 => held.0.push(longer),
                _ => held.0[last] = longer,
            }
            if round % 100 == 7 {
                heap.collect(&mut held, round % 700 == 7);
                heap.verify(&mut held);
            }
        }
        for value in &held.0 {
            let text = heap.as_str(*value).unwrap();
            assert!(model.starts_with(text));
            assert_eq!(heap.char_len(*value), text.chars().count());
        }
        assert_eq!(held.0.len(), 11);
        assert_eq!(heap.as_str(held.0[10]), Some(model.as_str()));
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
        for text in ["", "plain", "naïve", &"x".repeat(100), &"ß".repeat(100)] {
            let read = heap.utf8_string(text.as_bytes()).unwrap();
            assert_eq!(heap.as_str(read), Some(text));
            assert_eq!(heap.char_len(read), text.chars().count());
        }
        for bytes in [&b"a\xFF"[..], b"\xC3", &[b'x'; 99], b"\xED\xA0\x80"] {
            assert_eq!(heap.utf8_string(bytes).is_ok(), bytes.is_ascii());
        }
    }
}
