//! The part of the standard library that is written in Sema, as this crate's build script has prepared it:
//! the texts, where each function stands in them, and the declarations.
//!
//! The tables are constants: a process that does not look at a function does not touch it.

use std::cmp::Ordering;

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
    FUNCTIONS.get(place(name)?)
}

/// The place of the function of this name in [`FUNCTIONS`].
#[must_use]
#[allow(
    clippy::indexing_slicing,
    reason = "a binary search: the place lies between bounds that lie in the table"
)]
pub const fn place(name: &str) -> Option<usize> {
    let (mut low, mut high) = (0, FUNCTIONS.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        match order(FUNCTIONS[middle].name, name) {
            Ordering::Equal => return Some(middle),
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
        }
    }
    None
}

/// Whether two names are the same, also while the crate is compiled.
pub(super) const fn same(left: &str, right: &str) -> bool {
    matches!(order(left, right), Ordering::Equal)
}

/// The order of two texts by their bytes.
#[allow(clippy::indexing_slicing, reason = "both lengths are looked at first")]
const fn order(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut at = 0;
    while at < left.len() && at < right.len() {
        if left[at] != right[at] {
            return if left[at] < right[at] {
                Ordering::Less
            } else {
                Ordering::Greater
            };
        }
        at += 1;
    }
    if left.len() == right.len() {
        Ordering::Equal
    } else if left.len() < right.len() {
        Ordering::Less
    } else {
        Ordering::Greater
    }
}
