//! Recordings of calls: the lines of tapes.
//!
//! A tape is NDJSON, one line a call: `{"v":1,"kind":"complete","key":K,"content":S,"provider":P, ...}`. The
//! order of the entries is that of recordings of others, so that tapes can be compared as texts.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::std::json::read::{Keys, Reader};
use crate::std::json::write;
use sema_machine::data::collections::{self, sorted_map};
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, text};
use sema_machine::host::condition::{Outcome, Signal, eval_error, io_error};
use sema_machine::host::native::{Capability, Touches};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// The calls that the text of a tape holds: a map from key to recording. Of one key the first counts, and
    /// lines that are no recordings are left out.
    "%tape-entries" (text: String) -> Map => entries;

    /// The line of a tape for a call: what was asked (`complete`, `stream` or `embed`), its key, the reply, the
    /// pieces in which it came, and the embeddings.
    "%tape-line" (kind: Any, key: Any, reply: Any, pieces: Any, embeddings: Any) -> String => line;

    /// The text of the tape that `SEMA_LLM_CASSETTE` names, and what `SEMA_LLM_CASSETTE_MODE` says or nil, as a vector. Nil
    /// without such a tape, and where files are denied. A file that is not there is an empty tape.
    "%environment-tape" () -> Any, needs(Capability::Llm), touches(Touches::Nothing) => environment_tape;

    /// Adds a line to the tape that `SEMA_LLM_CASSETTE` names.
    "%extend-environment-tape" (line: String) -> Nil, needs(Capability::Llm), touches(Touches::Nothing) => extend_environment_tape;

    /// The text of a tape in the bundle.
    "%bundled-tape" (path: String) -> String, needs(Capability::Llm), touches(Touches::Nothing) => bundled_tape;
}

/// The tape that whoever has started the process wants to be used. Variables that the program sets itself do not
/// count: they would let it reach files without the capability for them.
fn named_tape() -> Option<PathBuf> {
    std::env::var_os("SEMA_LLM_CASSETTE")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}

fn environment_tape(host: &Host, _: &[Value]) -> Outcome {
    let Some(path) = named_tape() else {
        return Ok(Value::NIL);
    };
    // What a program needs for itself says nothing about a file that whoever starts it names; rules do, and embedders.
    let is_denied = |capability| match host.policy() {
        Some(_) => !host.permits(capability, &path.to_string_lossy()),
        None => host.denies(capability),
    };
    if is_denied(Capability::FsRead) || is_denied(Capability::FsWrite) {
        return Ok(Value::NIL);
    }
    let text = match std::fs::read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(tape_error(&path, &error)),
    };
    let mode = std::env::var("SEMA_LLM_CASSETTE_MODE").unwrap_or_default();
    let mode = match mode.as_str() {
        "" => Value::NIL,
        mode => host.heap.string(mode),
    };
    Ok(host.heap.vector(&[host.heap.string(&text), mode]))
}

fn tape_error(path: &Path, error: &std::io::Error) -> Box<Signal> {
    io_error(format!("SEMA_LLM_CASSETTE: {}: {error}", path.display()))
}

fn extend_environment_tape(host: &Host, args: &[Value]) -> Outcome {
    let line = text(host, "%extend-environment-tape", args, 0)?;
    let Some(path) = named_tape() else {
        return Ok(Value::NIL);
    };
    let extend = || -> std::io::Result<()> {
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        file.write_all(line.as_bytes())
    };
    extend().map_err(|error| tape_error(&path, &error))?;
    Ok(Value::NIL)
}

fn bundled_tape(host: &Host, args: &[Value]) -> Outcome {
    let path = text(host, "%bundled-tape", args, 0)?;
    let missing = |why: String| io_error(format!("cassette {path}: {why}"));
    let entry = host
        .files
        .embedded(path, None)
        .ok_or_else(|| missing("it is not in the bundle".to_owned()))?;
    let bytes = entry.bytes().map_err(|error| missing(error.to_string()))?;
    Ok(host.heap.string(&String::from_utf8_lossy(&bytes)))
}

/// An entry of a map; `None` if it is nil or there is no map.
fn part(host: &Host, map: Value, name: &str) -> Option<Value> {
    if !collections::is_map(map) {
        return None;
    }
    let found = collections::get_keyword(host, map, host.keyword(name))?;
    (!found.is_nil()).then_some(found)
}

fn entries(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "%tape-entries", args, 0)?;
    let mut entries: Vec<(Value, Value)> = Vec::new();
    // The last of equal keys counts in a map: the lines are taken from the end.
    for line in content.lines().rev() {
        let Ok(entry) = Reader::new(Keys::Keywords).document(host, line) else {
            continue;
        };
        if !collections::is_map(entry) || part(host, entry, "v") != Some(Value::small(1)) {
            continue;
        }
        let is_text = |name| part(host, entry, name).is_some_and(|v| v.kind() == Kind::String);
        if !["kind", "key", "content", "model"].into_iter().all(is_text) {
            continue;
        }
        if let Some(key) = part(host, entry, "key") {
            entries.push((key, entry));
        }
    }
    Ok(sorted_map::from_entries(host, &entries))
}

