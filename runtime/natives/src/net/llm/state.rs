//! What calls of models keep between each other, and conditions about them.

use std::collections::BTreeMap;

use super::events;
use super::request::{condition_text, llm_error};
use crate::core::system::environment;
use sema_machine::data::collections;
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, real, text};
use sema_machine::host::condition::{Condition, ConditionKind, Extra, Outcome, io_error};
use sema_machine::host::native::{Capability, Touches};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// The value that the library keeps under a name, or nil.
    "%llm-state" (name: Any) -> Any => state;

    /// Keeps a value under a name until another one is.
    "%llm-set-state" (name: Any, value: Any) -> Any => set_state;

    /// Raises a condition of the type `:llm`.
    "%llm-error" (message: String) -> Never => raise;

    /// Raises a condition of the type `:llm` about a provider of this name, which its entry `:provider` says.
    "%provider-error" (message: String, provider: String) -> Never => raise_about_provider;

    /// Raises a condition of the type `:io`.
    "%io-error" (message: String) -> Never => raise_io;

    /// What a condition says, with the name of its kind in front.
    "%condition-text" (condition: Any) -> String => text_of_condition;

    /// Whether a condition that was caught must go on: the running task was cancelled, or something that
    /// is not allowed was tried.
    "%must-go-on?" (condition: Any) -> Bool => must_go_on;

    /// A variable of the environment that says how a provider is reached; nil if it is empty or not set.
    "%llm-environment" (name: String) -> OptionalString, needs(Capability::Llm), touches(Touches::Nothing) => from_environment;

    /// Sends a request to a provider and waits for the answer, as `%http-send` does.
    "%llm-post" (function: String, method: String, url: String, options: Any, body: Any) -> Map, needs(Capability::Llm), touches(Touches::Inside) => post;

    /// What a line of a stream of events says; nil if it is none with data.
    "%sse-data" (line: String) -> OptionalString => sse_data;

    /// Milliseconds that a header asks to wait: seconds, or numbers with the units `h`, `m`, `s` and `ms`. Nil if it says
    /// something else.
    "%wait-hint" (text: String) -> Any => wait_hint;

    /// A text without the fence of a block of code around it.
    "%unfenced" (text: String) -> String => unfenced;

    /// The readable form of a value.
    "%readable" (value: Any) -> String => readable;

    /// A number with four digits behind the point.
    "%four-decimals" (number: Any) -> String => four_decimals;

    /// The bytes of a text.
    "%byte-count" (text: String) -> Count => byte_count;

    /// The first 200 characters of a text, with dots if there are more.
    "%clipped" (text: String) -> String => clipped;
}

/// The numbers of the kept values, by name.
#[derive(Default)]
struct State(BTreeMap<String, u32>);

fn name<'h>(host: &'h Host, args: &[Value]) -> &'h str {
    host.name_of(argument(args, 0)).unwrap_or_default()
}

fn state(host: &Host, args: &[Value]) -> Outcome {
    let name = name(host, args);
    let number = host.with_extension(|state: &mut State| state.0.get(name).copied());
    Ok(number.map_or(Value::NIL, |number| host.kept(number)))
}

fn set_state(host: &Host, args: &[Value]) -> Outcome {
    let value = argument(args, 1);
    let number = host.keep(value);
    let name = name(host, args).to_owned();
    let before = host.with_extension(|state: &mut State| state.0.insert(name, number));
    if let Some(before) = before {
        host.release(before);
    }
    Ok(value)
}

fn raise(host: &Host, args: &[Value]) -> Outcome {
    Err(llm_error(text(host, "%llm-error", args, 0)?))
}

fn raise_about_provider(host: &Host, args: &[Value]) -> Outcome {
    let message = text(host, "%provider-error", args, 0)?.to_owned();
    let provider = text(host, "%provider-error", args, 1)?.to_owned();
    Err(Condition::new(ConditionKind::Llm, message)
        .hint(format!("the provider is {provider}"))
        .with("provider", Extra::Text(provider))
        .signal())
}

fn raise_io(host: &Host, args: &[Value]) -> Outcome {
    Err(io_error(text(host, "%io-error", args, 0)?.to_owned()))
}

fn post(host: &Host, args: &[Value]) -> Outcome {
    crate::net::http::client::send_with(host, args, Capability::Llm)
}

fn text_of_condition(host: &Host, args: &[Value]) -> Outcome {
    Ok(host.heap.string(&condition_text(host, argument(args, 0))))
}

fn must_go_on(host: &Host, args: &[Value]) -> Outcome {
    if host.scheduler.is_cancelled(host.scheduler.current_task()) {
        return Ok(Value::TRUE);
    }
    let condition = argument(args, 0);
    let kind = collections::is_map(condition)
        .then(|| collections::get_keyword(host, condition, host.keyword("type")))
        .flatten()
        .filter(|kind| kind.kind() == Kind::Keyword);
    let kind = kind.and_then(|kind| host.name_of(kind));
    Ok(Value::bool(kind == Some("policy-denied")))
}

