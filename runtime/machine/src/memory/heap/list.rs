//! Lists: cells in chunks.
//!
//! A cell is 16 bytes: a header (index in its chunk, length of the list that starts here) and the
//! element. A chunk is a row of cells filled from the back, ended by a link to the rest of the
//! list. A list value refers to a cell. So
//!
//! - `first`, `length` are one load; `rest` is the next cell (or the link at a chunk's end), and
//!   allocates nothing;
//! - `nth` is constant in a list that was made whole, which is one chunk, and logarithmic in any
//!   other: the link of a chunk also names a list some chunks further on;
//! - `cons` onto the first cell in use of a chunk that has room writes the new cell in front of
//!   it: 16 bytes and no new object. Elsewhere (the list is shared, or the chunk is full, or it
//!   has left the nursery) it starts a new chunk whose link is the old list.
//!
//! This is CDR coding with VList growth (P. Bagwell, "Fast Functional Lists", 2002) plus lengths.
//! Cells in front of the front are never visible, so lists stay immutable.
//!
//! The chunks of a list are numbered like the digits of a skew-binary number: a chunk jumps over two
//! trees of equal rank behind it, making one of the next rank, or else to the chunk behind it
//! (E. Myers, "An Applicative Random-Access Stack", 1983). What it jumps to lies on the way that the
//! links go, so it needs no marking of its own.

use super::Heap;
use super::object::{self, CELL_BYTES, CHUNK_HEADER_BYTES, FLAGS, MAX_CHUNK_CELLS, REMEMBERED};
use crate::memory::value::{Kind, Value};

/// Cells of the first chunk that `cons` makes onto the empty list.
const FIRST_CHUNK: usize = 2;
/// Cells that `cons` adds at least and at most in one chunk in front of a full one.
const LEAST_GROWTH: usize = 4;
const LARGEST_GROWTH: usize = 128;

impl Heap {
    /// Number of elements of a list. Of other values it says something, and does no harm.
    #[inline(always)]
    pub fn list_len(&self, list: Value) -> usize {
        if list.is_heap() {
            object::length_of(object::header_at(list))
        } else {
            0
        }
    }

    /// Whether this is a list with at least one element.
    #[inline(always)]
    pub fn is_pair(&self, value: Value) -> bool {
        object::is_kind(value, Kind::List)
    }

    /// First element of a list that has one.
    #[inline(always)]
    pub fn first_unchecked(&self, list: Value) -> Value {
        debug_assert!(self.is_pair(list));
        // SAFETY: the caller checked that this refers to a list cell; its second word is the element.
        unsafe { *((list.address() + 8) as *const Value) }
    }

    /// The list without its first element. Call only with a list that has one.
    #[inline(always)]
    pub fn rest_unchecked(&self, list: Value) -> Value {
        debug_assert!(self.is_pair(list));
        let next = list.address() + CELL_BYTES;
        // SAFETY: a cell is followed by another cell or by the chunk's link; both are two words.
        unsafe {
            let header = *(next as *const u64);
            if header as u8 == Kind::List as u8 {
                Value::from_address(next)
            } else {
                *((next + 8) as *const Value)
            }
        }
    }

    /// The element at `index`, if the list is that long.
    pub fn list_nth(&self, list: Value, index: usize) -> Option<Value> {
        let tail = self.list_drop(list, index)?;
        self.is_pair(tail).then(|| self.first_unchecked(tail))
    }

    /// The list without its first `count` elements; `None` if it is shorter.
    pub fn list_drop(&self, mut list: Value, mut count: usize) -> Option<Value> {
        loop {
            if count == 0 {
                return Some(list);
            }
            if !self.is_pair(list) {
                return None;
            }
            let in_chunk = self.run(list).len();
            if count < in_chunk {
                return Some(Value::from_address(list.address() + count * CELL_BYTES));
            }
            let (link, rest) = self.link(list);
            let jump = object::link_jump(link).map(|jump| {
                let skipped = self.list_len(list) - self.list_len(jump);
                (jump, skipped)
            });
            (list, count) = match jump {
                Some((jump, skipped)) if skipped <= count => (jump, count - skipped),
                _ => (rest, count - in_chunk),
            };
        }
    }

