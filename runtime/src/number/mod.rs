//! Numbers: the text forms that the compiler's reader and the run-time library share.

pub mod float_text;
pub mod literal;
