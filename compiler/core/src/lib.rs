//! The compiler of Sema: source text in, linked program out.
//!
//! It opens no files and reads neither clock nor environment by itself. The rooms are floors; each uses only those above it in
//! this list:
//!
//! - [`hashing`]: hash tables
//! - [`phases`]: what a compilation tells of its progress
//! - [`ir`]: data with positions, the core language, and what is known of builtins
//! - [`front`]: reader, names, expander, lowering, modules, diagnostics
//! - [`middle`]: analyses and passes, whatever the back end
//! - [`link`]: library and units become one program
//! - [`back`]: code generation
//! - [`live`]: the compiler on a running machine
//! - [`driver`]: from an entry file to compiled modules
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing
    )
)]

pub mod back;
pub mod driver;
pub mod front;
pub mod hashing;
pub mod ir;
pub mod link;
pub mod live;
pub mod middle;
pub mod phases;
