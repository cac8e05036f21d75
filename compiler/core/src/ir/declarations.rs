//! The declarations of all builtins: those of the natives, and those of the functions that the
//! library defines in Sema.

use sema_machine::host::declaration::Declaration;
use sema_natives::DECLARATIONS;

use super::library;

/// The declarations of all builtins that are functions: natives, then library.
pub fn all() -> impl Iterator<Item = &'static Declaration> {
    let natives = DECLARATIONS.iter().copied().flatten();
    natives.chain(library::DECLARATIONS)
}
