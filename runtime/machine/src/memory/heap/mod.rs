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

mod allocate;
mod collect;
mod filling;
mod foreign;
mod integer;
mod left_out;
pub(crate) mod list;
mod mark;
pub mod object;
mod old;
pub(crate) mod pages;
mod slice;
#[cfg(test)]
mod tests;
pub mod text;
mod utf8;
mod values;
mod verify;
mod words;

pub use collect::{Roots, Tracer};
pub use filling::Filling;
pub use foreign::ForeignData;
pub use list::ListIter;

use std::alloc::{Layout, alloc, dealloc};
use std::cell::{Cell, RefCell};

use super::account::Account;
use super::value::Value;
use foreign::ForeignTable;
use old::OldSpace;

/// Bytes of the nursery: half of a typical second-level cache.
const NURSERY_BYTES: usize = 1 << 20;
/// Room kept behind the point at which a safepoint collects, for what natives allocate meanwhile.
const NURSERY_SLACK: usize = 128 << 10;
/// Room that a task may take between two things it does.
const LITTLE: usize = 16 << 10;
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

/// Variable of the environment that asks for stress.
const STRESS_VARIABLE: &str = "SEMA_GC_STRESS";

/// Where the space for a new object comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Young,
    /// The old generation, whatever the size.
    Old,
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
    /// Bytes that the Rust data of objects and their entries take, without what the data have allocated themselves.
    foreign_bytes: Cell<usize>,
    /// Where the digits of integers are computed; empty between computations.
    digits: RefCell<Vec<u64>>,
    /// Bytes in the old generation at which marking begins.
    next_major: usize,
    /// The marking that is going on.
    marking: mark::Marking,
    /// Bytes allocated in the old generation by natives since the last collection.
    direct_bytes: Cell<usize>,
    /// The number that a closure got last: see [`Heap::identity`].
    last_identity: Cell<u16>,
    /// Whether numbers have been given twice.
    identities_repeat: Cell<bool>,
    stats: HeapStats,
    /// A new object that the next collection leaves out of its count: see [`Heap::leave_out`].
    left_out: Cell<Option<Value>>,
    /// What the program's data take in all, and how much they may.
    pub account: Account,
    /// Is told the first field of each closure that marking finds: see [`Heap::watch_closures`].
    closure_found: Option<fn(Value)>,
    /// Whether the next collection is to be a full one.
    full_wanted: Cell<bool>,
    stress: bool,
    /// Collections after which stress begins the next marking.
    next_stress: u64,
}

fn layout(bytes: usize) -> Layout {
    match Layout::from_size_align(bytes, 16) {
        Ok(layout) => layout,
        Err(_) => std::alloc::handle_alloc_error(Layout::new::<u64>()),
    }
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
            foreign_bytes: Cell::new(0),
            digits: RefCell::default(),
            next_major: FIRST_MAJOR,
            marking: mark::Marking::default(),
            direct_bytes: Cell::new(0),
            last_identity: Cell::new(0),
            identities_repeat: Cell::new(false),
            stats: HeapStats::default(),
            left_out: Cell::new(None),
            account: Account::default(),
            closure_found: None,
            full_wanted: Cell::new(false),
            stress: false,
            next_stress: 0,
        }
    }

    /// Collect at every safepoint, mark all the time, and verify the heap now and then (for tests).
    pub fn set_stress(&mut self, stress: bool) {
        self.stress = stress;
        self.reset_nursery(0);
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

    /// The nursery is empty. The next collection comes when it is full but for the slack and so much more.
    fn reset_nursery(&mut self, less: usize) {
        let start = self.nursery as usize;
        self.bump.set(start);
        self.limit.set(start + NURSERY_BYTES);
        self.trigger.set(if self.stress {
            0
        } else {
            start + NURSERY_BYTES - NURSERY_SLACK - less
        });
    }

    /// Whether the next safepoint should collect.
    #[inline(always)]
    pub fn wants_collection(&self) -> bool {
        self.bump.get() > self.trigger.get()
    }

    /// Whether little is left until a safepoint collects.
    pub(crate) fn is_nearly_full(&self) -> bool {
        self.bump.get() + LITTLE > self.trigger.get()
    }

    /// Makes the next safepoint collect.
    pub(crate) fn request_collection(&self) {
        self.trigger.set(0);
    }

    /// Makes the next safepoint collect all garbage.
    pub fn request_full_collection(&self) {
        self.full_wanted.set(true);
        self.request_collection();
    }

    /// Whether a full collection has been requested since the last one.
    pub(crate) fn wants_full_collection(&self) -> bool {
        self.full_wanted.get()
    }

    /// Bytes that the program uses: on the heap, except what is new, and outside of it.
    pub(crate) fn used_bytes(&self) -> usize {
        self.old_bytes() + self.account.outside() + self.foreign_bytes.get()
    }

    /// Whether the program may use so many bytes more.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let used = self.used_bytes();
        if self.account.spend(bytes, used) {
            self.request_full_collection();
        }
        let wanted = used.saturating_add(bytes);
        wanted <= self.account.limit() || self.account.settle() && wanted <= self.account.limit()
    }

    /// Bytes of the objects in the old generation that are live, or were not known to be dead at the last
    /// marking.
    pub(crate) fn old_bytes(&self) -> usize {
        self.old.borrow().live_bytes
    }

    /// Bytes that natives have made outside of the nursery since the last collection.
    pub(crate) fn direct_bytes(&self) -> usize {
        self.direct_bytes.get()
    }

    /// A number that differs as soon as the object that a reference refers to may have moved, or another one may have come into
    /// its place.
    pub fn epoch(&self, reference: Value) -> u64 {
        // Old objects do not move, and are not freed before a marking has ended.
        if object::header_at(reference) & object::OLD != 0 {
            2 * self.stats.major_collections
        } else {
            2 * self.stats.minor_collections + 1
        }
    }

    /// Figures about this heap.
    pub fn stats(&self) -> HeapStats {
        HeapStats {
            old_bytes: self.old_bytes(),
            young_bytes: self.bump.get() - self.nursery as usize,
            ..self.stats
        }
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
