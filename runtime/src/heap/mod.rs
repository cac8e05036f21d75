//! The heap of one VM: a nursery, an old generation, a permanent space.
//!
//! Allocation takes `&self` and never collects; collection takes `&mut self` and happens only at
//! VM safepoints. So the borrow checker enforces that a native function, which has `&Heap`, may
//! keep plain [`Value`]s and slices of objects while it allocates (architecture, invariant 2).
//!
//! New objects are bump-allocated in the nursery. A minor collection copies what is reachable into
//! the old generation (everything that survives is promoted: one copy, no ageing, and afterwards
//! the nursery is empty). The old generation is marked and swept, both in small steps that follow
//! minor collections, and never moves. Constants of loaded modules live in the permanent space,
//! which is neither traced nor freed.

mod collect;
pub(crate) mod list;
mod mark;
pub(crate) mod object;
mod old;
pub(crate) mod pages;
#[cfg(test)]
mod tests;
pub mod text;
mod verify;

pub use collect::{Roots, Tracer};
pub use list::ListIter;

use std::alloc::{Layout, alloc, dealloc};
use std::cell::{Cell, RefCell};

use num_bigint::{BigInt, Sign};

use crate::value::kind::Shape;
use crate::value::{Kind, Value};
use object::{LARGE, MARKED, OLD, REMEMBERED};
use old::OldSpace;

/// Bytes of the nursery: half of a typical second-level cache.
const NURSERY_BYTES: usize = 1 << 20;
/// Room kept behind the point at which a safepoint collects, for what natives allocate meanwhile.
const NURSERY_SLACK: usize = 128 << 10;
/// Objects above this size are allocated in the old generation at once.
const LARGEST_YOUNG: usize = old::LARGEST_CELL;
/// The same for objects that refer to no others: strings and numbers may be long and yet die young.
const LARGEST_YOUNG_FLAT: usize = 32 << 10;
/// The old generation is not marked before it holds this much.
const FIRST_MAJOR: usize = 8 << 20;
/// Bytes allocated in the old generation without a collection that make the next safepoint collect
/// while marking is going on.
const STEP_BYTES: usize = 2 << 20;
/// Bytes by which the permanent space grows.
const PERMANENT_BLOCK: usize = 16 << 10;

/// Digits for whose computation memory is kept.
const KEPT_DIGITS: usize = 64 << 10;

/// Variable of the environment that asks for stress.
const STRESS_VARIABLE: &str = "SEMA_GC_STRESS";

/// Where the space for a new object comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Young,
    Permanent,
}

/// Figures about a heap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeapStats {
    /// Minor collections so far.
    pub minor_collections: u64,
    /// Completed markings of the old generation so far.
    pub major_collections: u64,
    /// Objects that the last full collection has freed.
    pub collected_objects: u64,
    /// Bytes in the old generation.
    pub old_bytes: usize,
    /// Bytes allocated in the nursery since the last collection.
    pub young_bytes: usize,
    /// Longest pause, in nanoseconds.
    pub longest_pause: u64,
    /// Time spent in all pauses, in nanoseconds.
    pub total_pause: u64,
}

/// The heap of one VM.
pub struct Heap {
    bump: Cell<usize>,
    limit: Cell<usize>,
    /// Safepoints collect once `bump` has passed this.
    trigger: Cell<usize>,
    nursery: *mut u8,
    old: RefCell<OldSpace>,
    remembered: RefCell<Vec<*mut u64>>,
    permanent: RefCell<Vec<(*mut u8, usize)>>,
    permanent_bump: Cell<(usize, usize)>,
    mode: Cell<Mode>,
    foreign: RefCell<ForeignTable>,
    /// Where the digits of integers are computed; empty between computations.
    digits: RefCell<Vec<u64>>,
    /// Bytes in the old generation at which marking begins.
    next_major: usize,
    /// The marking that is going on.
    marking: mark::Marking,
    /// Bytes allocated in the old generation by natives since the last collection.
    direct_bytes: Cell<usize>,
    stats: HeapStats,
    stress: bool,
    /// Collections after which stress begins the next marking.
    next_stress: u64,
}

