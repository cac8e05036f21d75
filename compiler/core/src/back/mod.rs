//! From a lowered unit to a module: library, middle end, code generation.

pub mod bytecode;

use crate::hashing::HashSet;

use sema_format::Module;

use crate::back::bytecode::Failure;
use crate::front::datum::Interner;
use crate::front::positions::Positions;
use crate::ir::{ExprKind, GlobalId, Unit};
use crate::middle;
use crate::phases::{self, Observer};

/// Which functions of a unit may be called directly.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// All that are provably defined when they are called.
    Proven,
    /// Those of the library only: the unit's own globals may change behind its back.
    LibraryOnly,
    /// None: library functions too are called as values of globals, which later units share.
    Nothing,
}

/// Compiles a unit into which the library has been linked and whose calls in tail position are marked.
///
/// # Errors
/// Limits of the format.
pub fn compile_unit(
    unit: &mut Unit,
    library: &HashSet<GlobalId>,
    known: Known,
    positions: &dyn Positions,
    names: &Interner,
    optimize: u8,
    phases: &dyn Observer,
) -> Result<Module, Failure> {
    middle::wide::run(unit);
    let mut globals = middle::Globals {
        library: library.clone(),
        extensible: known == Known::Proven,
        exported: exported(unit, known),
        ..middle::Globals::default()
    };
    if known == Known::Proven && !unit.dynamic {
        if optimize > 0 {
            middle::records::run(unit, &mut globals);
        }
        globals.known.extend(middle::known::functions(unit));
    }
    if known != Known::Nothing {
        globals.known.extend(library);
    }
    middle::run(unit, &mut globals, optimize, names, phases);
    phases.begin(phases::GENERATE);
    bytecode::generate(unit, &globals, positions, names)
}

/// The globals that other units can read; `None` if any.
fn exported(unit: &Unit, known: Known) -> Option<HashSet<GlobalId>> {
    if known != Known::Proven || unit.dynamic {
        return None;
    }
    let exports = unit.all_exports().into_iter();
    Some(exports.map(|(_, global, _)| global).collect())
}

/// Gives the globals of a unit new numbers.
pub fn renumber_globals(unit: &mut Unit, numbers: &[GlobalId]) {
    let mut change = |global: &mut GlobalId| {
        if let Some(new) = numbers.get(global.0 as usize) {
            *global = *new;
        }
    };
    for import in &mut unit.imports {
        for (_, global) in &mut import.bindings {
            change(global);
        }
    }
    for form in &mut unit.body {
        visit(form, &mut change);
    }
}

fn visit(expr: &mut crate::ir::Expr, change: &mut dyn FnMut(&mut GlobalId)) {
    if let ExprKind::Global(global)
    | ExprKind::SetGlobal(global, _)
    | ExprKind::DefineGlobal(global, _) = &mut expr.kind
    {
        change(global);
    }
    crate::ir::walk::for_each_child_mut(expr, &mut |child| visit(child, change));
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::front::datum::Span;
    use crate::front::datum::new_interner;
    use crate::front::positions::NoPositions;
    use crate::ir::{Builtin, Expr};
    use crate::phases::Unobserved;

    #[test]
    fn a_builtin_that_the_runtime_lacks_does_not_stop_the_program_from_starting() {
        let span = Span::default();
        let library = Builtin::find("for-each").unwrap();
        let mut unit = Unit {
            name: Rc::from("test"),
            body: vec![
                // A function of the library is no native: only linking makes one of it.
                Expr::new(ExprKind::Builtin(library), span),
                Expr::call_of(library, vec![Expr::nil(span)], span),
                Expr::builtin_call("%no-such-native", vec![Expr::nil(span)], span),
            ],
            ..Unit::default()
        };
        let none = HashSet::default();
        let module = compile_unit(
            &mut unit,
            &none,
            Known::Proven,
            &NoPositions,
            &new_interner(),
            1,
            &Unobserved,
        );
        assert_eq!(module.unwrap().natives, ["%unavailable"]);
    }
}
