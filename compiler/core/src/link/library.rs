//! The part of the standard library that is written in Sema, and how it gets into modules.
//!
//! The files of `compiler/lib` are embedded. Each module gets private copies of the functions it
//! reaches, so that they can be specialised and so that a module stands alone; what a program does
//! not reach is not in its output.

use crate::hashing::{HashMap, HashSet};
use std::cell::RefCell;
use std::rc::Rc;

use crate::front::datum::{FileId, Interner, Span};
use crate::front::source::SourceMap;
use crate::ir::builtins::{Builtins, CONSTANT_NAMES};
use crate::ir::library::{ENTRIES, FILES, Function};
use crate::ir::walk::{for_each_child, for_each_child_mut};
use crate::ir::{Builtin, Expr, ExprKind, Global, GlobalId, Unit, VarId, Variable, called};
use crate::link::definitions::{self, Lowered};

pub use crate::link::definitions::LibraryError;

/// The library in one compilation.
pub struct Library {
    builtins: Builtins,
    /// The numbers of its files in the source map.
    files: Vec<FileId>,
    /// The functions that have been reached so far.
    lowered: RefCell<HashMap<Builtin, Lowered>>,
}

/// Names of library functions that a unit got, by global.
pub type Linked = HashSet<GlobalId>;

impl Library {
    /// The library of a compilation whose positions refer to this source map. Nothing of it is read yet.
    pub fn new(sources: &mut SourceMap) -> Library {
        let files = FILES.iter();
        let files = files.map(|file| sources.add(format!("<library>/{}", file.name), file.text));
        Library {
            builtins: Builtins::with_library(ENTRIES, CONSTANT_NAMES),
            files: files.collect(),
            lowered: RefCell::default(),
        }
    }

    /// All names that exist before the program defines any: natives, library functions, constants.
    pub fn builtins(&self) -> &Builtins {
        &self.builtins
    }

    /// Lowers the functions that a unit reaches. What a lowered function reaches is lowered, too.
    fn lower_reached(&self, unit: &Unit, interner: &mut Interner) -> Result<(), LibraryError> {
        let mut lowered = self.lowered.borrow_mut();
        let mut reached: Vec<&'static Function> = Vec::new();
        let mut seen: HashSet<Builtin> = HashSet::default();
        let mut reach = |builtin: Builtin, reached: &mut Vec<&'static Function>| {
            if let Some(function) = builtin.function()
                && !lowered.contains_key(&builtin)
                && seen.insert(builtin)
            {
                reached.push(function);
            }
        };
        for form in &unit.body {
            for_each_builtin(form, &mut |builtin| reach(builtin, &mut reached));
        }
        for global in &unit.globals {
            if let Some(builtin) = global.shadows {
                reach(builtin, &mut reached);
            }
        }
        // Kept only when all of them are right: none of them lacks what it reaches.
        let mut all = HashMap::default();
        while !reached.is_empty() {
            let functions = std::mem::take(&mut reached);
            let new = definitions::lower(&functions, &self.files, interner, &self.builtins)?;
            for Lowered { lambda, .. } in new.values() {
                for_each_builtin(&lambda.body, &mut |builtin| reach(builtin, &mut reached));
            }
            all.extend(new);
        }
        lowered.extend(all);
        Ok(())
    }

    /// Adds to `builtins` the functions of the library that use them, directly or not, as far as this unit or an
    /// earlier one reaches them. Gives the number of functions that were looked at: nothing is done if it is
    /// still `looked_at`.
    ///
    /// # Errors
    /// A function is not valid: a defect of this compiler.
    pub fn add_users(
        &self,
        unit: &Unit,
        interner: &mut Interner,
        builtins: &mut HashSet<Builtin>,
        looked_at: usize,
    ) -> Result<usize, LibraryError> {
        self.lower_reached(unit, interner)?;
        let lowered = self.lowered.borrow();
        if lowered.len() == looked_at {
            return Ok(looked_at);
        }
        let mut users: HashMap<Builtin, Vec<Builtin>> = HashMap::default();
        for (user, Lowered { lambda, .. }) in &*lowered {
            for_each_builtin(&lambda.body, &mut |used| {
                users.entry(used).or_default().push(*user);
            });
        }
        let mut work: Vec<Builtin> = builtins.iter().copied().collect();
        while let Some(builtin) = work.pop() {
            for user in users.get(&builtin).into_iter().flatten() {
                if builtins.insert(*user) {
                    work.push(*user);
                }
            }
        }
        Ok(lowered.len())
    }

    /// Puts the library functions that a unit uses, directly or not, in front of its code and
    /// makes their uses refer to them.
    /// `is_present` tells of functions that are values of the unit's globals already.
    ///
    /// # Errors
    /// A function is not valid: a defect of this compiler.
    pub fn link(
        &self,
        unit: &mut Unit,
        interner: &mut Interner,
        is_present: &dyn Fn(Builtin) -> bool,
    ) -> Result<Linked, LibraryError> {
        self.lower_reached(unit, interner)?;
        let lowered = self.lowered.borrow();
        let mut link = Link {
            is_present,
            globals: HashMap::default(),
            pending: Vec::new(),
            names: &mut unit.globals,
        };
        for form in &mut unit.body {
            link.uses(form);
        }
        // Globals that are library functions until the program redefines them.
        let mut shadowed = Vec::new();
        for (number, global) in link.names.iter_mut().enumerate() {
            if let Some(builtin) = global.shadows
                && builtin.function().is_some()
            {
                global.shadows = None;
                global.mutable = true;
                shadowed.push((GlobalId(number as u32), builtin));
            }
        }
        let span = Span::default();
        let initial: Vec<Expr> = shadowed
            .into_iter()
            .map(|(global, builtin)| {
                let value = Expr::new(ExprKind::Global(link.global(builtin)), span);
                Expr::new(ExprKind::DefineGlobal(global, Box::new(value)), span)
            })
            .collect();
        let mut definitions = Vec::new();
        let mut linked = Linked::default();
        while let Some((builtin, target)) = link.pending.pop() {
            linked.insert(target);
            if let Some(Lowered { lambda, variables }) = lowered.get(&builtin) {
                let mut value = Expr::new(ExprKind::Lambda(lambda.clone()), lambda.span);
                link.uses(&mut value);
                let base = unit.variables.len() as u32;
                let mut copy = Copy {
                    original: variables,
                    base,
                    mapping: HashMap::default(),
                    variables: &mut unit.variables,
                };
                copy.expr(&mut value);
                definitions.push(Expr::new(
                    ExprKind::DefineGlobal(target, Box::new(value)),
                    Span::default(),
                ));
            }
        }
        unit.body
            .splice(0..0, definitions.into_iter().chain(initial));
        Ok(linked)
    }
}