/// Rust data owned by heap objects.
pub type ForeignData = Box<dyn std::any::Any>;

#[derive(Default)]
struct ForeignTable {
    slots: Vec<Option<ForeignData>>,
    free: Vec<u32>,
    /// The objects that own a slot, with their slots: those in the nursery, and the others.
    young: Vec<(Value, u32)>,
    old: Vec<(Value, u32)>,
}

fn layout(bytes: usize) -> Layout {
    match Layout::from_size_align(bytes, 16) {
        Ok(layout) => layout,
        Err(_) => std::alloc::handle_alloc_error(Layout::new::<u64>()),
    }
}

#[cold]
#[inline(never)]
fn too_long(length: usize) -> ! {
    std::alloc::handle_alloc_error(layout(length))
}

fn allocate_raw(bytes: usize) -> *mut u8 {
    // SAFETY: `bytes` is never zero here.
    let start = unsafe { alloc(layout(bytes)) };
    if start.is_null() {
        std::alloc::handle_alloc_error(layout(bytes));
    }
    start
}

impl Default for Heap {
    fn default() -> Heap {
        Heap::new()
    }
}

impl Heap {
    /// An empty heap.
    pub fn new() -> Heap {
        let nursery = allocate_raw(NURSERY_BYTES);
        Heap {
            bump: Cell::new(nursery as usize),
            limit: Cell::new(nursery as usize + NURSERY_BYTES),
            trigger: Cell::new(nursery as usize + NURSERY_BYTES - NURSERY_SLACK),
            nursery,
            old: RefCell::new(OldSpace::new()),
            remembered: RefCell::default(),
            permanent: RefCell::default(),
            permanent_bump: Cell::new((0, 0)),
            mode: Cell::new(Mode::Young),
            foreign: RefCell::default(),
            digits: RefCell::default(),
            next_major: FIRST_MAJOR,
            marking: mark::Marking::default(),
            direct_bytes: Cell::new(0),
            stats: HeapStats::default(),
            stress: false,
            next_stress: 0,
        }
    }

    /// Collect at every safepoint, mark all the time, and verify the heap now and then (for tests).
    pub fn set_stress(&mut self, stress: bool) {
        self.stress = stress;
        self.reset_nursery();
    }

    /// Collect at every safepoint if the environment says so; only builds with the feature
    /// `gc-stress` ask it.
    pub fn stress_from_environment(&mut self) {
        if cfg!(feature = "gc-stress")
            && std::env::var_os(STRESS_VARIABLE).is_some_and(|value| value == "1")
        {
            self.set_stress(true);
        }
    }

    fn reset_nursery(&mut self) {
        let start = self.nursery as usize;
        self.bump.set(start);
        self.limit.set(start + NURSERY_BYTES);
        self.trigger.set(if self.stress {
            0
        } else {
            start + NURSERY_BYTES - NURSERY_SLACK
        });
    }

    /// Whether the next safepoint should collect.
    #[inline(always)]
    pub fn wants_collection(&self) -> bool {
        self.bump.get() > self.trigger.get()
    }

    /// Figures about this heap.
    pub fn stats(&self) -> HeapStats {
        HeapStats {
            old_bytes: self.old.borrow().live_bytes,
            young_bytes: self.bump.get() - self.nursery as usize,
            ..self.stats
        }
    }

    /// Room for an object and the flags its header must carry. `traced`: it may refer to others.
    #[inline(always)]
    fn allocate(&self, bytes: usize, traced: bool) -> (*mut u64, u64) {
        let start = self.bump.get();
        // Large objects and a full nursery (or the permanent mode, whose limit is 0) go the slow way.
        let largest = if traced {
            LARGEST_YOUNG
        } else {
            LARGEST_YOUNG_FLAT
        };
        if bytes <= largest && start + bytes <= self.limit.get() {
            self.bump.set(start + bytes);
            return (start as *mut u64, 0);
        }
        self.allocate_slow(bytes, traced)
    }

