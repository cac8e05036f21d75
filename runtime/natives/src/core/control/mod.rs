//! What special forms compile to, conditions, records, code at run time.

pub mod dynamic;
pub mod errors;
pub mod forms;
pub mod predicates;
pub mod records;
