//! Lists, vectors, mutable arrays, byte vectors, typed arrays.

pub mod bytes;
pub mod lists;
pub mod mutable;
pub mod shared;
pub mod vectors;