    /// The length of an object, which its header holds in 32 bits. Natives refuse to make anything
    /// near that size; what slips through ends the process like any lack of memory.
    #[inline(always)]
    fn length(length: usize) -> u32 {
        match u32::try_from(length) {
            Ok(length) => length,
            Err(_) => too_long(length),
        }
    }

    #[cold]
    #[inline(never)]
    fn allocate_slow(&self, bytes: usize, traced: bool) -> (*mut u64, u64) {
        if self.mode.get() == Mode::Permanent {
            return (self.allocate_permanent(bytes), OLD | MARKED);
        }
        let cards = if traced { old::card_bytes(bytes) } else { 0 };
        let mut old = self.old.borrow_mut();
        let (object, flags) = old.allocate(bytes + cards);
        let direct = self.direct_bytes.get() + bytes;
        self.direct_bytes.set(direct);
        let due = if self.marking.active {
            direct >= STEP_BYTES
        } else {
            old.live_bytes >= self.next_major
        };
        if due {
            self.trigger.set(0);
        }
        if !traced {
            return (object, flags);
        }
        // It is about to be filled with young values.
        self.remembered.borrow_mut().push(object);
        // SAFETY: the cards lie behind the object, inside what was allocated.
        unsafe { object.byte_add(bytes).cast::<u8>().write_bytes(1, cards) };
        (object, flags | REMEMBERED)
    }

    fn allocate_permanent(&self, bytes: usize) -> *mut u64 {
        let (mut next, mut end) = self.permanent_bump.get();
        if next + bytes > end {
            let block = bytes.max(PERMANENT_BLOCK);
            let start = allocate_raw(block);
            self.permanent.borrow_mut().push((start, block));
            (next, end) = (start as usize, start as usize + block);
        }
        self.permanent_bump.set((next + bytes, end));
        next as *mut u64
    }

    /// Runs `build` with every allocation going to the permanent space. What it allocates must not
    /// refer to objects outside that space and is never freed or changed.
    pub fn permanently<T>(&self, build: impl FnOnce(&Heap) -> T) -> T {
        let limit = self.limit.replace(0);
        let mode = self.mode.replace(Mode::Permanent);
        let result = build(self);
        self.mode.set(mode);
        self.limit.set(limit);
        result
    }

    // --- objects that hold values ---

    /// An object of a kind that holds values.
    #[inline]
    pub fn object(&self, kind: Kind, aux: u16, fields: &[Value]) -> Value {
        debug_assert_eq!(kind.shape(), Shape::Values);
        let (object, flags) = self.allocate(8 + fields.len() * 8, true);
        // SAFETY: room for the header and the fields was just allocated.
        unsafe {
            *object = object::header(kind, flags, aux, Self::length(fields.len()));
            std::ptr::copy_nonoverlapping(fields.as_ptr(), object.add(1).cast(), fields.len());
        }
        Value::from_address(object as usize)
    }

    /// An object of a kind that holds values: those of all parts, one after the other.
    #[inline(always)]
    pub(crate) fn object_spliced<const PARTS: usize>(
        &self,
        kind: Kind,
        aux: u16,
        parts: [&[Value]; PARTS],
    ) -> Value {
        debug_assert_eq!(kind.shape(), Shape::Values);
        let length = parts.iter().map(|part| part.len()).sum();
        let (object, flags) = self.allocate(8 + length * 8, true);
        // SAFETY: room for the header and the values of all parts was just allocated.
        unsafe {
            *object = object::header(kind, flags, aux, Self::length(length));
            let mut to = object.add(1).cast::<Value>();
            for part in parts {
                std::ptr::copy_nonoverlapping(part.as_ptr(), to, part.len());
                to = to.add(part.len());
            }
        }
        Value::from_address(object as usize)
    }

