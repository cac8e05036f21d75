//! Conversations: messages, a model, notes, and what their own calls have used. They never change.

use super::{MESSAGES, expect, message, message_text, messages_of, new_message, role, with_system};
use sema_machine::data::collections::{self, sorted_map};
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, argument_error, integer, text};
use sema_machine::host::condition::{Outcome, eval_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

/// Fields of a conversation after its messages.
pub mod conversation {
    /// The model's name; empty: none.
    pub const MODEL: usize = 1;
    /// Map of keywords to strings.
    pub const METADATA: usize = 2;
    /// Tokens sent.
    pub const PROMPT_TOKENS: usize = 3;
    /// Tokens received.
    pub const COMPLETION_TOKENS: usize = 4;
    /// Cost in dollars, or nil.
    pub const COST: usize = 5;
    /// Number of fields.
    pub const FIELDS: usize = 6;
}

natives! {
    /// A conversation without messages. The options may name the `:model`; other entries are kept with
    /// it as texts. What is not a map counts as no options.
    /// (conversation/length (conversation/new)) => 0
    /// (conversation/model (conversation/new {:model "small-1"})) => "small-1"
    "conversation/new" (options?: Any) -> Conversation => new;

    /// The messages of a conversation, in order.
    /// (map message/content (conversation/messages (conversation/add-message (conversation/new) :user "Hi"))) => ("Hi")
    "conversation/messages" (conversation: Conversation) -> List, pure => messages;

    /// The name of the model of a conversation; "" if none was given.
    /// (conversation/model (conversation/new)) => ""
    "conversation/model" (conversation: Conversation) -> String, pure => model;

    /// A list of the names of the models of a conversation.
    /// (conversation/models-used (conversation/new {:model "small-1"})) => ("small-1")
    "conversation/models-used" (conversation: Conversation) -> List, pure => models_used;

    /// The number of messages.
    /// (conversation/length (conversation/add-message (conversation/new) :user "Hi")) => 1
    "conversation/length" (conversation: Conversation) -> Count, pure => length;

    /// The conversation to go on with separately: as nothing changes a conversation, it is the same one.
    /// (let ((c (conversation/new))) (equal? c (conversation/fork c))) => #t
    "conversation/fork" (conversation: Any) -> Any, total => fork;

    /// The conversation with a further message at its end, whose text is the display form of the value.
    /// Raises if the role is none.
    /// (message/content (first (conversation/messages (conversation/add-message (conversation/new) :user 42)))) => "42"
    /// (conversation/add-message (conversation/new) :robot "Hi") => error unknown role 'robot'
    "conversation/add-message" (conversation: Conversation, role: Keyword, content: Any) -> Conversation => add_message;

    /// The conversation with a further message before that of an index: a message, or a role and a value
    /// whose display form is the text. Raises if the index is out of bounds.
    /// (message/role (first (conversation/messages (conversation/insert (conversation/new) 0 :system "Be brief.")))) => :system
    /// (conversation/insert (conversation/new) 1 :user "Hi") => error index 1 out of bounds (length 0)
    "conversation/insert" (conversation: Conversation, index: Count, message: Any, content?: Any) -> Conversation => insert;

    /// The conversation with another message at an index: a message, or a role and a value whose display
    /// form is the text. Raises if the index is out of bounds.
    /// (conversation/system (conversation/replace (conversation/set-system (conversation/new) "a") 0 :system "b")) => "b"
    "conversation/replace" (conversation: Conversation, index: Count, message: Any, content?: Any) -> Conversation => replace;

    /// The conversation without the message at an index. Raises if the index is out of bounds.
    /// (conversation/length (conversation/remove (conversation/add-message (conversation/new) :user "Hi") 0)) => 0
    "conversation/remove" (conversation: Conversation, index: Count) -> Conversation, pure => remove;

    /// The text of the last message of the assistant. Raises if there is none.
    /// (conversation/last-reply (conversation/add-message (conversation/new) :assistant "Yes")) => "Yes"
    /// (conversation/last-reply (conversation/new)) => error no assistant reply in conversation
    "conversation/last-reply" (conversation: Conversation) -> String, pure => last_reply;

    /// The text of the first message of the system, or nil.
    /// (conversation/system (conversation/set-system (conversation/new) "Be brief.")) => "Be brief."
    /// (conversation/system (conversation/new)) => nil
    "conversation/system" (conversation: Conversation) -> OptionalString, pure => system;

    /// The conversation with one message of the system, in front: the display form of the value. Those
    /// it had are left out.
    /// (conversation/length (conversation/set-system (conversation/set-system (conversation/new) "a") "b")) => 1
    "conversation/set-system" (conversation: Conversation, system: Any) -> Conversation => set_system;

    /// The number of messages of the assistant.
    /// (conversation/turns (conversation/add-message (conversation/new) :assistant "Yes")) => 1
    "conversation/turns" (conversation: Conversation) -> Count, pure => turns;

    /// About how many tokens the texts of the messages are: a quarter of their bytes, rounded up.
    /// (conversation/token-count (conversation/add-message (conversation/new) :user "12345")) => 2
    "conversation/token-count" (conversation: Conversation) -> Count, pure => token_count;

    /// A map about a conversation: the numbers of `:messages` and `:turns`, the `:models`, the `:tokens`
    /// that its calls took (`:prompt`, `:completion`, `:total`), and their `:cost` or nil.
    /// (:messages (conversation/stats (conversation/add-message (conversation/new) :user "Hi"))) => 1
    /// (:tokens (conversation/stats (conversation/new))) => {:completion 0 :prompt 0 :total 0}
    "conversation/stats" (conversation: Conversation) -> Map, pure => stats;

    /// What the calls of a conversation cost in US dollars, or nil if it is not known.
    /// (conversation/cost (conversation/new)) => nil
    "conversation/cost" (conversation: Conversation) -> Any, pure => cost;

    /// The messages that contain a text, upper and lower case alike: maps of `:index`, `:role` and
    /// `:content`.
    /// (conversation/search (conversation/add-message (conversation/new) :user "Hello") "hell") => ({:content "Hello" :index 0 :role :user})
    "conversation/search" (conversation: Conversation, text: String) -> List, pure => search;

    /// The conversation with other messages. Raises if an element of the list is none.
    "%conversation-with-messages" (conversation: Conversation, messages: Any) -> Conversation => with_messages;

    /// The keyword if it names a role. Raises for the named function if it does not.
    "%llm-role" (function: String, role: Keyword) -> Keyword => checked_role;
}

fn conversation(host: &Host, args: &[Value]) -> Outcome {
    expect(host, Kind::Conversation, argument(args, 0))
}

fn messages_argument(host: &Host, args: &[Value]) -> Outcome<Vec<Value>> {
    messages_of(host, Kind::Conversation, argument(args, 0))
}

/// A conversation that differs from `from` in its messages.
fn changed(host: &Host, from: Value, messages: &[Value]) -> Value {
    let mut fields = [Value::NIL; conversation::FIELDS];
    for (index, field) in fields.iter_mut().enumerate() {
        *field = host.heap.field(from, index);
    }
    fields[MESSAGES] = host.heap.list(messages);
    host.heap.object(Kind::Conversation, 0, &fields)
}

fn new(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let mut model = heap.string("");
    let mut metadata = Vec::new();
    let options = argument(args, 0);
    if collections::is_map(options) {
        for (key, value) in collections::iter(heap, options) {
            match host.name_of(key) {
                Some("model") if key.kind() == Kind::Keyword && heap.as_str(value).is_some() => {
                    model = value;
                }
                _ if key.kind() == Kind::Keyword => {
                    metadata.push((key, heap.string(&print::display(host, value))));
                }
                _ => {}
            }
        }
    }
    let metadata = sorted_map::from_entries(host, &metadata);
    let none = Value::small(0);
    let fields = [Value::EMPTY, model, metadata, none, none, Value::NIL];
    Ok(heap.object(Kind::Conversation, 0, &fields))
}

fn messages(host: &Host, args: &[Value]) -> Outcome {
    Ok(host.heap.field(conversation(host, args)?, MESSAGES))
}

fn model(host: &Host, args: &[Value]) -> Outcome {
    Ok(host
        .heap
        .field(conversation(host, args)?, conversation::MODEL))
}

fn models_used(host: &Host, args: &[Value]) -> Outcome {
    let model = model(host, args)?;
    Ok(match host.heap.as_str(model) {
        Some("") | None => Value::EMPTY,
        Some(_) => host.heap.list(&[model]),
    })
}

fn length(host: &Host, args: &[Value]) -> Outcome {
    Ok(Value::index(messages_argument(host, args)?.len()))
}

/// Nothing changes a conversation, so it is its own copy.
fn fork(_: &Host, args: &[Value]) -> Outcome {
    Ok(argument(args, 0))
}

fn add_message(host: &Host, args: &[Value]) -> Outcome {
    let mut messages = messages_argument(host, args)?;
    let name = argument(args, 1);
    if name.kind() != Kind::Keyword {
        return Err(argument_error(
            host,
            "conversation/add-message",
            1,
            "keyword",
            name,
        ));
    }
    let role = role(host, "conversation/add-message", name)?;
    let text = print::display(host, argument(args, 2));
    messages.push(new_message(host, role, &text, Value::EMPTY));
    Ok(changed(host, argument(args, 0), &messages))
}

/// The index at argument 1, which must be at most `last`.
fn index(host: &Host, function: &str, args: &[Value], count: usize, last: usize) -> Outcome<usize> {
    let number = integer(host, function, args, 1)?;
    match usize::try_from(number) {
        Ok(index) if index <= last => Ok(index),
        _ => Err(eval_error(format!(
            "{function}: index {number} out of bounds (length {count})"
        ))),
    }
}

/// The message that arguments 2 and 3 mean: a message, or a role and a text.
fn given_message(host: &Host, function: &str, args: &[Value]) -> Outcome {
    match args {
        [_, _, message] => expect(host, Kind::Message, *message),
        _ => {
            let role = role(host, function, argument(args, 2))?;
            let text = print::display(host, argument(args, 3));
            Ok(new_message(host, role, &text, Value::EMPTY))
        }
    }
}

fn insert(host: &Host, args: &[Value]) -> Outcome {
    let mut messages = messages_argument(host, args)?;
    let count = messages.len();
    let index = index(host, "conversation/insert", args, count, count)?;
    messages.insert(index, given_message(host, "conversation/insert", args)?);
    Ok(changed(host, argument(args, 0), &messages))
}

/// The index of an existing message.
fn position(host: &Host, function: &str, args: &[Value], count: usize) -> Outcome<usize> {
    match count.checked_sub(1) {
        Some(last) => index(host, function, args, count, last),
        None => {
            let number = integer(host, function, args, 1)?;
            Err(eval_error(format!(
                "{function}: index {number} out of bounds (length 0)"
            )))
        }
    }
}

fn replace(host: &Host, args: &[Value]) -> Outcome {
    let mut messages = messages_argument(host, args)?;
    let index = position(host, "conversation/replace", args, messages.len())?;
    let message = given_message(host, "conversation/replace", args)?;
    if let Some(place) = messages.get_mut(index) {
        *place = message;
    }
    Ok(changed(host, argument(args, 0), &messages))
}

fn remove(host: &Host, args: &[Value]) -> Outcome {
    let mut messages = messages_argument(host, args)?;
    let index = position(host, "conversation/remove", args, messages.len())?;
    messages.remove(index);
    Ok(changed(host, argument(args, 0), &messages))
}

fn has_role(host: &Host, message: Value, role: &str) -> bool {
    host.name_of(host.heap.field(message, message::ROLE)) == Some(role)
}

fn last_reply(host: &Host, args: &[Value]) -> Outcome {
    let messages = messages_argument(host, args)?;
    let mut backwards = messages.iter().rev();
    match backwards.find(|message| has_role(host, **message, "assistant")) {
        Some(reply) => Ok(host.heap.field(*reply, message::TEXT)),
        None => Err(eval_error("no assistant reply in conversation")),
    }
}

fn system(host: &Host, args: &[Value]) -> Outcome {
    let messages = messages_argument(host, args)?;
    let found = messages
        .iter()
        .find(|message| has_role(host, **message, "system"));
    Ok(found.map_or(Value::NIL, |message| {
        host.heap.field(*message, message::TEXT)
    }))
}

fn set_system(host: &Host, args: &[Value]) -> Outcome {
    let messages = messages_argument(host, args)?;
    let messages = with_system(host, &messages, argument(args, 1));
    Ok(changed(host, argument(args, 0), &messages))
}

fn count_turns(host: &Host, messages: &[Value]) -> Value {
    let replies = messages
        .iter()
        .filter(|message| has_role(host, **message, "assistant"));
    Value::index(replies.count())
}

fn turns(host: &Host, args: &[Value]) -> Outcome {
    Ok(count_turns(host, &messages_argument(host, args)?))
}

fn token_count(host: &Host, args: &[Value]) -> Outcome {
    let messages = messages_argument(host, args)?;
    let bytes: usize = messages
        .iter()
        .map(|message| message_text(host, *message).len())
        .sum();
    Ok(Value::index(bytes.div_ceil(4)))
}

fn stats(host: &Host, args: &[Value]) -> Outcome {
    let messages = messages_argument(host, args)?;
    let field = |index| host.heap.field(argument(args, 0), index);
    let number = |value: Value| host.heap.as_i64(value).unwrap_or(0);
    let (prompt, completion) = (
        field(conversation::PROMPT_TOKENS),
        field(conversation::COMPLETION_TOKENS),
    );
    let total = host
        .heap
        .int(number(prompt).saturating_add(number(completion)));
    let map = |entries: &[(&str, Value)]| {
        let entries: Vec<(Value, Value)> = entries
            .iter()
            .map(|(name, value)| (host.keyword(name), *value))
            .collect();
        sorted_map::from_entries(host, &entries)
    };
    let tokens = map(&[
        ("prompt", prompt),
        ("completion", completion),
        ("total", total),
    ]);
    Ok(map(&[
        ("messages", Value::index(messages.len())),
        ("turns", count_turns(host, &messages)),
        ("models", models_used(host, args)?),
        ("tokens", tokens),
        ("cost", field(conversation::COST)),
    ]))
}

fn cost(host: &Host, args: &[Value]) -> Outcome {
    Ok(host
        .heap
        .field(conversation(host, args)?, conversation::COST))
}

fn search(host: &Host, args: &[Value]) -> Outcome {
    let messages = messages_argument(host, args)?;
    let wanted = text(host, "conversation/search", args, 1)?.to_lowercase();
    let mut found = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        if message_text(host, *message)
            .to_lowercase()
            .contains(&wanted)
        {
            let entries = [
                (
                    host.keyword("content"),
                    host.heap.field(*message, message::TEXT),
                ),
                (host.keyword("index"), Value::index(index)),
                (
                    host.keyword("role"),
                    host.heap.field(*message, message::ROLE),
                ),
            ];
            found.push(sorted_map::from_entries(host, &entries));
        }
    }
    Ok(host.heap.list(&found))
}

