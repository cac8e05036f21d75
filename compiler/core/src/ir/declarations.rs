//! The declarations of all builtins: those of the natives, and those of the functions that the
//! library defines in Sema.

use std::collections::HashMap;
use std::sync::OnceLock;

use sema_machine::host::declaration::{Declaration, Kind};
use sema_natives::{DECLARATIONS, NATIVES};

use super::library;

/// The declarations of all builtins that are functions: natives, then library.
pub fn all() -> impl Iterator<Item = &'static Declaration> {
    let natives = DECLARATIONS.iter().copied().flatten();
    natives.chain(library::DECLARATIONS)
}

/// What is declared of the builtin of this canonical name; nothing of one that is not declared.
pub fn of(name: &str) -> &'static Declaration {
    static NATIVE: OnceLock<Vec<&'static Declaration>> = OnceLock::new();
    static LIBRARY: OnceLock<HashMap<&'static str, &'static Declaration>> = OnceLock::new();
    static NOTHING: Declaration = Declaration::new("", &[], &[], Kind::Any, "");
    if let Some(number) = NATIVES.find(name) {
        let of_natives = NATIVE.get_or_init(|| {
            // An alias follows what it stands for and has a number of its own.
            let declarations = DECLARATIONS.iter().copied().flatten();
            let numbered =
                declarations.flat_map(|one| std::iter::repeat_n(one, 1 + one.aliases.len()));
            numbered.collect()
        });
        return of_natives.get(number as usize).copied().unwrap_or(&NOTHING);
    }
    let of_library = LIBRARY.get_or_init(|| {
        let declarations = library::DECLARATIONS.iter();
        declarations.map(|one| (one.name, one)).collect()
    });
    of_library.get(name).copied().unwrap_or(&NOTHING)
}
