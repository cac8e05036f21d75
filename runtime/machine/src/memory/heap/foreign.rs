//! Objects that own Rust data.

#![allow(clippy::indexing_slicing, reason = "free slots are slots of the table")]

use super::Heap;
use super::object::FORWARDED;
use super::object::MARKED;
use crate::memory::value::{Kind, Value};

/// Rust data owned by heap objects.
pub type ForeignData = Box<dyn std::any::Any>;

#[derive(Default)]
pub(super) struct ForeignTable {
    slots: Vec<Option<ForeignData>>,
    free: Vec<u32>,
    /// The objects that own a slot, with their slots: those in the nursery, and the others.
    young: Vec<(Value, u32)>,
    old: Vec<(Value, u32)>,
}

/// Bytes of the entries of one piece of data in the tables, which have room for more, and of what it has allocated itself: most
/// are streams, whose state lies behind a reference that threads share.
const ENTRY_BYTES: usize = 256;

fn bytes_of(data: &ForeignData) -> usize {
    ENTRY_BYTES + size_of_val(&**data)
}

impl ForeignTable {
    /// Drops the Rust data in a slot, which may then be used again. How many bytes they took.
    fn drop_slot(&mut self, slot: u32) -> usize {
        let data = self.slots.get_mut(slot as usize).and_then(Option::take);
        self.free.push(slot);
        data.map_or(0, |data| bytes_of(&data))
    }
}

impl Heap {
    /// An object that owns `data` and drops it when it is collected.
    pub fn foreign(&self, data: ForeignData) -> Value {
        let mut table = self.foreign.borrow_mut();
        self.foreign_bytes
            .set(self.foreign_bytes.get() + bytes_of(&data));
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

    /// Drops the Rust data of foreign objects that have not left the nursery.
    pub(super) fn sweep_young_foreign(&mut self) {
        let mut freed = 0;
        let table = self.foreign.get_mut();
        for (owner, slot) in std::mem::take(&mut table.young) {
            // SAFETY: the nursery is still intact; a foreign object's first word is its header.
            let header = unsafe { *(owner.address() as *const u64) };
            if header & FORWARDED != 0 {
                let moved = Value::from_address((header >> 16) as usize);
                table.old.push((moved, slot));
            } else {
                freed += table.drop_slot(slot);
            }
        }
        *self.foreign_bytes.get_mut() -= freed;
    }

    /// Drops the Rust data of old foreign objects that are not marked.
    pub(super) fn sweep_old_foreign(&mut self) {
        let mut freed = 0;
        let table = self.foreign.get_mut();
        let mut owners = std::mem::take(&mut table.old);
        owners.retain(|(owner, slot)| {
            // SAFETY: nothing has been swept yet, so the owner's header is intact.
            let header = unsafe { *(owner.address() as *const u64) };
            let marked = header & MARKED != 0;
            if !marked {
                freed += table.drop_slot(*slot);
            }
            marked
        });
        table.old = owners;
        *self.foreign_bytes.get_mut() -= freed;
    }
}
