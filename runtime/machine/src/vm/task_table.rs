//! The tasks that are not running.

use super::module::{Func, OwnedModule};
use super::task::Task;
use crate::memory::account::Charge;
use crate::memory::heap::{Heap, Tracer};
use crate::memory::value::Value;
use crate::task::{Scheduler, TaskId};

/// What showing a task counts for beside the values of its stack that are shown in parts.
const VALUES_OF_TASK: usize = 64;

/// A task that is not running.
#[derive(Default)]
pub(super) enum Entry {
    #[default]
    Vacant,
    /// Has not begun, so it needs no stacks yet.
    New {
        promise: Value,
        function: Value,
        arguments: Value,
        context: Value,
    },
    Parked(Box<Task>),
}

/// The tasks that are not running, by place.
#[derive(Default)]
pub(crate) struct TaskTable {
    entries: Vec<Entry>,
    #[allow(
        clippy::vec_box,
        reason = "tasks change hands as boxes; moving the contents would copy them"
    )]
    pub(super) spare: Vec<Box<Task>>,
    pub(super) boot: Option<OwnedModule>,
    /// Bytes of the parked tasks and their stacks.
    pub(super) parked_bytes: usize,
    /// Tasks that have not begun.
    new: usize,
    /// What the tables of tasks take.
    charge: Option<Charge>,
    /// For how many tasks.
    charged: usize,
    /// While the old generation is being marked: the places below this one have not been looked at.
    left_out: usize,
}

impl TaskTable {
    /// Bytes of the tasks that are not running, and of their stacks; of those that have not begun, what they will have.
    pub(crate) fn parked_bytes(&self) -> usize {
        self.parked_bytes + self.new * Task::LEAST_BYTES
    }

    pub(super) fn put_new(&mut self, heap: &Heap, id: TaskId, entry: Entry) {
        self.new += 1;
        self.put(id, entry);
        if self.entries.capacity() != self.charged {
            self.charge(heap);
        }
    }

    /// Accounts for the tables after they have grown.
    #[cold]
    fn charge(&mut self, heap: &Heap) {
        self.charged = self.entries.capacity();
        let charge = self.charge.get_or_insert_with(|| heap.account.charge());
        charge.set(self.charged * (size_of::<Entry>() + Scheduler::BYTES_OF_TASK));
    }

    #[inline(always)]
    pub(super) fn put(&mut self, id: TaskId, entry: Entry) {
        let place = id.place();
        if place >= self.entries.len() {
            self.entries.resize_with(place + 1, Entry::default);
        }
        if let Some(slot) = self.entries.get_mut(place) {
            *slot = entry;
        }
    }

    /// Adds a task that has been on the machine. What made it stand back has noted that it may hold
    /// young values.
    #[inline]
    pub(super) fn put_parked(&mut self, mut task: Box<Task>) {
        task.parked_bytes = task.footprint();
        self.parked_bytes += task.parked_bytes;
        self.put(task.id, Entry::Parked(task));
    }

    /// Whether a task has been on the machine and will go on.
    pub(super) fn is_parked(&self, id: TaskId) -> bool {
        let entry = self.entries.get(id.place());
        matches!(entry, Some(Entry::Parked(task)) if task.id == id)
    }

    /// The tasks that have been on the machine and will go on.
    pub(super) fn parked(&self) -> impl Iterator<Item = &Task> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Parked(task) => Some(&**task),
            Entry::New { .. } | Entry::Vacant => None,
        })
    }

    /// Takes a task that has been on the machine out of the table.
    #[inline]
    pub(super) fn take_parked(&mut self, id: TaskId) -> Option<Box<Task>> {
        let entry = self.entries.get_mut(id.place())?;
        if !matches!(entry, Entry::Parked(_)) {
            return None;
        }
        match std::mem::take(entry) {
            Entry::Parked(task) => {
                self.parked_bytes -= task.parked_bytes;
                Some(task)
            }
            _ => None,
        }
    }

    pub(super) fn take(&mut self, id: TaskId) -> Entry {
        let entry = self.entries.get_mut(id.place());
        let entry = entry.map(std::mem::take).unwrap_or_default();
        if let Entry::New { .. } = entry {
            self.new -= 1;
        }
        entry
    }

    /// The function with which every task begins, once it is loaded.
    pub(super) fn boot_function(&self) -> Option<*const Func> {
        Some(&raw const *self.boot.as_ref()?.functions.get(1)?)
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.parked_bytes = 0;
        self.new = 0;
    }

    /// Shows the values of the tasks at these places.
    pub(crate) fn trace(&mut self, places: &[u32], tracer: &mut Tracer<'_>) {
        for &place in places {
            self.trace_at(place as usize, tracer);
        }
    }

    /// Shows the values of the task at this place; whether there is one.
    pub(super) fn trace_at(&mut self, place: usize, tracer: &mut Tracer<'_>) -> bool {
        match self.entries.get_mut(place) {
            Some(Entry::Parked(task)) => task.trace(tracer),
            Some(Entry::New {
                promise,
                function,
                arguments,
                context,
            }) => {
                for value in [promise, function, arguments, context] {
                    tracer.value(value);
                }
            }
            Some(Entry::Vacant) | None => return false,
        }
        true
    }

    /// Marking begins: all tasks, at so many places, are left for [`trace_more`].
    pub(super) fn leave_out(&mut self, places: usize) {
        self.left_out = places;
    }
}

/// While the old generation is being marked: shows about `most` values of the tasks that have been left
/// out; whether nothing is left. `others` are the tasks that are not in the table, the running one
/// and those that nested calls have interrupted.
///
/// They come first; then the places of the table, from the highest down, each with the whole stack of
/// its task. A task that is put on the machine meanwhile takes along what is left of its stack, and
/// brings it back: the next place is not begun before.
pub(super) fn trace_more(
    table: &mut TaskTable,
    scheduler: &mut Scheduler,
    others: &mut [&mut Task],
    tracer: &mut Tracer<'_>,
    most: usize,
) -> bool {
    let mut rest = most;
    loop {
        if let Some(Entry::Parked(task)) = table.entries.get_mut(table.left_out) {
            rest -= task.trace_more(tracer, rest);
        }
        for task in &mut *others {
            rest -= task.trace_more(tracer, rest);
        }
        if rest == 0 {
            return false;
        }
        let Some(place) = table.left_out.checked_sub(1) else {
            return true;
        };
        table.left_out = place;
        rest = rest.saturating_sub(VALUES_OF_TASK);
        scheduler.trace_at(place, tracer);
        if !table.trace_at(place, tracer) {
            for task in others.iter_mut().filter(|task| task.id.place() == place) {
                task.trace(tracer);
            }
        }
    }
}
