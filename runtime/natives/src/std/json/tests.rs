use super::pull::{Layout, Next, Pull};
use super::read::Keys;
use crate::testing::{Bench, call, eval_message};
use sema_machine::memory::value::Value;

fn decoded(text: &str) -> String {
    let bench = Bench::new();
    call(&bench.host, "json/decode", &[bench.text(text)])
}

#[test]
fn values_of_every_kind() {
    for (text, value) in [
        (" null ", "nil"),
        ("[true,false]", "(#t #f)"),
        ("-0", "0"),
        ("-12", "-12"),
        ("999999999999999999", "999999999999999999"),
        ("9223372036854775808", "9223372036854775808"),
        (
            "-170141183460469231731687303715884105728",
            "-170141183460469231731687303715884105728",
        ),
        ("1.50", "1.5"),
        ("1e2", "100.0"),
        ("1E+2", "100.0"),
        ("-0.0", "-0.0"),
        ("1e400", "inf"),
        ("\"\"", "\"\""),
        (
            r#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00z""#,
            "\"a\\\"\\\\/\u{8}\u{c}\\n\\r\\té😀z\"",
        ),
        ("[]", "()"),
        ("{}", "{}"),
        ("[[],[[1]],{}]", "(() ((1)) {})"),
        ("{\"b\":1,\"a\":{\"c\":[2]}}", "{:a {:c (2)} :b 1}"),
        ("{\"a\":1,\"b\":2,\"a\":3}", "{:a 3 :b 2}"),
        (
            "[{\"b\":1,\"a\":2},{\"b\":3,\"a\":4}]",
            "({:a 2 :b 1} {:a 4 :b 3})",
        ),
        ("{\"a b\":1}", "{:a b 1}"),
    ] {
        assert_eq!(decoded(text), value, "{text}");
    }
}

#[test]
fn keys_may_be_strings() {
    let bench = Bench::new();
    let options = bench.call(
        "hash-map",
        &[bench.host.keyword("keys"), bench.host.keyword("string")],
    );
    let shown = |text: &str, options: Value| {
        let args = [bench.text(text), options];
        call(&bench.host, "json/decode-with", &args)
    };
    let text = r#"{"b":1,"a":{"c":2},"b":3}"#;
    assert_eq!(shown(text, options), r#"{"a" {"c" 2} "b" 3}"#);
    let none = bench.call("hash-map", &[]);
    assert_eq!(shown(text, none), "{:a {:c 2} :b 3}");
    assert_eq!(shown(text, Value::NIL), "type-error: expected map, got nil");
}

#[test]
fn problems_have_a_place() {
    for (text, problem) in [
        ("", "1 column 0: EOF while parsing a value"),
        ("{", "1 column 1: EOF while parsing an object"),
        ("[1", "1 column 2: EOF while parsing a list"),
        ("[1,]", "1 column 4: trailing comma"),
        ("[1,", "1 column 3: EOF while parsing a value"),
        ("{\"a\"", "1 column 4: EOF while parsing an object"),
        ("{\"a\":1,}", "1 column 8: trailing comma"),
        ("{a:1}", "1 column 2: key must be a string"),
        ("nope", "1 column 2: expected ident"),
        ("tru", "1 column 3: EOF while parsing a value"),
        ("\"abc", "1 column 4: EOF while parsing a string"),
        ("\"\\q\"", "1 column 3: invalid escape"),
        ("01", "1 column 2: invalid number"),
        ("1.", "1 column 2: EOF while parsing a value"),
        ("1.x", "1 column 3: invalid number"),
        ("-", "1 column 1: EOF while parsing a value"),
        ("-x", "1 column 2: invalid number"),
        ("[\n1 2]", "2 column 3: expected `,` or `]`"),
        ("{\"a\":1 \"b\":2}", "1 column 8: expected `,` or `}`"),
        ("{\"a\" 1}", "1 column 6: expected `:`"),
        ("\"\\ud800\"", "1 column 8: unexpected end of hex escape"),
        (
            "\"\\ud800\\u0041\"",
            "1 column 13: lone leading surrogate in hex escape",
        ),
        (
            "\"\\udc00\"",
            "1 column 7: lone leading surrogate in hex escape",
        ),
        ("\"\\u12", "1 column 5: EOF while parsing a string"),
        ("\"\\uZZZZ\"", "1 column 7: invalid escape"),
        ("1 2", "1 column 3: trailing characters"),
        (
            "\"a\nb\"",
            "2 column 0: control character (\\u0000-\\u001F) found while parsing a string",
        ),
        ("é", "1 column 1: expected value"),
        ("[\"é\" é]", "1 column 6: expected `,` or `]`"),
    ] {
        assert_eq!(
            decoded(text),
            format!("eval: json/decode: parse error at line {problem}"),
            "{text}"
        );
    }
}

#[test]
fn nesting_is_limited_and_costs_no_stack() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(decoded(&nested(1000)).starts_with("(((("));
    assert!(decoded(&nested(1001)).ends_with("recursion limit exceeded"));
    assert!(decoded(&"[".repeat(1_000_000)).ends_with("recursion limit exceeded"));
    assert!(decoded(&"{\"a\":".repeat(1_000_000)).ends_with("recursion limit exceeded"));
    let bench = Bench::new();
    let deep = (0..1001).fold(Value::NIL, |inner, _| bench.host.heap.list(&[inner]));
    let message = eval_message(bench.error("json/encode", &[deep]));
    assert_eq!(
        message,
        "json/encode: cannot encode values nested deeper than 1000 as JSON"
    );
}

