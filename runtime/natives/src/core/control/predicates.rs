//! Questions about the kind of a value, and equality. Those about numbers are with the numbers.

use sema_format::isa::{Op, Predicate};
use sema_machine::data::collections;
use sema_machine::data::equality;
use sema_machine::host::Host;
use sema_machine::host::arguments::argument;
use sema_machine::host::condition::{Outcome, type_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// The keyword that names the type of a value; for a record the name of its record type.
    /// (type 1) => :int
    /// (type "a") => :string
    /// (type [1]) => :vector
    "type" | "type-of" (value: Any) -> Keyword, total => type_of;

    /// Whether two values have the same kind and the same content. Exact and inexact numbers differ.
    /// (equal? (list 1 [2]) (list 1 [2])) => #t
    /// (equal? 1 1.0) => #f
    "equal?" (a: Any, b: Any) -> Bool, total, op(2, Op::Equal), reads => equal;

    /// Whether two values have the same kind and the same content. The same as `equal?`.
    /// (eq? "ab" "ab") => #t
    "eq?" (a: Any, b: Any) -> Bool, total, op(2, Op::Equal), reads => equal;

    /// #t for nil and #f, #f for anything else.
    /// (not #f) => #t
    /// (not nil) => #t
    /// (not 0) => #f
    "not" (value: Any) -> Bool, total, borrows, op(1, Op::Not) => not;

    /// Whether a value is nil.
    /// (nil? nil) => #t
    /// (nil? (list)) => #f
    "nil?" (value: Any) -> Bool, total, test(Predicate::Nil) => is_nil;

    /// Whether a value is nil or the empty list.
    /// (null? (list)) => #t
    /// (null? []) => #f
    "null?" (value: Any) -> Bool, total, test(Predicate::Null) => is_null;

    /// Whether a string, list, vector, map or hash map has nothing in it; #t for nil. Anything else is refused.
    /// (empty? "") => #t
    /// (empty? {:a 1}) => #f
    /// (empty? 0) => error expected collection, got int
    "empty?" (coll: Any) -> Bool, pure, reads, borrows => is_empty;

    /// Whether a value is a list with at least one element.
    /// (pair? (list 1)) => #t
    /// (pair? (list)) => #f
    "pair?" (value: Any) -> Bool, total, test(Predicate::Pair) => is_pair;

    /// Whether a value is a list, empty or not.
    /// (list? (list)) => #t
    /// (list? [1]) => #f
    "list?" (value: Any) -> Bool, total, test(Predicate::List) => is_list;

    /// Whether a value is a vector.
    /// (vector? [1 2]) => #t
    /// (vector? (list 1 2)) => #f
    "vector?" (value: Any) -> Bool, total, test(Predicate::Vector) => is_vector;

    /// Whether a value is a map in key order. A hash map is none.
    /// (map? {:a 1}) => #t
    /// (map? (hashmap/new :a 1)) => #f
    "map?" | "hash-map?" (value: Any) -> Bool, total, test(Predicate::Map) => is_map;

    /// Whether a value is #t or #f.
    /// (bool? #f) => #t
    /// (bool? nil) => #f
    "bool?" (value: Any) -> Bool, total, test(Predicate::Bool) => is_bool;

    /// Whether a value is #t or #f. The same as `bool?`.
    /// (boolean? #t) => #t
    "boolean?" (value: Any) -> Bool, total, test(Predicate::Bool) => is_bool;

    /// Whether a value is a character.
    /// (char? #\a) => #t
    /// (char? "a") => #f
    "char?" (value: Any) -> Bool, total, test(Predicate::Char) => is_char;

    /// Whether a value is a string.
    /// (string? "a") => #t
    /// (string? 'a) => #f
    "string?" (value: Any) -> Bool, total, test(Predicate::String) => is_string;

    /// Whether a value is a symbol.
    /// (symbol? 'a) => #t
    /// (symbol? :a) => #f
    "symbol?" (value: Any) -> Bool, total, test(Predicate::Symbol) => is_symbol;

    /// Whether a value is a keyword.
    /// (keyword? :a) => #t
    /// (keyword? 'a) => #f
    "keyword?" (value: Any) -> Bool, total, test(Predicate::Keyword) => is_keyword;

    /// Whether a value is a byte vector.
    /// (bytevector? (bytevector 1 2)) => #t
    /// (bytevector? [1 2]) => #f
    "bytevector?" (value: Any) -> Bool, total => is_bytevector;

    /// Whether a value is a record of any type.
    /// (begin (define-record-type point (make-point x) point? (x point-x)) (record? (make-point 1))) => #t
    /// (record? {:x 1}) => #f
    "record?" (value: Any) -> Bool, total => is_record;

    /// Whether a value is a closure or a builtin. Keywords and multimethods, which can be called too, are not.
    /// (fn? car) => #t
    /// (fn? :name) => #f
    "fn?" (value: Any) -> Bool, total, test(Predicate::Function) => is_function;

    /// Whether a value is a closure or a builtin. The same as `fn?`.
    /// (procedure? (fn (x) x)) => #t
    "procedure?" (value: Any) -> Bool, total, test(Predicate::Function) => is_function;

    /// Whether a value is a delayed expression, as `delay` makes it.
    /// (promise? (delay 1)) => #t
    /// (promise? 1) => #f
    "promise?" (value: Any) -> Bool, total => is_promise;

    /// Whether a delayed expression has been evaluated.
    /// (promise-forced? (delay 1)) => #f
    /// (let ((p (delay 1))) (force p) (promise-forced? p)) => #t
    "promise-forced?" (promise: Delay) -> Bool => is_forced;

    /// Whether a value is a prompt.
    /// (prompt? (prompt (user "Hello"))) => #t
    /// (prompt? "Hello") => #f
    "prompt?" (value: Any) -> Bool, total => is_prompt;

    /// Whether a value is a message.
    /// (message? (message :user "Hello")) => #t
    /// (message? "Hello") => #f
    "message?" (value: Any) -> Bool, total => is_message;

    /// Whether a value is a conversation.
    /// (conversation? (conversation/new)) => #t
    /// (conversation? (list)) => #f
    "conversation?" (value: Any) -> Bool, total => is_conversation;

    /// Whether a value is a tool.
    /// (begin (deftool add "Adds" {:a {:type :number}} (fn (a) a)) (tool? add)) => #t
    /// (tool? car) => #f
    "tool?" (value: Any) -> Bool, total => is_tool;

    /// Whether a value is an agent.
    /// (begin (defagent helper {:system "Help."}) (agent? helper)) => #t
    /// (agent? {:system "Help."}) => #f
    "agent?" (value: Any) -> Bool, total => is_agent;
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
    Ok(type_keyword(host, argument(args, 0)))
}

