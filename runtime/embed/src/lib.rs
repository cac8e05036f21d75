//! Sema programs inside of other programs.
//!
//! `semac` compiles a program; this crate runs it on a machine of its own: with the functions that you add,
//! within the limits that you set, with no more access to the outside than you grant. It can run code, not
//! compile it.
//!
//! ```
//! use sema::{Data, Limits, Program, Runtime};
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), sema::Error> {
//! // What `semac compile --stoppable pricing.sema` has written.
//! let bytes = include_bytes!("../../../fixtures/embed/pricing.semac");
//! let program = Program::load(bytes)?;
//!
//! let mut runtime = Runtime::builder()
//!     .capture_output()
//!     .limits(Limits { time: Some(Duration::from_secs(5)), ..Limits::default() })
//!     .function("app/price", 1..=1, |arguments| match arguments {
//!         [Data::String(article)] if article == "tea" => Ok(Data::Int(3)),
//!         [article] => Err(format!("no such article: {article}")),
//!         _ => Err("an article is needed".to_owned()),
//!     })
//!     .build()?;
//!
//! // The top level of the program; then what it exports can be called.
//! runtime.run(&program)?;
//! assert_eq!(runtime.take_output(), b"pricing is ready\n");
//! assert_eq!(runtime.call("total", &[Data::Int(3), Data::Int(4)])?, Data::Int(12));
//! assert_eq!(runtime.call("lookup", &["tea".into()])?, Data::Int(3));
//!
//! // What is not plain data comes out as a handle: here a function.
//! let Data::Handle(counter) = runtime.call("make-counter", &[])? else {
//!     unreachable!("a function is no plain data");
//! };
//! runtime.call_handle(&counter, &[])?;
//! assert_eq!(runtime.call_handle(&counter, &[])?, Data::Int(2));
//!
//! // An uncaught condition is an error with type, text and trace.
//! let error = runtime.call("lookup", &["gold".into()]).unwrap_err();
//! assert_eq!(error.to_string(), r#"no such article: "gold""#);
//! # Ok(())
//! # }
//! ```
//!
//! A [`Runtime`] belongs to its thread, as the values in it do. A [`Program`] and [`Data`] may go from one to
//! another: make as many runtimes as you like for one program.

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

mod builder;
#[cfg(feature = "c-api")]
#[allow(unsafe_code, reason = "the border to C has raw pointers")]
mod c_api;
mod convert;
mod data;
mod error;
mod handle;
mod output;
mod program;
mod runtime;

pub use builder::{Builder, Limits};
pub use data::Data;
pub use error::{Condition, Error, Frame};
pub use handle::Handle;
pub use program::Program;
pub use runtime::Runtime;
pub use sema_machine::host::native::Capability;
