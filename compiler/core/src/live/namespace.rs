//! Units whose globals are those of a namespace of a virtual machine, as at a read-eval-print loop.

use std::rc::Rc;

use sema_machine::vm::{LoadError, Vm};

use crate::back::bytecode::Failure;
use crate::back::{self, Known};
use crate::front::datum::{Datum, DatumKind, Interner, Span};
use crate::front::positions::Positions;
use crate::ir::walk::for_each_child_mut;
use crate::ir::{Builtin, Expr, ExprKind, Global, GlobalId, Unit, called};
use crate::link::library::{Library, LibraryError, Linked};
use crate::live::values;
use crate::middle::frames;
use crate::phases::Unobserved;

/// Why a unit cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Limits of the format.
    #[error("{}", .0.error)]
    Code(Failure),
    /// The machine refuses it: a defect of this compiler.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The library is damaged: a defect of this compiler.
    #[error(transparent)]
    Library(#[from] LibraryError),
}

/// Compiles a unit and loads it into a namespace under this key; gives the module's number. Nothing
/// of it has run.
///
/// # Errors
/// See [`PlaceError`].
#[expect(clippy::too_many_arguments, reason = "the parts of a compilation")]
pub fn load_unit(
    vm: &mut Vm,
    namespace: usize,
    key: String,
    mut unit: Unit,
    library: &Library,
    positions: &dyn Positions,
    interner: &mut Interner,
    optimize: u8,
) -> Result<usize, PlaceError> {
    for global in &mut unit.globals {
        if vm.find_namespace_global(namespace, &global.name).is_some() {
            // It has had its builtin value already, or lost it to a definition.
            global.shadows = None;
        }
    }
    frames::mark(&mut unit);
    let linked = library.link(&mut unit, interner, &|builtin| {
        is_present(vm, namespace, builtin)
    })?;
    let linked = place(vm, namespace, &mut unit, &linked);
    let mut kept = Vec::new();
    for form in &mut unit.body {
        refer_to_kept(vm, form, interner, &mut kept);
    }
    // It is not known what it will be called from.
    unit.stoppable = true;
    // Nobody imports from it.
    unit.exports = Some(Vec::new());
    let module = back::compile_unit(
        &mut unit,
        &linked,
        Known::Nothing,
        positions,
        interner,
        optimize,
        &Unobserved,
    );
    let module = match module {
        Ok(module) => module,
        Err(failure) => {
            kept.into_iter().for_each(|number| vm.release(number));
            return Err(PlaceError::Code(failure));
        }
    };
    Ok(vm.load_in(namespace, key, module, kept)?)
}

/// Whether an earlier unit of the namespace has brought a library function along.
fn is_present(vm: &Vm, namespace: usize, builtin: Builtin) -> bool {
    // These ask for files as seen from the module they are part of.
    if builtin.facts().finds_modules {
        return false;
    }
    let global = vm.find_namespace_global(namespace, &format!(" {}", builtin.name()));
    global.is_some_and(|global| vm.namespace_value(namespace, global as usize).is_some())
}

/// Makes the globals of a unit those of a namespace; gives the new numbers of `linked`.
fn place(vm: &mut Vm, namespace: usize, unit: &mut Unit, linked: &Linked) -> Linked {
    let mut numbers = Vec::with_capacity(unit.globals.len());
    for global in &unit.globals {
        let (number, _) = vm.namespace_global(namespace, &global.name);
        numbers.push(GlobalId(number));
    }
    let unnamed = Global {
        name: Rc::from(""),
        shadows: None,
        definitions: 0,
        mutable: true,
        span: Span::default(),
    };
    // Not all of the namespace's: each form of a session that defines many names would pay for them.
    let count = numbers.iter().map(|number| number.0 as usize + 1).max();
    let mut globals = vec![unnamed; count.unwrap_or(0)];
    for (global, number) in unit.globals.drain(..).zip(&numbers) {
        if let Some(slot) = globals.get_mut(number.0 as usize) {
            *slot = global;
        }
    }
    unit.globals = globals;
    back::renumber_globals(unit, &numbers);
    let new = |global: &GlobalId| numbers.get(global.0 as usize).copied();
    linked.iter().filter_map(new).collect()
}

/// Replaces constants with parts that have no written form by references to values that the machine
/// keeps, and notes their numbers.
fn refer_to_kept(vm: &mut Vm, expr: &mut Expr, interner: &Interner, numbers: &mut Vec<u32>) {
    if let ExprKind::Const(datum) = &expr.kind
        && datum.has_opaque_parts()
    {
        let datum = Datum {
            kind: datum.clone(),
            span: expr.span,
        };
        let value = values::plain_value(vm, &datum, interner);
        let number = vm.keep(value);
        numbers.push(number);
        *expr = kept(number, expr.span);
        return;
    }
    for_each_child_mut(expr, &mut |child| {
        refer_to_kept(vm, child, interner, numbers);
    });
}

fn kept(number: u32, span: Span) -> Expr {
    let number = Expr::new(ExprKind::Const(DatumKind::Int(i64::from(number))), span);
    Expr::call_of(called::KEPT, vec![number], span)
}