    /// The cells from `list` to the end of its chunk.
    #[inline]
    fn run(&self, list: Value) -> &[[Value; 2]] {
        let header = object::header_at(list);
        let chunk = object::chunk_of(list.address(), header);
        // SAFETY: `list` refers to a cell, so its chunk's header lies where `chunk_of` says, and
        // the cells up to its capacity are initialised. Cells are two words; the first is read
        // through this slice only as bits.
        unsafe {
            let capacity = object::chunk_capacity(*(chunk as *const u64));
            std::slice::from_raw_parts(
                list.address() as *const [Value; 2],
                capacity - object::cell_index(header),
            )
        }
    }

    /// The list that follows the chunk of `list`.
    #[inline]
    fn after_run(&self, list: Value) -> Value {
        self.link(list).1
    }

    /// The link of the chunk of `list`: its header, and the list that follows.
    #[inline]
    fn link(&self, list: Value) -> (u64, Value) {
        let end = list.address() + self.run(list).len() * CELL_BYTES;
        // SAFETY: the cells of a chunk are followed by its link of two words, the second a list.
        unsafe { (*(end as *const u64), *((end + 8) as *const Value)) }
    }

    /// The header of the link of a new chunk in front of the list `rest`.
    fn link_to(&self, rest: Value) -> u64 {
        if rest == Value::EMPTY {
            return object::link_header(None, 0);
        }
        let (link, _) = self.link(rest);
        if let Some(next) = object::link_jump(link) {
            let (next_link, _) = self.link(next);
            if object::link_rank(link) == object::link_rank(next_link)
                && let Some(beyond) = object::link_jump(next_link)
            {
                return object::link_header(Some(beyond), object::link_rank(link) + 1);
            }
        }
        object::link_header(Some(rest), 0)
    }

