//! Object headers: the one word in front of every heap object.
//!
//! | bits | ordinary object | list chunk | list cell |
//! |---|---|---|---|
//! | 0..8 | kind | kind | kind |
//! | 8..16 | flags | flags | |
//! | 16..32 | `aux` | capacity (24 bits: 16..40) | index in the chunk (24 bits: 8..32) |
//! | 32..64 | length | front (24 bits: 40..64) | length of the list (32..64) |
//!
//! A large object that holds values is followed by its cards, one byte for each [`CARD_FIELDS`]
//! fields: set when one of these fields may refer to an object that the next collection must see.
//!
//! An evacuated object's header is its new address shifted left by 16, with [`FORWARDED`] set.

use crate::memory::value::kind::Shape;
use crate::memory::value::{Kind, Value};

/// Lives outside the nursery.
pub(crate) const OLD: u64 = 1 << 8;
/// Reached in the running collection of the old generation; always set in the permanent space.
pub(crate) const MARKED: u64 = 1 << 9;
/// Listed in the remembered set.
pub(crate) const REMEMBERED: u64 = 1 << 10;
/// Has its own allocation.
pub(crate) const LARGE: u64 = 1 << 11;
/// Has been moved; the header holds the new address.
pub(crate) const FORWARDED: u64 = 1 << 12;
/// Belongs to one variable, which may change it (see [`crate::data::collections::owned`]).
pub(crate) const OWNED: u64 = 1 << 13;
/// All flag bits.
pub(crate) const FLAGS: u64 = 0xFF << 8;

/// Fields of a large object that share a card.
pub(crate) const CARD_FIELDS: usize = 128;

/// Bytes of a list cell: header and element.
pub(crate) const CELL_BYTES: usize = 16;
/// Bytes in front of the first cell of a chunk.
pub(crate) const CHUNK_HEADER_BYTES: usize = 8;
/// Largest number of cells in one chunk (24-bit fields).
pub(crate) const MAX_CHUNK_CELLS: usize = (1 << 24) - 1;

#[inline(always)]
pub(crate) fn header(kind: Kind, flags: u64, aux: u16, length: u32) -> u64 {
    kind as u64 | flags | u64::from(aux) << 16 | u64::from(length) << 32
}

#[inline(always)]
pub(crate) fn chunk_header(flags: u64, capacity: usize, front: usize) -> u64 {
    Kind::ListChunk as u64 | flags | (capacity as u64) << 16 | (front as u64) << 40
}

#[inline(always)]
pub(crate) fn cell_header(index: usize, length: u32) -> u64 {
    Kind::List as u64 | (index as u64) << 8 | u64::from(length) << 32
}

#[inline(always)]
pub(crate) fn kind_of(header: u64) -> Kind {
    // SAFETY: every header is written with a kind in its low byte; in that of an evacuated object it
    // is 0, which is `Free`. Looking it up in a table instead would cost every access to an object.
    unsafe { Kind::from_byte(header as u8) }
}

#[inline(always)]
pub(crate) fn aux_of(header: u64) -> u16 {
    (header >> 16) as u16
}

#[inline(always)]
pub(crate) fn length_of(header: u64) -> usize {
    (header >> 32) as usize
}

/// What `aux` says of a vector whose elements lie in another one. The length of such a header is 0, so code that reads
/// elements behind the header finds none; see [`super::slice`].
pub(crate) const SLICE: u16 = 1;

/// Fields of a slice of a vector.
pub(crate) const SLICE_FIELDS: usize = 3;

/// Whether this is the header of a vector whose elements lie in another one.
#[inline(always)]
pub(crate) fn is_slice(header: u64) -> bool {
    has_form(header, Kind::Vector, SLICE)
}

/// What `aux` says of a string whose bytes are the first ones of a buffer; see [`super::text`]. Its extra word is followed by
/// the buffer and the number of its bytes; the length of its header is 0.
pub(crate) const SHARED_TEXT: u16 = 0x100;

/// What `aux` says of a string that something was appended to: more is to be expected.
pub(crate) const APPENDED_TEXT: u16 = 0x200;

/// The word of a string that shares its bytes that refers to the buffer: behind the extra word.
pub(crate) const BUFFER_FIELD: usize = 1;

/// Bytes of a string that shares its bytes behind the extra word: the buffer and the length.
pub(crate) const SHARED_TEXT_BYTES: usize = 2 * size_of::<Value>();

/// Whether this is the header of a string whose bytes lie in a buffer.
#[inline(always)]
pub(crate) fn is_shared_text(header: u64) -> bool {
    has_form(header, Kind::String, SHARED_TEXT)
}

/// Whether an object, which is no list, refers to others.
#[inline(always)]
pub(crate) fn holds_values(header: u64) -> bool {
    match kind_of(header).shape() {
        Shape::Values => true,
        Shape::Bytes => is_shared_text(header),
        _ => false,
    }
}

/// Which words behind the header of an object that refers to others are values.
#[inline(always)]
pub(crate) fn value_fields(header: u64) -> std::ops::Range<usize> {
    if is_shared_text(header) {
        return BUFFER_FIELD..BUFFER_FIELD + 1;
    }
    0..field_count(header)
}

/// How many values follow the header of an object that holds values.
#[inline(always)]
pub(crate) fn field_count(header: u64) -> usize {
    match length_of(header) {
        0 if is_slice(header) => SLICE_FIELDS,
        length => length,
    }
}

#[inline(always)]
pub(crate) fn chunk_capacity(header: u64) -> usize {
    (header >> 16) as usize & 0xFF_FFFF
}

