//! Loaded modules: what the dispatch loop needs of a module, in memory.

use std::cell::{Cell, OnceCell, RefCell};
use std::ptr::NonNull;
use std::rc::Rc;

use sema_format::model::{Handler, Import};
use sema_format::{Debug, FormatError, Location, TraceFrame, frames};

use super::constants::constants;
use super::image::{Image, ModuleImage};
use super::load_error::LoadError;
use crate::host::functions::BY_NUMBER;
use crate::host::native::Native;
use crate::host::{FunctionFacts, Host};
use crate::memory::account::Charge;
use crate::memory::heap::Heap;
use crate::memory::value::{Kind, Value};

/// A function of a loaded module. Its address is the identity that closures hold.
pub(crate) struct Func {
    pub code: *const u32,
    pub constants: *const Value,
    /// Changes only when a namespace grows.
    pub globals: Cell<*mut Value>,
    pub natives: *const &'static Native,
    pub module: *const LoadedModule,
    /// All functions of the module, in the order of their numbers.
    pub functions: *const Func,
    /// Registers of its window.
    pub registers: u32,
    /// Number in the module.
    pub index: u32,
    /// Fixed parameters, optional ones included.
    pub parameters: u16,
    /// Arguments it needs at least.
    pub required: u16,
    /// `parameters`, if it takes exactly that many arguments; else [`INEXACT`].
    pub exact_parameters: u16,
    /// Whether a register after the parameters takes the list of further arguments.
    pub rest: bool,
    /// Whether it catches anything.
    pub has_handlers: bool,
}

/// What [`Func::exact_parameters`] of functions says that accept several numbers of arguments; no
/// call has as many.
const INEXACT: u16 = u16::MAX;

// Functions are found by their numbers: a shift is enough. (Where addresses have 32 bits it takes a multiplication.)
const _: () = assert!(size_of::<Func>() == 64 || size_of::<usize>() == 4);

/// What the allocator adds to the pieces of memory of a module, about.
const BYTES_OF_PIECES: usize = 128;

/// The name of functions without one in messages and traces.
pub(crate) const ANONYMOUS: &str = "<lambda>";

/// How far a module is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ModuleState {
    New,
    Running,
    Done,
}

/// The global variables of a module, or of several that share them.
pub(crate) type Globals = Rc<[Cell<Value>]>;

/// `count` globals without values.
pub(crate) fn unbound_globals(count: usize) -> Globals {
    vec![Cell::new(Value::UNBOUND); count].into()
}

fn address(globals: &Globals) -> *mut Value {
    globals.as_ptr().cast::<Value>().cast_mut()
}

/// A module of the program that was merged into another one and runs when an import of it is
/// reached.
pub(crate) struct Part {
    /// What imports resolve to; also its name in messages.
    pub name: Box<str>,
    /// Number of its main function.
    function: u32,
    pub state: Cell<ModuleState>,
}

/// What an import refers to.
#[derive(Clone, Copy)]
pub(crate) enum ImportTarget {
    /// The module with this number.
    Module(usize),
    /// A part of the importing module.
    Part(usize),
}

/// Owns a loaded module, which does not move: functions, and so closures and frames, point into it.
///
/// A `Box` would claim that nobody else points to what it owns, each time it is moved, and a vector of modules moves all of
/// its elements when it grows. This is a pointer like those of the functions. From the end of [`LoadedModule::load`] on nobody
/// has a unique reference to the module: what changes is in cells.
pub(crate) struct OwnedModule(NonNull<LoadedModule>);

impl OwnedModule {
    /// Moves the module to its place and makes its functions, which point to it.
    fn new(module: LoadedModule) -> Result<OwnedModule, FormatError> {
        let module = OwnedModule(NonNull::from(Box::leak(Box::new(module))));
        let place = module.0.as_ptr();
        let functions = module.functions(place)?;
        // SAFETY: nobody has a reference to the module or its functions. The functions are given the pointer through which
        // they have been written, after they have come to their place.
        unsafe {
            (*place).functions = functions;
            let functions = &mut (*place).functions;
            let count = functions.len();
            let start = functions.as_mut_ptr();
            for index in 0..count {
                (*start.add(index)).functions = start;
            }
        }
        Ok(module)
    }

