//! Forms that are compiled while the program runs: one at a time, in an environment that earlier
//! ones have changed.

use crate::hashing::HashSet;

use super::Lowerer;
use super::finish::resolve;
use crate::front::datum::{Datum, Symbol};
use crate::front::diagnostic::Fallible;
use crate::front::expand::table::MacroTable;
use crate::ir::Unit;

/// The names that have a meaning for the compiler in an environment.
#[derive(Default)]
pub(crate) struct KnownNames {
    /// The macros.
    pub(crate) macros: MacroTable,
    /// Names that hide macros.
    pub(crate) hidden: HashSet<Symbol>,
}

/// A lowered form.
pub(crate) struct RunTimeForm {
    pub(crate) unit: Unit,
    pub(crate) names: KnownNames,
    /// Names it defines, which hide macros from now on.
    pub(crate) defined: Vec<Symbol>,
    /// Macros it defines and the forms that do.
    pub(crate) macros: Vec<(Symbol, Datum)>,
}

impl Lowerer<'_, '_> {
    /// Lowers one form of a program that is running.
    pub(crate) fn run_time_form(mut self, form: &Datum, names: KnownNames) -> RunTimeForm {
        self.macros = names.macros;
        self.hidden = names.hidden;
        self.at_run_time = true;
        let literal = self.literal_definitions(std::slice::from_ref(form));
        let defined: Vec<Symbol> = literal
            .into_iter()
            .filter(|symbol| self.hidden.insert(*symbol))
            .collect();
        self.top_form(form);
        let macros = std::mem::take(&mut self.macro_definitions);
        for (symbol, form) in &macros {
            self.global(*symbol, form.span);
        }
        self.define_macro_values();
        let prelude = std::mem::take(&mut self.prelude);
        self.unit.body.splice(0..0, prelude);
        self.unit.dynamic = true;
        resolve(&mut self.unit);
        RunTimeForm {
            unit: self.unit,
            names: KnownNames {
                macros: self.macros,
                hidden: self.hidden,
            },
            defined,
            macros,
        }
    }

    /// One expansion step of a form; `None` if there is nothing to expand.
    pub(crate) fn run_time_expansion(
        mut self,
        form: &Datum,
        names: KnownNames,
    ) -> (Fallible<Option<Datum>>, KnownNames) {
        self.macros = names.macros;
        self.hidden = names.hidden;
        let expansion = self.expand_step(form);
        let names = KnownNames {
            macros: self.macros,
            hidden: self.hidden,
        };
        (expansion, names)
    }
}
