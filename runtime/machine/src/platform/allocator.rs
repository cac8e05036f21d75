//! The allocator of runtime executables that are linked with musl, whose own allocator is built for
//! small memory and hardening and takes 100 to 500 ns for an allocation (docs/adr/0003).
//!
//! Small blocks are rounded up to one of few sizes; freed ones wait in a list per size for the next
//! allocation of that size. Fresh ones are cut from chunks, which are never given back, so the small
//! blocks of a process take as much as they took at the worst moment of each size. Large blocks,
//! and chunks, are mappings of their own, which grow without copying. Of those that are not very large one of each
//! size is kept when it is freed: natives put long results together in such blocks, and a fresh one costs a
//! page fault for every 4 KB.
//!
//! It does nothing at start: its state is zero, and the first chunk is asked for by the first
//! allocation. The C library's own allocator is not touched by small programs, which saves them
//! three system calls and five page faults.

#![allow(
    clippy::indexing_slicing,
    reason = "`class` was computed from a size that has one"
)]

#[cfg(feature = "many-threads")]
pub mod magazines;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::mm::{self, MapFlags, ProtFlags};

/// Alignment and step of the finest sizes.
const GRAIN: usize = 16;
/// Sizes up to this one are multiples of the grain.
const FINE_LIMIT: usize = 256;
const FINE_CLASSES: usize = FINE_LIMIT / GRAIN;
/// Larger blocks are mappings.
const LARGEST: usize = 32 << 10;
/// Above the fine sizes there are four to each power of two: at most a fifth is lost by rounding.
const CLASSES: usize = FINE_CLASSES + 4 * (LARGEST / FINE_LIMIT).ilog2() as usize;
/// The first chunk is small, because most programs are; later ones double up to the largest.
const FIRST_CHUNK: usize = 32 << 10;
const LARGEST_CHUNK: usize = 1 << 20;

/// Mappings up to this size are rounded up like small blocks, and may be kept.
const LARGEST_KEPT: usize = 256 << 10;
const KEPT_CLASSES: usize = 4 * (LARGEST_KEPT / LARGEST).ilog2() as usize;
const PAGE: usize = 4096;

/// The allocator. One static of it serves all threads of a process.
pub struct Allocator {
    locked: AtomicBool,
    state: UnsafeCell<State>,
}

struct State {
    /// Freed blocks, by class; each holds the address of the next.
    free: [*mut u8; CLASSES],
    /// Full magazines of threads, by class. The first block of each holds the address of the next magazine as well.
    #[cfg(feature = "many-threads")]
    magazines: [*mut u8; magazines::CLASSES],
    /// At most one freed mapping of each class above those.
    kept: [*mut u8; KEPT_CLASSES],
    /// The rest of the newest chunk.
    next: *mut u8,
    left: usize,
    chunk: usize,
}

// SAFETY: `state` is only reached through `Allocator::with`, which excludes other threads.
unsafe impl Sync for Allocator {}

/// The class of blocks of at least this many bytes, at most `LARGEST_KEPT`.
const fn class_of(bytes: usize) -> usize {
    if bytes <= FINE_LIMIT {
        return bytes.saturating_sub(1) / GRAIN;
    }
    // The two bits below the highest one of the last byte's offset choose the quarter.
    let last = bytes - 1;
    let power = last.ilog2() as usize;
    let quarter = (last >> (power - 2)) & 3;
    FINE_CLASSES + 4 * (power - FINE_LIMIT.ilog2() as usize) + quarter
}

const fn bytes_of(class: usize) -> usize {
    if class < FINE_CLASSES {
        return (class + 1) * GRAIN;
    }
    let (power, quarter) = ((class - FINE_CLASSES) / 4, (class - FINE_CLASSES) % 4);
    (FINE_LIMIT << power) + (quarter + 1) * ((FINE_LIMIT << power) / 4)
}

fn is_small(layout: Layout) -> bool {
    layout.size() <= LARGEST && layout.align() <= GRAIN
}

/// Whether blocks of this layout are mappings of their own.
fn is_mapped(layout: Layout) -> bool {
    layout.size() > LARGEST && layout.align() <= PAGE
}

/// The size of the mapping that is a block of this layout.
fn mapped_bytes(layout: Layout) -> usize {
    if layout.size() <= LARGEST_KEPT {
        bytes_of(class_of(layout.size()))
    } else {
        layout.size()
    }
}

/// A mapping of at least this many bytes, which are zero; null when there is no memory.
fn map(bytes: usize) -> *mut u8 {
    // SAFETY: the system chooses a place where nothing is.
    let mapping = unsafe {
        mm::mmap_anonymous(
            std::ptr::null_mut(),
            bytes,
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::PRIVATE,
        )
    };
    mapping.map_or(std::ptr::null_mut(), |start| start.cast())
}