fn equal(host: &Host, args: &[Value]) -> Outcome {
    let equal = equality::equal(host, argument(args, 0), argument(args, 1));
    Ok(Value::bool(equal))
}

fn not(_: &Host, args: &[Value]) -> Outcome {
    Ok(Value::bool(!argument(args, 0).is_truthy()))
}

fn is_null(_: &Host, args: &[Value]) -> Outcome {
    let value = argument(args, 0);
    Ok(Value::bool(value.is_nil() || value == Value::EMPTY))
}

fn is_empty(host: &Host, args: &[Value]) -> Outcome {
    let value = argument(args, 0);
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
    Ok(Value::bool(host.heap.is_pair(argument(args, 0))))
}

fn is_forced(host: &Host, args: &[Value]) -> Outcome {
    let promise = argument(args, 0);
    if promise.kind() != Kind::Promise {
        return Err(type_error(host, "promise", promise));
    }
    Ok(Value::bool(host.heap.field(promise, 0) == Value::TRUE))
}

/// Tests for kinds.
macro_rules! kind_tests {
    ($($name:ident: $($kind:ident)|+;)*) => {
        $(fn $name(_: &Host, args: &[Value]) -> Outcome {
            Ok(Value::bool(matches!(argument(args, 0).kind(), $(Kind::$kind)|+)))
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
