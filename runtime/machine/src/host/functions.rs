//! Host functions: natives with a state of their own, which the machine finds by number.
//!
//! A [`Native`] is a plain function in a table that is made when the runtime is compiled. An embedder's functions
//! are closures that are known only when a machine is made. They are values like natives, with numbers that no
//! table reaches, so a call of a native costs nothing more. A module gets at them in two ways: by an unbound
//! global of their name, or by their name among its natives. What stands in the module's table then is
//! [`BY_NUMBER`], whose signal makes the machine look the function up.
//!
//! Natives that the machine may not call, because a capability is denied, become host functions too: they stay
//! callable and raise.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use super::Host;
use super::condition::{Condition, ConditionKind, Extra, Outcome, Signal, arity_error};
use super::native::{Arity, Capabilities, Capability, Native, Touches, at_least, native};
use crate::memory::hash::NameMap;
use crate::memory::symbol::Symbol;
use crate::memory::value::Value;

/// The number of the first host function: tables of natives are shorter.
const FIRST: u32 = 1 << 16;

/// Stands in a module's table for all natives that are host functions.
pub(crate) static BY_NUMBER: Native = native("<host function>", at_least(0), |_, _| {
    Err(Box::new(Signal::ByNumber))
});

/// What a host function does. As all natives, it must not call back into the machine; the number of arguments has
/// been checked.
pub type Call = dyn Fn(&Host, &[Value]) -> Outcome;

