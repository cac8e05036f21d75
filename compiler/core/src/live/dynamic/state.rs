//! What all levels of the compiler know about the running program.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::rc::Rc;

use sema_machine::task::TaskId;
use sema_machine::vm::{ModuleImage, Vm};

use super::Setup;
use crate::front::datum::Datum;
use crate::front::expand::host::TransformerId;

/// Something that changes which names are macros.
#[derive(Clone)]
pub(super) enum Event {
    /// A definition of a name hides a macro of that name.
    Defined(Rc<str>),
    /// `defmacro`
    Procedure {
        name: Rc<str>,
        id: TransformerId,
        minimum: usize,
        maximum: Option<usize>,
    },
    /// `define-syntax`: the VM keeps the form under this number.
    Rules { name: Rc<str>, form: u32 },
}

impl Event {
    pub(super) fn name(&self) -> &Rc<str> {
        match self {
            Event::Defined(name) | Event::Procedure { name, .. } | Event::Rules { name, .. } => {
                name
            }
        }
    }

    pub(super) fn is_macro(&self) -> bool {
        !matches!(self, Event::Defined(_))
    }
}

/// A namespace as the compiler sees it.
#[derive(Default)]
pub(super) struct Environment {
    /// In the order in which they happened.
    pub(super) events: Vec<Event>,
}

impl Environment {
    /// The macro that a name stands for now.
    pub(super) fn find_macro(&self, name: &str) -> Option<&Event> {
        let mut events = self.events.iter().rev();
        events
            .find(|event| **event.name() == *name)
            .filter(|event| event.is_macro())
    }

    /// The macros that names stand for now, in order of their definitions.
    pub(super) fn macros(&self) -> Vec<Event> {
        let events = self.events.iter().filter(|event| event.is_macro());
        events
            .filter(|event| {
                self.find_macro(event.name())
                    .is_some_and(|last| std::ptr::eq(last, *event))
            })
            .cloned()
            .collect()
    }
}

/// A file that is being run form by form.
pub(super) struct Source {
    /// Its one path.
    pub(super) path: Rc<str>,
    /// Its path in messages.
    pub(super) shown: Rc<str>,
    /// What relative paths in it start from.
    pub(super) directory: Rc<str>,
    /// The forms that have not been compiled.
    pub(super) forms: VecDeque<Datum>,
    pub(super) namespace: usize,
    /// The names that its `module` form lists.
    pub(super) exports: Option<Vec<Rc<str>>>,
    /// Whether it is a module of its own.
    pub(super) is_import: bool,
    /// Whether everything in it has run.
    pub(super) is_done: bool,
    /// The module that was made of the latest form, and who runs it.
    pub(super) latest: Option<(usize, TaskId)>,
}

/// A file that code was compiled from at run time.
#[derive(Clone)]
pub(super) struct Origin {
    pub(super) path: Rc<str>,
    pub(super) directory: Rc<str>,
    /// Whether it is the code of the file itself, not something that code evaluates.
    pub(super) is_file: bool,
}

/// See the module's documentation.
#[derive(Default)]
pub(super) struct State {
    /// By number of the namespace.
    pub(super) environments: HashMap<usize, Environment>,
    /// Files by handle.
    pub(super) sources: HashMap<i64, Source>,
    next_handle: i64,
    /// Handles of imported files by path.
    pub(super) imports: HashMap<Rc<str>, i64>,
    /// By number of the module.
    pub(super) origins: HashMap<usize, Origin>,
    pub(super) files: HashMap<String, PathBuf>,
    pub(super) package_root: Option<PathBuf>,
    /// Whether source files are taken from the program alone.
    pub(super) embedded_only: bool,
    pub(super) program_directory: Option<PathBuf>,
    macros: Option<ModuleImage>,
    /// The number under which the VM keeps what is known of the program's macros.
    pub(super) program: Option<u32>,
    units: usize,
}

impl State {
    pub(super) fn new(setup: Setup) -> State {
        State {
            macros: setup.macros,
            files: setup.sources,
            package_root: setup.package_root,
            embedded_only: setup.embedded_only,
            program_directory: setup.program_directory,
            ..State::default()
        }
    }

    pub(super) fn take_macros(&mut self) -> Option<ModuleImage> {
        self.macros.take()
    }

    /// Gives a source a handle.
    pub(super) fn open(&mut self, source: Source) -> i64 {
        self.next_handle -= 1;
        self.sources.insert(self.next_handle, source);
        self.next_handle
    }

    /// A key for a module made at run time.
    pub(super) fn next_unit(&mut self) -> usize {
        self.units += 1;
        self.units
    }

    pub(super) fn add_event(&mut self, namespace: usize, event: Event) {
        let environment = self.environments.entry(namespace).or_default();
        environment.events.push(event);
    }

    /// The path of the file that a module belongs to.
    pub(super) fn path_of(&self, vm: &Vm, module: usize) -> Option<Rc<str>> {
        if let Some(origin) = self.origins.get(&module) {
            return origin.is_file.then(|| origin.path.clone());
        }
        let key = vm.module_key(module);
        match self.files.get(key) {
            Some(path) => Some(Rc::from(crate::front::modules::os_path::text_of(path))),
            None => Some(Rc::from(key)),
        }
    }
}
