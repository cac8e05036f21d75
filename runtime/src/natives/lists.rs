use crate::{error::*, host::Host, value::Value};
pub fn length(h: &Host, a: &[Value]) -> Outcome {
    Ok(Value::index(h.heap.list_len(a[0])))
}
