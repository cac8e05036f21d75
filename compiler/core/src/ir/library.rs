//! The part of the standard library that is written in Sema, as this crate's build script has prepared it:
//! the texts, where each function stands in them, and the declarations.
//!
//! The tables are constants: a process that does not look at a function does not touch it.

use sema_machine::host::declaration::{Declaration, Kind, Mode, Parameter};
use sema_machine::host::native::{Arity, Capability, Tier};

/// A file of the library.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Its name in `compiler/lib`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// Where a function is defined.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// The name in the definition: another one for a `define-copy`.
    pub defined_as: &'static str,
    /// Index into [`FILES`].
    pub file: usize,
    /// First byte of the definition in the file's text.
    pub start: u32,
    /// One past its last byte.
    pub end: u32,
}

/// A name that the library gives programs: name, number of arguments, name of which it is an alias.
pub type Entry = (&'static str, Arity, Option<&'static str>);

mod tables {
    #![allow(missing_docs, reason = "the module that shows them has the docs")]

    use super::{
        Arity, Capability, Declaration, Entry, File, Function, Kind, Mode, Parameter, Tier,
    };

    include!(concat!(env!("OUT_DIR"), "/library.rs"));
}

/// The files, in order of their names; the functions, in order of their names; all names; what is declared of the functions
/// that programs can name.
pub use tables::{DECLARATIONS, ENTRIES, FILES, FUNCTIONS};

/// The function of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Function> {
    let index = FUNCTIONS.binary_search_by(|function| function.name.cmp(name));
    FUNCTIONS.get(index.ok()?)
}