    /// A copy of an object whose kind holds values, with another value in one field. The object itself
    /// if it has no such field.
    #[inline(always)]
    pub(crate) fn object_with(&self, original: Value, index: usize, value: Value) -> Value {
        let fields = self.values(original);
        if index >= fields.len() {
            return original;
        }
        let (copy, flags) = self.allocate(8 + fields.len() * 8, true);
        let header = object::header_at(original) & !object::FLAGS | flags;
        // SAFETY: room for the header and as many fields was just allocated, and the index is in range.
        // Nobody has seen the copy yet, so that the store needs no barrier (see `object_changed`).
        unsafe {
            *copy = header;
            let to = copy.add(1).cast::<Value>();
            std::ptr::copy_nonoverlapping(fields.as_ptr(), to, fields.len());
            *to.add(index) = value;
        }
        Value::from_address(copy as usize)
    }

    /// A copy of an object whose kind holds values, with other values in some fields. Fields that it
    /// does not have are ignored.
    #[inline(always)]
    pub(crate) fn object_changed<const CHANGES: usize>(
        &self,
        original: Value,
        changes: [(usize, Value); CHANGES],
    ) -> Value {
        let fields = self.values(original);
        let (kind, aux) = (original.kind(), self.aux(original));
        let copy = self.object(kind, aux, fields);
        for (index, value) in changes {
            if index < fields.len() {
                // SAFETY: the copy has as many fields as the original. Nobody has seen it yet, and
                // what it refers to needs no barrier: it is young, or remembered by `allocate`.
                unsafe { *((copy.address() + 8 + 8 * index) as *mut Value) = value };
            }
        }
        copy
    }

    /// An object of a kind that holds values, all of them `fill`.
    pub fn object_filled(&self, kind: Kind, aux: u16, length: usize, fill: Value) -> Value {
        debug_assert_eq!(kind.shape(), Shape::Values);
        let (object, flags) = self.allocate(8 + length * 8, true);
        // SAFETY: room for the header and the fields was just allocated.
        unsafe {
            *object = object::header(kind, flags, aux, Self::length(length));
            for index in 0..length {
                *object.add(1 + index) = fill.bits();
            }
        }
        Value::from_address(object as usize)
    }

    /// A vector.
    #[inline]
    pub fn vector(&self, elements: &[Value]) -> Value {
        self.object(Kind::Vector, 0, elements)
    }

    /// The fields of an object whose kind holds values (never a list).
    #[inline(always)]
    pub fn fields(&self, value: Value) -> &[Cell<Value>] {
        if !value.is_heap() {
            return &[];
        }
        let header = object::header_at(value);
        if object::kind_of(header).shape() != Shape::Values {
            return &[];
        }
        // SAFETY: the shape says that the header is followed by `length` values; mutation goes
        // through `Cell`, and no collection can run while `self` is borrowed.
        unsafe {
            std::slice::from_raw_parts(
                (value.address() + 8) as *const Cell<Value>,
                object::length_of(header),
            )
        }
    }

    /// One field; nil when there is none.
    #[inline(always)]
    pub fn field(&self, value: Value, index: usize) -> Value {
        self.fields(value).get(index).map_or(Value::NIL, Cell::get)
    }

    /// The fields of an object that is never mutated (vector, map node, record, ratio …).
    #[inline(always)]
    pub fn values(&self, value: Value) -> &[Value] {
        let cells = self.fields(value);
        // SAFETY: `Cell<Value>` has the layout of `Value`; objects of these kinds are written only
        // while they are built, before anyone sees a slice of them.
        unsafe { &*(std::ptr::from_ref(cells) as *const [Value]) }
    }

    /// The same of an object that must be of this kind, which holds values; others have none.
    #[inline(always)]
    pub(crate) fn values_of(&self, kind: Kind, value: Value) -> &[Value] {
        debug_assert_eq!(kind.shape(), Shape::Values);
        if !object::is_kind(value, kind) {
            return &[];
        }
        let length = object::length_of(object::header_at(value));
        // SAFETY: as in `fields`, of a kind that is never mutated.
        unsafe { std::slice::from_raw_parts((value.address() + 8) as *const Value, length) }
    }

