//! Where the space for new objects comes from.

use super::object::{MARKED, OLD, REMEMBERED};
use super::{
    Heap, LARGEST_YOUNG, LARGEST_YOUNG_FLAT, Mode, PERMANENT_BLOCK, STEP_BYTES, allocate_raw,
    layout, old,
};

#[cold]
#[inline(never)]
fn too_long(length: usize) -> ! {
    std::alloc::handle_alloc_error(layout(length))
}

impl Heap {
    /// Room for an object and the flags its header must carry. `traced`: it may refer to others.
    #[inline(always)]
    pub(super) fn allocate(&self, bytes: usize, traced: bool) -> (*mut u64, u64) {
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
    pub(super) fn length(length: usize) -> u32 {
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
        let live = old.live_bytes;
        drop(old);
        if bytes > LARGEST_YOUNG && self.account.spend(bytes, live + self.account.outside()) {
            self.request_full_collection();
        } else if due {
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
        self.in_mode(Mode::Permanent, build)
    }

    /// Runs `build` with every allocation going to the old generation: what it allocates does not move, and is freed
    /// like anything else.
    pub fn without_moving<T>(&self, build: impl FnOnce(&Heap) -> T) -> T {
        self.in_mode(Mode::Old, build)
    }

    fn in_mode<T>(&self, mode: Mode, build: impl FnOnce(&Heap) -> T) -> T {
        let limit = self.limit.replace(0);
        let mode = self.mode.replace(mode);
        let result = build(self);
        self.mode.set(mode);
        self.limit.set(limit);
        result
    }
}
