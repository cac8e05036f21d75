//! Requests to models and their replies, as maps.

use super::turns;
use crate::std::crypto::hex::digits;
use crate::std::json::write;
use sema_machine::data::collections::{self, sorted_map};
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, real};
use sema_machine::host::condition::{Condition, ConditionKind, Outcome, Signal};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;
use sha2::{Digest, Sha256};

/// The tokens that a reply may have unless a call says it.
const MAX_TOKENS: i64 = 4096;

natives! {
    /// A request of turns with the options of a call, those of the right kind.
    "%llm-request" (turns: Any, options: Any) -> Map => request;

    /// The SHA-256 digest by which the answer to a request is found again, for the name of a model.
    "%llm-key" (model: Any, request: Any) -> String => key;

    /// What a provider that is written in Sema has replied, in the form of all replies: a string or a
    /// map. The names are those of the provider and of the model that was asked. Raises for other values.
    "%llm-reply" (reply: Any, provider: Any, model: Any) -> Map => reply;

    /// What the entry of a tape or of the cache says, as a reply.
    "%llm-recorded" (entry: Any) -> Map => recorded;
}

/// An entry of a map; `None` if it is nil or there is no map.
fn entry(host: &Host, map: Value, name: &str) -> Option<Value> {
    if !collections::is_map(map) {
        return None;
    }
    let found = collections::get_keyword(host, map, host.keyword(name))?;
    (!found.is_nil()).then_some(found)
}

fn map(host: &Host, entries: &[(&str, Value)]) -> Value {
    let entries: Vec<(Value, Value)> = entries
        .iter()
        .map(|(name, value)| (host.keyword(name), *value))
        .collect();
    sorted_map::from_entries(host, &entries)
}

/// A condition of the type `:llm`.
#[cold]
pub fn llm_error(message: impl Into<String>) -> Box<Signal> {
    Condition::new(ConditionKind::Llm, message.into()).signal()
}

fn request(host: &Host, args: &[Value]) -> Outcome {
    let options = argument(args, 1);
    let given = |name: &str| {
        collections::is_map(options)
            .then(|| entry(host, options, name))
            .flatten()
    };
    let string = |name| given(name).filter(|value: &Value| value.kind() == Kind::String);
    let number = |name| given(name).filter(|value| real(host, *value).is_some());
    let most = given("max-tokens").filter(|value| host.heap.as_i64(*value).is_some_and(|n| n >= 0));
    let mut entries = vec![
        ("messages", argument(args, 0)),
        (
            "max-tokens",
            most.unwrap_or_else(|| host.heap.int(MAX_TOKENS)),
        ),
    ];
    entries.extend(string("model").map(|model| ("model", model)));
    entries.extend(string("system").map(|system| ("system", system)));
    let temperature = number("temperature").and_then(|value| real(host, value));
    entries.extend(temperature.map(|value| ("temperature", Value::float(value))));
    entries.extend(number("timeout").map(|timeout| ("timeout", timeout)));
    entries.extend(number("seed").map(|seed| ("seed", seed)));
    let stop = given("stop")
        .filter(|stop| matches!(stop.kind(), Kind::List | Kind::Vector | Kind::String));
    entries.extend(stop.map(|stop| ("stop", stop)));
    if let Some(effort) = given("reasoning-effort") {
        let name = host.name_of(effort).map(|name| host.heap.string(name));
        let effort = name.or_else(|| (effort.kind() == Kind::String).then_some(effort));
        entries.extend(effort.map(|effort| ("reasoning-effort", effort)));
    }
    Ok(map(host, &entries))
}

fn is_list(value: Value) -> bool {
    value.kind() == Kind::List
}

fn bytes<'h>(host: &'h Host, map: Value, name: &str) -> &'h [u8] {
    let text = entry(host, map, name).and_then(|value| host.heap.as_str(value));
    text.unwrap_or_default().as_bytes()
}