#[test]
fn large_objects_and_long_numbers() {
    let keys: Vec<String> = (0..1000)
        .map(|key| format!("\"k{}\":{key}", 999 - key))
        .collect();
    let bench = Bench::new();
    let text = bench.text(&format!("{{{}}}", keys.join(",")));
    let map = bench.call("json/decode", &[text]);
    let key = bench.host.keyword("k999");
    assert_eq!(bench.call("get", &[map, key]), Value::small(0));
    assert_eq!(bench.call("count", &[map]), Value::small(1000));
    let digits = "7".repeat(100_000);
    assert_eq!(decoded(&digits), digits);
    assert!(decoded(&"7".repeat(2 << 20)).ends_with("number out of range"));
}

fn encoded(bench: &Bench, value: Value) -> String {
    call(&bench.host, "json/encode", &[value])
}

#[test]
fn floats_are_written_as_floats() {
    let bench = Bench::new();
    for (float, text) in [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (100.0, "100.0"),
        (-2.5, "-2.5"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e+16"),
        (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
        (1e21, "1e+21"),
        (0.00001, "0.00001"),
        (0.000_012_34, "0.00001234"),
        (1e-6, "1e-6"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e+308"),
    ] {
        assert_eq!(encoded(&bench, Value::float(float)), format!("\"{text}\""));
    }
    for float in [f64::NAN, f64::INFINITY] {
        let message = encoded(&bench, Value::float(float));
        assert_eq!(
            message,
            "eval: json/encode: cannot encode NaN/Infinity as JSON"
        );
    }
}

#[test]
fn keys_are_texts_in_order() {
    let bench = Bench::new();
    let host = &bench.host;
    let entries = [
        host.symbol("b"),
        Value::small(1),
        Value::small(10),
        Value::small(2),
        host.keyword("a"),
        Value::small(3),
        bench.text("B"),
        Value::small(4),
    ];
    let map = bench.call("hashmap/new", &entries);
    assert_eq!(
        encoded(&bench, map),
        r#""{\"10\":2,\"B\":4,\"a\":3,\"b\":1}""#
    );
    let same = bench.call(
        "hash-map",
        &[host.keyword("a"), Value::NIL, bench.text("a"), Value::NIL],
    );
    assert_eq!(
        encoded(&bench, same),
        "eval: json/encode: cannot encode map as JSON: distinct keys stringify to \"a\""
    );
}

/// A fixed sequence of numbers that look random (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    fn text(&mut self) -> String {
        let alphabet = [
            'a', 'Z', '"', '\\', '\n', '\u{1}', 'é', '😀', '/', ' ', '\u{7f}',
        ];
        (0..self.below(12))
            .map(|_| alphabet[self.below(11) as usize])
            .collect()
    }

    fn value(&mut self, bench: &Bench, depth: u64) -> Value {
        let heap = &bench.host.heap;
        match self.below(if depth > 4 { 6 } else { 8 }) {
            0 => Value::NIL,
            1 => Value::bool(self.below(2) == 0),
            2 => heap.int(self.0 as i64 >> self.below(64)),
            3 => Value::float(f64::from_bits(self.0))
                .as_float()
                .filter(|float| float.is_finite())
                .map_or(Value::small(0), Value::float),
            4 | 5 => bench.text(&self.text()),
            6 => {
                let elements: Vec<Value> = (0..self.below(6))
                    .map(|_| self.value(bench, depth + 1))
                    .collect();
                heap.list(&elements)
            }
            _ => {
                let mut entries = Vec::new();
                for _ in 0..self.below(20) {
                    entries.push(bench.host.keyword(&self.text()));
                    entries.push(self.value(bench, depth + 1));
                }
                bench.call("hash-map", &entries)
            }
        }
    }
}

#[test]
fn what_is_written_reads_back() {
    let bench = Bench::new();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..2000 {
        let value = random.value(&bench, 0);
        for native in ["json/encode", "json/encode-pretty"] {
            let text = bench.call(native, &[value]);
            let back = bench.call("json/decode", &[text]);
            assert_eq!(
                bench.call("equal?", &[value, back]),
                Value::TRUE,
                "{}",
                bench.string(text)
            );
        }
    }
}

/// The values of a stream that comes in parts of so many bytes.
fn pulled(bench: &Bench, layout: Layout, text: &[u8], part: usize) -> Result<String, String> {
    let mut pull = Pull::new(layout, Keys::Keywords);
    let mut parts = text.chunks(part);
    let mut found = Vec::new();
    loop {
        match pull
            .next(&bench.host)
            .map_err(|trouble| trouble.to_string())?
        {
            Next::Value(value) => {
                found.push(sema_machine::data::print::readable(&bench.host, value))
            }
            Next::Nothing if pull.has_ended() => return Ok(found.join(" ")),
            Next::Nothing => pull.feed(parts.next().unwrap_or_default()),
        }
    }
}

#[test]
fn streams_in_parts_of_any_size() {
    let bench = Bench::new();
    let array = r#" [1, "a]\"\\", {"k": [true, "}"]}, -2.5, [], null ] "#;
    let sequence = "1 \"two\" {\"three\":3}[4]\n5";
    let lines = "{\"a\":1}\n\n  [1,2] \r\n\"é\"\nnull";
    for part in 1..=array.len() {
        let found = pulled(&bench, Layout::Values, array.as_bytes(), part).unwrap();
        assert_eq!(found, r#"1 "a]\"\\" {:k (#t "}")} -2.5 () nil"#);
        let found = pulled(&bench, Layout::Values, sequence.as_bytes(), part).unwrap();
        assert_eq!(found, r#"1 "two" {:three 3} (4) 5"#);
        let found = pulled(&bench, Layout::Lines, lines.as_bytes(), part).unwrap();
        assert_eq!(found, "{:a 1} (1 2) \"é\" nil");
        for (text, problem) in [
            ("[1,\n 2 3]", "line 2 column 4: expected `,` or `]`"),
            ("[1,]", "line 1 column 4: trailing comma"),
            ("[1", "line 1 column 2: EOF while parsing a list"),
            ("[1,", "line 1 column 3: EOF while parsing a value"),
            ("[1] 2", "line 1 column 5: trailing characters"),
            ("[{\"a\":\nnop}]", "line 2 column 2: expected ident"),
            ("1\n}", "line 2 column 1: expected value"),
            (
                "\"é\" \"\u{1}\"",
                "line 1 column 6: control character (\\u0000-\\u001F) found while parsing a string",
            ),
        ] {
            let found = pulled(&bench, Layout::Values, text.as_bytes(), part).unwrap_err();
            assert_eq!(found, format!("parse error at {problem}"), "{text}");
        }
        let found = pulled(&bench, Layout::Lines, b"1\n{\"a\":2\n3", part).unwrap_err();
        assert_eq!(
            found,
            "parse error at line 2 column 6: EOF while parsing an object"
        );
        let found = pulled(&bench, Layout::Values, b"[\"a\", \"\xff\"]", part).unwrap_err();
        assert_eq!(found, "parse error at line 1 column 8: invalid UTF-8");
    }
    assert_eq!(pulled(&bench, Layout::Values, b" \n", 1).unwrap(), "");
    assert_eq!(pulled(&bench, Layout::Values, b"[ ]", 1).unwrap(), "");
}
