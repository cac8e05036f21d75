//! What a process must undo before it ends. A module starts no processes and changes no terminal's mode.

use std::io::Write;

use super::habits::Habit;

/// Undoes everything.
pub fn undo() {}

/// Ends what the terminal was told to do.
pub fn undo_habits() {
    for command in Habit::take_ends() {
        // If it cannot be written the terminal is gone.
        let _ = std::io::stdout().write_all(command.as_bytes());
    }
}

/// There are no signals.
pub(super) fn catch_deadly_signals() {}
