//! semac: the command line, bundles, targets. All that opens files, reads the environment or knows the clock.
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
#![forbid(unsafe_code)]

pub mod bundle;
pub mod cli;
mod codes;
pub mod oci;
mod paths;
pub mod project;
