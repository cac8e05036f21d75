//! What native functions see of the VM: the heap, the names, the outside world.

#![allow(
    clippy::indexing_slicing,
    reason = "the index was just found or is that of the last element"
)]

pub mod arguments;
pub mod condition;
pub mod declaration;
pub mod functions;
pub mod kept;
pub mod native;
pub mod natives;
pub mod output;
pub mod policy;
#[cfg(feature = "many-threads")]
pub mod program;
pub mod request;

use std::any::{Any, TypeId};
use std::cell::{Cell, OnceCell, RefCell};
use std::sync::Arc;
use std::time::Instant;

use crate::host::condition::{Condition, ConditionKind, Outcome, Signal};
use crate::host::functions::HostFunctions;
use crate::host::kept::Kept;
use crate::host::native::Capabilities;
use crate::host::natives::Natives;
use crate::host::output::Output;
use crate::memory::heap::Heap;
use crate::memory::symbol::{Symbol, Symbols};
use crate::memory::value::Value;
use crate::task::{Operation, Scheduler};

/// Bytes that nobody has to ask for.
const SMALL: usize = 64 << 10;
/// Bytes of names after which it is looked whether the program has room.
const MANY_NAMES: usize = 256 << 10;
/// Names of a machine from which on peers add no further ones.
pub const MOST_NAMES_OF_PEERS: usize = 20_000;
/// The same of the bytes that they take: one name may have as many as a whole request.
pub const MOST_BYTES_OF_NAMES: usize = 4 << 20;

/// Looks whether a native that makes very many small values may go on: nothing is collected before it has ended.
pub struct Growth {
    /// Bytes that had been made when it was looked last.
    seen: usize,
}

impl Growth {
    /// Begins now.
    pub fn new(host: &Host) -> Growth {
        Growth {
            seen: host.heap.direct_bytes(),
        }
    }

    /// To be asked for each value; costs next to nothing.
    ///
    /// # Errors
    /// The program's data have no room.
    #[inline]
    pub fn go_on(&mut self, host: &Host) -> Outcome<()> {
        let made = host.heap.direct_bytes();
        if made.wrapping_sub(self.seen) < 4 * SMALL {
            return Ok(());
        }
        self.seen = made;
        host.ask(SMALL)
    }
}

/// What a closure tells about itself.
#[derive(Clone, Copy, Debug)]
pub struct FunctionFacts<'h> {
    /// The name it prints with; `<lambda>` if it has none.
    pub name: &'h str,
    /// How many arguments it needs.
    pub required: usize,
    /// How many it takes; `None`: any number.
    pub most: Option<usize>,
}

/// How the facts of a closure are found. Code lives in rooms above this one, so the VM says how.
pub type DescribeClosure = for<'h> fn(&'h Host, Value) -> Option<FunctionFacts<'h>>;

/// Everything of one VM except the stacks of its tasks. Shared by reference with natives.
pub struct Host {
    /// The natives that modules may name.
    pub natives: &'static Natives,
    /// The functions that the embedder has added.
    pub functions: HostFunctions,
    /// What natives must not touch, and what replaces those that would when modules are loaded.
    denied: Option<(Capabilities, functions::StandIn)>,
    /// What capabilities are limited to.
    policy: Option<Arc<policy::Policy>>,
    /// The heap.
    pub heap: Heap,
    /// The names.
    pub symbols: Symbols,
    /// Standard output and error.
    pub output: Output,
    /// Tasks, timers, channels.
    pub scheduler: Scheduler,
    /// The argument vector `sys/args` gives.
    pub arguments: Vec<String>,
    /// When the VM was made.
    pub started: Instant,
    /// State of the random number generator; 0: not seeded yet.
    pub random_state: Cell<u64>,
    /// The embedded files and the real file system.
    pub files: sema_vfs::Overlay,
    /// Values that code outside the heap refers to, by number.
    pub kept: RefCell<Kept>,
    /// The context of the running task (see `with-context`); the VM keeps those of the
    /// others.
    pub context: Cell<Value>,
    /// The keywords of what `catch` asks of each condition: see [`Host::condition_keywords`].
    condition_keywords: OnceCell<ConditionKeywords>,
    /// Memory for the signal with which the next task waits.
    spare_signal: Cell<Option<Box<Signal>>>,
    /// Finds what a closure tells about itself.
    describe_closure: Cell<DescribeClosure>,
    /// How many steps the running macro transformer may still take (see `%step`).
    pub steps: Cell<u64>,
    /// State that single modules of natives keep (open streams, tables …), by type. It is not shown
    /// to the collector, so it must not hold values of the heap.
    pub extensions: RefCell<Vec<(TypeId, Box<dyn Any>)>>,
    /// How the program is run once more, beside itself; `None`: it cannot be.
    #[cfg(feature = "many-threads")]
    pub program: Option<std::sync::Arc<dyn program::Program>>,
    /// Bytes of stack that a thread which runs the program must have.
    #[cfg(feature = "many-threads")]
    pub stack_bytes: usize,
}

