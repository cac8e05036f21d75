//! From units to what runs: the library's functions that a program uses, and
//! what it asks of its runtime.

pub mod library;
pub mod requirements;
