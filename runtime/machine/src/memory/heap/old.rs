//! The old generation: size-segregated cells in blocks, and large objects on their own.
//!
//! Objects here never move, so list cells may be referred to in the middle of their chunk. Sweeping
//! is lazy: after marking, a block is swept when its class needs cells, or a few blocks at a time
//! by the collections that follow, so that no pause is proportional to the heap.

#![allow(
    clippy::indexing_slicing,
    reason = "the tables have an entry for each size class; numbers of blocks are their places"
)]

use std::alloc::{Layout, alloc, dealloc};

use super::object::{self, LARGE, MARKED, OLD};
use super::pages;
use crate::memory::value::Kind;

/// Bytes of a block.
pub(super) const BLOCK_BYTES: usize = 64 << 10;
/// Blocks that are allocated together.
const BLOCKS_OF_CHUNK: usize = 16;
/// Objects above this size are large objects.
pub(crate) const LARGEST_CELL: usize = 4096;

/// Blocks that are swept for one cell before a new block is taken: where nearly all cells are live, looking
/// for a free one would make the pause longer than it may be.
const SWEPT_FOR_ONE: usize = 8;

/// Bytes of freed large objects that are kept for the next ones.
const MOST_SPARE: usize = 12 << 20;
/// By which part of its size an object's memory may be too large.
const SPARE_FIT: usize = 4;

/// Cell sizes; each at most a quarter above the one before, so rounding wastes little.
const CLASS_BYTES: [usize; 34] = [
    16, 24, 32, 40, 48, 56, 64, 72, 80, 96, 112, 128, 144, 160, 192, 224, 256, 304, 352, 416, 480,
    560, 640, 768, 896, 1024, 1216, 1440, 1696, 2048, 2448, 2912, 3456, 4096,
];
const CLASSES: usize = CLASS_BYTES.len();

const fn class_table() -> [u8; LARGEST_CELL / 8 + 1] {
    let mut table = [0u8; LARGEST_CELL / 8 + 1];
    let mut words = 0;
    let mut class = 0;
    while words <= LARGEST_CELL / 8 {
        while CLASS_BYTES[class] < words * 8 {
            class += 1;
        }
        table[words] = class as u8;
        words += 1;
    }
    table
}

static CLASS_OF_WORDS: [u8; LARGEST_CELL / 8 + 1] = class_table();

/// Bytes that an object of this size takes in the old generation.
pub(super) fn bytes_taken(bytes: usize) -> usize {
    match CLASS_OF_WORDS.get(bytes / 8) {
        Some(class) => CLASS_BYTES[*class as usize],
        None => bytes,
    }
}

struct Block {
    start: *mut u8,
    class: u8,
    /// Bytes handed out from the start so far; cells beyond have no header yet.
    used: usize,
}

impl Block {
    fn has_room(&self) -> bool {
        self.used + CLASS_BYTES[self.class as usize] <= BLOCK_BYTES
    }
}

/// The old generation of one heap.
pub(crate) struct OldSpace {
    /// Blocks, by number; `None`: the number is not in use.
    blocks: Vec<Option<Block>>,
    unused_numbers: Vec<usize>,
    /// Number of the block from which a class is being bump-allocated.
    current: [usize; CLASSES],
    /// Heads of the free lists; a free cell holds the next one in its second word.
    free: [*mut u64; CLASSES],
    /// Numbers of the blocks that are still to be swept, by class.
    unswept: [Vec<usize>; CLASSES],
    unswept_blocks: usize,
    /// Blocks without a live cell.
    empty: Vec<*mut u8>,
    /// The same, whose memory is the system's until they are used again.
    released: Vec<*mut u8>,
    /// Allocations that consist of blocks. A block of its own would take a page more for what the
    /// allocator notes about it.
    chunks: Vec<*mut u8>,
    large: Vec<(*mut u64, usize)>,
    /// Memory of large objects that have been freed, for the next ones of about that size: giving it to the system and
    /// getting it back costs several times what using it does.
    spare: Vec<(*mut u64, usize)>,
    spare_bytes: usize,
    /// Flags of new objects beside those that say where they are: [`MARKED`] while marking is going
    /// on.
    pub(super) new_flags: u64,
    /// Bytes of the objects that were live at the last marking, and of those allocated since.
    pub(crate) live_bytes: usize,
    /// Bytes of the objects that have been marked so far.
    pub(super) marked_bytes: usize,
    /// Of those, bytes of the objects that are newer than the marking, and so count as live.
    pub(super) new_bytes: usize,
    /// Objects that have been freed so far.
    pub(super) freed_objects: u64,
}

