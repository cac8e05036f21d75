//! Questions about the kind of a value, and equality. Those about numbers are with the numbers.

use sema_machine::data::collections;
use sema_machine::data::equality;
use sema_machine::data::sequence::arg;
use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, type_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// Keyword that names the type of a value.
    "type" | "type-of" (v: Any) -> Keyword, pure => type_of;

    /// Whether two values have the same structure.
    "equal?" (a: Any, b: Any) -> Bool, pure => equal;

    /// Whether two values have the same structure.
    "eq?" (a: Any, b: Any) -> Bool, pure => equal;

    /// Whether a value is nil or #f.
    "not" (x: Any) -> Bool, pure => not;

    /// Whether a value is nil.
    "nil?" (value: Any) -> Bool, pure => is_nil;

    /// Whether a value is nil or the empty list.
    "null?" (x: Any) -> Bool, pure => is_null;

    /// Whether a collection or string has no elements.
    "empty?" (coll: Any) -> Bool, pure => is_empty;

    /// Whether a value is a list with elements.
    "pair?" (x: Any) -> Bool, pure => is_pair;

    /// Whether a value is a list.
    "list?" (x: Any) -> Bool, pure => is_list;

    /// Whether a value is a vector.
    "vector?" (x: Any) -> Bool, pure => is_vector;

    /// Whether a value is a map in key order.
    "map?" | "hash-map?" (value: Any) -> Bool, pure => is_map;

    /// Whether a value is a boolean.
    "bool?" (v: Any) -> Bool, pure => is_bool;

    /// Whether a value is a boolean.
    "boolean?" (x: Any) -> Bool, pure => is_bool;

    /// Whether a value is a character.
    "char?" (v: Any) -> Bool, pure => is_char;

    /// Whether a value is a string.
    "string?" (x: Any) -> Bool, pure => is_string;

    /// Whether a value is a symbol.
    "symbol?" (x: Any) -> Bool, pure => is_symbol;

    /// Whether a value is a keyword.
    "keyword?" (v: Any) -> Bool, pure => is_keyword;

    /// Whether a value is a byte vector.
    "bytevector?" (v: Any) -> Bool, pure => is_bytevector;

    /// Whether a value is a record.
    "record?" (v: Any) -> Bool, pure => is_record;

    /// Whether a value is a procedure.
    "fn?" (v: Any) -> Bool, pure => is_function;

    /// Whether a value is a procedure.
    "procedure?" (x: Any) -> Bool, pure => is_function;

    /// Whether a value is a delayed expression.
    "promise?" (v: Any) -> Bool, pure => is_promise;

    /// Whether a delayed expression has its value.
    "promise-forced?" (p: Promise) -> Bool => is_forced;

    /// Whether a value is a prompt.
    "prompt?" (v: Any) -> Bool, pure => is_prompt;

    /// Whether a value is a message.
    "message?" (v: Any) -> Bool, pure => is_message;

    /// Whether a value is a conversation.
    "conversation?" (v: Any) -> Bool, pure => is_conversation;

    /// Whether a value is a tool.
    "tool?" (v: Any) -> Bool, pure => is_tool;

    /// Whether a value is an agent.
    "agent?" (v: Any) -> Bool, pure => is_agent;
}

/// The keyword that `type` gives: a record's is the name of its type.
pub fn type_keyword(host: &Host, value: Value) -> Value {
    let kind = value.kind();
    if kind == Kind::Record {
        let record_type = host.heap.field(value, 0);
        if let Some(name) = host.heap.field(record_type, 0).as_symbol() {
            return Value::keyword(name);
        }
    }
    host.keyword(kind.type_name())
}

fn type_of(host: &Host, args: &[Value]) -> Outcome {
    Ok(type_keyword(host, arg(args, 0)))
}

fn equal(host: &Host, args: &[Value]) -> Outcome {
    let equal = equality::equal(host, arg(args, 0), arg(args, 1));
    Ok(Value::bool(equal))
}

fn not(_: &Host, args: &[Value]) -> Outcome {
    Ok(Value::bool(!arg(args, 0).is_truthy()))
}

fn is_null(_: &Host, args: &[Value]) -> Outcome {
    let value = arg(args, 0);
    Ok(Value::bool(value.is_nil() || value == Value::EMPTY))
}

fn is_empty(host: &Host, args: &[Value]) -> Outcome {
    let value = arg(args, 0);
    let heap = &host.heap;
    let empty = match value.kind() {
        Kind::Nil => true,
        Kind::String => heap.as_str(value).is_some_and(str::is_empty),
        Kind::List => value == Value::EMPTY,
        Kind::Vector => heap.values(value).is_empty(),
        Kind::Map | Kind::HashMap => collections::len(heap, value) == 0,
        _ => return Err(type_error(host, "collection", value)),
    };
    Ok(Value::bool(empty))
}

fn is_pair(host: &Host, args: &[Value]) -> Outcome {
    Ok(Value::bool(host.heap.is_pair(arg(args, 0))))
}

fn is_forced(host: &Host, args: &[Value]) -> Outcome {
    let promise = arg(args, 0);
    if promise.kind() != Kind::Promise {
        return Err(type_error(host, "promise", promise));
    }
    Ok(Value::bool(host.heap.field(promise, 0) == Value::TRUE))
}

/// Tests for kinds.
macro_rules! kind_tests {
    ($($name:ident: $($kind:ident)|+;)*) => {
        $(fn $name(_: &Host, args: &[Value]) -> Outcome {
            Ok(Value::bool(matches!(arg(args, 0).kind(), $(Kind::$kind)|+)))
        })*
    };
}

kind_tests! {
    is_nil: Nil;
    is_list: List;
    is_vector: Vector;
    is_map: Map;
    is_bool: Bool;
    is_char: Char;
    is_string: String;
    is_symbol: Symbol;
    is_keyword: Keyword;
    is_bytevector: Bytevector;
    is_record: Record;
    is_function: Closure | Native;
    is_promise: Promise;
    is_prompt: Prompt;
    is_message: Message;
    is_conversation: Conversation;
    is_tool: Tool;
    is_agent: Agent;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::call;
    use sema_machine::host::output::Output;

    #[test]
    fn kinds_are_told_apart() {
        let host = Host::new(Output::memory(), &crate::NATIVES);
        let heap = &host.heap;
        let call = |name, value: Value| call(&host, name, &[value]);
        assert_eq!(call("null?", Value::EMPTY), "#t");
        assert_eq!(call("null?", heap.vector(&[])), "#f");
        assert_eq!(call("nil?", Value::EMPTY), "#f");
        assert_eq!(call("empty?", heap.string("")), "#t");
        assert_eq!(
            call("empty?", Value::small(1)),
            "type-error: expected collection, got int"
        );
        assert_eq!(call("type-of", Value::float(1.0)), ":float");
        assert_eq!(call("fn?", host.keyword("a")), "#f");
        assert_eq!(call("procedure?", Value::native(0)), "#t");
        assert_eq!(call("pair?", Value::EMPTY), "#f");
        assert_eq!(
            call("promise-forced?", Value::NIL),
            "type-error: expected promise, got nil"
        );
    }
}
