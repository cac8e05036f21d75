//! Guards of texts: secrets and personal data in them are found and marked.

use crate::std::regex::compiled::compiled;
use sema_machine::data::collections::{self, sorted_map};
use sema_machine::giving_way;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, argument_error, text};
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// The secrets in a text: maps of `:type`, `:match`, and the bytes of the text from `:start` to `:end`. Found are keys of
    /// AWS, tokens of GitHub and Slack, JWTs, private keys, values of assignments like `api_key = ...`, and long texts that look
    /// random.
    /// (map :type (secret/detect "key AKIAIOSFODNN7EXAMPLE here")) => ("aws-access-key")
    "secret/detect" (text: String) -> List => giving_way!(detect_secrets);

    /// The text with a mark in place of each secret that `secret/detect` finds.
    /// (secret/redact "key AKIAIOSFODNN7EXAMPLE here") => "key «redacted:aws-access-key» here"
    "secret/redact" (text: String) -> String => giving_way!(redact_secrets);

    /// The personal data in a text: addresses of mail, IPv4 addresses, and phone numbers as in the US. Maps as those of
    /// `secret/detect`.
    /// (map :match (pii/detect "mail me@example.com or call (415) 555-2671")) => ("me@example.com" "(415) 555-2671")
    "pii/detect" (text: String) -> List => giving_way!(detect_personal);

    /// The text with a mark in place of each span, a map of the bytes from `:start` to `:end`, which may have a `:label`. Spans that
    /// are none are left out, those that overlap are one.
    /// (redact/spans "hello world" (list {:start 6 :end 11 :label "name"})) => "hello «redacted:name»"
    "redact/spans" (text: String, spans: List) -> String => redact_spans;
}

/// A kind of what is looked for.
struct Pattern {
    name: &'static str,
    pattern: &'static str,
    /// The group whose text must look random, if one must.
    random: Option<usize>,
}

/// Of matches that overlap that of the first pattern counts.
const SECRETS: [Pattern; 7] = [
    Pattern {
        name: "aws-access-key",
        pattern: "AKIA[0-9A-Z]{16}",
        random: None,
    },
    Pattern {
        name: "jwt",
        pattern: r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}",
        random: None,
    },
    Pattern {
        name: "slack-token",
        pattern: "xox[abeoprs]-[A-Za-z0-9-]{10,}",
        random: None,
    },
    Pattern {
        name: "github-token",
        pattern: "gh[opsur]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}",
        random: None,
    },
    Pattern {
        name: "private-key",
        pattern: r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----(?:.*?-----END [A-Z ]*PRIVATE KEY-----)?",
        random: None,
    },
    Pattern {
        name: "api-key",
        pattern: r#"(?i)(?:api[_-]?key|secret|token|password)\s*[:=]\s*["']?([A-Za-z0-9_./+=-]{16,})"#,
        random: Some(1),
    },
    Pattern {
        name: "high-entropy",
        pattern: "[A-Za-z0-9+/=_-]{32,}",
        random: Some(0),
    },
];

const PERSONAL: [Pattern; 3] = [
    Pattern {
        name: "email",
        pattern: r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
        random: None,
    },
    Pattern {
        name: "ipv4",
        pattern: r"\b(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\b",
        random: None,
    },
    Pattern {
        name: "phone",
        pattern: r"(?:\+?1[ .-]?)?(?:\([0-9]{3}\) ?|[0-9]{3}[ .-]?)[0-9]{3}[ .-]?[0-9]{4}",
        random: None,
    },
];

/// Bits of a character from which on a text looks random.
const RANDOM_BITS: f64 = 3.5;

/// Shannon's entropy of the bytes of a text, in bits a byte.
fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let length = text.len() as f64;
    let shares = counts.iter().filter(|count| **count > 0);
    shares
        .map(|count| {
            let share = f64::from(*count) / length;
            -share * share.log2()
        })
        .sum()
}

