//! What all modules of one compilation share.

use crate::hashing::{HashMap, HashSet};
use std::rc::Rc;

use super::arity::Taken;
use super::toplevel::Evaluated;
use crate::front::datum::{Datum, Interner, Span, Symbol};
use crate::front::diagnostic::Diagnostic;
use crate::front::expand::host::MacroHost;
use crate::front::expand::trace::Trace;
use crate::front::lower::externs::HostFunction;
use crate::front::modules::loader::Loader;
use crate::front::names::Names;
use crate::front::source::{NO_SOURCES, SourceMap};
use crate::ir::builtins::Builtins;
use crate::phases::{Observer, Unobserved};

/// One compilation.
pub struct Session<'s> {
    pub(crate) interner: &'s mut Interner,
    pub(crate) names: Names,
    pub(crate) builtins: &'s Builtins,
    pub(crate) host: &'s mut dyn MacroHost,
    /// All modules, and how to reach further ones; none for a program of one file.
    pub(crate) loader: Option<Loader<'s>>,
    /// What was found wrong so far.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What calls of macros that programs have defined expanded to last, by the places of the calls.
    pub(crate) expansions: HashMap<Span, Datum>,
    /// How many parts expansions have added to the form at top level that is being lowered.
    pub(crate) parts_made: u32,
    /// What all of them expanded to, if somebody wants to read that.
    pub(crate) trace: Option<Trace>,
    /// What has been run at build time.
    pub(crate) evaluated: Evaluated,
    /// Names of builtins and general macros that have values of their own by now: the program is
    /// running.
    pub(crate) redefined: HashSet<Symbol>,
    /// Whether there will be a compiler when the program runs.
    pub(crate) compiler_at_run_time: bool,
    /// Codes of warnings that stay warnings although they are about what is certain to fail.
    pub(crate) allowed: Vec<String>,
    /// The functions that whoever runs the program adds to the builtins.
    pub(crate) externs: Vec<HostFunction>,
    /// Functions that never change, by the names of modules that have been lowered and the names that these give them.
    pub(crate) functions: HashMap<Rc<str>, HashMap<Rc<str>, Taken>>,
    /// The imports of modules that are being lowered.
    pub(crate) cycles: Vec<Cycle>,
    /// Modules that import others whenever they start.
    pub(crate) starts: HashSet<(Rc<str>, Rc<str>)>,
    /// Is told what goes on.
    pub(crate) phases: &'s dyn Observer,
    /// For names of variables made by the front end.
    fresh: u32,
}

/// An import of a module that is being lowered.
pub(crate) struct Cycle {
    pub(crate) span: Span,
    /// The imported module, and those from there to the one with the import, each imported by the one before.
    pub(crate) modules: Vec<Rc<str>>,
    /// Whether it is reached whenever its module starts.
    pub(crate) certain: bool,
}

/// The texts of a compilation.
pub(crate) fn sources_of<'l>(loader: &'l Option<Loader<'_>>) -> &'l SourceMap {
    loader
        .as_ref()
        .map_or(&NO_SOURCES, |loader| &*loader.sources)
}

impl<'s> Session<'s> {
    /// A compilation without modules.
    pub fn new(
        interner: &'s mut Interner,
        builtins: &'s Builtins,
        host: &'s mut dyn MacroHost,
    ) -> Session<'s> {
        let names = Names::new(interner);
        Session {
            interner,
            names,
            builtins,
            host,
            loader: None,
            diagnostics: Vec::new(),
            expansions: HashMap::default(),
            parts_made: 0,
            trace: None,
            evaluated: Evaluated::default(),
            redefined: HashSet::default(),
            compiler_at_run_time: false,
            allowed: Vec::new(),
            externs: Vec::new(),
            functions: HashMap::default(),
            cycles: Vec::new(),
            starts: HashSet::default(),
            phases: &Unobserved,
            fresh: 0,
        }
    }

    /// A name that no program can write.
    pub(crate) fn fresh_name(&mut self, stem: &str) -> crate::front::datum::Symbol {
        self.fresh += 1;
        self.interner
            .get_or_intern(format!("{stem} {}", self.fresh))
    }

    /// The text of a symbol.
    pub(crate) fn text(&self, symbol: crate::front::datum::Symbol) -> Rc<str> {
        Rc::from(self.interner.resolve(&symbol))
    }
}
