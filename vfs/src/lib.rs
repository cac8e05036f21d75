//! vfs

/// The embedded files in front of the real file system.
#[derive(Default)]
pub struct Overlay {}