fn key(host: &Host, args: &[Value]) -> Outcome {
    let request = argument(args, 1);
    let mut digest = Sha256::new();
    digest.update(host.heap.as_str(argument(args, 0)).unwrap_or_default());
    if let Some(temperature) = entry(host, request, "temperature").and_then(Value::as_float) {
        digest.update(temperature.to_le_bytes());
    }
    digest.update(bytes(host, request, "system"));
    if let Some(turns) = entry(host, request, "messages").filter(|turns| is_list(*turns)) {
        for turn in host.heap.list_iter(turns) {
            digest.update(bytes(host, turn, "role"));
            digest.update(bytes(host, turn, "content"));
        }
    }
    if let Some(most) = entry(host, request, "max-tokens").and_then(|most| host.heap.as_i64(most)) {
        digest.update(b"\0max_tokens\0");
        digest.update(u32::try_from(most).unwrap_or(u32::MAX).to_le_bytes());
    }
    if let Some(tools) = entry(host, request, "tools").filter(|tools| is_list(*tools)) {
        for tool in host.heap.list_iter(tools) {
            digest.update(b"\0tool\0");
            digest.update(bytes(host, tool, "name"));
            let schema = entry(host, tool, "parameters").unwrap_or(Value::NIL);
            let schema = write::encode(host, schema, false)
                .map_err(|problem| llm_error(format!("parameters of a tool: {problem}")))?;
            digest.update(schema);
        }
    }
    Ok(host.heap.string(&digits(&digest.finalize())))
}

/// The counts of tokens that a map of usage has.
const COUNTS: [&str; 4] = [
    "prompt-tokens",
    "completion-tokens",
    "cache-read-tokens",
    "cache-creation-tokens",
];

/// A count of tokens: what is none counts as zero.
fn tokens(host: &Host, value: Option<Value>) -> Value {
    match value.and_then(|value| host.heap.as_i64(value)) {
        Some(count) if count > 0 => host.heap.int(count),
        _ => Value::small(0),
    }
}

/// A text, or the one that stands for it.
fn text_or(host: &Host, value: Option<Value>, other: &str) -> Value {
    match value {
        Some(value) if value.kind() == Kind::String => value,
        Some(value) => match host.name_of(value) {
            Some(name) => host.heap.string(name),
            None => host.heap.string(other),
        },
        None => host.heap.string(other),
    }
}

fn reply(host: &Host, args: &[Value]) -> Outcome {
    let reply = argument(args, 0);
    let is_map = collections::is_map(reply);
    if !is_map && reply.kind() != Kind::String {
        return Err(llm_error(
            "Parse error: a provider must give a string or a map with :content",
        ));
    }
    let part = |name: &str| is_map.then(|| entry(host, reply, name)).flatten();
    let usage = part("usage").filter(|usage| collections::is_map(*usage));
    let counts = COUNTS.map(|name| {
        let count = usage.and_then(|usage| entry(host, usage, name));
        (name, tokens(host, count))
    });
    let content = if is_map {
        text_or(host, part("content"), "")
    } else {
        reply
    };
    let calls = turns::calls(host, part("tool-calls"));
    let model = host.heap.as_str(argument(args, 2)).unwrap_or_default();
    let entries = [
        ("content", content),
        ("role", text_or(host, part("role"), "assistant")),
        ("model", text_or(host, part("model"), model)),
        (
            "stop-reason",
            text_or(host, part("stop-reason"), "end_turn"),
        ),
        ("tool-calls", json_arguments(host, calls)?),
        ("usage", map(host, &counts)),
        ("provider", argument(args, 1)),
    ];
    Ok(map(host, &entries))
}

/// The calls with arguments as JSON would give them.
fn json_arguments(host: &Host, calls: Value) -> Outcome {
    let mut list = Vec::new();
    for call in host.heap.list_iter(calls) {
        let arguments = entry(host, call, "arguments").unwrap_or(Value::NIL);
        let arguments = crate::net::llm_values::schema::data_for_models(host, arguments)?;
        list.push(collections::insert(
            host,
            call,
            host.keyword("arguments"),
            arguments,
        ));
    }
    Ok(host.heap.list(&list))
}

/// Names of the counts of tokens in recordings.
const RECORDED: [(&str, &str); 4] = [
    ("prompt-tokens", "prompt_tokens"),
    ("completion-tokens", "completion_tokens"),
    ("cache-read-tokens", "cache_read_input_tokens"),
    ("cache-creation-tokens", "cache_creation_input_tokens"),
];

