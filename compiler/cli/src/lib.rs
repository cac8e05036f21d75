//! semac: the command line, bundles, targets. All that opens files, reads the environment or knows the clock.

pub mod bundle;
pub mod cli;
