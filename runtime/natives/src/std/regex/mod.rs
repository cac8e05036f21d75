//! Regular expressions: searched in time that grows with the text, whatever the pattern.

pub(crate) mod compiled;
mod properties;
#[cfg(test)]
mod tests;

use std::rc::Rc;

use compiled::{Compiled, compiled};
use regex_automata::util::captures::Captures;
use regex_automata::util::interpolate;
use regex_automata::{Input, Span};
use sema_machine::data::collections::sorted_map;
use sema_machine::host::arguments::text;
use sema_machine::host::condition::Outcome;
use sema_machine::host::{Growth, Host};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// Whether a text contains a match of a pattern. Raises if the pattern is malformed or too large.
    /// (regex/match? #"\d+" "abc123") => #t
    /// (regex/match? #"^\d+$" "abc123") => #f
    /// (regex/match? "(" "a") => error invalid regex pattern: regex parse error
    /// (map (fn (word) (regex/match? "^\\p{Greek}+$" word)) '("λόγος" "word")) => (#t #f)
    "regex/match?" (pattern: String, text: String) -> Bool, pure => is_match;

    /// The first match of a pattern: a map with the text of the match, those of the groups (nil for one that took no part), and where
    /// it starts and ends, in bytes of UTF-8. Nil if there is none.
    /// (regex/match #"(\d+)-(\w+)" "item-42-foo") => {:end 11 :groups ("42" "foo") :match "42-foo" :start 5}
    /// (regex/match #"(a)|b" "b") => {:end 1 :groups (nil) :match "b" :start 0}
    "regex/match" (pattern: String, text: String) -> Any, pure => first_match;

    /// The texts of all matches of a pattern, from left to right and without overlaps.
    /// (regex/find-all #"\d+" "a1b22c") => ("1" "22")
    "regex/find-all" (pattern: String, text: String) -> List, pure => find_all;

    /// The pieces of a text between the matches of a pattern, empty ones included.
    /// (regex/split #"\s*,\s*" "a, b,,c") => ("a" "b" "" "c")
    "regex/split" (pattern: String, text: String) -> List, pure => split;

    /// A text with its first match of a pattern replaced. In the replacement `$1` and `$name` stand for groups, `${name}` for one that
    /// letters follow, `$$` for a dollar sign.
    /// (regex/replace #"(\d+)-(\w+)" "$2:$1" "item-42-foo") => "item-foo:42"
    "regex/replace" (pattern: String, replacement: String, text: String) -> String, pure => replace_first;

    /// A text with all matches of a pattern replaced, as `regex/replace` does with the first one.
    /// (regex/replace-all #"\d" "<$0>" "a1b2") => "a<1>b<2>"
    "regex/replace-all" (pattern: String, replacement: String, text: String) -> String, pure => replace_all;
}

/// The compiled pattern `args[0]` and the text `args[index]`.
#[inline(never)]
fn arguments<'h>(
    host: &'h Host,
    function: &str,
    args: &[Value],
    index: usize,
) -> Outcome<(Rc<Compiled>, &'h str)> {
    arguments_here(host, function, args, index)
}

/// The same where a call would cost as much as what it does.
#[inline(always)]
fn arguments_here<'h>(
    host: &'h Host,
    function: &str,
    args: &[Value],
    index: usize,
) -> Outcome<(Rc<Compiled>, &'h str)> {
    let pattern = text(host, function, args, 0)?;
    let subject = text(host, function, args, index)?;
    Ok((compiled(host, pattern)?, subject))
}

/// A part of a text that a match has found.
fn part(text: &str, span: impl Into<Span>) -> &str {
    text.get(span.into().range()).unwrap_or_default()
}

fn is_match(host: &Host, args: &[Value]) -> Outcome {
    let (regex, subject) = arguments_here(host, "regex/match?", args, 1)?;
    Ok(Value::bool(regex.engine.is_match(subject)))
}

fn first_match(host: &Host, args: &[Value]) -> Outcome {
    let (regex, subject) = arguments(host, "regex/match", args, 1)?;
    let heap = &host.heap;
    let mut captures = regex.engine.create_captures();
    regex
        .engine
        .search_captures(&Input::new(subject), &mut captures);
    let Some(found) = captures.get_match() else {
        return Ok(Value::NIL);
    };
    let groups: Vec<Value> = (1..captures.group_len())
        .map(|group| match captures.get_group(group) {
            Some(span) => heap.string(part(subject, span)),
            None => Value::NIL,
        })
        .collect();
    let entries = [
        (host.keyword("end"), Value::index(found.end())),
        (host.keyword("groups"), heap.list(&groups)),
        (
            host.keyword("match"),
            heap.string(part(subject, found.span())),
        ),
        (host.keyword("start"), Value::index(found.start())),
    ];
    Ok(sorted_map::from_sorted(heap, &entries))
}

fn find_all(host: &Host, args: &[Value]) -> Outcome {
    let (regex, subject) = arguments(host, "regex/find-all", args, 1)?;
    let spans = regex.matches(subject).map(|found| found.span());
    parts(host, subject, spans)
}

fn split(host: &Host, args: &[Value]) -> Outcome {
    let (regex, subject) = arguments(host, "regex/split", args, 1)?;
    parts(host, subject, regex.engine.split(subject))
}

/// Parts of a text as a list.
fn parts(host: &Host, subject: &str, spans: impl Iterator<Item = Span>) -> Outcome {
    let mut growth = Growth::new(host);
    let mut found = Vec::new();
    for span in spans {
        growth.go_on(host)?;
        if found.len() == found.capacity() {
            host.ask(found.len() * 3 * size_of::<Value>())?;
        }
        found.push(host.heap.string(part(subject, span)));
    }
    host.ask(found.len() * size_of::<[Value; 2]>())?;
    Ok(host.heap.list(&found))
}

fn replace_first(host: &Host, args: &[Value]) -> Outcome {
    replaced(host, "regex/replace", args, 1)
}

fn replace_all(host: &Host, args: &[Value]) -> Outcome {
    replaced(host, "regex/replace-all", args, usize::MAX)
}

/// The text `args[2]` with at most `limit` matches replaced.
fn replaced(host: &Host, function: &str, args: &[Value], limit: usize) -> Outcome {
    let (regex, subject) = arguments(host, function, args, 2)?;
    let replacement = text(host, function, args, 1)?;
    let mut result = String::new();
    let mut end = 0;
    if replacement.contains('$') {
        for captures in regex.engine.captures_iter(subject).take(limit) {
            let Some(found) = captures.get_match() else {
                continue;
            };
            result.push_str(part(subject, end..found.start()));
            interpolate(subject, &captures, replacement, &mut result);
            host.ask_for_text(result.len())?;
            end = found.end();
        }
    } else {
        for found in regex.matches(subject).take(limit) {
            result.push_str(part(subject, end..found.start()));
            result.push_str(replacement);
            host.ask_for_text(result.len())?;
            end = found.end();
        }
    }
    if end == 0 && result.is_empty() {
        return Ok(sema_machine::host::arguments::argument(args, 2));
    }
    result.push_str(part(subject, end..subject.len()));
    Ok(host.heap.string(&result))
}

/// Appends the replacement of a match.
fn interpolate(subject: &str, captures: &Captures, replacement: &str, result: &mut String) {
    interpolate::string(
        replacement,
        |group, result| {
            if let Some(span) = captures.get_group(group) {
                result.push_str(part(subject, span));
            }
        },
        |name| {
            let pattern = captures.pattern()?;
            captures.group_info().to_index(pattern, name)
        },
        result,
    );
}
