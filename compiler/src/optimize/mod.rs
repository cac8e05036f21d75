//! The middle end: rewrites of the core language that every back end profits from.

pub mod known;
pub mod loops;
pub mod rename;
pub mod variables;