/// Keywords by which a raised value is told from a condition. A program that uses conditions as control flow asks for
/// them over and over.
#[derive(Clone, Copy)]
pub struct ConditionKeywords {
    /// `:type`
    pub kind: Value,
    /// `:user`
    pub user: Value,
    /// `:value`
    pub value: Value,
}

impl Host {
    /// `:type`, `:user` and `:value`, looked up once.
    pub fn condition_keywords(&self) -> ConditionKeywords {
        *self.condition_keywords.get_or_init(|| ConditionKeywords {
            kind: self.keyword("type"),
            user: self.keyword("user"),
            value: self.keyword("value"),
        })
    }

    /// The program has ended, and its process is about to: what files still buffer is written, and what natives
    /// keep is given back. Memory is not.
    pub fn end(&self) {
        self.heap.drop_foreign();
        let extensions = self.extensions.take();
        drop(extensions);
    }

    /// A keyword.
    pub fn keyword(&self, name: &str) -> Value {
        Value::keyword(self.intern(name))
    }

    /// The keyword of a constant, found faster than by [`keyword`](Self::keyword).
    pub fn constant_keyword(&self, name: &'static str) -> Value {
        Value::keyword(self.symbols.intern_constant(name))
    }

    /// The number of a name. Names take no room on the heap: so that a program that makes nothing else reaches its limit,
    /// many of them are a reason to look.
    fn intern(&self, name: &str) -> Symbol {
        let before = self.symbols.bytes() / MANY_NAMES;
        let symbol = self.symbols.intern(name);
        if self.symbols.bytes() / MANY_NAMES != before {
            self.heap.request_collection();
        }
        symbol
    }

    /// The keyword of a name that a peer has chosen. Names are never forgotten, so peers could use up the memory: once there
    /// are [very many](MOST_NAMES_OF_PEERS), or [very long](MOST_BYTES_OF_NAMES) ones, those that nothing has named before stay strings.
    pub fn keyword_of_peer(&self, name: &str) -> Value {
        let symbols = &self.symbols;
        if let Some(known) = symbols.find(name) {
            return Value::keyword(known);
        }
        let has_room = symbols.len() < MOST_NAMES_OF_PEERS
            && symbols.bytes() + name.len() <= MOST_BYTES_OF_NAMES;
        match has_room {
            true => self.keyword(name),
            false => self.heap.string(name),
        }
    }

    /// A symbol.
    pub fn symbol(&self, name: &str) -> Value {
        Value::symbol(self.intern(name))
    }

    /// The name of a symbol or keyword.
    pub fn name_of(&self, value: Value) -> Option<&str> {
        value
            .as_symbol()
            .or(value.as_keyword())
            .map(|symbol| self.symbols.name(symbol))
    }

    /// The signal with which the running task waits.
    ///
    /// # Errors
    /// Always: that is how natives say it.
    pub fn suspend<T>(&self, operation: Operation) -> Outcome<T> {
        match self.spare_signal.take() {
            Some(mut signal) => {
                debug_assert!(matches!(*signal, Signal::Suspend(Operation::Blocked)));
                // What is replaced owns nothing.
                std::mem::forget(std::mem::replace(&mut *signal, Signal::Suspend(operation)));
                Err(signal)
            }
            None => Err(Box::new(Signal::Suspend(operation))),
        }
    }

    /// The same for a task whose waiting has been noted already ([`Operation::Blocked`]).
    ///
    /// # Errors
    /// Always.
    #[inline(always)]
    pub fn suspend_blocked<T>(&self) -> Outcome<T> {
        match self.spare_signal.take() {
            Some(signal) => Err(signal),
            None => Err(Box::new(Signal::Suspend(Operation::Blocked))),
        }
    }

    /// Takes a signal that has been done as memory for the next one. It must be one to suspend with
    /// [`Operation::Blocked`].
    #[inline(always)]
    pub(crate) fn reuse_signal(&self, signal: Box<Signal>) {
        if let Some(other) = self.spare_signal.replace(Some(signal)) {
            drop(other);
        }
    }

