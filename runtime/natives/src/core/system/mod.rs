//! Files, streams, console, environment, clock: what touches the world outside.

#[cfg(feature = "net")]
pub mod arrivals;
pub mod console;
mod descriptors;
pub mod device;
pub mod environment;
pub mod file_lines;
pub mod files;
pub mod filter;
pub mod glob;
pub mod input;
pub mod log;
pub mod memory;
pub mod paths;
pub mod stream_copy;
pub mod stream_state;
pub mod streams;
pub mod sys;
pub mod time;