/// How often a thread looks whether another one has left the allocator before it gives the processor away. Where
/// several threads allocate all the time that one is usually done within nanoseconds, and giving the processor away would cost
/// a thousand times as much; elsewhere it has most likely lost the processor.
const LOOKS: u32 = if cfg!(feature = "many-threads") {
    256
} else {
    0
};

impl Allocator {
    /// An allocator that has not asked for any memory.
    pub const fn new() -> Allocator {
        Allocator {
            locked: AtomicBool::new(false),
            state: UnsafeCell::new(State {
                free: [std::ptr::null_mut(); CLASSES],
                #[cfg(feature = "many-threads")]
                magazines: [std::ptr::null_mut(); magazines::CLASSES],
                kept: [std::ptr::null_mut(); KEPT_CLASSES],
                next: std::ptr::null_mut(),
                left: 0,
                chunk: FIRST_CHUNK,
            }),
        }
    }

    #[inline(always)]
    fn with<T>(&self, use_state: impl FnOnce(&mut State) -> T) -> T {
        while self
            .locked
            .compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            let was_left = (0..LOOKS).any(|_| {
                std::hint::spin_loop();
                !self.locked.load(Ordering::Relaxed)
            });
            if !was_left {
                std::thread::yield_now();
            }
        }
        // SAFETY: the flag was clear and is now set, so no other thread is in here; `use_state` does
        // not allocate from this allocator, so this thread is not either.
        let result = use_state(unsafe { &mut *self.state.get() });
        self.locked.store(false, Ordering::Release);
        result
    }

    /// A block of this class; null when there is no memory. Not inlined: there are thousands of callers.
    #[inline(never)]
    fn take(&self, class: usize) -> *mut u8 {
        #[cfg(feature = "many-threads")]
        if let Some(own) = magazines::own(class) {
            let mut block = own.take();
            if block.is_null() {
                own.load(self.with(|state| state.take_magazine(class)));
                block = own.take();
            }
            if !block.is_null() {
                return block;
            }
        }
        self.with(|state| {
            #[cfg(feature = "many-threads")]
            if state.free[class].is_null() {
                // Its blocks are a list like this one.
                state.free[class] = state.take_magazine(class);
            }
            let block = state.free[class];
            if block.is_null() {
                return state.cut(bytes_of(class));
            }
            // SAFETY: a block in a free list holds, since `give`, the address of the next one.
            state.free[class] = unsafe { *block.cast::<*mut u8>() };
            block
        })
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// It came from `take` of the same class and has no owner any more.
    #[inline(never)]
    unsafe fn give(&self, class: usize, block: *mut u8) {
        #[cfg(feature = "many-threads")]
        if let Some(own) = magazines::own(class) {
            // SAFETY: the caller gives the block up, which has this size.
            let surplus = unsafe { own.give(block) };
            if !surplus.is_null() {
                // SAFETY: nobody uses its blocks.
                self.with(|state| unsafe { state.give_magazine(class, surplus) });
            }
            return;
        }
        self.with(|state| {
            // SAFETY: nobody else uses the block, which is aligned to the grain and not smaller.
            unsafe { *block.cast::<*mut u8>() = state.free[class] };
            state.free[class] = block;
        });
    }
}

impl Allocator {
    /// The kept mapping for this layout, if there is one; its content is anything.
    #[inline(never)]
    fn take_kept(&self, layout: Layout) -> *mut u8 {
        self.exchange_kept(layout, std::ptr::null_mut())
    }

    /// Keeps a mapping of this layout instead of the one that was kept, which it gives (or null).
    fn exchange_kept(&self, layout: Layout, block: *mut u8) -> *mut u8 {
        if layout.size() > LARGEST_KEPT {
            return block;
        }
        let class = class_of(layout.size()).wrapping_sub(CLASSES);
        self.with(|state| match state.kept.get_mut(class) {
            Some(kept) => std::mem::replace(kept, block),
            None => block,
        })
    }

    /// A mapping for this layout; null when there is no memory.
    fn take_mapping(&self, layout: Layout) -> *mut u8 {
        let kept = self.take_kept(layout);
        if kept.is_null() {
            return map(mapped_bytes(layout));
        }
        kept
    }

    /// Takes a mapping back.
    ///
    /// # Safety
    /// It was made for this layout and has no owner any more.
    unsafe fn give_mapping(&self, layout: Layout, block: *mut u8) {
        // The one that comes last is more likely to be in the processor's caches.
        let surplus = self.exchange_kept(layout, block);
        if !surplus.is_null() {
            // SAFETY: a mapping of this size that nobody uses. A refusal leaves it where it is, which nobody
            // can do anything about.
            let _ = unsafe { mm::munmap(surplus.cast(), mapped_bytes(layout)) };
        }
    }
}

impl Default for Allocator {
    fn default() -> Allocator {
        Allocator::new()
    }
}

