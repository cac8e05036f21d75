//! Strings and byte vectors that are read where they will lie: a large file is not copied on its way.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::str::Utf8Error;

use super::{Heap, LARGEST_YOUNG_FLAT, object};
use crate::memory::value::{Kind, Value};

/// An object that bytes are read into. It becomes a string or a byte vector; dropped, it is garbage.
///
/// It lies in the old generation from the start: it never moves, and what nobody refers to is not looked at.
pub struct Filling<'h> {
    heap: &'h Heap,
    /// A byte vector of length 0, behind which there is room.
    object: Value,
    room: usize,
    filled: usize,
}

impl Heap {
    /// Room for a string or byte vector of at most so many bytes. What it has too many stays unused as long as the object lives.
    pub fn filling(&self, room: usize) -> Filling<'_> {
        let room = room.max(LARGEST_YOUNG_FLAT);
        let _fits = Self::length(room);
        let (object, flags) = self.allocate(16 + room.next_multiple_of(8), false);
        // SAFETY: room for the header and the extra word was just allocated.
        unsafe {
            *object = object::header(Kind::Bytevector, flags, 0, 0);
            *object.add(1) = 0;
        }
        Filling {
            heap: self,
            object: Value::from_address(object as usize),
            room,
            filled: 0,
        }
    }
}

impl Filling<'_> {
    /// Reads once, as much as there is room for; how many bytes came.
    ///
    /// # Errors
    /// The system's answer.
    pub fn read(&mut self, descriptor: impl AsFd) -> io::Result<usize> {
        let start = self.object.address() + 16 + self.filled;
        // SAFETY: `room` bytes follow header and extra word, of which `filled` are in use. Nobody else knows of the object.
        let spare = unsafe {
            std::slice::from_raw_parts_mut(start as *mut MaybeUninit<u8>, self.room - self.filled)
        };
        let (read, _) = rustix::io::read(descriptor, spare)?;
        self.filled += read.len();
        Ok(read.len())
    }

    /// Whether there is room for no further byte.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.filled == self.room
    }

    /// How many bytes have come.
    #[must_use]
    pub fn filled(&self) -> usize {
        self.filled
    }

    fn bytes(&self) -> &[u8] {
        let start = (self.object.address() + 16) as *const u8;
        // SAFETY: so many bytes have been read behind the extra word.
        unsafe { std::slice::from_raw_parts(start, self.filled) }
    }

    /// The string of the bytes.
    ///
    /// # Errors
    /// They are not UTF-8.
    pub fn into_string(self) -> Result<Value, Utf8Error> {
        let count = super::utf8::character_count(self.bytes())?;
        Ok(self.finish(Kind::String, count as u64))
    }

    /// The byte vector of the bytes.
    #[must_use]
    pub fn into_bytevector(self) -> Value {
        self.finish(Kind::Bytevector, 0)
    }

    fn finish(self, kind: Kind, extra: u64) -> Value {
        let length = Heap::length(self.filled);
        let object = self.object.address() as *mut u64;
        // SAFETY: it is an object with header and extra word; so many bytes behind them have been read, in UTF-8 if it
        // becomes a string, of which `extra` is the number of characters then.
        unsafe {
            *object = object::header(kind, *object & object::FLAGS, 0, length);
            *object.add(1) = extra;
        }
        debug_assert!(self.heap.is_string(self.object) || kind == Kind::Bytevector);
        self.object
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, Write};

    fn file(content: &[u8]) -> std::fs::File {
        let path =
            std::env::temp_dir().join(format!("filling-{}-{}", std::process::id(), content.len()));
        let mut file = (std::fs::File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true))
        .open(&path)
        .unwrap();
        std::fs::remove_file(&path).unwrap();
        file.write_all(content).unwrap();
        file.rewind().unwrap();
        file
    }

    fn read<'h>(heap: &'h Heap, content: &[u8], room: usize) -> Filling<'h> {
        let file = file(content);
        let mut filling = heap.filling(room);
        while !filling.is_full() && filling.read(&file).unwrap() > 0 {}
        filling
    }

    #[test]
    fn what_is_read_is_the_object() {
        let heap = Heap::new();
        let text = "naïve ".repeat(20_000);
        let filling = read(&heap, text.as_bytes(), text.len() + 1);
        assert!(!filling.is_full());
        let string = filling.into_string().unwrap();
        assert_eq!(heap.as_str(string), Some(text.as_str()));
        assert_eq!(heap.char_len(string), 120_000);
        let bytes = read(&heap, &[0xFF; 70_000], 70_001).into_bytevector();
        assert_eq!(heap.as_bytevector(bytes), Some(&[0xFF; 70_000][..]));
        assert!(read(&heap, &[0xFE; 70_001], 70_002).into_string().is_err());
        assert!(read(&heap, &[0; 80_000], 70_000).is_full());
        // Much more room than is used.
        let short = read(&heap, b"short", 1 << 20).into_string().unwrap();
        assert_eq!(heap.as_str(short), Some("short"));
    }

    struct Kept(Value);

    impl super::super::Roots for Kept {
        fn trace(&mut self, tracer: &mut super::super::Tracer<'_>) {
            tracer.value(&mut self.0);
        }
    }

    #[test]
    fn collections_see_what_became_of_it() {
        let mut heap = Heap::new();
        let text = "text ".repeat(20_000);
        let string = read(&heap, text.as_bytes(), text.len() + 1).into_string();
        let mut kept = Kept(string.unwrap());
        let _garbage = heap.filling(1 << 20).into_bytevector();
        for _ in 0..2 {
            heap.collect(&mut kept, true);
            heap.verify(&mut kept);
        }
        assert_eq!(heap.as_str(kept.0), Some(text.as_str()));
        assert!(heap.stats().old_bytes < 1 << 20);
    }
}