    /// The elements of a vector.
    #[inline]
    pub fn as_vector(&self, value: Value) -> Option<&[Value]> {
        if value.kind() == Kind::Vector {
            Some(self.values(value))
        } else {
            None
        }
    }

    /// The 16 bits of an object that its kind may use as it likes.
    #[inline(always)]
    pub fn aux(&self, value: Value) -> u16 {
        if value.is_heap() {
            object::aux_of(object::header_at(value))
        } else {
            0
        }
    }

    /// Stores into a field of an object (with the write barrier). Out of range: no effect.
    #[inline(always)]
    pub fn set_field(&self, object: Value, index: usize, value: Value) {
        if let Some(cell) = self.fields(object).get(index) {
            cell.set(value);
            self.remember(object, index, value);
        }
    }

    fn in_nursery(&self, address: usize) -> bool {
        address.wrapping_sub(self.nursery as usize) < NURSERY_BYTES
    }

    /// Write barrier: a field of `object` now refers to `value`.
    #[inline(always)]
    fn remember(&self, object: Value, index: usize, value: Value) {
        if value.is_heap() && self.needs_barrier(object) {
            self.remember_slow(object, index, value);
        }
    }

    /// Whether a store of a reference into `object` must be noted.
    #[inline(always)]
    pub(crate) fn needs_barrier(&self, object: Value) -> bool {
        let flags = object::header_at(object) & (OLD | REMEMBERED | LARGE);
        flags == OLD || flags & LARGE != 0
    }

    #[cold]
    #[inline(never)]
    fn remember_slow(&self, object: Value, index: usize, value: Value) {
        // The next collection must see references to young objects, and, while marking is going on,
        // all new ones.
        if !self.in_nursery(value.address()) && !self.marking.active {
            return;
        }
        let address = object.address() as *mut u64;
        // SAFETY: `object` is a live old object that has the field; its first word is its header.
        unsafe {
            let header = *address;
            if header & LARGE != 0 {
                *object::card(address, header, index) = 1;
            }
            if header & REMEMBERED == 0 {
                *address = header | REMEMBERED;
                self.remembered.borrow_mut().push(address);
            }
        }
    }

    // --- integers ---

    /// An exact integer.
    #[inline]
    pub fn int(&self, value: i64) -> Value {
        match Value::fixnum(value) {
            Some(fixnum) => fixnum,
            None => self.int_from_digits(value < 0, &[value.unsigned_abs()]),
        }
    }

    /// An exact integer.
    pub fn bigint(&self, value: &BigInt) -> Value {
        if let Ok(small) = i64::try_from(value) {
            return self.int(small);
        }
        self.int_computed(value.sign() == Sign::Minus, |digits| {
            digits.extend(value.iter_u64_digits());
        })
    }

    /// The integer whose digits `compute` appends to an empty vector, least significant first, perhaps
    /// with leading zeros. The vector is the heap's, so that computing needs no fresh memory.
    pub(crate) fn int_computed(
        &self,
        negative: bool,
        compute: impl FnOnce(&mut Vec<u64>),
    ) -> Value {
        // `compute` may itself come here, and then starts with another vector.
        let mut digits = self.digits.take();
        compute(&mut digits);
        let value = self.int_from_digits_untrimmed(negative, &digits);
        if digits.capacity() <= KEPT_DIGITS {
            digits.clear();
            self.digits.replace(digits);
        }
        value
    }

    /// An integer of any size, of digits that may have leading zeros, least significant first.
    pub(crate) fn int_from_digits_untrimmed(&self, negative: bool, mut digits: &[u64]) -> Value {
        while let [rest @ .., 0] = digits {
            digits = rest;
        }
        let small = match *digits {
            [] => Some(0),
            [digit] if negative => 0i64.checked_sub_unsigned(digit),
            [digit] => i64::try_from(digit).ok(),
            _ => None,
        };
        match small.and_then(Value::fixnum) {
            Some(fixnum) => fixnum,
            None => self.int_from_digits(negative, digits),
        }
    }

