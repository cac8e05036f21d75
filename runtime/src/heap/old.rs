//! The old generation: size-segregated cells in blocks, and large objects on their own.
//!
//! Objects here never move, so list cells may be referred to in the middle of their chunk.

use std::alloc::{Layout, alloc, dealloc};

use super::object::{LARGE, MARKED, OLD};
use crate::value::Kind;

/// Bytes of a block.
const BLOCK_BYTES: usize = 64 << 10;
/// Objects above this size are large objects.
pub(crate) const LARGEST_CELL: usize = 4096;

/// Cell sizes; each at most a quarter above the one before, so rounding wastes little.
const CLASS_BYTES: [usize; 34] = [
    16, 24, 32, 40, 48, 56, 64, 72, 80, 96, 112, 128, 144, 160, 192, 224, 256, 304, 352, 416, 480,
    560, 640, 768, 896, 1024, 1216, 1440, 1696, 2048, 2448, 2912, 3456, 4096,
];

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

struct Block {
    start: *mut u8,
    class: u8,
    /// Bytes handed out from the start so far; cells beyond have no header yet.
    used: usize,
}

/// The old generation of one heap.
pub(crate) struct OldSpace {
    blocks: Vec<Block>,
    /// Block from which a class is being bump-allocated.
    current: [usize; CLASS_BYTES.len()],
    /// Heads of the free lists; a free cell holds the next one in its second word.
    free: [*mut u64; CLASS_BYTES.len()],
    /// Blocks without a live cell.
    empty: Vec<*mut u8>,
    large: Vec<(*mut u64, usize)>,
    /// Bytes in cells and large objects handed out and not yet swept.
    pub(crate) live_bytes: usize,
}

const NO_BLOCK: usize = usize::MAX;

fn block_layout() -> Layout {
    // The sizes are constants: a power of two and a multiple of it.
    Layout::from_size_align(BLOCK_BYTES, 4096).unwrap_or(Layout::new::<u64>())
}

fn large_layout(bytes: usize) -> Layout {
    match Layout::from_size_align(bytes, 16) {
        Ok(layout) => layout,
        Err(_) => std::alloc::handle_alloc_error(block_layout()),
    }
}

impl OldSpace {
    pub(crate) fn new() -> OldSpace {
        OldSpace {
            blocks: Vec::new(),
            current: [NO_BLOCK; CLASS_BYTES.len()],
            free: [std::ptr::null_mut(); CLASS_BYTES.len()],
            empty: Vec::new(),
            large: Vec::new(),
            live_bytes: 0,
        }
    }

    /// Room for an object of `bytes` bytes (a multiple of 8) and the flags its header must carry.
    #[inline]
    pub(crate) fn allocate(&mut self, bytes: usize) -> (*mut u64, u64) {
        if bytes > LARGEST_CELL {
            return (self.allocate_large(bytes), OLD | LARGE);
        }
        let class = CLASS_OF_WORDS[bytes / 8] as usize;
        self.live_bytes += CLASS_BYTES[class];
        let head = self.free[class];
        if !head.is_null() {
            // SAFETY: free cells are at least 16 bytes; their second word links the list.
            self.free[class] = unsafe { *head.add(1) } as *mut u64;
            return (head, OLD);
        }
        (self.bump(class), OLD)
    }

    fn bump(&mut self, class: usize) -> *mut u64 {
        let size = CLASS_BYTES[class];
        if let Some(block) = self.blocks.get_mut(self.current[class])
            && block.used + size <= BLOCK_BYTES
        {
            // SAFETY: the cell lies inside the block.
            let cell = unsafe { block.start.add(block.used) };
            block.used += size;
            return cell.cast();
        }
        let start = self.empty.pop().unwrap_or_else(|| {
            // SAFETY: the layout has a non-zero size.
            let start = unsafe { alloc(block_layout()) };
            if start.is_null() {
                std::alloc::handle_alloc_error(block_layout());
            }
            start
        });
        self.current[class] = self.blocks.len();
        self.blocks.push(Block {
            start,
            class: class as u8,
            used: size,
        });
        start.cast()
    }

    fn allocate_large(&mut self, bytes: usize) -> *mut u64 {
        // SAFETY: the layout has a non-zero size.
        let start = unsafe { alloc(large_layout(bytes)) }.cast::<u64>();
        if start.is_null() {
            std::alloc::handle_alloc_error(large_layout(bytes));
        }
        self.live_bytes += bytes;
        self.large.push((start, bytes));
        start
    }

    /// Frees everything that is not marked and clears the marks of the rest.
    pub(crate) fn sweep(&mut self) {
        self.live_bytes = 0;
        self.free = [std::ptr::null_mut(); CLASS_BYTES.len()];
        self.current = [NO_BLOCK; CLASS_BYTES.len()];
        let mut kept = Vec::with_capacity(self.blocks.len());
        for block in self.blocks.drain(..) {
            let class = block.class as usize;
            let size = CLASS_BYTES[class];
            let mut live = 0;
            let list_before = self.free[class];
            let mut offset = 0;
            while offset < block.used {
                // SAFETY: cells below `used` have been handed out: their first word is a header
                // (of an object, or `Free` from an earlier sweep).
                unsafe {
                    let cell = block.start.add(offset).cast::<u64>();
                    let header = *cell;
                    if header & MARKED != 0 {
                        *cell = header & !MARKED;
                        live += 1;
                    } else {
                        *cell = Kind::Free as u64;
                        *cell.add(1) = self.free[class] as u64;
                        self.free[class] = cell;
                    }
                }
                offset += size;
            }
            if live == 0 {
                self.free[class] = list_before;
                self.empty.push(block.start);
            } else {
                self.live_bytes += live * size;
                kept.push(block);
            }
        }
        self.blocks = kept;
        // The last block of a class that still has untouched room goes on being bumped.
        for (index, block) in self.blocks.iter().enumerate() {
            if block.used + CLASS_BYTES[block.class as usize] <= BLOCK_BYTES {
                self.current[block.class as usize] = index;
            }
        }
        self.release_empty_blocks();
        let mut large_live = 0;
        self.large.retain(|&(start, bytes)| {
            // SAFETY: large objects begin with a header and are freed once, here or on drop.
            unsafe {
                if *start & MARKED != 0 {
                    *start &= !MARKED;
                    large_live += bytes;
                    return true;
                }
                dealloc(start.cast(), large_layout(bytes));
            }
            false
        });
        self.live_bytes += large_live;
    }

    /// Keeps a few empty blocks for the next growth and returns the others to the system.
    fn release_empty_blocks(&mut self) {
        let keep = self.blocks.len() / 4 + 4;
        while self.empty.len() > keep {
            if let Some(start) = self.empty.pop() {
                // SAFETY: the block came from `alloc` with this layout and no cell of it is live.
                unsafe { dealloc(start, block_layout()) };
            }
        }
    }
}

impl Drop for OldSpace {
    fn drop(&mut self) {
        for start in self
            .blocks
            .iter()
            .map(|block| block.start)
            .chain(self.empty.iter().copied())
        {
            // SAFETY: blocks came from `alloc` with this layout; the heap is going away.
            unsafe { dealloc(start, block_layout()) };
        }
        for &(start, bytes) in &self.large {
            // SAFETY: as above, with the layout the object was allocated with.
            unsafe { dealloc(start.cast(), large_layout(bytes)) };
        }
    }
}