    /// What a closure tells about itself; `None` for anything else.
    pub fn closure_facts(&self, value: Value) -> Option<FunctionFacts<'_>> {
        self.describe_closure.get()(self, value)
    }

    /// Says how the facts of closures are found.
    pub(crate) fn describe_closures_by(&self, describe: DescribeClosure) {
        self.describe_closure.set(describe);
    }

    /// Bytes that the program's data take, except what is new on the heap.
    pub(crate) fn used_bytes(&self) -> usize {
        self.heap.used_bytes() + self.symbols.bytes()
    }

    /// Asked by natives before they make something large, for its bytes and those that making it takes. Small things,
    /// which the next collection sees, need not be asked for.
    ///
    /// # Errors
    /// The program may not use so many bytes more.
    pub fn ask(&self, bytes: usize) -> Outcome<()> {
        if bytes < SMALL {
            return Ok(());
        }
        self.ask_much(bytes)
    }

    #[inline(never)]
    fn ask_much(&self, bytes: usize) -> Outcome<()> {
        if (self.heap).has_room(bytes.saturating_add(self.symbols.bytes())) {
            return Ok(());
        }
        Err(self.out_of_memory().signal())
    }

    /// Asked by natives that make a text piece by piece, for its bytes so far or with the next piece: there will be the text
    /// and the string of it.
    ///
    /// # Errors
    /// The program may not use so many bytes more.
    #[inline]
    pub fn ask_for_text(&self, bytes: usize) -> Outcome<()> {
        if bytes < SMALL || bytes <= self.room_for_text() {
            return Ok(());
        }
        self.ask(2 * bytes)
    }

    /// Bytes of a text that the program may make now: there are the text and the string of it. Small ones are always
    /// allowed.
    pub fn room_for_text(&self) -> usize {
        let limit = self.heap.account.limit();
        limit.saturating_sub(self.used_bytes()).max(SMALL) / 2
    }

    /// The condition of a program whose data exceed the limit.
    pub fn out_of_memory(&self) -> Condition {
        Condition::new(
            ConditionKind::Eval,
            format!(
                "out of memory: the data exceed {} MB",
                self.heap.account.limit() >> 20
            ),
        )
        .hint("the data do not stop growing, or need a larger limit (SEMAC_HEAP_MB)")
    }

    /// Keeps a value alive and gives its number.
    pub fn keep(&self, value: Value) -> u32 {
        self.kept.borrow_mut().add(value)
    }

    /// The kept value with this number.
    pub fn kept(&self, number: u32) -> Value {
        self.kept.borrow().get(number)
    }

    /// Keeps the value with this number no longer; the number may be given to another one. Each number must be
    /// released at most once.
    pub fn release(&self, number: u32) {
        self.kept.borrow_mut().release(number);
    }

    /// Runs `use_state` on the state of type `T` that a module of natives keeps, made on first use.
    /// `use_state` must not ask for another state.
    pub fn with_extension<T: Default + 'static, R>(
        &self,
        use_state: impl FnOnce(&mut T) -> R,
    ) -> R {
        let mut extensions = self.extensions.borrow_mut();
        let wanted = TypeId::of::<T>();
        let index = match extensions.iter().position(|(of, _)| *of == wanted) {
            Some(index) => index,
            None => {
                extensions.push((wanted, Box::<T>::default()));
                extensions.len() - 1
            }
        };
        match extensions[index].1.downcast_mut::<T>() {
            Some(state) => use_state(state),
            None => use_state(&mut T::default()),
        }
    }
}

impl Host {
    /// A host with an empty heap that writes to `output`.
    pub fn new(output: Output, natives: &'static Natives) -> Host {
        Host {
            natives,
            functions: HostFunctions::default(),
            denied: None,
            policy: None,
            heap: Heap::new(),
            symbols: Symbols::default(),
            output,
            scheduler: Scheduler::default(),
            arguments: Vec::new(),
            started: Instant::now(),
            random_state: Cell::new(0),
            files: sema_vfs::Overlay::default(),
            kept: RefCell::default(),
            context: Cell::new(Value::NIL),
            condition_keywords: OnceCell::new(),
            spare_signal: Cell::new(None),
            describe_closure: Cell::new(|_, _| None),
            steps: Cell::new(u64::MAX),
            extensions: RefCell::default(),
            #[cfg(feature = "many-threads")]
            program: None,
            #[cfg(feature = "many-threads")]
            stack_bytes: program::STACK_BYTES,
        }
    }
}
