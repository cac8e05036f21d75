//! What all levels of the compiler know about the running program.

use crate::hashing::{HashMap, HashSet};
use std::collections::VecDeque;
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
        /// Held by each environment that has the macro, so that it is known when nobody needs what is kept.
        users: Rc<()>,
    },
    /// `define-syntax`: the VM keeps the form under this number.
    Rules {
        name: Rc<str>,
        form: u32,
        /// As above.
        users: Rc<()>,
    },
}

/// What a compiler does not know yet of an environment.
pub(super) struct News {
    pub(super) age: u64,
    pub(super) events: Vec<Event>,
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

/// Events that an environment has before it is worth looking whether later ones have replaced most of them.
const MANY_EVENTS: usize = 256;

/// A namespace as the compiler sees it.
pub(super) struct Environment {
    /// In the order in which they happened.
    events: Vec<Event>,
    /// For each name, whether the last event made it a macro.
    latest: HashMap<Rc<str>, bool>,
    /// Changes when events are taken out, and differs from that of a namespace that had the same number.
    age: u64,
}

impl Environment {
    fn new(age: u64) -> Environment {
        Environment {
            events: Vec::new(),
            latest: HashMap::default(),
            age,
        }
    }

    /// Its age, and the events after the first `seen` of that age.
    pub(super) fn news(&self, seen: (u64, usize)) -> News {
        let (age, seen) = seen;
        let skipped = if age == self.age { seen } else { 0 };
        News {
            age: self.age,
            events: self.events.get(skipped..).unwrap_or_default().to_vec(),
        }
    }

    fn add(&mut self, event: Event) {
        let is_macro = event.is_macro();
        if self.latest.insert(event.name().clone(), is_macro) != Some(false) || is_macro {
            self.events.push(event);
        }
    }

    /// Takes out the events that later ones have replaced, if those are most; gives the numbers that the VM keeps for
    /// them.
    fn tidy(&mut self, age: u64) -> Vec<u32> {
        if self.events.len() < MANY_EVENTS.max(2 * self.latest.len()) {
            return Vec::new();
        }
        self.age = age;
        let mut seen = HashSet::default();
        let mut stay: Vec<bool> = self
            .events
            .iter()
            .rev()
            .map(|event| seen.insert(event.name().clone()))
            .collect();
        stay.reverse();
        let mut stay = stay.into_iter();
        let mut released = Vec::new();
        self.events.retain(|event| {
            let stays = stay.next().unwrap_or(true);
            match event {
                Event::Procedure { id, users, .. } if !stays && Rc::strong_count(users) == 1 => {
                    released.push(id.0);
                }
                Event::Rules { form, users, .. } if !stays && Rc::strong_count(users) == 1 => {
                    released.push(*form);
                }
                _ => {}
            }
            stays
        });
        released
    }

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
    environments: HashMap<usize, Environment>,
    /// That of the environment which changed last.
    age: u64,
    /// Files by handle.
    pub(super) sources: HashMap<i64, Source>,
    next_handle: i64,
    /// Handles of imported files by path.
    pub(super) imports: HashMap<Rc<str>, i64>,
    /// By number of the module.
    pub(super) origins: HashMap<usize, Origin>,
    pub(super) files: std::collections::HashMap<String, PathBuf>,
    pub(super) package_root: Option<PathBuf>,
    /// Whether source files are taken from the program alone.
    pub(super) embedded_only: bool,
    pub(super) program_directory: Option<PathBuf>,
    macros: Option<ModuleImage>,
    /// The number under which the VM keeps what is known of the program's macros.
    pub(super) program: Option<u32>,
    units: usize,
    last_directory: Option<Rc<str>>,
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

    /// The environment of a namespace, if it is known.
    pub(super) fn environment(&self, namespace: usize) -> Option<&Environment> {
        self.environments.get(&namespace)
    }

    /// The environment of a namespace, which becomes known.
    pub(super) fn begin_environment(&mut self, namespace: usize) -> &mut Environment {
        let age = &mut self.age;
        self.environments.entry(namespace).or_insert_with(|| {
            *age += 1;
            Environment::new(*age)
        })
    }

    /// The namespace is no more.
    pub(super) fn forget_environment(&mut self, namespace: usize) {
        self.environments.remove(&namespace);
    }

    pub(super) fn add_event(&mut self, namespace: usize, event: Event) {
        self.begin_environment(namespace).add(event);
    }

    /// Forgets what is not needed any more: nobody is compiling.
    pub(super) fn tidy(&mut self, vm: &Vm, namespace: usize) {
        if self.origins.len() > 2 * vm.unit_count() + MANY_EVENTS {
            self.origins.retain(|module, _| vm.is_loaded(*module));
        }
        let next = self.age + 1;
        if let Some(environment) = self.environments.get_mut(&namespace) {
            for number in environment.tidy(next) {
                vm.host.release(number);
            }
            self.age = next;
        }
    }

    /// Whether there are data of files that have not been compiled.
    pub(super) fn has_forms(&self) -> bool {
        self.sources.values().any(|source| !source.forms.is_empty())
    }

    /// The directory as text that is shared with what was compiled last, if it is the same.
    pub(super) fn directory(&mut self, directory: String) -> Rc<str> {
        match &self.last_directory {
            Some(last) if **last == *directory => last.clone(),
            _ => self.last_directory.insert(Rc::from(directory)).clone(),
        }
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
