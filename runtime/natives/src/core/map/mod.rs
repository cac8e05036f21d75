//! Maps.

pub mod maps;
