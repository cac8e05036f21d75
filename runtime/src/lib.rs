//! runtime
pub mod number;