fn recorded(host: &Host, args: &[Value]) -> Outcome {
    let recording = argument(args, 0);
    let part = |name: &str| entry(host, recording, name);
    let counts = RECORDED.map(|(name, recorded)| (name, tokens(host, part(recorded))));
    let calls: Vec<Value> = match part("tool_calls") {
        Some(calls) if calls.kind() == Kind::List => host.heap.list_iter(calls).collect(),
        _ => Vec::new(),
    };
    // What is written `thought_signature` in recordings.
    let calls: Vec<Value> = calls
        .into_iter()
        .filter(|call| collections::is_map(*call))
        .map(|call| match entry(host, call, "thought_signature") {
            Some(signature) => {
                collections::insert(host, call, host.keyword("thought-signature"), signature)
            }
            None => call,
        })
        .collect();
    let mut entries = vec![
        ("content", text_or(host, part("content"), "")),
        ("role", text_or(host, part("role"), "assistant")),
        ("model", text_or(host, part("model"), "")),
        ("stop-reason", part("stop_reason").unwrap_or(Value::NIL)),
        (
            "tool-calls",
            turns::calls(host, Some(host.heap.list(&calls))),
        ),
        ("usage", map(host, &counts)),
        ("provider", text_or(host, part("provider"), "")),
    ];
    if let Some(chunks) = part("chunks").filter(|chunks| host.heap.is_pair(*chunks)) {
        entries.push(("chunks", chunks));
    }
    Ok(map(host, &entries))
}

/// What a condition says, with its kind in front as models are told it.
pub fn condition_text(host: &Host, condition: Value) -> String {
    let part = |name: &str| {
        collections::is_map(condition)
            .then(|| collections::get_keyword(host, condition, host.keyword(name)))
            .flatten()
    };
    let message = part("message").map_or_else(
        || print::readable(host, condition),
        |message| print::display(host, message),
    );
    match part("type").and_then(|kind| host.name_of(kind)) {
        Some("eval") => format!("Eval error: {message}"),
        Some("type-error") => format!("Type error: {message}"),
        Some("arity") => format!("Arity error: {message}"),
        Some("io") => format!("IO error: {message}"),
        Some("llm") => format!("LLM error: {message}"),
        Some("reader") => format!("Reader error: {message}"),
        Some("permission-denied") => format!("Permission denied: {message}"),
        Some("user") => {
            let value = part("value").unwrap_or(Value::NIL);
            format!("User exception: {}", print::readable(host, value))
        }
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    fn data(bench: &Bench, text: &str) -> Value {
        bench.call("json/decode", &[bench.text(text)])
    }

    fn digest(bench: &Bench, model: &str, messages: &str, options: &str) -> String {
        let request = bench.call(
            "%llm-request",
            &[data(bench, messages), data(bench, options)],
        );
        bench.string(bench.call("%llm-key", &[bench.text(model), request]))
    }

    #[test]
    fn keys_are_those_of_recordings_of_others() {
        let bench = Bench::new();
        let user = |text: &str| format!(r#"[{{"role": "user", "content": "{text}"}}]"#);
        assert_eq!(
            digest(&bench, "gpt-4o", &user("q1"), "{}"),
            "36e783ccb9369f77b912b2d9dbe18540470ee3ce279ad20ab73f58199ec3b3bb"
        );
        assert_eq!(
            digest(&bench, "", &user("c1"), r#"{"system": "s"}"#),
            "5f38d92c9aa44e72e14cd3344444132d008a62ad4c7f88528a23231cf53b6ca7"
        );
    }

    #[test]
    fn options_of_the_wrong_kind_count_as_absent() {
        let bench = Bench::new();
        let options =
            r#"{"model": 5, "max-tokens": "7", "temperature": 1, "system": null, "foo": 1}"#;
        let request = bench.call("%llm-request", &[Value::EMPTY, data(&bench, options)]);
        assert_eq!(
            print::readable(&bench.host, request),
            "{:max-tokens 4096 :messages () :temperature 1.0}"
        );
    }

    #[test]
    fn replies_have_all_parts() {
        let bench = Bench::new();
        let names = [bench.text("p"), bench.text("m")];
        let reply = bench.call("%llm-reply", &[bench.text("hi"), names[0], names[1]]);
        assert_eq!(
            print::readable(&bench.host, reply),
            "{:content \"hi\" :model \"m\" :provider \"p\" :role \"assistant\" :stop-reason \"end_turn\" \
             :tool-calls () :usage {:cache-creation-tokens 0 :cache-read-tokens 0 :completion-tokens 0 :prompt-tokens 0}}"
        );
        let refused = bench.try_call("%llm-reply", &[Value::NIL, names[0], names[1]]);
        assert!(
            matches!(refused, Err(signal) if matches!(&*signal, Signal::Raise(condition)
            if condition.kind == ConditionKind::Llm))
        );
    }
}