fn with_messages(host: &Host, args: &[Value]) -> Outcome {
    let from = conversation(host, args)?;
    let mut messages = Vec::new();
    for message in host.heap.list_iter(argument(args, 1)) {
        messages.push(expect(host, Kind::Message, message)?);
    }
    Ok(changed(host, from, &messages))
}

fn checked_role(host: &Host, args: &[Value]) -> Outcome {
    let function = text(host, "%llm-role", args, 0)?;
    role(host, function, argument(args, 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, eval_message};

    #[test]
    fn changes_leave_the_conversation_alone() {
        let bench = Bench::new();
        let start = bench.call("conversation/new", &[]);
        let user = bench.host.keyword("user");
        let longer = bench.call(
            "conversation/add-message",
            &[start, user, bench.text("Hello")],
        );
        assert_eq!(bench.call("conversation/length", &[start]), Value::small(0));
        assert_eq!(
            bench.call("conversation/length", &[longer]),
            Value::small(1)
        );
        let found = bench.call("conversation/search", &[longer, bench.text("hELL")]);
        assert_eq!(bench.host.heap.list_len(found), 1);
        let error = bench.error("conversation/remove", &[longer, Value::small(1)]);
        assert_eq!(
            eval_message(error),
            "conversation/remove: index 1 out of bounds (length 1)"
        );
        let error = bench.error("conversation/last-reply", &[longer]);
        assert_eq!(eval_message(error), "no assistant reply in conversation");
    }
}
