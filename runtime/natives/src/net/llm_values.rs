//! Values for language models: messages and prompts. None of this talks to a model.
//!
//! A message has a role (keyword), a text and a list of images, each a vector of media type and
//! bytes. A prompt has a list of messages. Both never change.

pub mod conversations;
pub mod schema;
pub mod tools;

use sema_machine::data::collections;
use sema_machine::data::collections::sorted_map;
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, argument_error, text};
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

use crate::std::text::template::{Piece, pieces, render};

natives! {
    /// A message of a role, whose text is the display forms of the parts put together. Raises if the
    /// role is none.
    "%make-message" (role: Keyword, parts*: Any) -> Message => make_message;

    /// A prompt from a list whose elements are messages, or lists of a role's name and a list of parts.
    "%make-prompt" (entries: Any) -> Prompt => make_prompt;

    /// The role of a message: `:system`, `:user`, `:assistant` or `:tool`.
    /// (message/role (message :user "Hello")) => :user
    "message/role" (message: Message) -> Keyword, pure => message_role;

    /// The text of a message.
    /// (message/content (message :user "Hello")) => "Hello"
    "message/content" (message: Message) -> String, pure => message_content;

    /// A message of a text and an image. The options may name the `:media-type`; otherwise the first
    /// bytes of the image tell it. Raises if the role is none.
    /// (message/content (message/with-image :user "What is it?" #u8(137 80 78 71))) => "What is it?"
    "message/with-image" (role: Keyword, text: String, image: Bytes, options?: Any) -> Message, pure, options(3, &["media-type"]) => message_with_image;

    /// The messages of a prompt, in order.
    /// (length (prompt/messages (prompt (system "Be brief.") (user "Hello")))) => 2
    "prompt/messages" (prompt: Prompt) -> List, pure => prompt_messages;

    /// A prompt of the messages of all the prompts, in order.
    /// (length (prompt/messages (prompt/append (prompt (user "a")) (prompt (user "b"))))) => 2
    "prompt/append" (prompt: Prompt, more*: Prompt) -> Prompt, pure => prompt_append;

    /// A prompt of the messages of all the prompts, in order.
    /// (map message/content (prompt/messages (prompt/concat (prompt (user "a")) (prompt (user "b"))))) => ("a" "b")
    "prompt/concat" (prompt: Prompt, more*: Prompt) -> Prompt, pure => prompt_append;

    /// The prompt with one message of the system, in front: the display form of the value. Those it had
    /// are left out.
    /// (map message/role (prompt/messages (prompt/set-system (prompt (user "a")) "Be brief."))) => (:system :user)
    "prompt/set-system" (prompt: Prompt, system: Any) -> Prompt => prompt_set_system;

    /// The prompt with each slot `{{name}}` replaced by the display form of the value of `:name`. Slots
    /// without a value stay.
    /// (map message/content (prompt/messages (prompt/fill (prompt (user "Hi {{name}}")) {:name "Ada"}))) => ("Hi Ada")
    "prompt/fill" (prompt: Prompt, values: Map) -> Prompt => prompt_fill;

    /// The names in the slots `{{name}}` of a prompt as keywords, each once.
    /// (prompt/slots (prompt (user "From {{place}} to {{goal}}, {{place}}"))) => (:place :goal)
    "prompt/slots" (prompt: Prompt) -> List, pure => prompt_slots;

    /// A prompt of the messages of both prompts, each once. Messages are the same if role and text are.
    /// (length (prompt/messages (prompt/union (prompt (user "a")) (prompt (user "a") (user "b"))))) => 2
    "prompt/union" (first: Prompt, second: Prompt) -> Prompt, pure => prompt_union;

    /// A prompt of the messages that both prompts have, each once.
    /// (map message/content (prompt/messages (prompt/intersection (prompt (user "a") (user "b")) (prompt (user "b"))))) => ("b")
    "prompt/intersection" (first: Prompt, second: Prompt) -> Prompt, pure => prompt_intersection;

    /// A prompt of the messages of the first prompt that the second one lacks, each once.
    /// (map message/content (prompt/messages (prompt/difference (prompt (user "a") (user "b")) (prompt (user "b"))))) => ("a")
    "prompt/difference" (first: Prompt, second: Prompt) -> Prompt, pure => prompt_difference;

    /// How two prompts differ: a map of the lists of messages that the second one has more (`:added`)
    /// and less (`:removed`) than the first.
    /// (map message/content (:added (prompt/diff (prompt (user "a")) (prompt (user "b"))))) => ("b")
    "prompt/diff" (first: Prompt, second: Prompt) -> Map, pure => prompt_diff;
}