    /// An integer outside the fixnum range, of digits without leading zeros, least significant first.
    pub(crate) fn int_from_digits(&self, negative: bool, digits: &[u64]) -> Value {
        let (object, flags) = self.allocate(8 + digits.len() * 8, false);
        // SAFETY: room for the header and the digits was just allocated.
        unsafe {
            *object = object::header(
                Kind::Int,
                flags,
                u16::from(negative),
                Self::length(digits.len()),
            );
            std::ptr::copy_nonoverlapping(digits.as_ptr(), object.add(1), digits.len());
        }
        Value::from_address(object as usize)
    }

    /// Sign (true: negative) and 64-bit digits, least significant first, of an integer that is not
    /// a fixnum.
    pub fn int_digits(&self, value: Value) -> Option<(bool, &[u64])> {
        if !value.is_heap() || object::kind_at(value) != Kind::Int {
            return None;
        }
        Some((self.aux(value) != 0, self.words(value)))
    }

    /// The integer as an `i64`, if it is one and fits.
    #[inline]
    pub fn as_i64(&self, value: Value) -> Option<i64> {
        if let Some(fixnum) = value.as_fixnum() {
            return Some(fixnum);
        }
        match self.int_digits(value)? {
            (false, &[digit]) => i64::try_from(digit).ok(),
            (true, &[digit]) => 0i64.checked_sub_unsigned(digit),
            _ => None,
        }
    }

    /// The integer as a big integer, if it is an integer.
    pub fn as_bigint(&self, value: Value) -> Option<BigInt> {
        if let Some(fixnum) = value.as_fixnum() {
            return Some(BigInt::from(fixnum));
        }
        let (negative, digits) = self.int_digits(value)?;
        let mut halves = Vec::with_capacity(2 * digits.len());
        for &digit in digits {
            halves.push(digit as u32);
            halves.push((digit >> 32) as u32);
        }
        Some(BigInt::new(
            if negative { Sign::Minus } else { Sign::Plus },
            halves,
        ))
    }

    // --- words and bytes ---

    fn words(&self, value: Value) -> &[u64] {
        let header = object::header_at(value);
        debug_assert_eq!(object::kind_of(header).shape(), Shape::Words);
        // SAFETY: objects of this shape hold `length` words after the header.
        unsafe {
            std::slice::from_raw_parts(
                (value.address() + 8) as *const u64,
                object::length_of(header),
            )
        }
    }

    fn alloc_words(&self, kind: Kind, length: usize, words: impl Iterator<Item = u64>) -> Value {
        let (object, flags) = self.allocate(8 + length * 8, false);
        // SAFETY: room for the header and `length` words was just allocated.
        unsafe {
            *object = object::header(kind, flags, 0, Self::length(length));
            for index in 0..length {
                *object.add(1 + index) = 0;
            }
            for (index, word) in words.take(length).enumerate() {
                *object.add(1 + index) = word;
            }
        }
        Value::from_address(object as usize)
    }

    /// An array of floats.
    pub fn f64_array(&self, elements: &[f64]) -> Value {
        self.alloc_words(
            Kind::F64Array,
            elements.len(),
            elements.iter().map(|x| x.to_bits()),
        )
    }

    /// The elements of an array of floats.
    pub fn as_f64_array(&self, value: Value) -> Option<&[f64]> {
        if value.kind() != Kind::F64Array {
            return None;
        }
        let words = self.words(value);
        // SAFETY: `u64` and `f64` have the same size and alignment, and every bit pattern is valid.
        Some(unsafe { &*(std::ptr::from_ref(words) as *const [f64]) })
    }

    /// An array of 64-bit integers.
    pub fn i64_array(&self, elements: &[i64]) -> Value {
        self.alloc_words(
            Kind::I64Array,
            elements.len(),
            elements.iter().map(|x| *x as u64),
        )
    }

