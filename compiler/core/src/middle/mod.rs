//! The middle end: rewrites of the core language that every back end profits from.
//!
//! Each pass is a module with a function `run`. All rely on every variable being bound in one place
//! ([`check`]) and keep it so.

pub mod census;
pub mod check;
pub mod classes;
pub mod copy;
pub mod early;
pub mod evaluate;
pub mod fold;
pub mod frames;
pub mod functions;
pub mod inline;
pub mod known;
pub mod letrec;
pub mod lift;
pub mod likely;
pub mod loops;
pub mod matches;
pub mod multimethods;
pub mod owned;
pub mod purity;
pub mod ranges;
pub mod records;
pub mod rename;
pub mod simplify;
pub mod specialise;
pub mod stop;
pub mod unused;
pub mod variables;
pub mod wide;

use crate::hashing::HashSet;
use std::rc::Rc;

use self::evaluate::Evaluator;
use crate::front::datum::{Interner, Span};
use crate::ir::{Global, GlobalId, Unit};
use crate::phases::Observer;

/// What is known of the globals of a unit.
#[derive(Clone, Debug, Default)]
pub struct Globals {
    /// Those that always hold their single definition: a function, or a record type that only the
    /// builtins for records are given.
    pub known: HashSet<GlobalId>,
    /// Functions of the embedded library, and copies of them.
    pub library: HashSet<GlobalId>,
    /// Other functions that the program cannot name: made by the optimiser.
    pub hidden: HashSet<GlobalId>,
    /// Whether the optimiser may add globals.
    pub extensible: bool,
    /// The globals that code outside of the unit can read; `None` if that may be any.
    pub exported: Option<HashSet<GlobalId>>,
}

impl Globals {
    /// Whether the program cannot name it.
    pub fn is_hidden(&self, global: GlobalId) -> bool {
        self.library.contains(&global) || self.hidden.contains(&global)
    }

    /// Whether nothing but code of the unit can read the value that its only definition gives it.
    pub fn is_private(&self, global: GlobalId) -> bool {
        let exported = self.exported.as_ref();
        self.is_hidden(global)
            || self.known.contains(&global) && exported.is_some_and(|all| !all.contains(&global))
    }

    /// Adds a global for a function that the program cannot name.
    pub fn add(&mut self, globals: &mut Vec<Global>, name: &str, library: bool) -> GlobalId {
        let global = GlobalId(globals.len() as u32);
        globals.push(Global {
            // A space keeps the name apart from all that programs can write.
            name: Rc::from(format!(" {} {}", name.trim_start(), global.0)),
            shadows: None,
            definitions: 1,
            mutable: false,
            span: Span::default(),
        });
        self.known.insert(global);
        if library {
            self.library.insert(global);
        } else {
            self.hidden.insert(global);
        }
        global
    }
}

/// Optimises a unit whose calls in tail position are marked ([`frames::mark`]).
///
/// `names` are those of symbols and keywords in its constants; `phases` is told which pass begins.
pub fn run(
    unit: &mut Unit,
    globals: &mut Globals,
    level: u8,
    names: &Interner,
    phases: &dyn Observer,
) {
    debug_assert_eq!(check::bound_twice(unit), None);
    if level == 0 {
        return;
    }
    let evaluator = Evaluator::new(names);
    let evaluator = (level > 1).then_some(&evaluator);
    phases.begin("letrec");
    if level > 1 && globals.extensible && !unit.dynamic {
        let known = known::multimethods(unit);
        multimethods::run(unit, globals, &known);
    }
    letrec::run(unit);
    phases.begin("matches");
    matches::run(unit);
    phases.begin("simplify");
    simplify::run(unit, &globals.known, evaluator);
    if level > 1 {
        inline(unit, globals, evaluator, phases);
        if globals.extensible {
            phases.begin("specialise");
            specialise::run(unit, globals);
            phases.begin("simplify");
            simplify::run(unit, &globals.known, evaluator);
        }
        inline(unit, globals, evaluator, phases);
        if globals.extensible {
            phases.begin("lift");
            lift::run(unit, globals);
        }
    }
    if globals.extensible {
        phases.begin("unused");
        unused::run(unit, globals);
    }
    if level > 1 {
        phases.begin("ranges");
        ranges::run(unit);
        phases.begin("owned");
        owned::run(unit, globals);
    }
    debug_assert_eq!(check::bound_twice(unit), None);
}

/// Inlines what inlining brings to light, for some rounds.
fn inline(
    unit: &mut Unit,
    globals: &mut Globals,
    evaluator: Option<&Evaluator<'_>>,
    phases: &dyn Observer,
) {
    for _ in 0..3 {
        phases.begin("inline");
        if !inline::run(unit, globals) {
            return;
        }
        phases.begin("simplify");
        simplify::run(unit, &globals.known, evaluator);
        phases.begin("unused");
        // What has been inlined everywhere needs no more work.
        unused::run(unit, globals);
    }
}
