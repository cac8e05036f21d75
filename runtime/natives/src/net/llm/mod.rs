//! Calls of language models: what is native of them. The calls themselves, providers and the loop that
//! runs tools are Sema code in `compiler/lib`.

pub mod events;
pub mod request;
pub mod state;
pub mod tape;
pub mod turns;