    /// Iterates over the elements. Anything but a list has none.
    #[inline]
    pub fn list_iter(&self, list: Value) -> ListIter<'_> {
        let mut iter = ListIter {
            heap: self,
            run: [].iter(),
            rest: Value::EMPTY,
        };
        if self.is_pair(list) {
            iter.run = self.run(list).iter();
            iter.rest = self.after_run(list);
        }
        iter
    }

    /// A list with `first` in front of `rest`, which must be a list.
    #[inline]
    pub fn cons(&self, first: Value, rest: Value) -> Value {
        if rest != Value::EMPTY
            && let Some(list) = self.cons_in_place(first, rest)
        {
            return list;
        }
        self.cons_new_chunk(first, rest)
    }

    /// [`Heap::cons`] onto a list that is not empty, if that needs no new chunk.
    #[inline(always)]
    pub(crate) fn cons_in_place(&self, first: Value, rest: Value) -> Option<Value> {
        let header = object::header_at(rest);
        let index = object::cell_index(header);
        let chunk = object::chunk_of(rest.address(), header) as *mut u64;
        // SAFETY: `rest` refers to a cell of `chunk`. The chunk is in the nursery (no flags) or has
        // not been collected yet and will be traced from its front on (it is remembered), so no
        // barrier is needed; the cell before its front is inside it and belongs to no list.
        unsafe {
            let chunk_header = *chunk;
            if index == 0
                || chunk_header & FLAGS != 0 && chunk_header & REMEMBERED == 0
                || object::chunk_front(chunk_header) != index
            {
                return None;
            }
            let cell = rest.address() - CELL_BYTES;
            *(cell as *mut u64) = header.wrapping_sub(1 << 8).wrapping_add(1 << 32);
            *((cell + 8) as *mut Value) = first;
            *chunk = chunk_header - (1 << 40);
            Some(Value::from_address(cell))
        }
    }

    #[cold]
    #[inline(never)]
    fn cons_new_chunk(&self, first: Value, rest: Value) -> Value {
        let length = self.list_len(rest);
        let capacity = match self.full_chunk(rest) {
            Some(capacity) => (capacity * 2).clamp(LEAST_GROWTH, LARGEST_GROWTH),
            None => FIRST_CHUNK,
        };
        let chunk = self.new_chunk(capacity, capacity - 1, rest, length);
        let cell = chunk as usize + CHUNK_HEADER_BYTES + (capacity - 1) * CELL_BYTES;
        // SAFETY: the last cell of the new chunk.
        unsafe {
            *(cell as *mut u64) = object::cell_header(capacity - 1, length as u32 + 1);
            *((cell + 8) as *mut Value) = first;
        }
        Value::from_address(cell)
    }

    /// The capacity of the chunk that begins with this list: one that has been consed to its end, so
    /// that more is to be expected. Consing onto the middle of a chunk (a list with several heads)
    /// promises nothing.
    fn full_chunk(&self, list: Value) -> Option<usize> {
        if list == Value::EMPTY {
            return None;
        }
        let header = object::header_at(list);
        if object::cell_index(header) != 0 {
            return None;
        }
        let chunk = object::chunk_of(list.address(), header);
        // SAFETY: the chunk of a live list cell begins with its header.
        Some(object::chunk_capacity(unsafe { *(chunk as *const u64) }))
    }

    /// A chunk whose cells are still to be written, from `front` on, before the next allocation. The list `rest`, which
    /// follows, has `length` elements.
    ///
    /// All lists that ever begin in it have lengths that a cell can hold, which nobody has to check again.
    fn new_chunk(&self, capacity: usize, front: usize, rest: Value, length: usize) -> *mut u64 {
        Self::length(length + capacity);
        let (chunk, flags) = self.allocate(object::chunk_bytes(capacity), true);
        let link = CHUNK_HEADER_BYTES + capacity * CELL_BYTES;
        let link_header = self.link_to(rest);
        // SAFETY: `allocate` gave room for the header, the cells and the link.
        unsafe {
            *chunk = object::chunk_header(flags, capacity, front);
            *chunk.byte_add(link) = link_header;
            *chunk.byte_add(link + 8) = rest.bits();
        }
        chunk
    }

    /// A list of these elements.
    pub fn list(&self, elements: &[Value]) -> Value {
        self.list_with_tail(elements, Value::EMPTY)
    }

    /// These elements in front of the list `rest`.
    pub fn list_with_tail(&self, elements: &[Value], mut rest: Value) -> Value {
        for part in elements.rchunks(MAX_CHUNK_CELLS) {
            let length = self.list_len(rest);
            let chunk = self.new_chunk(part.len(), 0, rest, length) as usize;
            let first = chunk + CHUNK_HEADER_BYTES;
            for (index, &element) in part.iter().enumerate() {
                let cell = first + index * CELL_BYTES;
                // SAFETY: one of the `part.len()` cells of the new chunk.
                unsafe {
                    *(cell as *mut u64) =
                        object::cell_header(index, (length + part.len() - index) as u32);
                    *((cell + 8) as *mut Value) = element;
                }
            }
            rest = Value::from_address(first);
        }
        rest
    }
}

/// Iterator over the elements of a list.
#[derive(Clone)]
pub struct ListIter<'h> {
    heap: &'h Heap,
    run: std::slice::Iter<'h, [Value; 2]>,
    rest: Value,
}

impl ListIter<'_> {
    /// The list of the elements not yet visited is at most this long and at least as long as the
    /// current chunk; the exact number.
    fn remaining(&self) -> usize {
        self.run.len() + self.heap.list_len(self.rest)
    }
}

