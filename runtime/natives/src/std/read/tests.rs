use crate::testing::{Bench, shown};
use sema_machine::data::print;

fn read(text: &str) -> String {
    let bench = Bench::new();
    shown(
        &bench.host,
        bench.try_call("%read-data", &[bench.text(text)]),
    )
}

#[test]
fn all_kinds_of_data() {
    for (text, expected) in [
        ("", "()"),
        (
            "1 -2 1/2 2.5 1e3 #xff 99999999999999999999",
            "(1 -2 1/2 2.5 1000.0 255 99999999999999999999)",
        ),
        (
            "a :b \"c\\n\\x41;\\u00e9\" #\\d #\\space",
            "(a :b \"c\\nAé\" #\\d #\\space)",
        ),
        ("#t #f true nil", "(#t #f #t nil)"),
        (
            "(1 (2) [3 4]) {:b 1 :a [2]}",
            "((1 (2) [3 4]) {:a [2] :b 1})",
        ),
        (
            "'x `(a ,b ,@c)",
            "((quote x) (quasiquote (a (unquote b) (unquote-splicing c))))",
        ),
        ("; comment\n1;2\n", "(1)"),
        (
            "#u8(1 255) #f64(1 2.5) #i64(-1)",
            "(#u8(1 255) #f64(1 2.5) #i64(-1))",
        ),
        ("+ - ... -> a.b x# +5", "(+ - ... -> a.b x# 5)"),
        ("(a . b) (. b) (a .; b\n[c])", "((a . b) (. b) (a . [c]))"),
        ("{nan 1}", "({NaN 1})"),
        ("#\"a\\d\\\"b\"", "(\"a\\\\d\\\"b\")"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn errors_have_places() {
    for (text, expected) in [
        ("(1\n (2", "reader: unterminated list at 2:2"),
        (
            "(1]",
            "reader: mismatched bracket: expected `)` to close `(`, found `]` at 1:3",
        ),
        (")", "reader: unexpected closing `)` at 1:1"),
        ("\"a", "reader: unterminated string at 1:1"),
        (
            "{:a}",
            "reader: map literal must have even number of forms at 1:4",
        ),
        ("é |", "reader: unexpected character: '|' at 1:3"),
        (
            "'",
            "reader: quote (') requires an expression after it at 1:1",
        ),
        (":", "reader: expected keyword name after ':' at 1:1"),
        ("#\\", "reader: unexpected end of input after #\\ at 1:1"),
        (
            "f\"${x}\"",
            "reader: an interpolated string is code, not data at 1:1",
        ),
        (".", "reader: unexpected `.` at 1:1"),
        ("[a . b]", "reader: unexpected `.` at 1:4"),
        ("{a . b}", "reader: unexpected `.` at 1:4"),
        ("#u8(1 . 2)", "reader: unexpected `.` at 1:7"),
        ("'.", "reader: unexpected `.` at 1:2"),
        ("(a . .)", "reader: unexpected `.` at 1:6"),
        ("(a .)", "reader: unexpected closing `)` at 1:5"),
        ("(a .", "reader: unexpected end of input at 1:5"),
        ("(a . b c)", "reader: expected `)`, got `symbol` at 1:8"),
        ("(a . b . c)", "reader: expected `)`, got `.` at 1:8"),
        ("(a . b 1)", "reader: expected `)`, got `integer` at 1:8"),
        ("(a . b #t)", "reader: expected `)`, got `boolean` at 1:8"),
        ("(a . b (c))", "reader: expected `)`, got `(` at 1:8"),
        ("(a . b]", "reader: expected `)`, got `]` at 1:7"),
        ("(a . b", "reader: expected `)`, got end of input at 1:7"),
        (
            "#(+ % 1)",
            "reader: a short lambda is code, not data at 1:1",
        ),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
    assert!(read(&"(".repeat(1_000_000)).contains("nested too deeply"));
}

#[test]
fn what_is_printed_is_read_again() {
    // A small generator (G. Marsaglia, 2003) of texts; those that are data are printed and read.
    let alphabet = b"()[]{}'\"\\#;:, \nabft01-+./e";
    let mut state = 0x9e37_79b9_u32;
    let bench = Bench::new();
    let read = |text: &str| bench.try_call("%read-data", &[bench.text(text)]);
    let mut data = 0;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..state % 12 {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            text.push(char::from(alphabet[state as usize % alphabet.len()]));
        }
        state = state.wrapping_add(0x9e37_79b9);
        let Ok(value) = read(&text) else { continue };
        let printed = print::readable(&bench.host, value);
        let Ok(again) = read(&printed) else {
            panic!("{text:?} is printed as {printed:?}, which is no data");
        };
        let again: Vec<_> = bench.host.heap.list_iter(again).collect();
        assert_eq!(print::readable(&bench.host, again[0]), printed, "{text:?}");
        data += 1;
    }
    assert!(data > 1_000);
}
