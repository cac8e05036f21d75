//! Builtins by number: what is known of one is found by an index, not by its name.

#![allow(
    clippy::indexing_slicing,
    reason = "numbers are made by `find` alone, from the tables that they index; `called` finds its constants while the \
              crate is compiled"
)]

use std::fmt;
use std::sync::OnceLock;

use sema_format::isa::{Op, Predicate};
use sema_machine::host::declaration::{Declaration, Kind};
use sema_machine::host::native::Native;
use sema_natives::core::values::{Constant, VALUES};
use sema_natives::{DECLARATIONS, NATIVES};

use super::library::{self, FUNCTIONS, Function};

/// A builtin: a native of the runtime, a function of the embedded library, or a value. Names that begin with `%` are
/// internal and cannot be written by users.
///
/// Its number is that of the native; functions of the library follow, in the order of [`FUNCTIONS`], then the values.
/// Numbers are those of one semac: they are in no output.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Builtin(u16);

/// The number of the first function of the library.
const FIRST_FUNCTION: usize = NATIVES.all().len();
/// The number of the first value.
const FIRST_VALUE: usize = FIRST_FUNCTION + FUNCTIONS.len();
/// What no runtime has. The back end makes instructions of the first; the others raise a condition that says so.
const OTHERS: [&str; 2] = ["%run-part", "%workflow-step"];
/// The number of the first of those.
const FIRST_OTHER: usize = FIRST_VALUE + VALUES.len();
const COUNT: usize = FIRST_OTHER + OTHERS.len();
const _: () = assert!(COUNT <= u16::MAX as usize);

impl Builtin {
    /// Runs a [`Part`](super::Part) unless it has run. It is nothing that could be found or called at run time.
    pub const RUN_PART: Builtin = Builtin(FIRST_OTHER as u16);

    /// The builtin of this name. The name of an alias of a native finds what it stands for.
    #[must_use]
    pub const fn find(name: &str) -> Option<Builtin> {
        let number = if let Some(number) = NATIVES.find(name) {
            number as usize
        } else if let Some(place) = library::place(name) {
            FIRST_FUNCTION + place
        } else {
            let mut number = FIRST_VALUE;
            while number < COUNT && !library::same(name_of(number), name) {
                number += 1;
            }
            if number == COUNT {
                return None;
            }
            number
        };
        Some(Builtin(number as u16))
    }

    /// Its canonical name.
    #[must_use]
    pub fn name(self) -> &'static str {
        if let Some(native) = self.native() {
            native.name
        } else if let Some(function) = self.function() {
            function.name
        } else {
            name_of(usize::from(self.0))
        }
    }

    /// The native that it is.
    #[must_use]
    pub fn native(self) -> Option<&'static Native> {
        NATIVES.known(u32::from(self.0))
    }

    /// Whether it is a native.
    #[must_use]
    pub fn is_native(self) -> bool {
        usize::from(self.0) < FIRST_FUNCTION
    }

    /// The function of the library that it is.
    #[must_use]
    pub fn function(self) -> Option<&'static Function> {
        FUNCTIONS.get(usize::from(self.0).checked_sub(FIRST_FUNCTION)?)
    }

    /// The value that it is, if it is no function.
    #[must_use]
    pub fn constant(self) -> Option<Constant> {
        let place = usize::from(self.0).checked_sub(FIRST_VALUE)?;
        VALUES.get(place).map(|(_, value)| *value)
    }

    /// What is declared of it; nothing of what is not declared, such as a value.
    #[must_use]
    pub fn facts(self) -> &'static Declaration {
        static FACTS: OnceLock<Vec<&'static Declaration>> = OnceLock::new();
        FACTS.get_or_init(declarations)[usize::from(self.0)]
    }

    /// Whether it can be had at all: using one that the runtime lacks raises a condition.
    #[must_use]
    pub fn is_available(self) -> bool {
        self.is_native() || self.constant().is_some()
    }

    /// The instruction that does the same with so many operands.
    #[must_use]
    pub fn operation(self, operands: usize) -> Option<Op> {
        self.facts().operation(operands)
    }

    /// The test of kinds that does the same with one operand.
    #[must_use]
    pub fn predicate(self) -> Option<Predicate> {
        self.facts().predicate
    }

    /// The first builtin that declares that an instruction does the same with two operands.
    #[must_use]
    pub fn of_operation(operation: Op) -> Option<Builtin> {
        static BINARY: OnceLock<Vec<(Op, Builtin)>> = OnceLock::new();
        let binary = BINARY.get_or_init(|| {
            let all = DECLARATIONS.iter().copied().flatten();
            all.filter_map(|one| Some((one.operation(2)?, Builtin::find(one.name)?)))
                .collect()
        });
        let (_, builtin) = binary.iter().find(|(known, _)| *known == operation)?;
        Some(*builtin)
    }
}

impl fmt::Debug for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Builtin({})", self.name())
    }
}

/// The name of a value, or of what no runtime has, by its number.
const fn name_of(number: usize) -> &'static str {
    if number < FIRST_OTHER {
        VALUES[number - FIRST_VALUE].0
    } else {
        OTHERS[number - FIRST_OTHER]
    }
}

/// The declarations of all builtins by number.
fn declarations() -> Vec<&'static Declaration> {
    static NOTHING: Declaration = Declaration::new("", &[], &[], Kind::Any, "");
    let mut facts = vec![&NOTHING; COUNT];
    // An alias follows what it stands for and has a number of its own.
    let natives = DECLARATIONS.iter().copied().flatten();
    let natives = natives.flat_map(|one| std::iter::repeat_n(one, 1 + one.aliases.len()));
    for (place, declaration) in facts.iter_mut().zip(natives) {
        *place = declaration;
    }
    for declaration in library::DECLARATIONS {
        if let Some(place) = library::place(declaration.name) {
            facts[FIRST_FUNCTION + place] = declaration;
        }
    }
    facts
}
