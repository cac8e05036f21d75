//! Values, the heap they live in, and the names of symbols and keywords.

pub mod account;
pub mod hash;
pub mod heap;
pub mod symbol;
pub mod value;
