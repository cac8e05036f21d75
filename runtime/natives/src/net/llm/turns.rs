//! Turns: messages as the maps that requests are made of. A turn has a `:role` and a `:content`, both
//! texts; those of assistants may have `:tool-calls`, results of tools `:tool-call-id` and `:tool-name`,
//! and messages with images `:images`, vectors of media type and bytes.

use crate::net::llm_values::conversations::conversation;
use crate::net::llm_values::{MESSAGES, message, new_message};
use sema_machine::data::collections::{self, sorted_map};
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, list_or_vector};
use sema_machine::host::condition::{Outcome, type_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// The turns of a list or vector of messages.
    "%llm-turns" (messages: Sequence) -> List => turns_of_messages;

    /// The turns of a list or vector of turns that a program has made or kept: other entries are left out.
    "%llm-given-turns" (turns: Any) -> List => given_turns;

    /// The turns with role and content only.
    "%llm-plain-turns" (turns: Any) -> List => plain_turns;

    /// The turn of an assistant that calls tools.
    "%llm-calling-turn" (content: Any, calls: Any) -> Map => calling_turn;

    /// The turn of the result of a tool.
    "%llm-result-turn" (content: Any, id: Any, tool: Any) -> Map => result_turn;

    /// A conversation of the texts of turns: those of assistants, all others as the user's.
    "%llm-session" (conversation: Conversation, turns: Any) -> Conversation => session;

    /// A conversation with a message of the user and the reply, and what they took: tokens sent and
    /// received, and dollars or nil.
    "%conversation-said" (conversation: Conversation, text: Any, reply: Any, sent: Any, received: Any, cost: Any) -> Conversation => said;
}

/// An entry of a map; `None` if there is no map.
fn entry(host: &Host, map: Value, name: &str) -> Option<Value> {
    if !collections::is_map(map) {
        return None;
    }
    collections::get_keyword(host, map, host.keyword(name))
}

/// The elements of a list; none of anything else.
fn elements(host: &Host, list: Value) -> Vec<Value> {
    match list.kind() {
        Kind::List => host.heap.list_iter(list).collect(),
        _ => Vec::new(),
    }
}

fn map(host: &Host, entries: &[(&str, Value)]) -> Value {
    let entries: Vec<(Value, Value)> = entries
        .iter()
        .map(|(name, value)| (host.keyword(name), *value))
        .collect();
    sorted_map::from_entries(host, &entries)
}

/// A value's text, as programs mean it: names without colon, nothing for nil.
fn text_of(host: &Host, value: Option<Value>) -> Value {
    match value {
        None => host.heap.string(""),
        Some(value) if value.kind() == Kind::String => value,
        Some(value) if value.is_nil() => host.heap.string(""),
        Some(value) => match host.name_of(value) {
            Some(name) => host.heap.string(name),
            None => host.heap.string(&print::display(host, value)),
        },
    }
}

/// The turn of a message.
fn turn(host: &Host, message: Value) -> Outcome {
    if message.kind() != Kind::Message {
        return Err(type_error(host, "message", message));
    }
    let field = |index| host.heap.field(message, index);
    let role = text_of(host, Some(field(message::ROLE)));
    let mut entries = vec![("role", role), ("content", field(message::TEXT))];
    let images = field(message::IMAGES);
    if images != Value::EMPTY && !images.is_nil() {
        entries.push(("images", images));
    }
    Ok(map(host, &entries))
}

fn turns_of_messages(host: &Host, args: &[Value]) -> Outcome {
    let messages = list_or_vector(host, argument(args, 0))?;
    let mut turns = Vec::with_capacity(messages.len());
    for message in messages.iter() {
        turns.push(turn(host, *message)?);
    }
    Ok(host.heap.list(&turns))
}

