//! The module container: layout, reader, writer.
//!
//! Two loaders: [`ModuleView::parse`] checks the structure and costs the same for
//! every module; [`crate::verify::verify`] proves everything that running the code
//! relies on. A view's accessors check what they touch, so even a view of hostile
//! bytes that was never verified can be listed, but its code must not be run.

pub mod constant;
pub mod debug;
mod frame;
pub mod layout;
pub(crate) mod metadata;
pub mod read;
#[cfg_attr(target_family = "wasm", path = "unpack_wasm.rs")]
mod unpack;
#[cfg(feature = "write")]
pub mod write;

pub use constant::{ConstantView, LongWords};
pub use debug::{Debug, Location, TraceFrame};
pub use read::{FunctionEntry, ModuleView};
#[cfg(feature = "write")]
pub use write::{WriteError, WriteOptions, write};
