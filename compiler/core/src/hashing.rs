//! Hash tables of the compiler.
//!
//! Most keys are small: numbers of variables and functions, interned names. The hash of the standard library took an eighth of
//! the time of a large program. foldhash takes few instructions and is seeded anew in each process, so a text that is evaluated at run
//! time cannot choose names that collide. Nothing may depend on the order of entries: it differs from run to run.

pub use foldhash::fast::RandomState;

/// A hash table.
pub type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;
/// A set of hashed values.
pub type HashSet<K> = std::collections::HashSet<K, RandomState>;
