//! What is known of the terminal that a descriptor is: nothing. WASI tells at most that it is one.

use std::os::fd::AsFd;

/// Its rows and columns are not known.
pub fn size(_descriptor: impl AsFd) -> Option<(u16, u16)> {
    None
}

/// Its path is not known.
pub fn name(_descriptor: impl AsFd) -> Option<String> {
    None
}
