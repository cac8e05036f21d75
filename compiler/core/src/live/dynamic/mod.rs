//! Code at run time: `eval`, `macroexpand`, `read`, and `load` and `import` of computed paths.
//!
//! The compiler of the build works inside the running program here. A form becomes a module whose
//! globals are those of the module that asks, so definitions are visible to code compiled before, by
//! name. Macro transformers are functions of the running program.
//!
//! While a transformer runs, the program may ask again. Each level of such nesting has a compiler
//! of its own ([`compiler::Compiler`]); what they have in common is in [`state::State`].

mod compiler;
mod files;
mod host;
mod program;
mod requests;
mod state;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;

use sema_machine::host::condition::{Condition, ConditionKind, Outcome, eval_error};
use sema_machine::vm::{Answer, Dynamic, ModuleImage, Request, Vm};

use crate::front::datum::{FileId, new_interner};
use crate::front::reader::read_many_limited;
use crate::live::values;
use compiler::Compiler;
pub use program::definitions;
use state::State;

/// Name of the metadata entry with the macros of a program that contains the compiler.
pub const MACROS: &str = "macros";

/// Most levels of macro transformers that make the compiler run while it runs.
const NESTING_LIMIT: usize = 16;

/// What the compiler needs to know about the program that it works inside.
#[derive(Default)]
pub struct Setup {
    /// The macros of the program's modules, made by [`definitions`].
    pub macros: Option<ModuleImage>,
    /// Absolute paths of the files that the program's modules were made from, by module key. Empty
    /// for an executable, which has left its sources behind.
    pub sources: HashMap<String, PathBuf>,
    /// Root of installed packages, if there is one.
    pub package_root: Option<PathBuf>,
    /// Directory of the main file, where the search for `sema.lock` begins; none for an executable.
    pub program_directory: Option<PathBuf>,
    /// Whether source files are taken from the program alone, not from disk.
    pub embedded_only: bool,
}

/// The compiler as a part of a running program.
#[derive(Default)]
pub struct DynamicCompiler {
    /// By level of nesting; those at work are taken out.
    compilers: RefCell<Vec<Option<Box<Compiler>>>>,
    state: RefCell<State>,
}

impl DynamicCompiler {
    /// A compiler for a program.
    #[must_use]
    pub fn new(setup: Setup) -> DynamicCompiler {
        DynamicCompiler {
            compilers: RefCell::default(),
            state: RefCell::new(State::new(setup)),
        }
    }

    fn take_compiler(&self, level: usize) -> Outcome<Box<Compiler>> {
        if level >= NESTING_LIMIT {
            return Err(eval_error("macro expansion exceeded depth limit"));
        }
        let mut compilers = self.compilers.borrow_mut();
        if compilers.len() <= level {
            compilers.resize_with(level + 1, || None);
        }
        match compilers.get_mut(level).and_then(Option::take) {
            Some(compiler) => Ok(compiler),
            None => Ok(Box::new(Compiler::new())),
        }
    }
}

impl Dynamic for DynamicCompiler {
    fn answer(&self, vm: &mut Vm, requester: usize, request: Request) -> Outcome<Answer> {
        if let Request::Read { text, all } = request {
            let text = vm.host.heap.as_str(text).unwrap_or_default();
            return read(vm, text, all).map(Answer::Value);
        }
        if let Request::Eval(value) = request
            && let Some(value) = requests::self_evaluating(vm, value)
        {
            return Ok(Answer::Value(value));
        }
        let level = vm.nesting();
        let mut compiler = self.take_compiler(level)?;
        let answer = requests::Work {
            compiler: &mut compiler,
            state: &self.state,
            vm,
        }
        .answer(requester, request);
        // What is known of the environments is read anew by the next one; data that wait are made of its names.
        let is_full = compiler.is_full() && !self.state.borrow().has_forms();
        if let Some(place) = self.compilers.borrow_mut().get_mut(level)
            && !is_full
        {
            *place = Some(compiler);
        }
        answer
    }
}

/// Stack of a thread that compiles: lowering and code generation recurse over expressions, which are nested at most as
/// deeply as the front end allows.
pub const STACK_BYTES: usize = 256 << 20;

/// Runs a program that may compile on a thread with the stack that compiling takes.
///
/// # Errors
/// The thread cannot be started.
pub fn on_large_stack<T: Send>(run: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, run)?;
        Ok(thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// The data of a text.
fn read(vm: &Vm, text: &str, all: bool) -> Outcome {
    let mut interner = new_interner();
    let limit = if all { usize::MAX } else { 1 };
    // As in files.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let data = read_many_limited(&mut interner, FileId(u32::MAX), text, limit);
    let data = data.map_err(|error| {
        Condition::new(ConditionKind::Reader, error.located_message(text)).signal()
    })?;
    let mut values = data
        .iter()
        .map(|datum| values::plain_value(vm, datum, &interner));
    Ok(if all {
        let values: Vec<_> = values.collect();
        vm.host.heap.list(&values)
    } else {
        values
            .next()
            .unwrap_or(sema_machine::memory::value::Value::NIL)
    })
}
