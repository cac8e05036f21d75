//! Other processes: started, fed, read, waited for, ended.

pub mod child;
pub mod handles;
pub mod options;
pub mod shell;
#[cfg(test)]
mod tests;