/// Calls of tools, each with `:id`, `:name`, `:arguments` and what a provider wants back.
pub fn calls(host: &Host, value: Option<Value>) -> Value {
    let given: Vec<Value> = match value.map(|value| (value.kind(), value)) {
        Some((Kind::List, value)) => host.heap.list_iter(value).collect(),
        Some((Kind::Vector, value)) => host.heap.values(value).to_vec(),
        _ => Vec::new(),
    };
    let mut calls = Vec::with_capacity(given.len());
    for call in given {
        if !collections::is_map(call) {
            continue;
        }
        let arguments = match entry(host, call, "arguments") {
            Some(arguments) if !arguments.is_nil() => arguments,
            _ => sorted_map::empty(&host.heap),
        };
        let mut entries = vec![
            ("id", text_of(host, entry(host, call, "id"))),
            ("name", text_of(host, entry(host, call, "name"))),
            ("arguments", arguments),
        ];
        if let Some(signature) = entry(host, call, "thought-signature") {
            entries.push(("thought-signature", signature));
        }
        calls.push(map(host, &entries));
    }
    host.heap.list(&calls)
}

fn given_turns(host: &Host, args: &[Value]) -> Outcome {
    let given = argument(args, 0);
    if !matches!(given.kind(), Kind::List | Kind::Vector) {
        return Err(type_error(host, "list of message maps", given));
    }
    let given = list_or_vector(host, given)?;
    let mut turns = Vec::with_capacity(given.len());
    for one in given.iter() {
        if one.kind() == Kind::Message {
            turns.push(turn(host, *one)?);
            continue;
        }
        if !collections::is_map(*one) {
            return Err(type_error(host, "message map", *one));
        }
        let mut entries = vec![
            ("role", text_of(host, entry(host, *one, "role"))),
            ("content", text_of(host, entry(host, *one, "content"))),
        ];
        let calls = calls(host, entry(host, *one, "tool-calls"));
        if calls != Value::EMPTY {
            entries.push(("tool-calls", calls));
        }
        for name in ["tool-call-id", "tool-name"] {
            if let Some(value) = entry(host, *one, name) {
                entries.push((name, text_of(host, Some(value))));
            }
        }
        if let Some(images) = entry(host, *one, "images") {
            entries.push(("images", images));
        }
        turns.push(map(host, &entries));
    }
    Ok(host.heap.list(&turns))
}

fn plain_turns(host: &Host, args: &[Value]) -> Outcome {
    let turns: Vec<Value> = elements(host, argument(args, 0))
        .into_iter()
        .map(|turn| {
            if !collections::is_map(turn) || collections::len(&host.heap, turn) <= 2 {
                return turn;
            }
            let part = |name| text_of(host, entry(host, turn, name));
            map(
                host,
                &[("role", part("role")), ("content", part("content"))],
            )
        })
        .collect();
    Ok(host.heap.list(&turns))
}

fn calling_turn(host: &Host, args: &[Value]) -> Outcome {
    let entries = [
        ("role", host.heap.string("assistant")),
        ("content", argument(args, 0)),
        ("tool-calls", argument(args, 1)),
    ];
    Ok(map(host, &entries))
}

fn result_turn(host: &Host, args: &[Value]) -> Outcome {
    let entries = [
        ("role", host.heap.string("tool")),
        ("content", argument(args, 0)),
        ("tool-call-id", argument(args, 1)),
        ("tool-name", argument(args, 2)),
    ];
    Ok(map(host, &entries))
}

/// A conversation that differs in some fields.
fn changed(host: &Host, from: Value, changes: &[(usize, Value)]) -> Value {
    let mut fields = [Value::NIL; conversation::FIELDS];
    for (index, field) in fields.iter_mut().enumerate() {
        let change = changes.iter().find(|(changed, _)| *changed == index);
        *field = change.map_or_else(|| host.heap.field(from, index), |(_, value)| *value);
    }
    host.heap.object(Kind::Conversation, 0, &fields)
}

