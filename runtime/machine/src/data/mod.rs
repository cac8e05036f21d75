//! Operations on values that instructions and natives share: one operation, one body.

pub mod bytes;
pub mod collections;
pub mod equality;
pub mod mutable;
pub mod number;
pub mod print;
pub mod record;
pub mod sequence;
pub mod text;
pub mod unicode;