/// Gives the number of what stands in for a native with this number, if it is denied.
pub(super) type StandIn = fn(&Host, u32, &'static Native) -> Option<u32>;

#[derive(Clone)]
struct HostFunction {
    name: Symbol,
    arity: Arity,
    call: Rc<Call>,
}

/// The host functions of a machine. Nothing is made before the first one.
#[derive(Default)]
pub struct HostFunctions(OnceCell<Box<RefCell<Table>>>);

#[derive(Default)]
struct Table {
    all: Vec<HostFunction>,
    /// Numbers of those that modules find by name.
    by_name: NameMap<Symbol, u32>,
    /// Numbers of natives that are denied or watched, and of the functions in their place.
    replaced: Vec<(u32, u32)>,
    /// The texts that watched natives were given.
    paths: Vec<String>,
}

impl HostFunctions {
    /// Changes the table.
    fn change<T>(&self, change: impl FnOnce(&mut Table) -> T) -> T {
        change(&mut self.0.get_or_init(Box::default).borrow_mut())
    }

    fn get(&self, number: u32) -> Option<HostFunction> {
        let place = number.checked_sub(FIRST)?;
        let table = self.0.get()?.borrow();
        table.all.get(place as usize).cloned()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.get().is_none()
    }

    fn find(&self, name: Symbol) -> Option<u32> {
        self.0.get()?.borrow().by_name.get(&name).copied()
    }

    /// What stands in for this native already.
    pub(super) fn instead_of(&self, native: u32) -> Option<u32> {
        let table = self.0.get()?.borrow();
        let mut replaced = table.replaced.iter();
        let found = replaced.find(|(number, _)| *number == native);
        found.map(|(_, function)| *function)
    }
}

impl Table {
    /// Adds a function and gives its number.
    fn push(&mut self, function: HostFunction) -> u32 {
        self.all.push(function);
        FIRST + self.all.len() as u32 - 1
    }
}

impl Host {
    /// Adds a host function, before the modules are loaded that use it. One of the same name is replaced; a native
    /// of the same name goes before it.
    pub fn add_function(&self, name: &str, arity: Arity, call: Rc<Call>) {
        let name = self.symbols.intern(name);
        self.functions.change(|table| {
            let number = table.push(HostFunction { name, arity, call });
            table.by_name.insert(name, number);
        });
    }

    /// The number of the host function of this name.
    pub(crate) fn find_function(&self, name: &str) -> Option<u32> {
        if self.functions.is_empty() {
            return None;
        }
        self.functions.find(self.symbols.intern(name))
    }

    /// Calls the host function with this number.
    ///
    /// # Errors
    /// Its signal; a condition when there is none, or it does not take so many arguments.
    #[cold]
    pub(crate) fn call_function(&self, number: u32, arguments: &[Value]) -> Outcome {
        let Some(HostFunction { name, arity, call }) = self.functions.get(number) else {
            return Err(Condition::new(
                ConditionKind::Internal,
                "a native that does not exist was called",
            )
            .signal());
        };
        if !arity.accepts(arguments.len()) {
            return Err(arity_error(
                self.symbols.name(name),
                arity.min.into(),
                arity.max.map(usize::from),
                arguments.len(),
            ));
        }
        call(self, arguments)
    }

    /// The name of the native or host function with this number.
    pub fn native_name(&self, number: u32) -> &str {
        match self.functions.get(number) {
            Some(function) => self.symbols.name(function.name),
            None => self.natives.get(number).name,
        }
    }

    /// Denies natives these capabilities, in modules that are loaded from now on.
    pub fn deny(&mut self, capabilities: Capabilities) {
        self.stand_in_by(capabilities, Host::denied_function);
    }

    /// Says what is denied, and what finds the functions that stand in for natives.
    pub(super) fn stand_in_by(&mut self, denied: Capabilities, stand_in: StandIn) {
        // A runtime that denies nothing does not contain the code for it.
        self.denied = Some((denied, stand_in));
    }

    /// Whether a capability is denied.
    pub fn denies(&self, capability: Capability) -> bool {
        self.denied
            .is_some_and(|(denied, _)| denied.contains(capability))
    }

    /// The number of the host function that stands in for a native whose capability is denied; `None` if none of
    /// its capabilities is.
    #[inline]
    pub(crate) fn stand_in(&self, number: u32, native: &'static Native) -> Option<u32> {
        let (_, stand_in) = self.denied?;
        stand_in(self, number, native)
    }

    pub(super) fn denied_function(&self, number: u32, native: &'static Native) -> Option<u32> {
        let needed = native.capabilities;
        let mut denied = needed.into_iter().filter(|c| self.denies(*c));
        let capability = denied.next()?;
        if let Some(function) = self.functions.instead_of(number) {
            return Some(function);
        }
        // What lies in the program itself is no secret from it.
        let embedded =
            native.embedded && capability == Capability::FsRead && denied.next().is_none();
        let call = move |host: &Host, arguments: &[Value]| {
            let path = arguments.first().and_then(|path| host.heap.as_str(*path));
            let is_inside = |path: &str| {
                host.files.embedded(path, None).is_some()
                    || native.touches == Touches::Look && host.files.is_embedded_directory(path)
            };
            if embedded && path.is_some_and(is_inside) {
                return (native.call)(host, arguments);
            }
            Err(denial(native.name, capability).signal())
        };
        Some(self.replace(number, native, Rc::new(call)))
    }

    /// Makes a function that stands in for a native.
    pub(super) fn replace(&self, number: u32, native: &'static Native, call: Rc<Call>) -> u32 {
        let name = self.symbols.intern(native.name);
        self.functions.change(|table| {
            let function = table.push(HostFunction {
                name,
                arity: native.arity,
                call,
            });
            table.replaced.push((number, function));
            function
        })
    }

    /// Remembers which files natives are asked to read, in modules that are loaded from now on. Nothing is denied.
    pub fn watch_reads(&mut self) {
        self.denied = Some((Capabilities::NONE, Host::watched_function));
    }

    /// Does the same, and denies natives these capabilities.
    pub fn watch_reads_and_deny(&mut self, capabilities: Capabilities) {
        self.denied = Some((capabilities, Host::denied_or_watched_function));
    }

    fn denied_or_watched_function(&self, number: u32, native: &'static Native) -> Option<u32> {
        self.denied_function(number, native)
            .or_else(|| self.watched_function(number, native))
    }

    /// The texts that natives got which read files, if they are watched: paths, and perhaps more.
    pub fn paths_read(&self) -> Vec<String> {
        match self.functions.0.get() {
            Some(table) => table.borrow().paths.clone(),
            None => Vec::new(),
        }
    }

    fn watched_function(&self, number: u32, native: &'static Native) -> Option<u32> {
        if !native.capabilities.contains(&Capability::FsRead) {
            return None;
        }
        if let Some(function) = self.functions.instead_of(number) {
            return Some(function);
        }
        let call = move |host: &Host, arguments: &[Value]| {
            let texts = arguments.iter().filter_map(|path| host.heap.as_str(*path));
            let listed = arguments.iter().flat_map(|list| {
                let elements = host.heap.as_vector(*list).unwrap_or_default();
                elements.iter().copied().chain(host.heap.list_iter(*list))
            });
            let listed = listed.filter_map(|path| host.heap.as_str(path));
            let paths: Vec<String> = texts.chain(listed).map(str::to_owned).collect();
            host.functions.change(|table| table.paths.extend(paths));
            (native.call)(host, arguments)
        };
        Some(self.replace(number, native, Rc::new(call)))
    }
}

fn denial(function: &str, capability: Capability) -> Condition {
    let capability = capability.name();
    Condition::new(
        ConditionKind::PermissionDenied,
        format!("Permission denied: {function} requires '{capability}' capability"),
    )
    .with("function", Extra::Text(function.to_owned()))
    .with("capability", Extra::Text(capability.to_owned()))
}
