//! The part of the standard library that is written in Sema, and how it gets into modules.
//!
//! The files of `compiler/lib` are embedded. Each module gets private copies of the functions it
//! reaches, so that they can be specialised and so that a module stands alone; what a program does
//! not reach is not in its output.

use std::collections::HashMap;
use std::rc::Rc;

use sema_machine::host::native::Arity;

use crate::front::datum::{Datum, DatumKind, Interner, Span, Symbol};
use crate::front::expand::host::NoHost;
use crate::front::lower;
use crate::front::reader;
use crate::front::source::SourceMap;
use crate::ir::builtins::{Builtins, CONSTANT_NAMES};
use crate::ir::declarations::{self, LIBRARY};
use crate::ir::walk::for_each_child_mut;
use crate::ir::{Builtin, Expr, ExprKind, Global, GlobalId, Lambda, Unit, VarId, Variable};
use crate::middle::frames;

/// The lowered library.
pub struct Library {
    unit: Unit,
    functions: HashMap<&'static str, (GlobalId, Rc<Lambda>)>,
    /// Name, arity, name of which it is an alias.
    pub entries: Vec<(&'static str, Arity, Option<&'static str>)>,
}

/// Why the embedded library cannot be used: a defect of this compiler.
#[derive(Debug, thiserror::Error)]
#[error("the embedded library is damaged: {0}")]
pub struct LibraryError(String);

/// Names of library functions that a unit got, by global.
pub type Linked = std::collections::HashSet<GlobalId>;

impl Library {
    /// Reads and lowers the embedded files.
    ///
    /// # Errors
    /// A file is not valid: a defect of this compiler.
    pub fn load(interner: &mut Interner, sources: &mut SourceMap) -> Result<Library, LibraryError> {
        declarations::library().map_err(|error| LibraryError(error.to_string()))?;
        let mut forms = Vec::new();
        let mut aliases = Vec::new();
        let mut optional: HashMap<Span, usize> = HashMap::new();
        let mut files: Vec<_> = LIBRARY
            .files()
            .filter(|file| file.path().extension().is_some_and(|e| e == "sema"))
            .collect();
        files.sort_by_key(|file| file.path());
        let marker = interner.get_or_intern("&opt");
        for file in files {
            let text = file.contents_utf8().unwrap_or_default();
            let name = file.path().display().to_string();
            let id = sources.add(format!("<library>/{name}"), text);
            let data = reader::read_all(interner, id, text).map_err(|errors| {
                LibraryError(format!("{name}: {}", errors[0].located_message(text)))
            })?;
            for datum in data {
                match alias(&datum, interner) {
                    Some((new, of, true)) => aliases.push((new, of)),
                    Some((new, of, false)) => {
                        let copy = forms
                            .iter()
                            .find_map(|form| copy_definition(form, of, new, interner));
                        forms.push(copy.ok_or_else(|| {
                            LibraryError(format!("{name}: define-copy of an unknown name"))
                        })?);
                    }
                    None => forms.push(without_markers(&datum, marker, &mut optional)),
                }
            }
        }
        let natives = Builtins::with_library(&[], CONSTANT_NAMES);
        let mut host = NoHost::default();
        let lowered = lower::lower_program("<library>", &forms, interner, &natives, &mut host)
            .map_err(|problems| {
                LibraryError(
                    problems
                        .iter()
                        .map(|p| format!("{p:?}"))
                        .collect::<Vec<_>>()
                        .join("; "),
                )
            })?;
        if let Some(problem) = lowered.warnings.first() {
            // Whatever a warning is about would go wrong in every program.
            return Err(LibraryError(format!(
                "{} at {:?}",
                problem.message, problem.primary
            )));
        }
        let mut unit = lowered.unit;
        for form in &mut unit.body {
            mark_optional(form, &optional);
            mark_library(form);
            frames::mark_expr(form);
        }
        let mut functions = HashMap::new();
        let mut entries = Vec::new();
        for form in &unit.body {
            if let ExprKind::DefineGlobal(global, value) = &form.kind
                && let ExprKind::Lambda(lambda) = &value.kind
                && let Some(defined) = unit.globals.get(global.0 as usize)
            {
                let name = leak(&defined.name);
                functions.insert(name, (*global, lambda.clone()));
                let parameters = lambda.parameters.len() as u8;
                let max = lambda.rest.is_none().then_some(parameters);
                entries.push((
                    name,
                    Arity {
                        min: parameters - lambda.optional as u8,
                        max,
                    },
                    None,
                ));
            }
        }
        for (new, of) in aliases {
            entries.push((
                leak(interner.resolve(&new)),
                Arity { min: 0, max: None },
                Some(leak(interner.resolve(&of))),
            ));
        }
        Ok(Library {
            unit,
            functions,
            entries,
        })
    }