#[cfg(feature = "many-threads")]
impl State {
    /// A full magazine; null if there is none.
    fn take_magazine(&mut self, class: usize) -> *mut u8 {
        let Some(magazines) = self.magazines.get_mut(class) else {
            return std::ptr::null_mut();
        };
        let first = *magazines;
        if !first.is_null() {
            // SAFETY: since `give_magazine` it holds the address of the next one behind that of its second block.
            *magazines = unsafe { *first.cast::<*mut u8>().add(1) };
        }
        first
    }

    /// Takes a full magazine over.
    ///
    /// # Safety
    /// Its blocks have this size and no owner any more.
    unsafe fn give_magazine(&mut self, class: usize, first: *mut u8) {
        // SAFETY: nobody else uses the block, which has room for two addresses: a grain.
        unsafe { *first.cast::<*mut u8>().add(1) = self.magazines[class] };
        self.magazines[class] = first;
    }
}

impl State {
    /// A fresh block; null when there is no memory.
    #[cold]
    fn cut(&mut self, bytes: usize) -> *mut u8 {
        if self.left < bytes {
            // What is left of the old chunk (less than one block) is lost: at most a few per cent.
            let size = self.chunk.max(bytes);
            let chunk = map(size);
            if chunk.is_null() {
                return chunk;
            }
            self.next = chunk;
            self.left = size;
            self.chunk = (self.chunk * 2).min(LARGEST_CHUNK);
        }
        let block = self.next;
        // SAFETY: the chunk has at least `bytes` left.
        self.next = unsafe { block.add(bytes) };
        self.left -= bytes;
        block
    }
}

