use super::rows::{Next, Rows};
use crate::testing::{Bench, call, eval_message};
use sema_machine::memory::value::Value;

fn called(name: &str, text: &str) -> String {
    let bench = Bench::new();
    call(&bench.host, name, &[bench.text(text)])
}

#[test]
fn records_and_fields() {
    for (text, records) in [
        ("", "()"),
        ("\n\r\n\n", "()"),
        ("a", r#"(("a"))"#),
        ("a,b\r\n1,2\r\n", r#"(("a" "b") ("1" "2"))"#),
        ("a,\n\n,b", r#"(("a" "") ("" "b"))"#),
        ("\"a,b\",\"c\nd\"", r#"(("a,b" "c\nd"))"#),
        ("\"a\"\"b\"", r#"(("a\"b"))"#),
        ("\"\"", r#"((""))"#),
        ("é,😀\n", r#"(("é" "😀"))"#),
        ("\u{feff}a,b", r#"(("a" "b"))"#),
        ("\"open,1\n", "((\"open,1\\n\"))"),
    ] {
        assert_eq!(called("csv/parse", text), records, "{text:?}");
    }
    assert_eq!(
        called("csv/parse", "a,b\n\n1,2\n3\n"),
        "eval: csv/parse: parse error at line 4: found record with 1 fields, but the previous record has 2 fields"
    );
}

#[test]
fn headers_name_the_columns() {
    assert_eq!(called("csv/parse-maps", ""), "()");
    assert_eq!(called("csv/parse-maps", "a,b\n"), "()");
    assert_eq!(
        called("csv/parse-maps", "b,a c\n1,2\n3,4"),
        r#"({:a c "2" :b "1"} {:a c "4" :b "3"})"#
    );
    assert_eq!(
        called("csv/parse-maps", "a,b,a\n1,2,3"),
        "eval: csv/parse-maps: duplicate header \"a\""
    );
}

#[test]
fn long_records() {
    let wide = vec!["x"; 5000].join(",") + "\n" + &"y".repeat(100_000) + &",".repeat(4999);
    let bench = Bench::new();
    let records = bench.call("csv/parse", &[bench.text(&wide)]);
    let second = bench.host.heap.list_nth(records, 1).unwrap();
    assert_eq!(bench.host.heap.list_len(second), 5000);
    let first = bench.host.heap.list_nth(second, 0).unwrap();
    assert_eq!(bench.host.heap.char_len(first), 100_000);
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
}

#[test]
fn what_is_written_reads_back() {
    let bench = Bench::new();
    let heap = &bench.host.heap;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let pieces = ["a", "\"", ",", "\n", "\r\n", "é", " ", ";"];
    for _ in 0..1000 {
        let width = 1 + random.below(4);
        let rows: Vec<Value> = (0..1 + random.below(4))
            .map(|_| {
                let fields: Vec<Value> = (0..width)
                    .map(|_| {
                        let field: String = (0..random.below(5))
                            .map(|_| pieces[random.below(8) as usize])
                            .collect();
                        bench.text(&field)
                    })
                    .collect();
                heap.list(&fields)
            })
            .collect();
        let rows = heap.list(&rows);
        let text = bench.call("csv/encode", &[rows]);
        let back = bench.call("csv/parse", &[text]);
        assert_eq!(
            bench.call("equal?", &[rows, back]),
            Value::TRUE,
            "{}",
            bench.string(text)
        );
    }
}

#[test]
fn tables_are_checked() {
    let bench = Bench::new();
    let heap = &bench.host.heap;
    let row = |fields: &[Value]| heap.list(fields);
    let uneven = heap.list(&[row(&[Value::NIL]), row(&[Value::NIL, Value::NIL])]);
    let message = eval_message(bench.error("csv/encode", &[uneven]));
    assert!(
        message.starts_with("csv/encode: found record with 2 fields"),
        "{message}"
    );
    let shown = |value| call(&bench.host, "csv/encode", &[value]);
    let vectors = heap.list(&[heap.vector(&[Value::small(1), bench.text("a")])]);
    assert_eq!(shown(vectors), r#""1,a\n""#);
    let vector = heap.vector(&[row(&[Value::NIL])]);
    assert_eq!(shown(vector), "type-error: expected list, got vector");
    assert_eq!(shown(heap.list(&[row(&[bench.text("")])])), r#""\"\"\n""#);
    assert_eq!(shown(heap.list(&[row(&[])])), r#""\"\"\n""#);
    let mixed = row(&[
        Value::NIL,
        Value::float(1.0),
        bench.host.keyword("k"),
        row(&[bench.text("x")]),
    ]);
    assert_eq!(
        shown(heap.list(&[mixed])),
        r#""nil,1.0,:k,\"(\"\"x\"\")\"\n""#
    );
}

#[test]
fn parts_of_any_size() {
    let text = "a,b\r\n\"x,\n\"\"y\",2\n\n\u{e9},\"\"\n3,4";
    for part in 1..=text.len() {
        let mut rows = Rows::new(b',');
        let mut found = Vec::new();
        let mut parts = text.as_bytes().chunks(part);
        'parts: loop {
            let mut input = parts.next().unwrap_or_default();
            loop {
                match rows.next(&mut input).unwrap() {
                    Next::Record => {
                        let mut fields = Vec::new();
                        rows.each_field(|field| fields.push(field.to_owned()))
                            .unwrap();
                        found.push(fields.join("|"));
                        if input.is_empty() {
                            break;
                        }
                    }
                    Next::Nothing => break,
                    Next::End => break 'parts,
                }
            }
        }
        assert_eq!(found, ["a|b", "x,\n\"y|2", "é|", "3|4"], "parts of {part}");
    }
}
