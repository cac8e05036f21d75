use crate::{
    equality,
    host::Host,
    value::{Kind, Value},
};
pub fn from_entries(host: &Host, e: &[(Value, Value)]) -> Value {
    let f: Vec<Value> = e.iter().flat_map(|(k, v)| [*k, *v]).collect();
    host.heap.object(Kind::Map, 0, &f)
}
pub fn get(host: &Host, m: Value, k: Value) -> Option<Value> {
    host.heap
        .values(m)
        .chunks(2)
        .find(|c| equality::equal(host, c[0], k))
        .map(|c| c[1])
}
pub fn get_keyword(host: &Host, m: Value, k: Value) -> Option<Value> {
    get(host, m, k)
}
