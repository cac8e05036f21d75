//! The numeric tower. The VM calls these when its fast paths for fixnums and floats do not apply.

pub mod float_text;
pub mod literal;

use crate::error::Outcome;
use crate::host::Host;
use crate::value::Value;