/// A part of a text, and what it is.
struct Span<'t> {
    label: Option<&'t str>,
    start: usize,
    end: usize,
}

/// Puts parts of a text into its order. One function for all: each kind of sort is four kilobytes of code.
fn sort(spans: &mut [Span<'_>]) {
    spans.sort_by_key(|span| span.start);
}

/// All that is found in a text, in its order.
fn find(host: &Host, text: &str, patterns: &[Pattern]) -> Outcome<Vec<Span<'static>>> {
    let mut found: Vec<Span<'static>> = Vec::new();
    for pattern in patterns {
        let compiled = compiled(host, pattern.pattern)?;
        for captures in compiled.engine.captures_iter(text) {
            let Some(whole) = captures.get_group(0) else {
                continue;
            };
            let group = pattern.random.and_then(|group| captures.get_group(group));
            let looks_random = group.is_none_or(|group| {
                let part = text.get(group.start..group.end).unwrap_or_default();
                entropy(part) >= RANDOM_BITS
            });
            let overlaps = found
                .iter()
                .any(|other| whole.start < other.end && other.start < whole.end);
            if looks_random && !overlaps {
                found.push(Span {
                    label: Some(pattern.name),
                    start: whole.start,
                    end: whole.end,
                });
            }
        }
    }
    sort(&mut found);
    Ok(found)
}

