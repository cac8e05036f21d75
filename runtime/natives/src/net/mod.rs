//! Tier `net`: the network, language models and what they exchange.

pub mod llm_values;