/// Fields of a message.
pub mod message {
    /// The role, a keyword.
    pub const ROLE: usize = 0;
    /// The text.
    pub const TEXT: usize = 1;
    /// The images: a list of vectors of media type and bytes.
    pub const IMAGES: usize = 2;
}

/// Field of a prompt and of a conversation that holds the list of messages.
pub const MESSAGES: usize = 0;

const ROLES: [&str; 4] = ["system", "user", "assistant", "tool"];

/// A new message.
pub fn new_message(host: &Host, role: Value, text: &str, images: Value) -> Value {
    let text = host.heap.string(text);
    host.heap.object(Kind::Message, 0, &[role, text, images])
}

fn new_prompt(host: &Host, messages: &[Value]) -> Value {
    let messages = host.heap.list(messages);
    host.heap.object(Kind::Prompt, 0, &[messages])
}

/// A value of the wanted kind, or a `:type-error`.
fn expect(host: &Host, kind: Kind, value: Value) -> Outcome {
    if value.kind() == kind {
        Ok(value)
    } else {
        Err(type_error(host, kind.type_name(), value))
    }
}

/// The messages of a prompt or a conversation.
fn messages_of(host: &Host, kind: Kind, value: Value) -> Outcome<Vec<Value>> {
    let holder = expect(host, kind, value)?;
    Ok(host
        .heap
        .list_iter(host.heap.field(holder, MESSAGES))
        .collect())
}

/// A role keyword; `function` is for the message.
fn role(host: &Host, function: &str, value: Value) -> Outcome {
    if value.kind() != Kind::Keyword {
        return Err(type_error(host, "keyword", value));
    }
    let name = host.name_of(value).unwrap_or_default();
    if ROLES.contains(&name) {
        Ok(value)
    } else {
        Err(eval_error(format!("{function}: unknown role '{name}'")))
    }
}

fn joined(host: &Host, parts: impl IntoIterator<Item = Value>) -> String {
    let mut text = String::new();
    for part in parts {
        print::write_display(host, part, &mut text);
    }
    text
}

fn is_system(host: &Host, message: Value) -> bool {
    host.name_of(host.heap.field(message, message::ROLE)) == Some("system")
}

/// The messages without those of the system, behind one with this text.
fn with_system(host: &Host, messages: &[Value], text: Value) -> Vec<Value> {
    let text = print::display(host, text);
    let first = new_message(host, host.keyword("system"), &text, Value::EMPTY);
    let others = messages.iter().copied();
    let others = others.filter(|message| !is_system(host, *message));
    std::iter::once(first).chain(others).collect()
}

fn make_message(host: &Host, args: &[Value]) -> Outcome {
    let role = role(host, "message", argument(args, 0))?;
    let text = joined(host, args.iter().skip(1).copied());
    Ok(new_message(host, role, &text, Value::EMPTY))
}

fn make_prompt(host: &Host, args: &[Value]) -> Outcome {
    let mut messages = Vec::new();
    for entry in host.heap.list_iter(argument(args, 0)) {
        messages.push(prompt_entry(host, entry)?);
    }
    Ok(new_prompt(host, &messages))
}

/// A message as it is, or a list of a role's name and a list of parts.
fn prompt_entry(host: &Host, entry: Value) -> Outcome {
    if entry.kind() == Kind::Message {
        return Ok(entry);
    }
    let elements: Vec<Value> = match entry.kind() {
        Kind::List => host.heap.list_iter(entry).collect(),
        _ => Vec::new(),
    };
    let [name, parts] = elements[..] else {
        return Err(eval_error(
            "prompt: expected (role parts) pair or message value",
        ));
    };
    let Some(name) = host.heap.as_str(name) else {
        return Err(eval_error("prompt: expected role string"));
    };
    if parts.kind() != Kind::List {
        return Err(argument_error(host, "prompt", 1, "list", parts));
    }
    let role = role(host, "prompt", host.keyword(name))?;
    let text = joined(host, host.heap.list_iter(parts));
    Ok(new_message(host, role, &text, Value::EMPTY))
}

fn message_role(host: &Host, args: &[Value]) -> Outcome {
    let message = expect(host, Kind::Message, argument(args, 0))?;
    Ok(host.heap.field(message, message::ROLE))
}

