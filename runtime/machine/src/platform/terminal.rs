//! What is known of the terminal that a descriptor is.

use std::os::fd::AsFd;

/// Its rows and columns; `None` if it is no terminal.
pub fn size(descriptor: impl AsFd) -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(descriptor).ok()?;
    Some((size.ws_row, size.ws_col))
}

/// Its path; `None` if it is no terminal.
pub fn name(descriptor: impl AsFd) -> Option<String> {
    let path = rustix::termios::ttyname(descriptor, Vec::new()).ok()?;
    Some(path.to_string_lossy().into_owned())
}