fn list(host: &Host, text: &str, found: &[Span<'_>]) -> Value {
    let maps: Vec<Value> = found
        .iter()
        .map(|found| {
            let part = text.get(found.start..found.end).unwrap_or_default();
            let entries = [
                (
                    host.keyword("type"),
                    host.heap.string(found.label.unwrap_or_default()),
                ),
                (host.keyword("match"), host.heap.string(part)),
                (host.keyword("start"), Value::index(found.start)),
                (host.keyword("end"), Value::index(found.end)),
            ];
            sorted_map::from_entries(host, &entries)
        })
        .collect();
    host.heap.list(&maps)
}

fn detect_secrets(host: &Host, args: &[Value]) -> Outcome {
    let text = text(host, "secret/detect", args, 0)?;
    Ok(list(host, text, &find(host, text, &SECRETS)?))
}

fn detect_personal(host: &Host, args: &[Value]) -> Outcome {
    let text = text(host, "pii/detect", args, 0)?;
    Ok(list(host, text, &find(host, text, &PERSONAL)?))
}

/// The text with marks in place of spans, which are in order and do not overlap.
fn marked(text: &str, spans: &[Span<'_>]) -> String {
    let mut marked = String::with_capacity(text.len());
    let mut done = 0;
    for span in spans {
        marked.push_str(text.get(done..span.start).unwrap_or_default());
        match span.label {
            Some(label) => marked.push_str(&format!("«redacted:{label}»")),
            None => marked.push_str("«redacted»"),
        }
        done = span.end;
    }
    marked.push_str(text.get(done..).unwrap_or_default());
    marked
}

fn redact_secrets(host: &Host, args: &[Value]) -> Outcome {
    let text = text(host, "secret/redact", args, 0)?;
    let found = find(host, text, &SECRETS)?;
    Ok(host.heap.string(&marked(text, &found)))
}

fn redact_spans(host: &Host, args: &[Value]) -> Outcome {
    let text = text(host, "redact/spans", args, 0)?;
    let given = argument(args, 1);
    if given.kind() != Kind::List {
        return Err(argument_error(host, "redact/spans", 1, "list", given));
    }
    let mut spans: Vec<Span<'_>> = Vec::new();
    for span in host
        .heap
        .list_iter(given)
        .filter(|span| collections::is_map(*span))
    {
        let part = |name: &str| collections::get_keyword(host, span, host.keyword(name));
        let place = |name: &str| {
            let place = part(name).and_then(|value| host.heap.as_i64(value))?;
            usize::try_from(place).ok()
        };
        let (Some(start), Some(end)) = (place("start"), place("end")) else {
            continue;
        };
        let end = end.min(text.len());
        if start < end && text.get(start..end).is_some() {
            let label = part("label").and_then(|label| host.heap.as_str(label));
            spans.push(Span { label, start, end });
        }
    }
    sort(&mut spans);
    let mut apart: Vec<Span<'_>> = Vec::new();
    for span in spans {
        match apart.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => apart.push(span),
        }
    }
    Ok(host.heap.string(&marked(text, &apart)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    fn names(text: &str, patterns: &[Pattern]) -> Vec<String> {
        let bench = Bench::new();
        let found = find(&bench.host, text, patterns);
        let Ok(found) = found else {
            panic!("{text}");
        };
        found
            .iter()
            .map(|found| {
                format!(
                    "{} {}",
                    found.label.unwrap_or_default(),
                    &text[found.start..found.end]
                )
            })
            .collect()
    }

    #[test]
    fn secrets_are_found_and_ordinary_texts_are_not() {
        for (text, expected) in [
            (
                "x AKIAIOSFODNN7EXAMPLE",
                "aws-access-key AKIAIOSFODNN7EXAMPLE",
            ),
            (
                "secret=ghp_abcdefghijklmnopqrstuvwxyz0123456789",
                "github-token ghp_abcdefghijklmnopqrstuvwxyz0123456789",
            ),
            (
                "secret: 'Zx9Kq2Lm8Pw4Rt6Y'",
                "api-key secret: 'Zx9Kq2Lm8Pw4Rt6Y",
            ),
            (
                "-----BEGIN PRIVATE KEY-----\nab\n-----END PRIVATE KEY-----",
                "private-key -----BEGIN PRIVATE KEY-----\nab\n-----END PRIVATE KEY-----",
            ),
            (
                "Zx9Kq2Lm8Pw4Rt6YZx9Kq2Lm8Pw4Rt6Y",
                "high-entropy Zx9Kq2Lm8Pw4Rt6YZx9Kq2Lm8Pw4Rt6Y",
            ),
        ] {
            assert_eq!(names(text, &SECRETS), [expected]);
        }
        for text in [
            "password = hunter2",
            "token=aaaaaaaaaaaaaaaaaaaa",
            "550e8400-e29b-41d4-a716-446655440000",
            "akiaiosfodnn7example",
        ] {
            assert_eq!(names(text, &SECRETS), [] as [&str; 0], "{text}");
        }
    }

    #[test]
    fn personal_data_are_found() {
        assert_eq!(
            names("a.b+c@x-y.co.uk, 10.0.0.1:80, +1 415 555 2671", &PERSONAL),
            [
                "email a.b+c@x-y.co.uk",
                "ipv4 10.0.0.1",
                "phone +1 415 555 2671"
            ]
        );
        assert_eq!(
            names("256.1.1.1 not@mail 555-2671", &PERSONAL),
            [] as [&str; 0]
        );
    }

    #[test]
    fn spans_that_are_none_are_left_out_and_overlapping_ones_joined() {
        let bench = Bench::new();
        let redact = |spans: &str| {
            let spans = bench.call("json/decode", &[bench.text(spans)]);
            bench.string(bench.call("redact/spans", &[bench.text("héllo world"), spans]))
        };
        assert_eq!(
            redact(r#"[{"start": 0, "end": 2}, 5, {"start": 5, "end": 3}]"#),
            "héllo world"
        );
        assert_eq!(
            redact(r#"[{"start": 1, "end": 3, "label": "x"}]"#),
            "h«redacted:x»llo world"
        );
        assert_eq!(
            redact(r#"[{"start": 3, "end": 8, "label": "b"}, {"start": 0, "end": 5}]"#),
            "«redacted»orld"
        );
        assert_eq!(redact(r#"[{"start": 3, "end": 100}]"#), "hé«redacted»");
    }
}
