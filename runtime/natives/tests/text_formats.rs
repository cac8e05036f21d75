//! Damaged documents: every parser of text formats gives a value or a condition, in bounded time, and what is written reads back.

#![cfg(feature = "std")]

use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, Signal};
use sema_machine::host::output::Output;
use sema_machine::memory::value::Value;
use sema_natives::NATIVES;

/// Documents that are damaged in many ways.
const SEEDS: [&str; 8] = [
    r#"{"a": [1, -2.5e3, "x\u00e9\ud83d\ude00\"\\", null, true], "b": {"c": {}}, "d": 123456789012345678901234567890}"#,
    "name,\"quo\"\"ted\"\r\n1,\"a\nb\"\r\n,é\n",
    "title = \"T\"\n[a.b]\nx = [1, 0x1F, 2.5, inf]\nd = 1979-05-27T07:32:00Z\n[[c]]\ns = '''\nmulti'''\n[[c]]\nt = { u = 1 }\n",
    "<!doctype html><title>t</title><p class=x>a<b>c<i>d</b>e</i><table><tr><td>f<td>g</table>&amp;&#x41;&nbsp;<!--h--><script>i</script>",
    "# A *b* `c`\n\n> q\n\n- [l](m \"n\")\n- ![i](j)\n\n```\ncode\n```\n\n<div>html</div> &copy;\n\nsetext\n===\n",
    "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@ f\n a\n-b\n+B\n c\n\\ No newline at end of file\n@@ -9 +9,2 @@\n-x\n+y\n+z\n",
    r"(?i)^(?P<n>\w+)[a-z&&[^x]]{2,3}?(?:\p{Lu}|\d)*\b$",
    "div > p.x:nth-child(2n+1):not([a^='v' i], :has(+ b)) ~ #id, *::before",
];

/// Each of the parsers, on one text.
const PARSERS: [&str; 12] = [
    "json/decode",
    "csv/parse",
    "csv/parse-maps",
    "toml/decode",
    "html/parse",
    "html/text",
    "markdown/to-html",
    "markdown/headings",
    "diff/parse",
    "diff/stat",
    "text/chunk",
    "text/strip-html",
];

fn call(host: &Host, name: &str, arguments: &[Value]) -> Outcome {
    let native = NATIVES.get(NATIVES.find(name).unwrap());
    (native.call)(host, arguments)
}

/// Calls a native that must give a value or a condition.
fn attempt(host: &Host, name: &str, arguments: &[Value]) -> Option<Value> {
    match call(host, name, arguments) {
        Ok(value) => Some(value),
        Err(signal) => {
            assert!(matches!(*signal, Signal::Raise(_)), "{name}");
            None
        }
    }
}

/// A fixed sequence of numbers that look random (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }

    /// A document with some characters removed, doubled, replaced or taken from another one.
    fn damaged(&mut self, seed: &str) -> String {
        let mut characters: Vec<char> = seed.chars().collect();
        for _ in 0..1 + self.below(6) {
            let at = self.below(characters.len());
            let other: Vec<char> = SEEDS[self.below(SEEDS.len())].chars().collect();
            match self.below(5) {
                0 if !characters.is_empty() => drop(characters.remove(at)),
                1 => characters.truncate(at),
                2 => characters.insert(at, other[self.below(other.len())]),
                3 => {
                    let from = self.below(other.len());
                    let part = other[from..].iter().take(self.below(20)).copied();
                    characters.splice(at..at, part);
                }
                _ => {
                    let end = (at + self.below(30)).min(characters.len());
                    let part: Vec<char> = characters.get(at..end).unwrap_or_default().to_vec();
                    characters.splice(at..at, part);
                }
            }
        }
        characters.into_iter().collect()
    }
}

#[test]
fn damaged_documents_give_values_or_conditions() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..4000 {
        let host = Host::new(Output::memory(), &NATIVES);
        let seed = SEEDS[round % SEEDS.len()];
        let text = random.damaged(seed);
        let value = host.heap.string(&text);
        for parser in PARSERS {
            attempt(&host, parser, &[value]);
        }
        let document = host.heap.string(SEEDS[3]);
        attempt(&host, "html/select", &[document, value]);
        attempt(&host, "regex/find-all", &[value, document]);
        attempt(&host, "diff/apply", &[document, value]);
        for (decode, encode) in [
            ("json/decode", "json/encode"),
            ("csv/parse", "csv/encode"),
            ("toml/decode", "toml/encode"),
        ] {
            let Some(decoded) = attempt(&host, decode, &[value]) else {
                continue;
            };
            // Infinite floats and large integers are not written in every format.
            let Some(written) = attempt(&host, encode, &[decoded]) else {
                continue;
            };
            let again = attempt(&host, decode, &[written]).unwrap();
            let same = attempt(&host, "equal?", &[decoded, again]);
            assert_eq!(
                same,
                Some(Value::TRUE),
                "{text}\n{}",
                host.heap.as_str(written).unwrap()
            );
        }
    }
}

#[test]
fn diffs_of_damaged_texts_apply() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for round in 0..2000 {
        let host = Host::new(Output::memory(), &NATIVES);
        let seed = SEEDS[round % SEEDS.len()];
        let texts =
            [random.damaged(seed), random.damaged(seed)].map(|text| host.heap.string(&text));
        let patch = attempt(&host, "diff/unified", &texts).unwrap();
        let changed = attempt(&host, "diff/apply", &[texts[0], patch]).unwrap();
        assert_eq!(host.heap.as_str(changed), host.heap.as_str(texts[1]));
    }
}
