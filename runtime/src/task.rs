//! Tasks: see the VM.

/// The state of the scheduler that natives see.
#[derive(Default)]
pub struct Scheduler {}

/// What a suspended native waits for.
pub enum Operation {
    /// Let other tasks run.
    Yield,
}