    /// Puts the library functions that a unit uses, directly or not, in front of its code and
    /// makes their uses refer to them.
    /// `is_present` tells of functions that are values of the unit's globals already.
    pub fn link(&self, unit: &mut Unit, is_present: &dyn Fn(&str) -> bool) -> Linked {
        let mut link = Link {
            library: self,
            is_present,
            globals: HashMap::new(),
            pending: Vec::new(),
            names: &mut unit.globals,
        };
        for form in &mut unit.body {
            link.user(form);
        }
        // Globals that are library functions until the program redefines them.
        let mut shadowed = Vec::new();
        for (number, global) in link.names.iter_mut().enumerate() {
            if let Some(Builtin(name)) = global.shadows
                && let Some((&name, _)) = self.functions.get_key_value(name)
            {
                global.shadows = None;
                global.mutable = true;
                shadowed.push((GlobalId(number as u32), name));
            }
        }
        let span = Span::default();
        let initial: Vec<Expr> = shadowed
            .into_iter()
            .map(|(global, name)| {
                let value = Expr::new(ExprKind::Global(link.global(name)), span);
                Expr::new(ExprKind::DefineGlobal(global, Box::new(value)), span)
            })
            .collect();
        let mut definitions = Vec::new();
        let mut linked = Linked::new();
        while let Some((name, target)) = link.pending.pop() {
            linked.insert(target);
            if let Some((_, lambda)) = self.functions.get(name) {
                let mut value = Expr::new(ExprKind::Lambda(lambda.clone()), lambda.span);
                link.library(&mut value);
                let base = unit.variables.len() as u32;
                let mut copy = Copy {
                    library: self,
                    base,
                    mapping: HashMap::new(),
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
        linked
    }
}

/// Names live as long as the process: there is one library and its names are few.
fn leak(name: &str) -> &'static str {
    Box::leak(name.to_owned().into_boxed_str())
}

/// `(define-alias NEW OF)` (true) or `(define-copy NEW OF)` (false).
fn alias(datum: &Datum, interner: &Interner) -> Option<(Symbol, Symbol, bool)> {
    let DatumKind::List(items) = &datum.kind else {
        return None;
    };
    let [
        Datum {
            kind: DatumKind::Symbol(head),
            ..
        },
        Datum {
            kind: DatumKind::Symbol(new),
            ..
        },
        Datum {
            kind: DatumKind::Symbol(of),
            ..
        },
    ] = &items[..]
    else {
        return None;
    };
    match interner.resolve(head) {
        "define-alias" => Some((*new, *of, true)),
        "define-copy" => Some((*new, *of, false)),
        _ => None,
    }
}

/// The definition `form` under another name, if it defines `of`.
fn copy_definition(form: &Datum, of: Symbol, new: Symbol, _interner: &Interner) -> Option<Datum> {
    let DatumKind::List(items) = &form.kind else {
        return None;
    };
    let DatumKind::List(signature) = &items.get(1)?.kind else {
        return None;
    };
    if !matches!(signature.first()?.kind, DatumKind::Symbol(name) if name == of) {
        return None;
    }
    let mut signature = signature.to_vec();
    signature[0].kind = DatumKind::Symbol(new);
    let mut items = items.to_vec();
    items[1].kind = DatumKind::List(signature.into());
    Some(Datum {
        kind: DatumKind::List(items.into()),
        span: form.span,
    })
}

/// Removes `&opt` from parameter lists and notes, by the span of the function, how many parameters
/// follow it.
fn without_markers(datum: &Datum, marker: Symbol, optional: &mut HashMap<Span, usize>) -> Datum {
    let DatumKind::List(items) = &datum.kind else {
        return datum.clone();
    };
    let mut items: Vec<Datum> = items
        .iter()
        .map(|item| without_markers(item, marker, optional))
        .collect();
    if let Some(parameters) = items.get_mut(1)
        && let DatumKind::List(list) = &parameters.kind
        && let Some(position) = list
            .iter()
            .position(|item| matches!(item.kind, DatumKind::Symbol(name) if name == marker))
    {
        optional.insert(datum.span, list.len() - position - 1);
        let kept: Vec<Datum> = list
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != position)
            .map(|(_, item)| item.clone())
            .collect();
        parameters.kind = DatumKind::List(kept.into());
    }
    Datum {
        kind: DatumKind::List(items.into()),
        span: datum.span,
    }
}

fn mark_optional(expr: &mut Expr, optional: &HashMap<Span, usize>) {
    if let ExprKind::Lambda(lambda) = &mut expr.kind
        && let Some(count) = optional.get(&lambda.span)
    {
        Rc::make_mut(lambda).optional = *count;
    }
    for_each_child_mut(expr, &mut |child| mark_optional(child, optional));
}

/// Marks the functions of the library as such.
fn mark_library(expr: &mut Expr) {
    if let ExprKind::Lambda(lambda) = &mut expr.kind {
        Rc::make_mut(lambda).library = true;
    }
    for_each_child_mut(expr, &mut mark_library);
}

struct Link<'l, 'u> {
    library: &'l Library,
    is_present: &'u dyn Fn(&str) -> bool,
    globals: HashMap<&'static str, GlobalId>,
    pending: Vec<(&'static str, GlobalId)>,
    names: &'u mut Vec<Global>,
}

impl Link<'_, '_> {
    fn global(&mut self, name: &'static str) -> GlobalId {
        if let Some(&global) = self.globals.get(name) {
            return global;
        }
        let global = GlobalId(self.names.len() as u32);
        // A space keeps the name apart from all that programs can write.
        let name_in_unit = Rc::from(format!(" {name}"));
        self.names.push(Global {
            name: name_in_unit,
            shadows: None,
            definitions: 1,
            mutable: false,
            span: Span::default(),
        });
        self.globals.insert(name, global);
        if !(self.is_present)(name) {
            self.pending.push((name, global));
        }
        global
    }