fn from_environment(host: &Host, args: &[Value]) -> Outcome {
    let name = text(host, "%llm-environment", args, 0)?;
    let value = environment::lookup(host, name).filter(|value| !value.is_empty());
    Ok(value.map_or(Value::NIL, |value| host.heap.string(&value)))
}

fn sse_data(host: &Host, args: &[Value]) -> Outcome {
    let data = events::data(text(host, "%sse-data", args, 0)?);
    Ok(data.map_or(Value::NIL, |data| host.heap.string(data)))
}

/// Milliseconds of a text like `1.5`, `20ms` or `1m30s`.
fn milliseconds(text: &str) -> Option<f64> {
    let text = text.trim();
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    if let Ok(seconds) = text.parse::<f64>() {
        return (text.starts_with(is_number) && seconds.is_finite()).then_some(seconds * 1000.0);
    }
    let mut sum = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c| !is_number(c))?);
        let unit = after.find(is_number).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let factor = match unit {
            "ms" => 1.0,
            "s" => 1000.0,
            "m" => 60_000.0,
            "h" => 3_600_000.0,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * factor;
        rest = after;
    }
    (!text.is_empty()).then_some(sum)
}

fn wait_hint(host: &Host, args: &[Value]) -> Outcome {
    let wait = milliseconds(text(host, "%wait-hint", args, 0)?);
    Ok(wait.map_or(Value::NIL, Value::float))
}

fn unfenced(host: &Host, args: &[Value]) -> Outcome {
    let whole = text(host, "%unfenced", args, 0)?.trim();
    let inner = whole.strip_prefix("```").and_then(|rest| {
        let (_, inner) = rest.split_once('\n')?;
        Some(inner.trim_end().trim_end_matches("```").trim())
    });
    Ok(host.heap.string(inner.unwrap_or(whole)))
}

fn readable(host: &Host, args: &[Value]) -> Outcome {
    Ok(host.heap.string(&print::readable(host, argument(args, 0))))
}

fn four_decimals(host: &Host, args: &[Value]) -> Outcome {
    let number = real(host, argument(args, 0)).unwrap_or_default();
    Ok(host.heap.string(&format!("{number:.4}")))
}

fn byte_count(host: &Host, args: &[Value]) -> Outcome {
    Ok(Value::index(text(host, "%byte-count", args, 0)?.len()))
}

/// Characters of a result that those who watch get.
const SHOWN: usize = 200;

fn clipped(host: &Host, args: &[Value]) -> Outcome {
    let whole = text(host, "%clipped", args, 0)?;
    Ok(match whole.char_indices().nth(SHOWN) {
        Some((end, _)) => {
            let mut part = whole.get(..end).unwrap_or_default().to_owned();
            part.push_str("...");
            host.heap.string(&part)
        }
        None => argument(args, 0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    #[test]
    fn the_last_value_of_a_name_is_kept() {
        let bench = Bench::new();
        let name = bench.host.keyword("n");
        assert_eq!(bench.call("%llm-state", &[name]), Value::NIL);
        bench.call("%llm-set-state", &[name, Value::small(1)]);
        bench.call("%llm-set-state", &[name, Value::small(2)]);
        assert_eq!(bench.call("%llm-state", &[name]), Value::small(2));
    }

    #[test]
    fn waits_are_read_as_providers_write_them() {
        for (text, wait) in [
            ("2", Some(2000.0)),
            ("0.1", Some(100.0)),
            ("1.5s", Some(1500.0)),
            ("20ms", Some(20.0)),
            ("1m30s", Some(90_000.0)),
            ("", None),
            ("-1", None),
            ("inf", None),
            ("soon", None),
            ("Wed, 21 Oct 2015 07:28:00 GMT", None),
        ] {
            assert_eq!(milliseconds(text), wait, "{text}");
        }
    }

    #[test]
    fn events_are_lines_with_data() {
        let bench = Bench::new();
        assert_eq!(
            bench.on_texts("%sse-data", &["data: {\"a\":1}\r"]),
            "{\"a\":1}"
        );
        assert_eq!(bench.on_texts("%sse-data", &["data:[DONE]"]), "[DONE]");
        for line in ["event: x", ": comment", ""] {
            assert_eq!(bench.call("%sse-data", &[bench.text(line)]), Value::NIL);
        }
    }

    #[test]
    fn fences_are_taken_off() {
        let bench = Bench::new();
        let inner = |text: &str| bench.on_texts("%unfenced", &[text]);
        assert_eq!(inner("```json\n{}\n```\n"), "{}");
        assert_eq!(inner("```\n{}```"), "{}");
        assert_eq!(inner(" {} "), "{}");
        assert_eq!(inner("```"), "```");
    }

    #[test]
    fn long_results_are_shown_in_part() {
        let bench = Bench::new();
        assert_eq!(bench.on_texts("%clipped", &["é"]), "é");
        let long = "é".repeat(201);
        let shown = bench.on_texts("%clipped", &[&long]);
        assert_eq!(shown, format!("{}...", "é".repeat(200)));
    }
}
