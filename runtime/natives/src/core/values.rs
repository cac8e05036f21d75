//! The builtins that are values, not functions. The compiler puts them into programs: no runtime looks them up.

#![allow(
    clippy::indexing_slicing,
    reason = "evaluated when the crate is compiled"
)]

use std::f64::consts;

/// What such a builtin is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Constant {
    /// A number.
    Float(f64),
    /// A standard stream, by its descriptor.
    Stream(i16),
}

/// Their names and values.
pub const VALUES: &[(&str, Constant)] = &[
    ("e", Constant::Float(consts::E)),
    ("pi", Constant::Float(consts::PI)),
    ("math/infinity", Constant::Float(f64::INFINITY)),
    ("math/nan", Constant::Float(f64::NAN)),
    ("*stdin*", Constant::Stream(0)),
    ("*stdout*", Constant::Stream(1)),
    ("*stderr*", Constant::Stream(2)),
];

/// Their names.
pub const NAMES: [&str; VALUES.len()] = {
    let mut names = [""; VALUES.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = VALUES[index].0;
        index += 1;
    }
    names
};

/// The value of this name.
pub fn value(name: &str) -> Option<Constant> {
    let found = VALUES.iter().find(|(known, _)| *known == name)?;
    Some(found.1)
}
