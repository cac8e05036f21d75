//! What a process must undo before it ends. A module starts no processes and changes no terminal, so there is nothing.

/// Undoes everything.
pub fn undo() {}