const NO_BLOCK: usize = usize::MAX;

fn chunk_layout() -> Layout {
    // The sizes are constants: a power of two and a multiple of it.
    let bytes = BLOCKS_OF_CHUNK * BLOCK_BYTES;
    Layout::from_size_align(bytes, 4096).unwrap_or(Layout::new::<u64>())
}

fn large_layout(bytes: usize) -> Layout {
    match Layout::from_size_align(bytes, 16) {
        Ok(layout) => layout,
        Err(_) => std::alloc::handle_alloc_error(Layout::new::<u64>()),
    }
}

impl OldSpace {
    pub(crate) fn new() -> OldSpace {
        OldSpace {
            blocks: Vec::new(),
            unused_numbers: Vec::new(),
            current: [NO_BLOCK; CLASSES],
            free: [std::ptr::null_mut(); CLASSES],
            unswept: std::array::from_fn(|_| Vec::new()),
            unswept_blocks: 0,
            empty: Vec::new(),
            released: Vec::new(),
            chunks: Vec::new(),
            large: Vec::new(),
            spare: Vec::new(),
            spare_bytes: 0,
            new_flags: 0,
            live_bytes: 0,
            marked_bytes: 0,
            new_bytes: 0,
            freed_objects: 0,
        }
    }

    /// Room for an object of `bytes` bytes (a multiple of 8) and the flags its header must carry.
    #[inline]
    pub(crate) fn allocate(&mut self, bytes: usize) -> (*mut u64, u64) {
        if bytes > LARGEST_CELL {
            return (self.allocate_large(bytes), OLD | LARGE | self.new_flags);
        }
        let class = CLASS_OF_WORDS[bytes / 8] as usize;
        self.live_bytes += CLASS_BYTES[class];
        if self.new_flags != 0 {
            self.marked_bytes += CLASS_BYTES[class];
            self.new_bytes += CLASS_BYTES[class];
        }
        let head = self.free[class];
        if !head.is_null() {
            // SAFETY: free cells are at least 16 bytes; their second word links the list.
            self.free[class] = unsafe { *head.add(1) } as *mut u64;
            // The next cell is likely to be far away.
            pages::prefetch(self.free[class] as usize);
            return (head, OLD | self.new_flags);
        }
        (self.allocate_slow(class), OLD | self.new_flags)
    }

    #[cold]
    #[inline(never)]
    fn allocate_slow(&mut self, class: usize) -> *mut u64 {
        for _ in 0..SWEPT_FOR_ONE {
            let Some(number) = self.unswept[class].pop() else {
                break;
            };
            self.sweep_block(number);
            let head = self.free[class];
            if !head.is_null() {
                // SAFETY: as above.
                self.free[class] = unsafe { *head.add(1) } as *mut u64;
                return head;
            }
        }
        self.bump(class)
    }

    fn bump(&mut self, class: usize) -> *mut u64 {
        let size = CLASS_BYTES[class];
        if let Some(Some(block)) = self.blocks.get_mut(self.current[class])
            && block.has_room()
        {
            // SAFETY: the cell lies inside the block.
            let cell = unsafe { block.start.add(block.used) };
            block.used += size;
            return cell.cast();
        }
        let start = self.empty_block();
        let block = Some(Block {
            start,
            class: class as u8,
            used: size,
        });
        self.current[class] = match self.unused_numbers.pop() {
            Some(number) => {
                self.blocks[number] = block;
                number
            }
            None => {
                self.blocks.push(block);
                self.blocks.len() - 1
            }
        };
        start.cast()
    }

