//! What a provider sends piece by piece: server-sent events, or lines of JSON.

use crate::core::system::device::Wanted;
use crate::core::system::streams::read_from;
use crate::std::json::read::{Keys, Reader};
use sema_machine::data::collections;
use sema_machine::host::Host;
use sema_machine::host::arguments::argument;
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::Value;
use sema_machine::natives;

/// Bytes of which events are made at once. What has come together is taken together.
const PART: usize = 16 << 10;

natives! {
    /// The next events of a stream, all of which have come by now: a list of maps, those of the lines that say `data:` and are JSON objects, or
    /// of all lines that are (`is-plain`). Behind them there may be nil if the stream has ended, or a text that says what is wrong with what follows.
    "%next-events" (stream: Stream, is_plain: Any) -> List => next_events;
}

/// The data of a line, if it is one with data.
pub(super) fn data(line: &str) -> Option<&str> {
    line.strip_prefix("data:").map(str::trim)
}

fn next_events(host: &Host, args: &[Value]) -> Outcome {
    let is_plain = argument(args, 1) != Value::FALSE;
    read_from(host, args, Wanted::Lines(PART), move |host, lines| {
        let events = events(host, &lines, is_plain);
        Ok(host.heap.list(&events))
    })
}

fn events(host: &Host, lines: &[u8], is_plain: bool) -> Vec<Value> {
    if lines.is_empty() {
        return vec![Value::NIL];
    }
    let mut reader = Reader::new(Keys::Foreign);
    let mut events = Vec::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let Ok(line) = std::str::from_utf8(line) else {
            events.push(host.heap.string("invalid UTF-8"));
            break;
        };
        let data = if is_plain {
            Some(line.trim())
        } else {
            data(line)
        };
        match data {
            None | Some("") => {}
            Some("[DONE]") => {
                events.push(Value::NIL);
                break;
            }
            // Lines that are no JSON are left out.
            Some(data) => {
                let event = reader.document(host, data).ok();
                events.extend(event.filter(|event| collections::is_map(*event)));
            }
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;
    use sema_machine::data::print::readable;

    fn of(bytes: &[u8], is_plain: bool) -> Vec<String> {
        let bench = Bench::new();
        let stream = bench.call("stream/from-bytes", &[bench.host.heap.bytevector(bytes)]);
        let mut all = Vec::new();
        loop {
            let events = bench.call("%next-events", &[stream, Value::bool(is_plain)]);
            all.push(readable(&bench.host, events));
            if all
                .iter()
                .any(|events| events.contains("nil") || events.contains("UTF-8"))
            {
                return all;
            }
        }
    }

    #[test]
    fn events_that_have_come_are_taken_together() {
        let lines = b": comment\r\nevent: a\r\ndata: {\"a\":1}\r\n\r\ndata:{\"a\":2}\n\ndata: 5\ndata: {\n\ndata: {\"a\":3}";
        assert_eq!(of(lines, false), ["({:a 1} {:a 2})", "({:a 3})", "(nil)"]);
        assert_eq!(
            of(b"data: {\"a\":1}\ndata: [DONE]\n\ndata: {\"a\":2}\n", false),
            ["({:a 1} nil)"]
        );
        assert_eq!(
            of(b"{\"a\":1}\n\n{\"a\":2}\n", true),
            ["({:a 1} {:a 2})", "(nil)"]
        );
        assert_eq!(of(b"", false), ["(nil)"]);
    }

    #[test]
    fn what_comes_before_a_wrong_byte_is_not_lost() {
        let events = of(b"data: {\"a\":1}\ndata: \xff\ndata: {\"a\":2}\n", false);
        assert_eq!(events, ["({:a 1} \"invalid UTF-8\")"]);
    }

    #[test]
    fn many_events_are_several_parts() {
        let lines = "data: {\"a\":1}\n\n".repeat(2 * PART / 15 + 1);
        let events = of(lines.as_bytes(), false);
        assert!(events.len() > 2, "{}", events.len());
        let count: usize = events.iter().map(|part| part.matches(":a 1").count()).sum();
        assert_eq!(count, 2 * PART / 15 + 1);
    }
}
