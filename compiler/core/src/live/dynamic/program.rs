//! The macros of a compiled program, for code that is compiled while it runs.
//!
//! They travel as a module whose value is a list, so that they can be in memory or in an archive:
//! for each module of the program `(KEY EXPORTS (NAME FORM)…)`, with `(NAME KEY)` for a macro of
//! another module. EXPORTS are the names that the module lists, or nil.

use std::rc::Rc;

use sema_format::Module;
use sema_machine::host::condition::{Outcome, eval_error};
use sema_machine::memory::heap::Heap;
use sema_machine::memory::value::Value;
use sema_machine::vm::Vm;

use super::host::run_module;
use super::state::State;
use crate::back::bytecode::Failure;
use crate::back::{self, Known};
use crate::front::datum::{Datum, DatumKind, Interner, Span};
use crate::front::positions::NoPositions;
use crate::ir::{Expr, ExprKind, MacroDefinition, Unit};
use crate::link::library::Linked;
use crate::phases::Unobserved;

/// The name of the module in messages.
const NAME: &str = "<macros>";

/// The module with the macros of these units.
///
/// # Errors
/// Limits of the format.
pub fn definitions<'u>(
    units: impl Iterator<Item = &'u Unit>,
    interner: &Interner,
) -> Result<Module, Failure> {
    let datum = |kind| Datum {
        kind,
        span: Span::default(),
    };
    let text = |text: &Rc<str>| datum(DatumKind::Str(text.clone()));
    let list = |items: Vec<Datum>| datum(DatumKind::List(items.into()));
    let mut modules = Vec::new();
    for unit in units {
        if unit.macros.is_empty() {
            continue;
        }
        let exports = match &unit.exports {
            None => datum(DatumKind::Nil),
            Some(names) => list(names.iter().map(|(name, _)| text(name)).collect()),
        };
        let mut entry = vec![text(&unit.name), exports];
        for defined in &unit.macros {
            let origin = match &defined.definition {
                // Made by another macro, around objects of the machine at build time.
                MacroDefinition::Form(form) if form.kind.has_opaque_parts() => continue,
                MacroDefinition::Form(form) => form.clone(),
                MacroDefinition::Imported(key) => text(key),
            };
            entry.push(list(vec![text(&defined.name), origin]));
        }
        modules.push(list(entry));
    }
    let constant = ExprKind::Const(DatumKind::List(modules.into()));
    let mut unit = Unit {
        name: Rc::from(NAME),
        body: vec![Expr::new(constant, Span::default())],
        ..Unit::default()
    };
    let none = Linked::default();
    let known = Known::Nothing;
    back::compile_unit(
        &mut unit,
        &none,
        known,
        &NoPositions,
        interner,
        0,
        &Unobserved,
    )
}

/// Where a macro comes from; forms are kept by the VM under the number.
pub(super) enum Origin {
    Form(u32),
    Imported(String),
}

/// The macros of a compiled module, in order.
pub(super) struct ModuleMacros {
    pub(super) macros: Vec<(Rc<str>, Origin)>,
    pub(super) exports: Option<Vec<String>>,
}

/// What is known about the macros of the module with this key.
pub(super) fn macros_of(
    vm: &mut Vm,
    state: &std::cell::RefCell<State>,
    key: &str,
) -> Outcome<Option<ModuleMacros>> {
    let image = state.borrow_mut().take_macros();
    if let Some(image) = image {
        let module = vm.load(NAME, image);
        let module = module.map_err(|error| eval_error(error.to_string()))?;
        let value = run_module(vm, module)?;
        let kept = vm.keep(value);
        state.borrow_mut().program = Some(kept);
    }
    let Some(kept) = state.borrow().program else {
        return Ok(None);
    };
    let modules = items(&vm.host.heap, vm.kept(kept));
    let found = modules.into_iter().find_map(|entry| {
        let entry = items(&vm.host.heap, entry);
        let name = entry.first().and_then(|name| vm.host.heap.as_str(*name))?;
        (name == key).then_some(entry)
    });
    let Some(entry) = found else {
        return Ok(None);
    };
    let text = |vm: &Vm, value: Value| vm.host.heap.as_str(value).map(str::to_owned);
    let exports = entry.get(1).copied().filter(|exports| !exports.is_nil());
    let exports = exports.map(|exports| {
        let names = items(&vm.host.heap, exports);
        names
            .into_iter()
            .filter_map(|name| text(vm, name))
            .collect()
    });
    let mut macros = Vec::new();
    for defined in entry.iter().skip(2) {
        if let [name, origin] = items(&vm.host.heap, *defined)[..]
            && let Some(name) = text(vm, name)
        {
            let origin = match text(vm, origin) {
                Some(key) => Origin::Imported(key),
                None => Origin::Form(vm.keep(origin)),
            };
            macros.push((Rc::from(name), origin));
        }
    }
    Ok(Some(ModuleMacros { macros, exports }))
}

fn items(heap: &Heap, list: Value) -> Vec<Value> {
    heap.list_iter(list).collect()
}