    /// A block without a live cell, whatever it holds.
    fn empty_block(&mut self) -> *mut u8 {
        if let Some(start) = self.empty.pop().or_else(|| self.released.pop()) {
            return start;
        }
        // SAFETY: the layout has a non-zero size.
        let chunk = unsafe { alloc(chunk_layout()) };
        if chunk.is_null() {
            std::alloc::handle_alloc_error(chunk_layout());
        }
        self.chunks.push(chunk);
        // The first of them is to be used first.
        for block in (1..BLOCKS_OF_CHUNK).rev() {
            // SAFETY: the block lies inside the chunk.
            self.released
                .push(unsafe { chunk.add(block * BLOCK_BYTES) });
        }
        chunk
    }

    fn allocate_large(&mut self, bytes: usize) -> *mut u64 {
        let (start, bytes) = match self.take_spare(bytes) {
            Some(spare) => spare,
            None => {
                // SAFETY: the layout has a non-zero size.
                let start = unsafe { alloc(large_layout(bytes)) }.cast::<u64>();
                if start.is_null() {
                    std::alloc::handle_alloc_error(large_layout(bytes));
                }
                (start, bytes)
            }
        };
        self.live_bytes += bytes;
        if self.new_flags != 0 {
            self.marked_bytes += bytes;
            self.new_bytes += bytes;
        }
        self.large.push((start, bytes));
        start
    }

    /// Memory of a freed large object for one of this size, and how much it is.
    fn take_spare(&mut self, bytes: usize) -> Option<(*mut u64, usize)> {
        let most = bytes + bytes / SPARE_FIT;
        let fitting = |(_, size): &(*mut u64, usize)| (bytes..=most).contains(size);
        let place = self.spare.iter().rposition(fitting)?;
        let found = self.spare.swap_remove(place);
        self.spare_bytes -= found.1;
        Some(found)
    }

    /// Gives the memory of spare objects back until no more than so many bytes are left, the oldest first.
    fn trim_spare(&mut self, most: usize) {
        let mut given = 0;
        for &(start, bytes) in &self.spare {
            if self.spare_bytes <= most {
                break;
            }
            // SAFETY: it was allocated with this layout, and nothing refers to it.
            unsafe { dealloc(start.cast(), large_layout(bytes)) };
            self.spare_bytes -= bytes;
            given += 1;
        }
        self.spare.drain(..given);
    }

    // --- sweeping ---

    /// Marking is complete: frees large objects that are not marked and schedules all blocks to be
    /// swept.
    pub(crate) fn begin_sweep(&mut self) {
        self.new_flags = 0;
        self.live_bytes = self.marked_bytes;
        self.marked_bytes = 0;
        self.new_bytes = 0;
        self.free = [std::ptr::null_mut(); CLASSES];
        self.current = [NO_BLOCK; CLASSES];
        for (number, block) in self.blocks.iter().enumerate() {
            if let Some(block) = block {
                self.unswept[block.class as usize].push(number);
                self.unswept_blocks += 1;
            }
        }
        // What has not been used since the last marking is not needed soon.
        self.trim_spare(0);
        self.large.retain(|&(start, bytes)| {
            // SAFETY: large objects begin with a header and are freed once, by being spare.
            unsafe {
                if *start & MARKED != 0 {
                    *start &= !MARKED;
                    return true;
                }
            }
            self.spare.push((start, bytes));
            self.spare_bytes += bytes;
            self.freed_objects += 1;
            false
        });
        self.trim_spare(MOST_SPARE);
    }

    /// Sweeps up to `blocks` blocks of those that are left, or returns as many empty ones to the system;
    /// whether all have been swept.
    pub(crate) fn sweep(&mut self, mut blocks: usize) -> bool {
        if self.unswept_blocks == 0 {
            self.release_empty_blocks(blocks);
            return true;
        }
        for class in 0..CLASSES {
            while blocks > 0
                && let Some(number) = self.unswept[class].pop()
            {
                self.sweep_block(number);
                blocks -= 1;
            }
        }
        self.unswept_blocks == 0
    }

