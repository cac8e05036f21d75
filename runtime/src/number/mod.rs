pub mod float_text;
pub mod literal;
use crate::{error::*, host::Host, value::Value};
macro_rules! ar { ($($n:ident $o:tt),*) => { $(pub fn $n(h:&Host,a:Value,b:Value)->Outcome { match (h.heap.as_i64(a),h.heap.as_i64(b)) { (Some(x),Some(y)) => Ok(h.heap.int(x $o y)), _ => Err(type_error(h,"number",a)) } })* } }
ar!(add +, subtract -, multiply *, divide /, quotient /, remainder %, modulo %);
pub fn less(h: &Host, a: Value, b: Value) -> Outcome<bool> {
    match (h.heap.as_i64(a), h.heap.as_i64(b)) {
        (Some(x), Some(y)) => Ok(x < y),
        _ => Err(type_error(h, "number", a)),
    }
}
pub fn less_equal(h: &Host, a: Value, b: Value) -> Outcome<bool> {
    Ok(!less(h, b, a)?)
}
pub fn num_equal(_: &Host, a: Value, b: Value) -> bool {
    a == b
}
pub fn add_numbers(h:&Host,a:Value,b:Value)->Outcome { add(h,a,b) }
