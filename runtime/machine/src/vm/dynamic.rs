//! Code that is only known at run time: what a program asks for, and who answers.
//!
//! A native raises [`Signal::Dynamic`] with a [`Request`]. If a compiler is attached
//! ([`Vm::set_dynamic`]) it answers; else compiled modules can be imported and everything that would
//! need a compiler is an `:unsupported` condition.

use std::rc::Rc;

use super::module::ModuleState;
use super::{LoadError, Vm};
use crate::data::collections::sorted_map;
use crate::host::arguments::text;
use crate::host::condition::{Condition, ConditionKind, Outcome, Signal, eval_error};
pub use crate::host::request::Request;
use crate::memory::value::{Kind, Value};

/// An answer to a [`Request`].
pub enum Answer {
    /// This value.
    Value(Value),
    /// What this function, which takes no arguments, gives.
    Call(Value),
}

/// What can compile code at run time.
pub trait Dynamic {
    /// Answers a request of code in the module with the number `requester`. May call
    /// [`Vm::answer_compiled`] for what needs no compiler.
    ///
    /// # Errors
    /// The condition that the program gets.
    fn answer(&self, vm: &mut Vm, requester: usize, request: Request) -> Outcome<Answer>;
}

impl Vm {
    /// Attaches a compiler.
    pub fn set_dynamic(&mut self, dynamic: Rc<dyn Dynamic>) {
        self.dynamic = Some(dynamic);
    }

    /// Answers a request of the running function.
    #[cold]
    pub(crate) fn answer(&mut self, request: Request) -> Outcome<Answer> {
        // SAFETY: the function runs, so its module is loaded.
        let requester = unsafe { &*self.task.registers.func }.module();
        let requester = requester.number.get();
        match self.dynamic.clone() {
            Some(dynamic) => dynamic.answer(self, requester, request),
            None => self.answer_compiled(requester, request),
        }
    }

    /// Answers what needs no compiler.
    ///
    /// # Errors
    /// `:unsupported` if the request needs one, or the condition that the program gets.
    pub fn answer_compiled(&mut self, requester: usize, request: Request) -> Outcome<Answer> {
        let value = match request {
            Request::Eval(_) => return Err(unsupported("eval")),
            Request::Expand(_) => return Err(unsupported("macroexpand of a computed form")),
            Request::Read { all: false, .. } => return Err(unsupported("read")),
            Request::Read { all: true, .. } => return Err(unsupported("read-many")),
            Request::Check { function, .. } => return Err(unsupported(function)),
            Request::OpenLoad(path) => {
                let path = self.path("load", path)?;
                match self.open_compiled(requester, &path)? {
                    Some(handle) => {
                        self.run_again(handle);
                        handle
                    }
                    None if std::fs::exists(&path).unwrap_or(false) => {
                        return Err(unsupported(&format!("load {path}:")));
                    }
                    None => return Err(missing("load", &path)),
                }
            }
            Request::OpenImport(path) => {
                let path = self.path("import", path)?;
                match self.open_compiled(requester, &path)? {
                    Some(handle) => handle,
                    None if std::fs::exists(&path).unwrap_or(false) => {
                        return Err(unsupported(&format!("import {path}:")));
                    }
                    None => return Err(missing("import", &path)),
                }
            }
            Request::Next(handle) => self.next_of_compiled(handle)?,
            Request::Bind(handle, names) => {
                let exports = self.exports_of_compiled(handle)?;
                let wanted: Vec<Value> = self.host.heap.list_iter(names).collect();
                if wanted.is_empty() {
                    self.bind_known(requester, &exports);
                }
                self.selected(&exports, &wanted)?
            }
        };
        Ok(Answer::Value(value))
    }

    /// The path that a program gave to `form`.
    ///
    /// # Errors
    /// It is not a string.
    pub fn path(&self, form: &str, path: Value) -> Outcome<String> {
        text(&self.host, form, &[path], 0).map(str::to_owned)
    }

    /// The key of a module, which is what its own imports are resolved from.
    pub fn module_key(&self, module: usize) -> &str {
        self.module(module).map_or("", |module| &module.key)
    }

