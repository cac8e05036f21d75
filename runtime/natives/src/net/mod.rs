//! Tier `net`: the network, language models and what they exchange.

pub mod http;
pub mod guard;
pub mod llm;
pub mod llm_values;
pub mod websocket;
pub mod memory;
pub mod vectors;