    /// Sweeps all blocks that are left.
    pub(crate) fn finish_sweep(&mut self) {
        if self.unswept_blocks > 0 {
            self.sweep(usize::MAX);
        }
    }

    /// Frees the cells of a block that are not marked and clears the marks of the others.
    fn sweep_block(&mut self, number: usize) {
        self.unswept_blocks -= 1;
        let Some(Some(block)) = self.blocks.get(number) else {
            return;
        };
        let class = block.class as usize;
        let size = CLASS_BYTES[class];
        let before = self.free[class];
        let mut list = before;
        let mut live = false;
        let mut freed = 0;
        let mut offset = 0;
        while offset < block.used {
            // SAFETY: cells below `used` have been handed out: their first word is a header (of an
            // object, or `Free` from an earlier sweep).
            unsafe {
                let cell = block.start.add(offset).cast::<u64>();
                let header = *cell;
                if header & MARKED != 0 {
                    *cell = header & !MARKED;
                    live = true;
                } else {
                    freed += u64::from(header as u8 != Kind::Free as u8);
                    *cell = Kind::Free as u64;
                    *cell.add(1) = list as u64;
                    list = cell;
                }
            }
            offset += size;
        }
        self.freed_objects += freed;
        if live {
            self.free[class] = list;
            // A block that still has untouched room goes on being bumped.
            if self.current[class] == NO_BLOCK && block.has_room() {
                self.current[class] = number;
            }
        } else {
            self.empty.push(block.start);
            self.blocks[number] = None;
            self.unused_numbers.push(number);
        }
    }

    /// Keeps a few empty blocks for the next growth and gives the memory of up to `most` others back to
    /// the system.
    fn release_empty_blocks(&mut self, most: usize) {
        let keep = (self.blocks.len() - self.unused_numbers.len()) / 32 + 4;
        for _ in 0..self.empty.len().saturating_sub(keep).min(most) {
            if let Some(start) = self.empty.pop() {
                // SAFETY: the block is part of a chunk and no cell of it is live.
                unsafe { pages::release(start, BLOCK_BYTES) };
                self.released.push(start);
            }
        }
    }

    /// Bytes of memory that are held.
    #[cfg(test)]
    pub(super) fn reserved_bytes(&self) -> usize {
        let blocks = self.blocks.iter().flatten().count() + self.empty.len();
        blocks * BLOCK_BYTES + self.large.iter().map(|(_, bytes)| bytes).sum::<usize>()
    }

    /// The address ranges of blocks, each with the size of its cells and how much is in use, and of
    /// large objects, for the verifier.
    pub(super) fn extents(&self) -> impl Iterator<Item = Extent> + '_ {
        let blocks = self.blocks.iter().flatten().map(|block| Extent {
            start: block.start as usize,
            bytes: block.used,
            cell: CLASS_BYTES[block.class as usize],
        });
        let large = self.large.iter().map(|&(start, bytes)| Extent {
            start: start as usize,
            bytes,
            cell: bytes,
        });
        blocks.chain(large)
    }
}

/// Memory of the old generation that holds objects.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub(super) start: usize,
    pub(super) bytes: usize,
    pub(super) cell: usize,
}

impl Drop for OldSpace {
    fn drop(&mut self) {
        for &start in &self.chunks {
            // SAFETY: chunks came from `alloc` with this layout; the heap is going away.
            unsafe { dealloc(start, chunk_layout()) };
        }
        for &(start, bytes) in self.large.iter().chain(&self.spare) {
            // SAFETY: as above, with the layout the object was allocated with.
            unsafe { dealloc(start.cast(), large_layout(bytes)) };
        }
    }
}

/// Bytes by which an object of this size exceeds what [`object::object_bytes`] says, for its cards.
pub(super) fn card_bytes(bytes: usize) -> usize {
    if bytes > LARGEST_CELL {
        (bytes / (object::CARD_FIELDS * 8) + 1).next_multiple_of(8)
    } else {
        0
    }
}