// SAFETY: blocks are disjoint: they are cut from chunks one after the other, and each is either in one
// free list or owned by the caller. Chunks and block sizes are multiples of the grain, so blocks have
// its alignment; layouts that ask for more go elsewhere. Mappings start at pages. A layout determines who owns a block, so
// it is freed where it came from.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_small(layout) {
            return self.take(class_of(layout.size()));
        }
        if is_mapped(layout) {
            return self.take_mapping(layout);
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_small(layout) {
            // SAFETY: the caller gives the block up, which came from `take` of this class.
            return unsafe { self.give(class_of(layout.size()), block) };
        }
        if is_mapped(layout) {
            // SAFETY: the layout says that the block is such a mapping, which the caller gives up.
            unsafe { self.give_mapping(layout, block) };
            return;
        }
        // SAFETY: the caller's promise; the layout says that the block came from the C library.
        unsafe { System.dealloc(block, layout) };
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_small(layout) {
            // SAFETY: the caller's promise; the block has as many bytes.
            unsafe {
                let block = self.alloc(layout);
                if !block.is_null() {
                    block.write_bytes(0, layout.size());
                }
                return block;
            }
        }
        if is_mapped(layout) {
            let kept = self.take_kept(layout);
            if kept.is_null() {
                return map(mapped_bytes(layout));
            }
            // SAFETY: the block has as many bytes.
            unsafe { kept.write_bytes(0, layout.size()) };
            return kept;
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the new size, rounded up to the alignment, does not overflow.
        let new = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        if is_mapped(layout) && is_mapped(new) {
            let (from, to) = (mapped_bytes(layout), mapped_bytes(new));
            if from == to {
                return block;
            }
            let kept = self.take_kept(new);
            if !kept.is_null() {
                // SAFETY: the two blocks are distinct, and each has at least the copied bytes.
                unsafe {
                    std::ptr::copy_nonoverlapping(block, kept, layout.size().min(new_size));
                    self.give_mapping(layout, block);
                }
                return kept;
            }
            // SAFETY: the block is a mapping of the old size; it may move.
            let moved = unsafe { mm::mremap(block.cast(), from, to, mm::MremapFlags::MAYMOVE) };
            return moved.map_or(std::ptr::null_mut(), |start| start.cast());
        }
        let with_c = |layout| !is_small(layout) && !is_mapped(layout);
        match (is_small(layout), is_small(new)) {
            (true, true) if class_of(layout.size()) == class_of(new_size) => block,
            // SAFETY: the caller's promise.
            _ if with_c(layout) && with_c(new) => unsafe {
                System.realloc(block, layout, new_size)
            },
            // SAFETY: the two blocks are distinct, and each has at least the copied bytes.
            _ => unsafe {
                let moved = self.alloc(new);
                if !moved.is_null() {
                    std::ptr::copy_nonoverlapping(block, moved, layout.size().min(new_size));
                    self.dealloc(block, layout);
                }
                moved
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_what_they_are_for() {
        for bytes in 1..=LARGEST_KEPT {
            let class = class_of(bytes);
            assert_eq!(class < CLASSES, bytes <= LARGEST, "{bytes}");
            assert!(class < CLASSES + KEPT_CLASSES, "{bytes}");
            assert!(bytes_of(class) >= bytes, "{bytes}");
            assert!(bytes_of(class).is_multiple_of(GRAIN));
            assert!(class == 0 || bytes_of(class - 1) < bytes, "{bytes}");
        }
        assert_eq!(class_of(0), 0);
        assert_eq!(bytes_of(CLASSES - 1), LARGEST);
        assert_eq!(bytes_of(CLASSES + KEPT_CLASSES - 1), LARGEST_KEPT);
        for class in CLASSES..CLASSES + KEPT_CLASSES {
            assert!(bytes_of(class).is_multiple_of(PAGE));
        }
    }

    #[test]
    fn blocks_do_not_overlap_and_keep_their_content() {
        let allocator = Allocator::new();
        let mut blocks: Vec<(*mut u8, Layout, u8)> = Vec::new();
        let mut random = 88_172_645_463_325_252u64;
        for round in 0..20_000u32 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let mark = round as u8;
            let size = match random % 8 {
                0 => (random >> 8) as usize % 300_000 + 1,
                _ => (random >> 8) as usize % 600 + 1,
            };
            // SAFETY: sizes are not zero, layouts are those the blocks were made with.
            unsafe {
                if blocks.len() > 200 {
                    let (block, layout, mark) =
                        blocks.swap_remove((random >> 40) as usize % blocks.len());
                    assert_eq!(*block, mark);
                    assert_eq!(*block.add(layout.size() - 1), mark);
                    if random.is_multiple_of(3) {
                        let moved = allocator.realloc(block, layout, size);
                        assert_eq!(*moved, mark);
                        let layout = Layout::from_size_align(size, layout.align()).unwrap();
                        moved.write_bytes(mark, size);
                        blocks.push((moved, layout, mark));
                    } else {
                        allocator.dealloc(block, layout);
                    }
                }
                let align = [1, 8, 16, 64][(random >> 20) as usize % 4];
                let layout = Layout::from_size_align(size, align).unwrap();
                let block = allocator.alloc_zeroed(layout);
                assert!(block.addr().is_multiple_of(align));
                assert!((0..size).all(|at| *block.add(at) == 0));
                block.write_bytes(mark, size);
                blocks.push((block, layout, mark));
            }
        }
        for (block, layout, mark) in blocks {
            // SAFETY: as above.
            unsafe {
                assert_eq!(*block.add(layout.size() / 2), mark);
                allocator.dealloc(block, layout);
            }
        }
    }

    #[cfg(feature = "many-threads")]
    #[test]
    fn what_threads_keep_goes_round() {
        static SHARED: Allocator = Allocator::new();
        let layout = Layout::from_size_align(48, 8).unwrap();
        let (make, made) = std::sync::mpsc::sync_channel::<usize>(100);
        // One thread makes blocks, another one frees them; the third does both and keeps none.
        std::thread::scope(|scope| {
            scope.spawn(move || {
                magazines::keep();
                for number in 0..20_000u64 {
                    // SAFETY: the layout is that of the block.
                    let block = unsafe {
                        let block = SHARED.alloc(layout).cast::<u64>();
                        block.write(number);
                        block
                    };
                    make.send(block.expose_provenance()).unwrap();
                }
                magazines::forget();
            });
            scope.spawn(move || {
                magazines::keep();
                for (number, block) in made.iter().enumerate() {
                    let block = std::ptr::with_exposed_provenance_mut::<u64>(block);
                    // SAFETY: the other thread has made it and forgotten it.
                    unsafe {
                        assert_eq!(block.read(), number as u64);
                        SHARED.dealloc(block.cast(), layout);
                    }
                }
                magazines::forget();
            });
            scope.spawn(|| {
                for _ in 0..1_000 {
                    // SAFETY: the layout is that of the blocks.
                    unsafe {
                        for block in [(); 40].map(|()| SHARED.alloc(layout)) {
                            SHARED.dealloc(block, layout);
                        }
                    }
                }
            });
        });
        // SAFETY: nobody else uses it any more.
        let chunk = unsafe { (*SHARED.state.get()).chunk };
        assert!(chunk <= 4 * FIRST_CHUNK, "blocks are used again: {chunk}");
    }

    #[test]
    fn threads_share_it() {
        let allocator = Allocator::new();
        std::thread::scope(|scope| {
            for thread in 0..4u8 {
                let allocator = &allocator;
                scope.spawn(move || {
                    let layout = Layout::from_size_align(48, 8).unwrap();
                    for _ in 0..5_000 {
                        // SAFETY: the layout is that of the block.
                        unsafe {
                            let block = allocator.alloc(layout);
                            block.write_bytes(thread, 48);
                            assert_eq!(*block.add(47), thread);
                            allocator.dealloc(block, layout);
                        }
                    }
                });
            }
        });
    }
}
