//! HTTP, WebSocket and TLS.
//!
//! A machine has one engine, a thread with an event loop, made at first use ([`engine`]). Requests go there as plain
//! data, and results come back as plain data: values stay on the machine's thread.

pub mod client;
pub mod engine;
pub mod escaping;
pub mod server;
pub mod tls;
pub mod url;
pub mod writing;
