//! Questions about the kind of a value, and equality. Those about numbers are with the numbers.

use sema_machine::data::collections;
use sema_machine::data::equality;
use sema_machine::data::sequence::arg;
use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, type_error};
use sema_machine::host::native::{Native, alias, exactly, native};
use sema_machine::memory::value::{Kind, Value};

/// The natives of this module.
#[rustfmt::skip]
pub static TABLE: &[Native] = &[
    native("type", exactly(1), type_of, "Keyword that names the type of a value.").pure(),
    alias("type-of", "type"),
    native("equal?", exactly(2), equal, "Whether two values have the same structure.").pure(),
    native("eq?", exactly(2), equal, "Whether two values have the same structure.").pure(),
    native("not", exactly(1), not, "Whether a value is nil or #f.").pure(),
    native("nil?", exactly(1), is_nil, "Whether a value is nil.").pure(),
    native("null?", exactly(1), is_null, "Whether a value is nil or the empty list.").pure(),
    native("empty?", exactly(1), is_empty, "Whether a collection or string has no elements.").pure(),
    native("pair?", exactly(1), is_pair, "Whether a value is a list with elements.").pure(),
    native("list?", exactly(1), is_list, "Whether a value is a list.").pure(),
    native("vector?", exactly(1), is_vector, "Whether a value is a vector.").pure(),
    native("map?", exactly(1), is_map, "Whether a value is a map in key order.").pure(),
    alias("hash-map?", "map?"),
    native("bool?", exactly(1), is_bool, "Whether a value is a boolean.").pure(),
    native("boolean?", exactly(1), is_bool, "Whether a value is a boolean.").pure(),
    native("char?", exactly(1), is_char, "Whether a value is a character.").pure(),
    native("string?", exactly(1), is_string, "Whether a value is a string.").pure(),
    native("symbol?", exactly(1), is_symbol, "Whether a value is a symbol.").pure(),
    native("keyword?", exactly(1), is_keyword, "Whether a value is a keyword.").pure(),
    native("bytevector?", exactly(1), is_bytevector, "Whether a value is a byte vector.").pure(),
    native("record?", exactly(1), is_record, "Whether a value is a record.").pure(),
    native("fn?", exactly(1), is_function, "Whether a value is a procedure.").pure(),
    native("procedure?", exactly(1), is_function, "Whether a value is a procedure.").pure(),
    native("promise?", exactly(1), is_promise, "Whether a value is a delayed expression.").pure(),
    native("promise-forced?", exactly(1), is_forced, "Whether a delayed expression has its value."),
    native("prompt?", exactly(1), is_prompt, "Whether a value is a prompt.").pure(),
    native("message?", exactly(1), is_message, "Whether a value is a message.").pure(),
    native("conversation?", exactly(1), is_conversation, "Whether a value is a conversation.").pure(),
    native("tool?", exactly(1), is_tool, "Whether a value is a tool.").pure(),
    native("agent?", exactly(1), is_agent, "Whether a value is an agent.").pure(),
];

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
