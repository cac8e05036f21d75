//! Checks of the heap's consistency, for tests and builds that look for defects.
//!
//! Walks everything that is reachable after a collection, and panics at the first thing that is not
//! as it must be. When it runs after everything has been marked, it also checks that.

use std::collections::HashSet;

use super::Heap;
use super::object::{self, CELL_BYTES, CHUNK_HEADER_BYTES, FORWARDED, MARKED, OLD, REMEMBERED};
use super::old::Extent;
use crate::memory::value::kind::Shape;
use crate::memory::value::{Kind, Value};

/// A check in progress.
pub(super) struct Verifier {
    nursery: (usize, usize),
    /// Memory of the old generation, by address.
    extents: Vec<Extent>,
    /// The blocks of the permanent space: start and end.
    permanent: Vec<(usize, usize)>,
    /// Whether everything reachable must be marked.
    marked: bool,
    seen: HashSet<usize>,
    pending: Vec<Value>,
}

impl Verifier {
    pub(super) fn new(heap: &mut Heap, marked: bool) -> Verifier {
        let mut extents: Vec<Extent> = heap.old.get_mut().extents().collect();
        extents.sort_by_key(|extent| extent.start);
        let start = heap.nursery as usize;
        Verifier {
            nursery: (start, start + super::NURSERY_BYTES),
            extents,
            permanent: (heap.permanent.get_mut().iter())
                .map(|&(start, bytes)| (start as usize, start as usize + bytes))
                .collect(),
            marked,
            seen: HashSet::new(),
            pending: Vec::new(),
        }
    }

    /// A value that is held outside the heap.
    pub(super) fn root(&mut self, value: Value) {
        self.pending.push(value);
    }

    /// Checks all that the roots reach.
    pub(super) fn run(mut self) {
        while let Some(value) = self.pending.pop() {
            if value.is_heap() && self.seen.insert(value.address()) {
                self.check(value.address());
            }
        }
    }

    fn check(&mut self, address: usize) {
        assert!(
            address < self.nursery.0 || address >= self.nursery.1,
            "{address:#x}: a reference into the empty nursery"
        );
        assert!(address.is_multiple_of(8), "{address:#x}: not aligned");
        let holder = self.holder(address);
        // SAFETY: the address lies in memory of the heap that holds objects.
        let header = unsafe { *(address as *const u64) };
        if super::collect::is_cell(header) {
            return self.check_cell(address, header, holder);
        }
        let kind = object::kind_of(header);
        assert!(
            kind != Kind::Internal && kind.shape() != Shape::None && kind != Kind::ListChunk,
            "{address:#x}: a reference to something of kind {kind:?}"
        );
        self.check_flags(address, header);
        self.check_extent(address, object::object_bytes(header), holder);
        if object::holds_values(header) {
            for index in object::value_fields(header) {
                // SAFETY: the extent has room for the fields.
                self.pending
                    .push(unsafe { *(address as *const Value).add(1 + index) });
            }
        }
    }

    fn check_flags(&self, address: usize, header: u64) {
        assert!(header & OLD != 0, "{address:#x}: not flagged as old");
        assert!(header & FORWARDED == 0, "{address:#x}: moved away");
        assert!(header & REMEMBERED == 0, "{address:#x}: still remembered");
        if self.marked {
            assert!(header & MARKED != 0, "{address:#x}: reachable, not marked");
        }
    }

    /// The extent in which an address lies; `None` for the permanent space.
    fn holder(&self, address: usize) -> Option<Extent> {
        if (self.permanent.iter()).any(|(start, end)| (*start..*end).contains(&address)) {
            return None;
        }
        let after = self
            .extents
            .partition_point(|extent| extent.start <= address);
        let extent = after
            .checked_sub(1)
            .and_then(|index| self.extents.get(index))
            .filter(|extent| address < extent.start + extent.bytes);
        assert!(extent.is_some(), "{address:#x}: not in the heap");
        extent.copied()
    }

    /// An object must begin where a cell of its block does, and fit in it.
    fn check_extent(&self, address: usize, bytes: usize, holder: Option<Extent>) {
        let Some(extent) = holder else { return };
        assert!(
            (address - extent.start).is_multiple_of(extent.cell),
            "{address:#x}: inside another object"
        );
        assert!(
            bytes <= extent.cell,
            "{address:#x}: {bytes} bytes in a cell of {}",
            extent.cell
        );
    }

    /// A list: its length is one more than that of the rest, and its chunk's header and link agree.
    fn check_cell(&mut self, address: usize, header: u64, holder: Option<Extent>) {
        let chunk = object::chunk_of(address, header);
        let index = object::cell_index(header);
        assert_eq!(
            self.holder(chunk).map(|extent| extent.start),
            holder.map(|extent| extent.start),
            "{address:#x}: a list cell outside its chunk"
        );
        // SAFETY: the chunk lies in memory of the heap that holds objects.
        let chunk_header = unsafe { *(chunk as *const u64) };
        assert_eq!(
            object::kind_of(chunk_header),
            Kind::ListChunk,
            "{address:#x}: a list cell without a chunk"
        );
        self.check_flags(chunk, chunk_header);
        let capacity = object::chunk_capacity(chunk_header);
        self.check_extent(chunk, object::chunk_bytes(capacity), holder);
        assert!(index < capacity, "{address:#x}: behind its chunk");
        assert!(
            object::chunk_front(chunk_header) <= index,
            "{address:#x}: in front of its chunk's front"
        );
        // SAFETY: a cell of the chunk has two words and is followed by a cell or the link.
        let (element, next, next_header, link) = unsafe {
            let cell = address as *const Value;
            let next = address + CELL_BYTES;
            (
                *cell.add(1),
                next,
                *(next as *const u64),
                *((next + 8) as *const Value),
            )
        };
        self.pending.push(element);
        let rest_length = if index + 1 == capacity {
            assert_eq!(
                next_header as u8,
                Kind::ListLink as u8,
                "{address:#x}: a chunk without a link"
            );
            assert_eq!(
                next,
                chunk + CHUNK_HEADER_BYTES + capacity * CELL_BYTES,
                "{address:#x}: a misplaced link"
            );
            self.pending.push(link);
            if let Some(jump) = object::link_jump(next_header) {
                assert!(
                    link.is_heap() && super::collect::is_cell(object::header_at(jump)),
                    "{address:#x}: a jump to something else than a list"
                );
                self.pending.push(jump);
            }
            if link == Value::EMPTY {
                0
            } else {
                assert!(
                    link.is_heap() && super::collect::is_cell(object::header_at(link)),
                    "{address:#x}: a chunk that ends in something else than a list"
                );
                object::length_of(object::header_at(link))
            }
        } else {
            assert!(
                super::collect::is_cell(next_header)
                    && object::cell_index(next_header) == index + 1,
                "{address:#x}: followed by a wrong cell"
            );
            self.pending.push(Value::from_address(next));
            object::length_of(next_header)
        };
        assert_eq!(
            object::length_of(header),
            rest_length + 1,
            "{address:#x}: a list of the wrong length"
        );
    }
}
