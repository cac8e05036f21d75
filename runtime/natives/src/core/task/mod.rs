//! Tasks, promises, channels, contexts.

pub mod channels;
pub mod context;
pub mod delays;
pub mod tasks;
