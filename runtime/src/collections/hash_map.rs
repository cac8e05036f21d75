use crate::{host::Host, value::Value};
pub fn get(host: &Host, m: Value, k: Value) -> Option<Value> {
    super::sorted_map::get(host, m, k)
}