/// Calls `visit` with every builtin that an expression mentions.
fn for_each_builtin(expr: &Expr, visit: &mut dyn FnMut(Builtin)) {
    if let ExprKind::Builtin(builtin) = expr.kind {
        visit(builtin);
    }
    for_each_child(expr, &mut |child| for_each_builtin(child, visit));
}

struct Link<'u> {
    is_present: &'u dyn Fn(Builtin) -> bool,
    globals: HashMap<Builtin, GlobalId>,
    pending: Vec<(Builtin, GlobalId)>,
    names: &'u mut Vec<Global>,
}

impl Link<'_> {
    fn global(&mut self, builtin: Builtin) -> GlobalId {
        if let Some(&global) = self.globals.get(&builtin) {
            return global;
        }
        let global = GlobalId(self.names.len() as u32);
        // A space keeps the name apart from all that programs can write.
        let name_in_unit = Rc::from(format!(" {}", builtin.name()));
        self.names.push(Global {
            name: name_in_unit,
            shadows: None,
            definitions: 1,
            mutable: false,
            span: Span::default(),
        });
        self.globals.insert(builtin, global);
        if !(self.is_present)(builtin) {
            self.pending.push((builtin, global));
        }
        global
    }

    /// Makes uses of library functions refer to their globals.
    fn uses(&mut self, expr: &mut Expr) {
        apply_form(expr);
        if let ExprKind::Builtin(builtin) = expr.kind
            && builtin.function().is_some()
        {
            expr.kind = ExprKind::Global(self.global(builtin));
        }
        for_each_child_mut(expr, &mut |child| self.uses(child));
    }
}

/// A call of `apply` (or of the library's `%apply`) with a sequence is an instruction.
fn apply_form(expr: &mut Expr) {
    if let ExprKind::Call(callee, arguments) = &mut expr.kind
        && matches!(
            callee.kind,
            ExprKind::Builtin(called::APPLY | called::LIBRARY_APPLY)
        )
        && arguments.len() >= 2
    {
        let mut arguments = std::mem::take(arguments);
        let function = arguments.remove(0);
        expr.kind = ExprKind::Apply(Box::new(function), arguments);
    }
}

/// Gives the variables of a copied function new numbers.
struct Copy<'l, 'u> {
    /// The variables as the function has been lowered with them.
    original: &'l [Variable],
    base: u32,
    mapping: HashMap<VarId, VarId>,
    variables: &'u mut Vec<Variable>,
}

impl Copy<'_, '_> {
    fn variable(&mut self, variable: &mut VarId) {
        let next = VarId(self.base + self.mapping.len() as u32);
        let new = *self.mapping.entry(*variable).or_insert(next);
        if new == next && self.variables.len() as u32 == next.0 {
            let copied = self.original.get(variable.0 as usize).cloned();
            self.variables.push(copied.unwrap_or(Variable {
                name: Rc::from(""),
                assigned: true,
            }));
        }
        *variable = new;
    }

    fn expr(&mut self, expr: &mut Expr) {
        crate::middle::rename::variables(expr, &mut |variable| self.variable(variable));
    }
}