fn message_content(host: &Host, args: &[Value]) -> Outcome {
    let message = expect(host, Kind::Message, argument(args, 0))?;
    Ok(host.heap.field(message, message::TEXT))
}

fn message_with_image(host: &Host, args: &[Value]) -> Outcome {
    let role = role(host, "message/with-image", argument(args, 0))?;
    let text = text(host, "message/with-image", args, 1)?;
    let image = argument(args, 2);
    let Some(bytes) = host.heap.as_bytevector(image) else {
        return Err(argument_error(
            host,
            "message/with-image",
            2,
            "bytevector",
            image,
        ));
    };
    let options = argument(args, 3);
    let named = if collections::is_map(options) {
        collections::get_keyword(host, options, host.keyword("media-type"))
    } else {
        None
    };
    let media_type = match named {
        Some(name) if host.heap.as_str(name).is_some() => name,
        _ => host.heap.string(media_type(bytes)),
    };
    let image = host.heap.vector(&[media_type, image]);
    Ok(new_message(host, role, text, host.heap.list(&[image])))
}

/// The media type that the first bytes of a file tell.
pub fn media_type(bytes: &[u8]) -> &'static str {
    let begins = |start: &[u8]| bytes.starts_with(start);
    if begins(b"\x89PNG") {
        "image/png"
    } else if begins(b"\xff\xd8\xff") {
        "image/jpeg"
    } else if begins(b"GIF8") {
        "image/gif"
    } else if begins(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        "image/webp"
    } else if begins(b"%PDF") {
        "application/pdf"
    } else {
        "application/octet-stream"
    }
}

fn prompt_messages(host: &Host, args: &[Value]) -> Outcome {
    let prompt = expect(host, Kind::Prompt, argument(args, 0))?;
    Ok(host.heap.field(prompt, MESSAGES))
}

fn prompt_append(host: &Host, args: &[Value]) -> Outcome {
    let mut messages = Vec::new();
    for prompt in args {
        messages.extend(messages_of(host, Kind::Prompt, *prompt)?);
    }
    Ok(new_prompt(host, &messages))
}

fn prompt_set_system(host: &Host, args: &[Value]) -> Outcome {
    let messages = messages_of(host, Kind::Prompt, argument(args, 0))?;
    let messages = with_system(host, &messages, argument(args, 1));
    Ok(new_prompt(host, &messages))
}

fn message_text(host: &Host, message: Value) -> &str {
    let text = host.heap.field(message, message::TEXT);
    host.heap.as_str(text).unwrap_or_default()
}

fn map_argument(host: &Host, function: &str, args: &[Value], index: usize) -> Outcome {
    let map = argument(args, index);
    if collections::is_map(map) {
        Ok(map)
    } else {
        Err(argument_error(host, function, index, "map", map))
    }
}

fn prompt_fill(host: &Host, args: &[Value]) -> Outcome {
    let messages = messages_of(host, Kind::Prompt, argument(args, 0))?;
    let values = map_argument(host, "prompt/fill", args, 1)?;
    let filled: Vec<Value> = messages
        .iter()
        .map(|message| {
            let text = render(host, message_text(host, *message), values);
            let field = |index| host.heap.field(*message, index);
            new_message(host, field(message::ROLE), &text, field(message::IMAGES))
        })
        .collect();
    Ok(new_prompt(host, &filled))
}

fn prompt_slots(host: &Host, args: &[Value]) -> Outcome {
    let mut slots: Vec<Value> = Vec::new();
    for message in messages_of(host, Kind::Prompt, argument(args, 0))? {
        for piece in pieces(message_text(host, message)) {
            if let Piece::Slot(_, name) = piece
                && !name.is_empty()
                && !slots.contains(&host.keyword(name))
            {
                slots.push(host.keyword(name));
            }
        }
    }
    Ok(host.heap.list(&slots))
}

fn same(host: &Host, a: Value, b: Value) -> bool {
    host.heap.field(a, message::ROLE) == host.heap.field(b, message::ROLE)
        && message_text(host, a) == message_text(host, b)
}

/// The messages that `keep` wants, each once. `keep` gets whether the other prompt has it too.
fn select(host: &Host, from: &[Value], other: &[Value], keep: bool) -> Vec<Value> {
    let mut selected: Vec<Value> = Vec::new();
    for message in from {
        let shared = other.iter().any(|one| same(host, *one, *message));
        if shared == keep && !selected.iter().any(|one| same(host, *one, *message)) {
            selected.push(*message);
        }
    }
    selected
}