    /// The module, before anybody points to it.
    pub(super) fn being_made(&mut self) -> &mut LoadedModule {
        // SAFETY: it is owned, and no function of it is in use.
        unsafe { self.0.as_mut() }
    }
}

impl std::ops::Deref for OwnedModule {
    type Target = LoadedModule;

    fn deref(&self) -> &LoadedModule {
        // SAFETY: it is owned, and there are no unique references.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for OwnedModule {
    fn drop(&mut self) {
        // SAFETY: it came from a box, and nothing refers to it any more: the machine ends, or it is a unit that is not in use
        // ([`super::units`]).
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// A loaded module.
pub(crate) struct LoadedModule {
    /// Its number in the VM.
    pub number: Cell<usize>,
    /// What imports resolve to, unique in the program.
    pub key: String,
    /// The path in messages.
    pub name: String,
    pub functions: Box<[Func]>,
    constants: Box<[Value]>,
    globals: RefCell<Globals>,
    /// The namespace whose globals these are, if other modules may have the same ones.
    pub namespace: Cell<Option<usize>>,
    natives: Box<[&'static Native]>,
    native_indices: Box<[u32]>,
    pub state: Cell<ModuleState>,
    imports: Box<[Import]>,
    /// For each import, what it refers to once that has been found.
    pub import_targets: Box<[OnceCell<ImportTarget>]>,
    pub parts: Box<[Part]>,
    /// Sorted by name; decoded when another module asks.
    exports: OnceCell<Vec<(Box<str>, u32)>>,
    /// Decoded when an error needs it.
    debug: OnceCell<Option<Debug>>,
    image: Image,
    /// What it counts for, if it is code of run time, of which there may be any amount.
    charge: Option<Charge>,
    /// Of such code: numbers of values that are kept as long as it is loaded.
    pub kept: Vec<u32>,
    /// Of such code: whether something is known to refer to it, since marking began (see [`super::units`]).
    pub in_use: Cell<bool>,
}

impl LoadedModule {
    /// Makes the module ready to run. `shared` are
    /// globals that it has in common with other modules.
    pub(crate) fn load(
        host: &Host,
        key: String,
        image: ModuleImage,
        shared: Option<(usize, Globals)>,
    ) -> Result<OwnedModule, LoadError> {
        let mut image = image.into_inner();
        let damaged = |error| LoadError::format(&key, error);
        let name = image.name().map_err(damaged)?.to_owned();
        let names = image.native_names().map_err(damaged)?;
        let mut native_refs = Vec::with_capacity(names.len());
        let mut native_indices = Vec::with_capacity(names.len());
        let mut missing = Vec::new();
        for native in names {
            match host.natives.find(native) {
                Some(index) => {
                    let found = host.natives.get(index);
                    let stand_in = host.stand_in(index, found);
                    native_refs.push(stand_in.map_or(found, |_| &BY_NUMBER));
                    native_indices.push(stand_in.unwrap_or(index));
                }
                None => match host.find_function(native) {
                    Some(number) => {
                        native_refs.push(&BY_NUMBER);
                        native_indices.push(number);
                    }
                    None => missing.push(native.to_owned()),
                },
            }
        }
        if !missing.is_empty() {
            return Err(LoadError::MissingNatives {
                module: name,
                natives: missing,
            });
        }
        if let Image::File(file) = &image {
            file.verify(&native_refs)
                .map_err(|source| LoadError::Invalid {
                    module: name.clone(),
                    source,
                })?;
        }
        let make = |_: &Heap| constants(host, &image);
        // Code of run time is freed with its constants.
        let constants = match &shared {
            Some(_) => host.heap.without_moving(make),
            None => host.heap.permanently(make),
        };
        let constants = constants.map_err(damaged)?;
        let imports = image.imports().map_err(damaged)?;
        let parts = image.parts().map_err(damaged)?.into_iter();
        let parts = parts
            .map(|(name, function)| Part {
                name: name.into(),
                function,
                state: Cell::new(ModuleState::New),
            })
            .collect();
        let is_unit = shared.is_some();
        let (namespace, globals) = match shared {
            Some((namespace, globals)) if globals.len() >= image.global_count() => {
                (Some(namespace), globals)
            }
            _ => (None, unbound_globals(image.global_count())),
        };
        if !host.functions.is_empty() {
            // What the program does not define itself, the embedder may have.
            for (index, global) in globals.iter().enumerate() {
                if global.get() == Value::UNBOUND
                    && let Some(name) = image.global_name(index)
                    && let Some(number) = host.find_function(name)
                {
                    global.set(Value::native(number));
                }
            }
        }
        if is_unit {
            image.forget_what_is_known();
        }
        let module = LoadedModule {
            number: Cell::new(usize::MAX),
            name,
            functions: Box::new([]),
            constants: constants.into_boxed_slice(),
            globals: RefCell::new(globals),
            namespace: Cell::new(namespace),
            natives: native_refs.into_boxed_slice(),
            native_indices: native_indices.into_boxed_slice(),
            state: Cell::new(ModuleState::New),
            import_targets: imports.iter().map(|_| OnceCell::new()).collect(),
            imports: imports.into_boxed_slice(),
            parts,
            exports: OnceCell::new(),
            debug: OnceCell::new(),
            image,
            key,
            charge: None,
            kept: Vec::new(),
            in_use: Cell::new(true),
        };
        let name = module.key.clone();
        OwnedModule::new(module).map_err(|error| LoadError::format(&name, error))
    }

    /// The functions of the module, which lies at `place`; not yet with the pointer to the first of them.
    fn functions(&self, place: *const LoadedModule) -> Result<Box<[Func]>, FormatError> {
        let count = self.image.function_count();
        let mut functions = Vec::with_capacity(count);
        let globals = address(&self.globals.borrow());
        for index in 0..count {
            let Some(function) = self.image.function(index)? else {
                break;
            };
            functions.push(Func {
                code: function.code.as_ptr(),
                constants: self.constants.as_ptr(),
                globals: Cell::new(globals),
                natives: self.natives.as_ptr(),
                module: place,
                functions: std::ptr::null(),
                registers: function.registers,
                parameters: function.parameters,
                required: function.required,
                index: index as u32,
                rest: function.rest,
                exact_parameters: if !function.rest && function.required == function.parameters {
                    function.parameters
                } else {
                    INEXACT
                },
                has_handlers: function.has_handlers,
            });
        }
        Ok(functions.into_boxed_slice())
    }

    /// Counts it among the data of the program.
    pub(crate) fn count(&mut self, host: &Host) {
        let tables = self.constants.len() + 2 * self.natives.len() + 2 * self.import_targets.len();
        let bytes = size_of::<LoadedModule>()
            + self.image.bytes()
            + self.key.len()
            + self.name.len()
            + size_of_val(&*self.functions)
            + (tables + self.kept.len()) * size_of::<u64>()
            + BYTES_OF_PIECES;
        let mut charge = host.heap.account.charge();
        charge.set(bytes);
        self.charge = Some(charge);
    }

    /// Bytes that it counts for.
    pub(super) fn bytes(&self) -> usize {
        self.charge.as_ref().map_or(0, Charge::bytes)
    }

    /// The constants of its functions.
    pub(super) fn constants(&self) -> &[Value] {
        &self.constants
    }

    /// The global variables.
    pub(crate) fn globals(&self) -> Globals {
        self.globals.borrow().clone()
    }

    /// Replaces the global variables by those of a namespace, which hold the same values in the same
    /// places and perhaps more.
    pub(crate) fn share_globals(&self, namespace: usize, globals: &Globals) {
        self.namespace.set(Some(namespace));
        for function in &self.functions {
            function.globals.set(address(globals));
        }
        self.globals.replace(globals.clone());
    }

    /// Number of globals that the module itself names.
    pub(crate) fn global_count(&self) -> usize {
        self.image.global_count()
    }

    /// The native with this index as a value.
    pub(crate) fn native_value(&self, index: usize) -> Value {
        self.native_indices
            .get(index)
            .map_or(Value::NIL, |&number| Value::native(number))
    }

    /// Shows the frames that a word of a function stands for to `visit`, innermost first: see
    /// [`sema_format::frames`].
    pub(crate) fn frames(
        &self,
        function: u32,
        pc: u32,
        waiting: bool,
        visit: &mut dyn FnMut(TraceFrame<'_>),
    ) {
        let unknown = TraceFrame {
            inlined: None,
            location: None,
        };
        if let Image::Owned(module) = &self.image {
            let Some(code) = module.functions.get(function as usize) else {
                return visit(unknown);
            };
            return frames::unfold(
                &code.lines,
                &code.inlined,
                pc,
                waiting,
                &mut |call, place| {
                    visit(TraceFrame {
                        inlined: call.map(|call| (call.name.as_deref(), call.library)),
                        location: place.map(|place| Location {
                            file: module
                                .files
                                .get(place.file as usize)
                                .map_or("", String::as_str),
                            line: place.line,
                            column: place.column,
                        }),
                    });
                },
            );
        }
        match self.debug.get_or_init(|| self.image.debug()) {
            Some(debug) => debug.frames(function, pc, waiting, visit),
            None => visit(unknown),
        }
    }

    /// The name of a function, if it has one.
    pub(crate) fn function_name(&self, function: u32) -> Option<&str> {
        self.image.function_name(function)
    }

    /// Whether a function belongs to the embedded library.
    pub(crate) fn is_library(&self, function: u32) -> bool {
        self.image.is_library(function)
    }

    /// The handler that catches what is raised at word `at` of a function.
    pub(crate) fn handler(&self, function: u32, at: u32) -> Option<Handler> {
        self.image.handler(function, at)
    }

    /// The name of what a function runs and how far that is, if it is the main function of the module
    /// or of one of its parts.
    pub(crate) fn run_by(&self, function: u32) -> Option<(&str, &Cell<ModuleState>)> {
        if function == 0 {
            return Some((&self.name, &self.state));
        }
        let part = self.parts.iter().find(|part| part.function == function)?;
        Some((&part.name, &part.state))
    }

    /// The main function of a part.
    pub(crate) fn part_main(&self, part: usize) -> Option<&Func> {
        self.functions.get(self.parts.get(part)?.function as usize)
    }

    /// An import.
    pub(crate) fn import(&self, index: usize) -> Option<&Import> {
        self.imports.get(index)
    }

    /// Names and globals of the exports, sorted by name.
    pub(crate) fn exports(&self) -> &[(Box<str>, u32)] {
        self.exports.get_or_init(|| {
            // The section was checked with the rest of the file; a writer's mistake shows as names
            // that are not exported.
            self.image.exports().unwrap_or_default()
        })
    }

    /// The global that an export refers to.
    pub(crate) fn export(&self, name: &str) -> Option<usize> {
        let exports = self.exports();
        let place = exports.partition_point(|(exported, _)| **exported < *name);
        let (exported, global) = exports.get(place)?;
        (**exported == *name).then_some(*global as usize)
    }

    /// The name of a global.
    pub(crate) fn global_name(&self, index: usize) -> Option<&str> {
        self.image.global_name(index)
    }

    /// The global with this name.
    pub(crate) fn global_index(&self, name: &str) -> Option<usize> {
        (0..self.image.global_count()).find(|index| self.global_name(*index) == Some(name))
    }
}

impl Func {
    pub(crate) fn module(&self) -> &LoadedModule {
        // SAFETY: functions live inside their module, which is never moved, and unloaded only when nothing refers to
        // its functions ([`super::units`]).
        unsafe { &*self.module }
    }

    /// The name in messages: anonymous functions are `<lambda>`.
    pub(crate) fn name(&self) -> &str {
        self.module().function_name(self.index).unwrap_or(ANONYMOUS)
    }

    /// The closure-field encoding of this function.
    pub(crate) fn encode(&self) -> Value {
        Value::index(std::ptr::from_ref(self) as usize)
    }

    /// The function that field 0 of a closure refers to.
    #[inline(always)]
    pub(crate) fn decode(field: Value) -> *const Func {
        (field.bits() & 0xFFFF_FFFF_FFFF) as *const Func
    }
}

/// The function of a closure.
pub(crate) fn closure_function(host: &Host, closure: Value) -> Option<&Func> {
    if closure.kind() != Kind::Closure {
        return None;
    }
    // SAFETY: field 0 of a closure is written only by the VM, from `Func::encode`.
    unsafe { Func::decode(host.heap.field(closure, 0)).as_ref() }
}

/// What a closure tells about itself.
pub(super) fn closure_facts(host: &Host, closure: Value) -> Option<FunctionFacts<'_>> {
    let function = closure_function(host, closure)?;
    Some(FunctionFacts {
        name: function.name(),
        required: usize::from(function.required),
        most: (!function.rest).then_some(usize::from(function.parameters)),
    })
}