impl Iterator for ListIter<'_> {
    type Item = Value;

    #[inline]
    fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(cell) = self.run.next() {
                return Some(cell[1]);
            }
            if self.rest == Value::EMPTY {
                return None;
            }
            self.run = self.heap.run(self.rest).iter();
            self.rest = self.heap.after_run(self.rest);
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.remaining(), Some(self.remaining()))
    }
}

impl ExactSizeIterator for ListIter<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(heap: &Heap, list: Value) -> Vec<i64> {
        heap.list_iter(list)
            .map(|v| v.as_fixnum().unwrap())
            .collect()
    }

    #[test]
    fn cons_builds_in_place_and_shares_safely() {
        let heap = Heap::new();
        let mut list = Value::EMPTY;
        for i in 0..1000 {
            list = heap.cons(Value::small(i), list);
            assert_eq!(heap.list_len(list), i as usize + 1);
        }
        let a = heap.cons(Value::small(-1), list);
        let b = heap.cons(Value::small(-2), list);
        let c = heap.cons(Value::small(-3), heap.rest_unchecked(list));
        assert_eq!(numbers(&heap, a)[..3], [-1, 999, 998]);
        assert_eq!(numbers(&heap, b)[..3], [-2, 999, 998]);
        assert_eq!(numbers(&heap, c)[..3], [-3, 998, 997]);
        assert_eq!(heap.list_len(c), 1000);
        for i in [0, 1, 500, 999] {
            assert_eq!(
                heap.list_nth(list, i).unwrap().as_fixnum(),
                Some(999 - i as i64)
            );
        }
        assert_eq!(heap.list_nth(list, 1000), None);
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes hours under Miri")]
    fn nth_takes_few_steps_in_lists_of_many_chunks() {
        let heap = Heap::new();
        let mut list = Value::EMPTY;
        // Chunks of falling size are the worst case of rules that compare sizes.
        for size in (1..400).rev() {
            let part: Vec<Value> = (0..size).map(Value::small).collect();
            list = heap.list_with_tail(&part, list);
        }
        let elements = numbers(&heap, list);
        for index in (0..elements.len()).step_by(997) {
            let found = heap.list_nth(list, index).unwrap().as_fixnum();
            assert_eq!(found, Some(elements[index]));
            let rest = heap.list_drop(list, index).unwrap();
            assert_eq!(heap.list_len(rest), elements.len() - index);
        }
        assert_eq!(heap.list_nth(list, elements.len()), None);
        let (mut at, mut jumps) = (list, 0);
        while let Some(next) = object::link_jump(heap.link(at).0) {
            (at, jumps) = (next, jumps + 1);
        }
        assert!(jumps < 20, "{jumps}");
    }

    #[test]
    fn other_values_have_no_elements() {
        let heap = Heap::new();
        for value in [
            Value::NIL,
            Value::small(5),
            Value::EMPTY,
            heap.string("text"),
        ] {
            assert_eq!(heap.list_nth(value, 0), None);
            assert_eq!(heap.list_drop(value, 1), None);
            assert_eq!(heap.list_iter(value).count(), 0);
        }
        assert_eq!(heap.list_len(Value::NIL), 0);
    }

    #[test]
    fn rest_walks_across_chunks() {
        let heap = Heap::new();
        let tail = heap.list(&[Value::small(4), Value::small(5)]);
        let list = heap.list_with_tail(&[Value::small(1), Value::small(2), Value::small(3)], tail);
        assert_eq!(numbers(&heap, list), [1, 2, 3, 4, 5]);
        let mut rest = list;
        for left in (0..5).rev() {
            rest = heap.rest_unchecked(rest);
            assert_eq!(heap.list_len(rest), left);
        }
        assert_eq!(rest, Value::EMPTY);
        assert_eq!(
            heap.list_drop(list, 4),
            Some(heap.list_drop(tail, 1).unwrap())
        );
    }
}