fn two_prompts(host: &Host, args: &[Value]) -> Outcome<(Vec<Value>, Vec<Value>)> {
    Ok((
        messages_of(host, Kind::Prompt, argument(args, 0))?,
        messages_of(host, Kind::Prompt, argument(args, 1))?,
    ))
}

fn prompt_union(host: &Host, args: &[Value]) -> Outcome {
    let (mut messages, second) = two_prompts(host, args)?;
    messages.extend(second);
    Ok(new_prompt(host, &select(host, &messages, &[], false)))
}

fn prompt_intersection(host: &Host, args: &[Value]) -> Outcome {
    let (first, second) = two_prompts(host, args)?;
    Ok(new_prompt(host, &select(host, &first, &second, true)))
}

fn prompt_difference(host: &Host, args: &[Value]) -> Outcome {
    let (first, second) = two_prompts(host, args)?;
    Ok(new_prompt(host, &select(host, &first, &second, false)))
}

fn prompt_diff(host: &Host, args: &[Value]) -> Outcome {
    let (first, second) = two_prompts(host, args)?;
    let list = |messages: Vec<Value>| host.heap.list(&messages);
    let entries = [
        (
            host.keyword("added"),
            list(select(host, &second, &first, false)),
        ),
        (
            host.keyword("removed"),
            list(select(host, &first, &second, false)),
        ),
    ];
    Ok(sorted_map::from_entries(host, &entries))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, eval_message};

    fn user(bench: &Bench, text: &str) -> Value {
        bench.call(
            "%make-message",
            &[bench.host.keyword("user"), bench.text(text)],
        )
    }

    fn prompt(bench: &Bench, texts: &[&str]) -> Value {
        let messages: Vec<Value> = texts.iter().map(|text| user(bench, text)).collect();
        bench.call("%make-prompt", &[bench.host.heap.list(&messages)])
    }

    fn texts(bench: &Bench, prompt: Value) -> Vec<String> {
        let messages = bench.call("prompt/messages", &[prompt]);
        let messages = bench.host.heap.list_iter(messages);
        messages
            .map(|message| message_text(&bench.host, message).to_owned())
            .collect()
    }

    #[test]
    fn parts_of_a_message_are_displayed() {
        let bench = Bench::new();
        let role = bench.host.keyword("user");
        let parts = [
            role,
            bench.text("a"),
            Value::small(1),
            bench.host.keyword("b"),
            Value::NIL,
        ];
        let message = bench.call("%make-message", &parts);
        assert_eq!(
            bench.string(bench.call("message/content", &[message])),
            "a1:bnil"
        );
        let unknown = bench.error("%make-message", &[bench.host.keyword("bad"), parts[1]]);
        assert_eq!(eval_message(unknown), "message: unknown role 'bad'");
    }

    #[test]
    fn slots_run_to_the_next_braces_and_are_filled_once() {
        let bench = Bench::new();
        let template = prompt(&bench, &["{{a}}{{b}} {{ {{a}} {{}} {{a"]);
        let slots = bench.call("prompt/slots", &[template]);
        assert_eq!(print::readable(&bench.host, slots), "(:a :b : {{a)");
        let entries = [
            (bench.host.keyword("a"), bench.text("{{b}}")),
            (bench.host.keyword("b"), Value::small(2)),
        ];
        let values = sorted_map::from_entries(&bench.host, &entries);
        let filled = bench.call("prompt/fill", &[template, values]);
        assert_eq!(texts(&bench, filled), ["{{b}}2 {{ {{a}} {{}} {{a"]);
    }

    #[test]
    fn prompts_as_sets() {
        let bench = Bench::new();
        let (first, second) = (
            prompt(&bench, &["a", "b", "a"]),
            prompt(&bench, &["b", "c", "c"]),
        );
        let both = |name: &str| texts(&bench, bench.call(name, &[first, second]));
        assert_eq!(both("prompt/union"), ["a", "b", "c"]);
        assert_eq!(both("prompt/intersection"), ["b"]);
        assert_eq!(both("prompt/difference"), ["a"]);
    }

    #[test]
    fn images_are_recognised() {
        assert_eq!(media_type(b"\x89PNG\r\n"), "image/png");
        assert_eq!(media_type(b"RIFF0000WEBPVP8 "), "image/webp");
        assert_eq!(media_type(b""), "application/octet-stream");
    }
}
