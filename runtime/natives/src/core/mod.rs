//! Tier `core`: data, control, console, files, time, tasks.

pub mod control;
pub mod map;
pub mod number;
pub mod sequence;
pub mod system;
pub mod task;
pub mod text;
#[cfg(feature = "declarations")]
pub mod values;
