//! Tier `net`: the network, language models and what they exchange.

pub mod guard;
pub mod http;
pub mod llm;
pub mod llm_values;
pub mod memory;
pub mod oauth;
pub mod protocol;
pub mod telemetry;
pub mod vectors;
pub mod websocket;