fn session(host: &Host, args: &[Value]) -> Outcome {
    let from = argument(args, 0);
    if from.kind() != Kind::Conversation {
        return Err(type_error(host, "conversation", from));
    }
    let messages: Vec<Value> = elements(host, argument(args, 1))
        .into_iter()
        .map(|turn| {
            let role = text_of(host, entry(host, turn, "role"));
            let role = match host.heap.as_str(role) {
                Some("assistant") => "assistant",
                _ => "user",
            };
            let text = text_of(host, entry(host, turn, "content"));
            let text = host.heap.as_str(text).unwrap_or_default();
            new_message(host, host.keyword(role), text, Value::EMPTY)
        })
        .collect();
    let messages = host.heap.list(&messages);
    Ok(changed(host, from, &[(MESSAGES, messages)]))
}

fn said(host: &Host, args: &[Value]) -> Outcome {
    let from = argument(args, 0);
    if from.kind() != Kind::Conversation {
        return Err(type_error(host, "conversation", from));
    }
    let field = |index| host.heap.field(from, index);
    let mut messages: Vec<Value> = host.heap.list_iter(field(MESSAGES)).collect();
    for (role, index) in [("user", 1), ("assistant", 2)] {
        let text = host.heap.as_str(argument(args, index)).unwrap_or_default();
        messages.push(new_message(host, host.keyword(role), text, Value::EMPTY));
    }
    let sum = |index, more: Value| {
        let number = |value| host.heap.as_i64(value).unwrap_or(0);
        host.heap
            .int(number(field(index)).saturating_add(number(more)))
    };
    let cost = match (
        field(conversation::COST).as_float(),
        argument(args, 5).as_float(),
    ) {
        (Some(so_far), Some(more)) => Value::float(so_far + more),
        (None, Some(more)) => Value::float(more),
        _ => field(conversation::COST),
    };
    let changes = [
        (MESSAGES, host.heap.list(&messages)),
        (
            conversation::PROMPT_TOKENS,
            sum(conversation::PROMPT_TOKENS, argument(args, 3)),
        ),
        (
            conversation::COMPLETION_TOKENS,
            sum(conversation::COMPLETION_TOKENS, argument(args, 4)),
        ),
        (conversation::COST, cost),
    ];
    Ok(changed(host, from, &changes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    #[test]
    fn turns_keep_what_providers_need_and_nothing_else() {
        let bench = Bench::new();
        let given = r#"[{"role": "user", "x": 1}, {"role": "assistant", "content": "c", "tool-calls":
            [{"name": "t", "y": 2}]}, {"role": "tool", "content": 5, "tool-call-id": "i", "tool-name": "t"}]"#;
        let given = bench.call("json/decode", &[bench.text(given)]);
        let turns = bench.call("%llm-given-turns", &[given]);
        assert_eq!(
            print::readable(&bench.host, turns),
            "({:content \"\" :role \"user\"} \
             {:content \"c\" :role \"assistant\" :tool-calls ({:arguments {} :id \"\" :name \"t\"})} \
             {:content \"5\" :role \"tool\" :tool-call-id \"i\" :tool-name \"t\"})"
        );
        let plain = bench.call("%llm-plain-turns", &[turns]);
        assert_eq!(
            print::readable(&bench.host, plain),
            "({:content \"\" :role \"user\"} {:content \"c\" :role \"assistant\"} {:content \"5\" :role \"tool\"})"
        );
    }

    #[test]
    fn what_was_said_adds_up() {
        let bench = Bench::new();
        let start = bench.call("conversation/new", &[]);
        let say = |conversation, cost| {
            let (text, reply) = (bench.text("q"), bench.text("a"));
            let (sent, received) = (Value::small(3), Value::small(2));
            bench.call(
                "%conversation-said",
                &[conversation, text, reply, sent, received, cost],
            )
        };
        let once = say(start, Value::NIL);
        let twice = say(once, Value::float(0.5));
        let stats = bench.call("conversation/stats", &[twice]);
        assert_eq!(
            print::readable(&bench.host, stats),
            "{:cost 0.5 :messages 4 :models () :tokens {:completion 4 :prompt 6 :total 10} :turns 2}"
        );
    }
}
