//! From units to what runs: the library's functions that a program uses.

pub mod library;
