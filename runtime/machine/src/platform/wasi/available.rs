//! How much memory the program may use. A module can address four gigabytes, and its host does not tell what it grants.

/// The bytes that the program may use: half of what can be addressed, because stacks and heaps grow by copying.
pub fn bytes() -> usize {
    usize::MAX / 2
}
