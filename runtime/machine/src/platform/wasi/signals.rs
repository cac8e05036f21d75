//! The signals that a program gets: none. Its host ends it without asking.

/// Nobody asks the program to end, so nothing has to make it look.
pub(crate) fn begin_program(_alert: extern "C" fn()) {}

/// The signal that has asked the program to end.
pub(crate) fn hear() -> Option<i32> {
    None
}

/// Whether the program is the first process of a container.
pub(crate) fn is_first_process() -> bool {
    false
}