fn line(host: &Host, args: &[Value]) -> Outcome {
    let reply = argument(args, 2);
    let encode = |value| {
        write::encode(host, value, false)
            .map_err(|problem| eval_error(format!("recording: {problem}")))
    };
    let json = |name: &str| encode(part(host, reply, name).unwrap_or(Value::NIL));
    let count = |name: &str| {
        let usage = part(host, reply, "usage");
        let count = usage.and_then(|usage| part(host, usage, name));
        count.and_then(|count| host.heap.as_i64(count)).unwrap_or(0)
    };
    let mut calls = Vec::new();
    if let Some(list) = part(host, reply, "tool-calls").filter(|list| list.kind() == Kind::List) {
        for call in host.heap.list_iter(list) {
            let json = |name: &str| encode(part(host, call, name).unwrap_or(Value::NIL));
            let (id, name, arguments) = (json("id")?, json("name")?, json("arguments")?);
            let signature = match part(host, call, "thought-signature") {
                Some(signature) => format!(",\"thought_signature\":{}", encode(signature)?),
                None => String::new(),
            };
            calls.push(format!(
                "{{\"id\":{id},\"name\":{name},\"arguments\":{arguments}{signature}}}"
            ));
        }
    }
    let text = format!(
        "{{\"v\":1,\"kind\":{},\"key\":{},\"content\":{},\"provider\":{},\"role\":{},\"model\":{},\
         \"tool_calls\":[{}],\"stop_reason\":{},\"prompt_tokens\":{},\"completion_tokens\":{},\
         \"cache_read_input_tokens\":{},\"cache_creation_input_tokens\":{},\"chunks\":{},\"embeddings\":{}}}\n",
        encode(argument(args, 0))?,
        encode(argument(args, 1))?,
        json("content")?,
        json("provider")?,
        json("role")?,
        json("model")?,
        calls.join(","),
        json("stop-reason")?,
        count("prompt-tokens"),
        count("completion-tokens"),
        count("cache-read-tokens"),
        count("cache-creation-tokens"),
        encode(argument(args, 3))?,
        encode(argument(args, 4))?,
    );
    Ok(host.heap.string(&text))
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;
    use sema_machine::data::print;
    use sema_machine::memory::value::Value;

    #[test]
    fn what_is_written_is_read() {
        let bench = Bench::new();
        let given = r#"{"content": "hi", "tool-calls": [{"name": "t", "id": "1", "arguments": {"q": 1},
            "thought-signature": "s"}], "usage": {"prompt-tokens": 3}}"#;
        let given = bench.call("json/decode", &[bench.text(given)]);
        let names = [bench.text("p"), bench.text("m")];
        let reply = bench.call("%llm-reply", &[given, names[0], names[1]]);
        let pieces = bench.host.heap.list(&[bench.text("h"), bench.text("i")]);
        let line = |key: &str| {
            let (kind, key) = (bench.text("stream"), bench.text(key));
            bench.string(bench.call("%tape-line", &[kind, key, reply, pieces, Value::EMPTY]))
        };
        let tape = format!("{}garbage\n{{\"v\":1}}\n{}", line("k1"), line("k2"));
        let entries = bench.call("%tape-entries", &[bench.text(&tape)]);
        let keys = bench.call("keys", &[entries]);
        assert_eq!(print::readable(&bench.host, keys), "(\"k1\" \"k2\")");
        let entry = bench.call("get", &[entries, bench.text("k1")]);
        let replayed = bench.call("%llm-recorded", &[entry]);
        let replayed = print::readable(&bench.host, replayed);
        assert!(replayed.contains(":chunks (\"h\" \"i\")"), "{replayed}");
        assert!(replayed.contains(":thought-signature \"s\""), "{replayed}");
        assert!(replayed.contains(":prompt-tokens 3"), "{replayed}");
    }

    #[test]
    fn the_first_recording_of_a_key_counts() {
        let bench = Bench::new();
        let line = |content: &str| {
            format!(
                "{{\"v\":1,\"kind\":\"complete\",\"key\":\"k\",\"content\":\"{content}\",\"model\":\"m\"}}\n"
            )
        };
        let tape = bench.text(&(line("first") + &line("second")));
        let entries = bench.call("%tape-entries", &[tape]);
        let entry = bench.call("get", &[entries, bench.text("k")]);
        assert!(print::readable(&bench.host, entry).contains("first"));
    }
}