    /// The handle of a compiled module; `None` if there is none of this path.
    ///
    /// # Errors
    /// It cannot be loaded; or it is being run already, by a task that waits for this one: a cycle; or by another one: then
    /// the signal makes the running task wait for that, and the request gives nil.
    pub fn open_compiled(&mut self, requester: usize, path: &str) -> Outcome<Option<Value>> {
        let importer = self.module_key(requester).to_owned();
        let number = match self.load_from_source(path, &importer) {
            Ok(Some(number)) => number,
            // A source file, which a compiler can take if there is one.
            Ok(None) | Err(LoadError::NeedsCompiler(_)) => return Ok(None),
            Err(error) => return Err(error.condition().signal()),
        };
        let module = self.module(number);
        if module.is_some_and(|module| module.state.get() == ModuleState::Running) {
            let runner = self.task.id;
            if let Some(wait) = self.wait_for_module(number, runner) {
                return Err(wait);
            }
            let path = self.cycle((number, 0));
            return Err(eval_error(format!("cyclic import detected: {path}")));
        }
        Ok(Some(Value::index(number)))
    }

    /// Makes a module that has run run again.
    pub fn run_again(&self, handle: Value) {
        let number = self.compiled(handle).ok();
        if let Some(module) = number.and_then(|number| self.module(number))
            && module.state.get() == ModuleState::Done
        {
            module.state.set(ModuleState::New);
        }
    }

    fn compiled(&self, handle: Value) -> Outcome<usize> {
        let number = handle
            .as_fixnum()
            .and_then(|number| usize::try_from(number).ok());
        number
            .filter(|number| self.is_loaded(*number))
            .ok_or_else(|| eval_error("this is not a module"))
    }

    fn next_of_compiled(&mut self, handle: Value) -> Outcome {
        let number = self.compiled(handle)?;
        let module = self.module(number);
        if module.is_none_or(|module| module.state.get() != ModuleState::New) {
            return Ok(Value::FALSE);
        }
        self.begin_module(number);
        Ok(self.main_of(number))
    }

    /// Names and values of what a compiled module exports.
    ///
    /// # Errors
    /// The handle is that of something else.
    pub fn exports_of_compiled(&self, handle: Value) -> Outcome<Vec<(Box<str>, Value)>> {
        let number = self.compiled(handle)?;
        let Some(module) = self.module(number) else {
            return Ok(Vec::new());
        };
        let globals = module.globals();
        let exports = module.exports().iter().filter_map(|(name, global)| {
            let value = globals.get(*global as usize)?.get();
            (value != Value::UNBOUND).then(|| (name.clone(), value))
        });
        Ok(exports.collect())
    }

    /// Sets the globals of a module that have the names of exports.
    fn bind_known(&mut self, module: usize, exports: &[(Box<str>, Value)]) {
        let Some(module) = self.module(module) else {
            return;
        };
        let globals = module.globals();
        for (name, value) in exports {
            let global = module.global_index(name);
            if let Some(cell) = global.and_then(|global| globals.get(global)) {
                cell.set(*value);
            }
        }
    }

    /// The exports with the names `wanted`, as a map from symbols.
    ///
    /// # Errors
    /// One is not exported.
    pub fn selected(&self, exports: &[(Box<str>, Value)], wanted: &[Value]) -> Outcome {
        let mut entries = Vec::with_capacity(wanted.len());
        for symbol in wanted {
            let name = self.host.name_of(*symbol).unwrap_or_default();
            let export = exports.iter().find(|(exported, _)| **exported == *name);
            let Some((_, value)) = export else {
                return Err(eval_error(format!(
                    "import: module does not export '{name}'"
                )));
            };
            entries.push((*symbol, *value));
        }
        Ok(sorted_map::from_entries(&self.host, &entries))
    }

    /// A function without arguments that runs the main function of a loaded module.
    pub fn main_of(&self, module: usize) -> Value {
        let main = self
            .module(module)
            .and_then(|module| module.functions.first());
        match main {
            Some(main) => self.host.heap.object(Kind::Closure, 0, &[main.encode()]),
            None => Value::NIL,
        }
    }
}

/// The condition for a file that does not exist.
pub fn missing(form: &str, path: &str) -> Box<Signal> {
    let message = format!("{form} {path}: No such file or directory (os error 2)");
    Condition::new(ConditionKind::Io, message).signal()
}

/// A condition for what only a runtime with a compiler can do.
pub fn unsupported(what: &str) -> Box<Signal> {
    let message =
        format!("{what} needs a compiler at run time, which this program does not contain");
    Condition::new(ConditionKind::Unsupported, message)
        .hint("build it with --dynamic, or compile the code ahead of time")
        .signal()
}
