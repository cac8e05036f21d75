//! Globals that several modules share, and that become more while a program runs.

use std::cell::Cell;
use std::rc::Rc;

use super::module::{Globals, LoadedModule, unbound_globals};
use super::{LoadError, ModuleImage, Vm};
use crate::memory::hash::NameMap;
use crate::memory::value::Value;

/// Room for further globals when a namespace begins.
const FIRST_ROOM: usize = 64;

/// Named globals.
pub(super) struct Namespace {
    globals: Globals,
    names: Vec<Rc<str>>,
    numbers: NameMap<Rc<str>, u32>,
}

impl Namespace {
    fn new(globals: Globals) -> Namespace {
        Namespace {
            globals,
            names: Vec::new(),
            numbers: NameMap::default(),
        }
    }

    /// The globals that have names.
    pub(super) fn used(&self) -> &[Cell<Value>] {
        self.globals.get(..self.names.len()).unwrap_or_default()
    }

    fn add(&mut self, name: &str) -> u32 {
        let name: Rc<str> = Rc::from(name);
        let number = self.names.len() as u32;
        self.names.push(name.clone());
        // The first of several globals with one name is the one that a look-up finds.
        self.numbers.entry(name).or_insert(number);
        number
    }
}

impl Vm {
    /// Makes an empty namespace.
    pub fn add_namespace(&mut self) -> usize {
        self.namespaces
            .push(Namespace::new(unbound_globals(FIRST_ROOM)));
        self.namespaces.len() - 1
    }

    /// Forgets a namespace, if it is the last one: no code of it runs any more.
    pub fn remove_namespace(&mut self, namespace: usize) {
        if namespace + 1 == self.namespaces.len() {
            self.namespaces.pop();
        }
    }

    /// The namespace of a loaded module's globals, to which names can be added.
    pub fn namespace_of(&mut self, module: usize) -> Option<usize> {
        let loaded = self.module(module)?;
        if let Some(namespace) = loaded.namespace.get() {
            return Some(namespace);
        }
        let own = loaded.globals();
        let count = loaded.global_count();
        let globals = unbound_globals(count + FIRST_ROOM);
        copy(&own, &globals);
        let mut namespace = Namespace::new(globals);
        for index in 0..count {
            namespace.add(loaded.global_name(index).unwrap_or_default());
        }
        let number = self.namespaces.len();
        loaded.share_globals(number, &namespace.globals);
        self.namespaces.push(namespace);
        Some(number)
    }

    /// The global of a namespace with this name, which may have to be made; and whether it has been.
    pub fn namespace_global(&mut self, namespace: usize, name: &str) -> (u32, bool) {
        let Some(space) = self.namespaces.get_mut(namespace) else {
            return (0, false);
        };
        if let Some(&number) = space.numbers.get(name) {
            return (number, false);
        }
        let number = space.add(name);
        if space.names.len() > space.globals.len() {
            let globals = unbound_globals(2 * space.globals.len());
            copy(&space.globals, &globals);
            space.globals = globals;
            let modules = self.modules.iter().map(|module| &**module);
            for module in modules.chain(self.units.iter()) {
                if module.namespace.get() == Some(namespace) {
                    module.share_globals(namespace, &space.globals);
                }
            }
        }
        (number, true)
    }

    /// The global of a namespace with this name, if there is one.
    pub fn find_namespace_global(&self, namespace: usize, name: &str) -> Option<u32> {
        let space = self.namespaces.get(namespace)?;
        space.numbers.get(name).copied()
    }

    /// The names of a namespace's globals, by number.
    pub fn namespace_names(&self, namespace: usize) -> &[Rc<str>] {
        self.namespaces
            .get(namespace)
            .map_or(&[], |space| &space.names)
    }

    /// The name of a global of a loaded module.
    pub(super) fn name_of_global<'v>(&'v self, module: &'v LoadedModule, global: usize) -> &'v str {
        let namespace = module.namespace.get();
        let name = match namespace.and_then(|namespace| self.namespaces.get(namespace)) {
            Some(namespace) => namespace.names.get(global).map(|name| &**name),
            None => module.global_name(global),
        };
        name.unwrap_or_default()
    }

    /// Loads a module whose globals are those of a namespace. It is freed when nothing refers to its functions any more,
    /// and the values with the numbers `kept` are kept no longer then.
    ///
    /// # Errors
    /// It is damaged, or needs natives that this runtime does not have.
    pub fn load_in(
        &mut self,
        namespace: usize,
        key: impl Into<String>,
        image: impl Into<ModuleImage>,
        kept: Vec<u32>,
    ) -> Result<usize, LoadError> {
        let globals = self.namespaces.get(namespace);
        let shared = globals.map(|space| (namespace, space.globals.clone()));
        let mut module = LoadedModule::load(&self.host, key.into(), image.into(), shared)?;
        let made = module.being_made();
        made.kept = kept;
        made.count(&self.host);
        Ok(self.add_unit(module))
    }

    /// The value of a namespace's global; `None` if it has none.
    pub fn namespace_value(&self, namespace: usize, global: usize) -> Option<Value> {
        let value = self.namespaces.get(namespace)?.globals.get(global)?.get();
        (value != Value::UNBOUND).then_some(value)
    }

    /// Sets a global of a namespace.
    pub fn set_namespace_value(&mut self, namespace: usize, global: usize, value: Value) {
        let space = self.namespaces.get(namespace);
        if let Some(cell) = space.and_then(|space| space.globals.get(global)) {
            cell.set(value);
        }
    }
}

fn copy(from: &[Cell<Value>], to: &[Cell<Value>]) {
    for (from, to) in from.iter().zip(to) {
        to.set(from.get());
    }
}
