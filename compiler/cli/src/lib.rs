//! semac: the command line, bundles, targets. All that opens files, reads the environment or knows the clock.
#![forbid(unsafe_code)]

pub mod bundle;
pub mod cli;
