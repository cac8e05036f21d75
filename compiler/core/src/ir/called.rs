//! The builtins that passes and back ends make calls of, besides those found by what they declare
//! ([`Builtin::of_operation`], [`Declaration::in_place`](sema_machine::host::declaration::Declaration)).

use super::Builtin;

/// Whether a value counts as false.
pub const NOT: Builtin = builtin("not");
/// A list of the arguments.
pub const LIST: Builtin = builtin("list");
/// Calls a function with the elements of a sequence.
pub const APPLY: Builtin = builtin("apply");
/// The same in library code, which may itself be named `apply`.
pub const LIBRARY_APPLY: Builtin = builtin("%apply");
/// A list of the elements of sequences.
pub const APPEND: Builtin = builtin("append");
/// Makes an ordinary map of one that may be changed in place.
pub const SEALED: Builtin = builtin("%sealed");
/// Whether a value is a list or vector of exactly so many elements.
pub const SEQUENCE_OF: Builtin = builtin("%sequence-of?");
/// Whether a value is a list or vector of so many elements or more.
pub const SEQUENCE_FROM: Builtin = builtin("%sequence-from?");
/// An element of a list or vector; nil if there is none.
pub const SEQUENCE_REF: Builtin = builtin("%sequence-ref");
/// The elements of a list or vector from a place on, as a list.
pub const SEQUENCE_REST: Builtin = builtin("%sequence-rest");
/// Raises a condition unless a list has as many elements as a function takes arguments.
pub const CHECK_VALUES: Builtin = builtin("%check-values");
/// How many elements a list or vector has; -1 of anything else.
pub const SEQUENCE_SIZE: Builtin = builtin("%sequence-size");
/// Makes a record type.
pub const MAKE_RECORD_TYPE: Builtin = builtin("%make-record-type");
/// Makes a multimethod.
pub const MAKE_MULTIMETHOD: Builtin = builtin("%make-multimethod");
/// The method of a multimethod for a dispatch value.
pub const MULTIMETHOD_METHOD: Builtin = builtin("%multimethod-method");
/// Calls the method of a multimethod for the arguments.
pub const INVOKE: Builtin = builtin(MULTIMETHOD_INVOKE);
/// What frames of calls of multimethods are named.
pub const MULTIMETHOD_INVOKE: &str = "%multimethod-invoke";
/// Raises a condition: the runtime lacks a builtin.
pub const UNAVAILABLE: Builtin = builtin("%unavailable");
/// The standard stream of a file descriptor.
pub const STANDARD_STREAM: Builtin = builtin("%standard-stream");
/// A value that the machine keeps, by number.
pub const KEPT: Builtin = builtin("%kept");
/// Defines a macro of a running program.
pub const MAKE_MACRO: Builtin = builtin("%make-macro");

/// The builtin of this name, which exists: else the crate is not compiled.
#[allow(
    clippy::panic,
    reason = "evaluated while the crate is compiled, for the constants above"
)]
const fn builtin(name: &str) -> Builtin {
    match Builtin::find(name) {
        Some(builtin) => builtin,
        None => panic!("no such builtin"),
    }
}