    /// The elements of an array of 64-bit integers.
    pub fn as_i64_array(&self, value: Value) -> Option<&[i64]> {
        if value.kind() != Kind::I64Array {
            return None;
        }
        let words = self.words(value);
        // SAFETY: `u64` and `i64` have the same size and alignment, and every bit pattern is valid.
        Some(unsafe { &*(std::ptr::from_ref(words) as *const [i64]) })
    }

    /// An object of the shape `Bytes`; `extra` is the word in front of the bytes.
    pub(crate) fn alloc_bytes(&self, kind: Kind, aux: u16, extra: u64, bytes: &[u8]) -> Value {
        let (object, flags) = self.allocate(16 + bytes.len().next_multiple_of(8), false);
        // SAFETY: room for the header, the extra word and the padded bytes was just allocated.
        unsafe {
            *object = object::header(kind, flags, aux, Self::length(bytes.len()));
            *object.add(1) = extra;
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), object.add(2).cast(), bytes.len());
        }
        Value::from_address(object as usize)
    }

    pub(crate) fn raw_bytes(&self, value: Value) -> &[u8] {
        let header = object::header_at(value);
        debug_assert_eq!(object::kind_of(header).shape(), Shape::Bytes);
        // SAFETY: objects of this shape hold one word and then `length` bytes after the header.
        unsafe {
            std::slice::from_raw_parts(
                (value.address() + 16) as *const u8,
                object::length_of(header),
            )
        }
    }

    pub(crate) fn extra_word(&self, value: Value) -> &Cell<u64> {
        debug_assert_eq!(object::kind_at(value).shape(), Shape::Bytes);
        // SAFETY: objects of this shape hold an extra word after the header.
        unsafe { &*((value.address() + 8) as *const Cell<u64>) }
    }

    /// A byte vector.
    pub fn bytevector(&self, bytes: &[u8]) -> Value {
        self.alloc_bytes(Kind::Bytevector, 0, 0, bytes)
    }

    /// The bytes of a byte vector.
    pub fn as_bytevector(&self, value: Value) -> Option<&[u8]> {
        if value.kind() == Kind::Bytevector {
            Some(self.raw_bytes(value))
        } else {
            None
        }
    }

    // --- Rust data ---

    /// An object that owns `data` and drops it when it is collected.
    pub fn foreign(&self, data: ForeignData) -> Value {
        let mut table = self.foreign.borrow_mut();
        let slot = match table.free.pop() {
            Some(slot) => slot,
            None => {
                table.slots.push(None);
                table.slots.len() as u32 - 1
            }
        };
        table.slots[slot as usize] = Some(data);
        let value = self.alloc_words(Kind::Foreign, 1, std::iter::once(u64::from(slot)));
        if self.in_nursery(value.address()) {
            table.young.push((value, slot));
        } else {
            table.old.push((value, slot));
        }
        value
    }

    /// Drops the Rust data of all foreign objects, which are not used any more: what files still
    /// buffer is written.
    pub fn drop_foreign(&self) {
        let data = std::mem::take(&mut *self.foreign.borrow_mut());
        drop(data);
    }

    /// Runs `use_data` on the Rust data of a foreign object, if it is of type `T`. `use_data` must
    /// not touch other foreign objects.
    pub fn with_foreign<T: 'static, R>(
        &self,
        value: Value,
        use_data: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        if value.kind() != Kind::Foreign {
            return None;
        }
        let slot = *self.words(value).first()? as usize;
        let mut table = self.foreign.borrow_mut();
        let data = table.slots.get_mut(slot)?.as_mut()?.downcast_mut::<T>()?;
        Some(use_data(data))
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        // SAFETY: the nursery came from `alloc` with this layout; no value outlives the heap's use.
        unsafe { dealloc(self.nursery, layout(NURSERY_BYTES)) };
        for (start, bytes) in self.permanent.get_mut().drain(..) {
            // SAFETY: as above.
            unsafe { dealloc(start, layout(bytes)) };
        }
    }
}
