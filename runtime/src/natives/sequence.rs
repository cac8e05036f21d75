use crate::{error::*, host::Host, value::Value};
use std::borrow::Cow;
pub fn elements<'h>(h: &'h Host, v: Value) -> Outcome<Cow<'h, [Value]>> {
    Ok(Cow::Owned(h.heap.list_iter(v).collect()))
}