    /// Uses in the unit's own code.
    fn user(&mut self, expr: &mut Expr) {
        apply_form(expr);
        if let ExprKind::Builtin(Builtin(name)) = expr.kind
            && let Some((&name, _)) = self.library.functions.get_key_value(name)
        {
            expr.kind = ExprKind::Global(self.global(name));
        }
        for_each_child_mut(expr, &mut |child| self.user(child));
    }

    /// Uses in library code, where library functions are globals of the library's unit.
    fn library(&mut self, expr: &mut Expr) {
        if let ExprKind::Call(callee, _) = &mut expr.kind
            && let ExprKind::Global(global) = callee.kind
            && self
                .library
                .unit
                .globals
                .get(global.0 as usize)
                .is_some_and(|global| &*global.name == "apply")
        {
            callee.kind = ExprKind::Builtin(Builtin("apply"));
        }
        apply_form(expr);
        if let ExprKind::Global(global) = expr.kind
            && let Some(defined) = self.library.unit.globals.get(global.0 as usize)
            && let Some((&name, _)) = self.library.functions.get_key_value(&*defined.name)
        {
            expr.kind = ExprKind::Global(self.global(name));
        }
        // Special forms become calls of library functions in library code too.
        if let ExprKind::Builtin(Builtin(name)) = expr.kind
            && let Some((&name, _)) = self.library.functions.get_key_value(name)
        {
            expr.kind = ExprKind::Global(self.global(name));
        }
        for_each_child_mut(expr, &mut |child| self.library(child));
    }
}

/// A call of `apply` (or of the library's `%apply`) with a sequence is an instruction.
fn apply_form(expr: &mut Expr) {
    if let ExprKind::Call(callee, arguments) = &mut expr.kind
        && matches!(callee.kind, ExprKind::Builtin(Builtin("apply" | "%apply")))
        && arguments.len() >= 2
    {
        let mut arguments = std::mem::take(arguments);
        let function = arguments.remove(0);
        expr.kind = ExprKind::Apply(Box::new(function), arguments);
    }
}

/// Gives the variables of a copied function new numbers.
struct Copy<'l, 'u> {
    library: &'l Library,
    base: u32,
    mapping: HashMap<VarId, VarId>,
    variables: &'u mut Vec<Variable>,
}

impl Copy<'_, '_> {
    fn variable(&mut self, variable: &mut VarId) {
        let next = VarId(self.base + self.mapping.len() as u32);
        let new = *self.mapping.entry(*variable).or_insert(next);
        if new == next && self.variables.len() as u32 == next.0 {
            let copied = self
                .library
                .unit
                .variables
                .get(variable.0 as usize)
                .cloned();
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