#[inline(always)]
pub(crate) fn chunk_front(header: u64) -> usize {
    (header >> 40) as usize
}

/// The header of a chunk with another front.
#[inline(always)]
pub(crate) fn with_front(header: u64, front: usize) -> u64 {
    header & !(0xFF_FFFF << 40) | (front as u64) << 40
}

#[inline(always)]
pub(crate) fn cell_index(header: u64) -> usize {
    (header >> 8) as usize & 0xFF_FFFF
}

/// The header of a chunk's link, with a list further on that is reached in one step, and its rank;
/// see [`super::list`].
#[inline(always)]
pub(crate) fn link_header(jump: Option<Value>, rank: u8) -> u64 {
    let address = jump.map_or(0, Value::address) as u64;
    Kind::ListLink as u64 | u64::from(rank) << 8 | address << 16
}

/// The list that a link jumps to.
#[inline(always)]
pub(crate) fn link_jump(header: u64) -> Option<Value> {
    let address = (header >> 16) as usize;
    (address != 0).then(|| Value::from_address(address))
}

#[inline(always)]
pub(crate) fn link_rank(header: u64) -> u8 {
    (header >> 8) as u8
}

/// Address of the chunk that holds the cell at `cell`, whose header is `header`.
#[inline(always)]
pub(crate) fn chunk_of(cell: usize, header: u64) -> usize {
    cell - cell_index(header) * CELL_BYTES - CHUNK_HEADER_BYTES
}

/// Bytes of a chunk with this capacity: header, cells, link.
#[inline(always)]
pub(crate) const fn chunk_bytes(capacity: usize) -> usize {
    CHUNK_HEADER_BYTES + (capacity + 1) * CELL_BYTES
}

/// Bytes of the object with this header.
pub(crate) fn object_bytes(header: u64) -> usize {
    match kind_of(header).shape() {
        Shape::Bytes => 16 + bytes_reserved(header).next_multiple_of(8),
        Shape::Words => 8 + length_of(header) * 8,
        Shape::Values => 8 + field_count(header) * 8,
        Shape::Chunk => chunk_bytes(chunk_capacity(header)),
        Shape::None => 8,
    }
}

/// Bytes that an object of the shape `Bytes` has room for: a string may have more than its length, to grow. Then `aux` is
/// the binary logarithm of its room. One that shares its bytes has room for the reference to them and their number.
#[inline]
pub(crate) fn bytes_reserved(header: u64) -> usize {
    match aux_of(header) {
        room @ 1..=31 if kind_of(header) == Kind::String => 1 << room,
        SHARED_TEXT if kind_of(header) == Kind::String => SHARED_TEXT_BYTES,
        _ => length_of(header),
    }
}

/// The card of a field of a large object that holds values.
///
/// # Safety
/// `object` is the address of such an object with the header `header`, and has this field.
#[inline(always)]
pub(crate) unsafe fn card(object: *mut u64, header: u64, field: usize) -> *mut u8 {
    debug_assert!(header & LARGE != 0 && field < length_of(header));
    // SAFETY: the cards follow the fields.
    unsafe {
        object
            .add(1 + length_of(header))
            .cast::<u8>()
            .add(field / CARD_FIELDS)
    }
}

/// The header of the object (or list cell) that `value` refers to.
#[inline(always)]
pub(crate) fn header_at(value: Value) -> u64 {
    debug_assert!(value.is_heap());
    // SAFETY: a heap reference points to a live object or list cell: natives and the VM only see
    // values between collections, and collections update every value that stays reachable.
    unsafe { *(value.address() as *const u64) }
}

/// The kind of the object that the heap reference `value` points to.
#[inline(always)]
pub(crate) fn kind_at(value: Value) -> Kind {
    kind_of(header_at(value))
}

/// Whether `value` refers to an object of this kind.
#[inline(always)]
pub fn is_kind(value: Value, kind: Kind) -> bool {
    value.is_heap() && header_at(value) as u8 == kind as u8
}

/// Whether an ordinary object's header has this kind and this `aux`.
#[inline(always)]
pub(crate) fn has_form(header: u64, kind: Kind, aux: u16) -> bool {
    header as u32 & 0xFFFF_00FF == kind as u32 | u32::from(aux) << 16
}

/// Whether the map or string that `value` refers to has the flag [`OWNED`].
#[inline(always)]
pub(crate) fn is_owned(value: Value) -> bool {
    debug_assert!(matches!(
        kind_at(value),
        Kind::Map | Kind::HashMap | Kind::String
    ));
    header_at(value) & OWNED != 0
}

/// Sets or clears the flag [`OWNED`] of the map or string that `value` refers to. It does not concern the collector,
/// which leaves it as it is.
#[inline(always)]
pub(crate) fn set_owned(value: Value, owned: bool) {
    debug_assert!(matches!(
        kind_at(value),
        Kind::Map | Kind::HashMap | Kind::String
    ));
    let header = header_at(value) & !OWNED | if owned { OWNED } else { 0 };
    // SAFETY: as in `header_at`; the header stays that of the same object.
    unsafe { *(value.address() as *mut u64) = header };
}

/// Changes the `aux` of the tuple or closure that `value` refers to.
#[inline(always)]
pub(crate) fn set_aux(value: Value, aux: u16) {
    debug_assert!(matches!(kind_at(value), Kind::Tuple | Kind::Closure));
    let header = header_at(value) & !(0xFFFF << 16) | u64::from(aux) << 16;
    // SAFETY: as in `header_at`; the header stays that of the same object.
    unsafe { *(value.address() as *mut u64) = header };
}
