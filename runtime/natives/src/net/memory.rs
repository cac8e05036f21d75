//! Threads of memory: what they are called and what their files hold. Reading and writing is in
//! `compiler/lib/memory.sema`.

use crate::net::llm_values::conversations::conversation;
use crate::net::llm_values::{MESSAGES, new_message};
use crate::std::json::read::{Keys, Reader};
use sema_machine::data::collections;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, text};
use sema_machine::host::condition::{Outcome, type_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// Whether a text can be the name of a file, on all systems.
    "%plain-name?" (name: String) -> Bool => is_plain_name;

    /// The turns that the lines of a file say: maps of `:role` and `:content`. Lines that say none are left out.
    "%memory-turns" (text: String) -> List => turns_of_lines;

    /// A conversation with a further message: the assistant's if the role says so, else the user's.
    "%memory-added" (conversation: Conversation, role: String, content: String) -> Conversation => added;
}

fn is_plain_name(host: &Host, args: &[Value]) -> Outcome {
    let name = text(host, "%plain-name?", args, 0)?;
    let plain = !name.is_empty()
        && !name.ends_with(['.', ' '])
        && !name.contains(['/', '\\', ':'])
        && !name.contains(char::is_control);
    Ok(Value::bool(plain))
}

/// The role that messages of memory have.
fn memory_role(role: &str) -> &'static str {
    if role == "assistant" {
        "assistant"
    } else {
        "user"
    }
}

fn turns_of_lines(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "%memory-turns", args, 0)?;
    let mut turns = Vec::new();
    for line in content.lines().filter(|line| !line.trim().is_empty()) {
        // A line that was written in part, or by something else, must not hide the others.
        let Ok(entry) = Reader::new(Keys::Keywords).document(host, line) else {
            continue;
        };
        if !collections::is_map(entry) {
            continue;
        }
        let part = |name: &str| {
            let value = collections::get_keyword(host, entry, host.keyword(name))?;
            host.heap.as_str(value)
        };
        let entries = [
            (
                host.keyword("role"),
                host.heap
                    .string(memory_role(part("role").unwrap_or_default())),
            ),
            (
                host.keyword("content"),
                host.heap.string(part("content").unwrap_or_default()),
            ),
        ];
        turns.push(collections::sorted_map::from_entries(host, &entries));
    }
    Ok(host.heap.list(&turns))
}

fn added(host: &Host, args: &[Value]) -> Outcome {
    let from = argument(args, 0);
    if from.kind() != Kind::Conversation {
        return Err(type_error(host, "conversation", from));
    }
    let role = memory_role(text(host, "%memory-added", args, 1)?);
    let content = text(host, "%memory-added", args, 2)?;
    let mut messages: Vec<Value> = host
        .heap
        .list_iter(host.heap.field(from, MESSAGES))
        .collect();
    messages.push(new_message(host, host.keyword(role), content, Value::EMPTY));
    let mut fields = [Value::NIL; conversation::FIELDS];
    for (index, field) in fields.iter_mut().enumerate() {
        *field = host.heap.field(from, index);
    }
    if let Some(field) = fields.get_mut(MESSAGES) {
        *field = host.heap.list(&messages);
    }
    Ok(host.heap.object(Kind::Conversation, 0, &fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;
    use sema_machine::data::print;

    #[test]
    fn names_are_those_of_files_everywhere() {
        let bench = Bench::new();
        let plain = |name: &str| bench.call("%plain-name?", &[bench.text(name)]) == Value::TRUE;
        for name in ["a", "a b", ".x", "é", "CON"] {
            assert!(plain(name), "{name}");
        }
        for name in ["", ".", "..", "a.", "a ", "../a", "a\\b", "a:b", "a\nb"] {
            assert!(!plain(name), "{name}");
        }
    }

    #[test]
    fn lines_that_say_no_turn_are_left_out() {
        let bench = Bench::new();
        let lines =
            "{\"role\":\"assistant\",\"content\":\"a\"}\nnot json\n\n[1]\n{\"role\":\"system\"}";
        let turns = bench.call("%memory-turns", &[bench.text(lines)]);
        assert_eq!(
            print::readable(&bench.host, turns),
            "({:content \"a\" :role \"assistant\"} {:content \"\" :role \"user\"})"
        );
    }
}
