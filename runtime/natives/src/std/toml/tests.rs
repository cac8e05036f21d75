use crate::testing::{Bench, call};
use sema_machine::memory::value::Value;

fn decoded(text: &str) -> String {
    let bench = Bench::new();
    call(&bench.host, "toml/decode", &[bench.text(text)])
}

/// What a document becomes that is read and written again.
fn rewritten(text: &str) -> String {
    let bench = Bench::new();
    let map = bench.call("toml/decode", &[bench.text(text)]);
    let text = bench.string(bench.call("toml/encode", &[map]));
    let again = bench.call("toml/decode", &[bench.text(&text)]);
    assert_eq!(bench.call("equal?", &[map, again]), Value::TRUE, "{text}");
    text
}

#[test]
fn values_of_every_kind() {
    for (text, map) in [
        ("", "{}"),
        (
            "a = 1_000\nb = 0xFF\nc = -7\nd = +3\ne = 0b101",
            "{:a 1000 :b 255 :c -7 :d 3 :e 5}",
        ),
        ("a = -9223372036854775808", "{:a -9223372036854775808}"),
        (
            "a = 1.5\nb = 1e3\nc = inf\nd = -inf\ne = nan\nf = 6.0_1",
            "{:a 1.5 :b 1000.0 :c inf :d -inf :e NaN :f 6.01}",
        ),
        (
            "a = true\nb = 'x\\y'\nc = \"\"\"\nl1\nl2\"\"\"",
            r#"{:a #t :b "x\\y" :c "l1\nl2"}"#,
        ),
        (
            "a = 1979-05-27T07:32:00Z\nb = 07:32:00.5\nc = 1979-05-27",
            r#"{:a "1979-05-27T07:32:00Z" :b "07:32:00.5" :c "1979-05-27"}"#,
        ),
        (
            "a.b = 1\n[c.d]\n[[e]]\nx = 1\n[[e]]",
            "{:a {:b 1} :c {:d {}} :e ({:x 1} {})}",
        ),
        ("\"a b\" = [[], {c = 1}]", "{:a b (() {:c 1})}"),
    ] {
        assert_eq!(decoded(text), map, "{text}");
    }
}

#[test]
fn problems_have_a_place() {
    for (text, problem) in [
        ("invalid = ", "line 1, column 11\n"),
        ("a = 1\na = 2", "line 2, column 1\n"),
        ("[a]\n[a]", "line 2, column 2\n"),
        ("a = \"", "line 1, column 6\n"),
        ("a = 1979-13-01", "line 1, column 5\n"),
        (
            "\n\"é\" = [1, 9223372036854775808]",
            "line 2, column 11\n  |\n2 | \"é\" = [1, 9223372036854775808]\n  |           ^^^^^^^^^^^^^^^^^^^\ninteger out of range\n",
        ),
        (
            "a = 1e400",
            "line 1, column 5\n  |\n1 | a = 1e400\n  |     ^^^^^\nfloating-point number overflowed\n",
        ),
    ] {
        let message = decoded(text);
        let start = format!("eval: toml/decode: parse error: TOML parse error at {problem}");
        assert!(message.starts_with(&start), "{message}");
    }
    for open in ["[", "{a=", "{a=["] {
        let deep = format!("a = {}", open.repeat(100_000));
        let message = decoded(&deep);
        assert!(
            message.starts_with("eval: toml/decode: parse error: TOML parse error at line 1"),
            "{message}"
        );
        assert!(message.len() < 1000, "the line is long, the message is not");
    }
}

#[test]
fn keys_of_too_many_parts_have_a_place() {
    let deep = |parts: usize| vec!["a"; parts].join(".");
    for parts in [81, 100_000] {
        let key = deep(parts);
        for (document, place) in [
            (format!("{key} = 1"), "line 1, column 1\n"),
            (format!("[{key}]"), "line 1, column 2\n"),
            (format!("a.b = 1.5\n\n  [[ {key} ]]"), "line 3, column 6\n"),
            (
                format!("a = \"{key}\" # {key}\nb = {{ {key} = 1 }}"),
                "line 2, column 7\n",
            ),
            (format!("'é' . {key} = 1"), "line 1, column 1\n"),
        ] {
            let message = decoded(&document);
            let start = format!("eval: toml/decode: parse error: TOML parse error at {place}");
            assert!(message.starts_with(&start), "{message}");
            assert!(message.ends_with("recursion limit\n"), "{message}");
            assert!(message.len() < 2000, "the line is long, the message is not");
        }
    }
    assert!(decoded(&format!("{} = 1", deep(80))).starts_with("{:a {:a "));
}

#[test]
fn documents_are_written_as_people_write_them() {
    for (text, written) in [
        (
            "[t]\na=1\n[t.u]\nb=2\n[z]",
            "[t]\na = 1\n\n[t.u]\nb = 2\n\n[z]\n",
        ),
        ("z=1\n[a.b.c]\nx=1", "z = 1\n\n[a.b.c]\nx = 1\n"),
        (
            "[[f]]\na=1\n[[f]]\nb=2\n[f.g]\nc=1\n[[f.h]]\nd=1",
            "[[f]]\na = 1\n\n[[f]]\nb = 2\n\n[f.g]\nc = 1\n\n[[f.h]]\nd = 1\n",
        ),
        (
            "a=[]\nb=[[1,2],[3]]\nc=[{x=1},2]\nd=[{x=1}]\nf={}\nzz=1",
            "a = []\nb = [[1, 2], [3]]\nc = [{ x = 1 }, 2]\nzz = 1\n\n[[d]]\nx = 1\n\n[f]\n",
        ),
        (
            "a=\"it's\"\nb='say \"hi\"'\nc=\"x\\ny\"\nd=\"\\u0001\"\ne=\"\"",
            "a = \"it's\"\nb = 'say \"hi\"'\nc = \"\"\"\nx\ny\"\"\"\nd = \"\\u0001\"\ne = \"\"\n",
        ),
        (
            "\"a b\"=1\n\"\"=2\n'q\"q'=3\n-=4\n1=5",
            "\"\" = 2\n- = 4\n1 = 5\n\"a b\" = 1\n'q\"q' = 3\n",
        ),
        (
            "a=1.0\nb=1e21\nc=inf\nd=-0.0\ne=1e-9",
            "a = 1.0\nb = 1000000000000000000000.0\nc = inf\nd = -0.0\ne = 0.000000001\n",
        ),
    ] {
        assert_eq!(rewritten(text), written, "{text}");
    }
}

#[test]
fn what_has_no_form_is_refused() {
    let bench = Bench::new();
    let host = &bench.host;
    let in_map = |value| bench.call("hash-map", &[host.keyword("a"), value]);
    let shown = |map| call(host, "toml/encode", &[map]);
    assert_eq!(
        shown(in_map(Value::NIL)),
        "eval: toml/encode: cannot encode nil"
    );
    assert_eq!(
        shown(bench.text("x")),
        "eval: toml/encode: top-level value must be a map"
    );
    assert_eq!(shown(Value::NIL), "eval: toml/encode: cannot encode nil");
    assert_eq!(
        shown(in_map(Value::char('x'))),
        "eval: toml/encode: cannot encode char"
    );
    let big = bench.call("json/decode", &[bench.text("99999999999999999999")]);
    assert_eq!(
        shown(in_map(big)),
        "eval: toml/encode: integer out of range: 99999999999999999999"
    );
    let same = bench.call(
        "hash-map",
        &[host.keyword("a"), Value::TRUE, bench.text("a"), Value::TRUE],
    );
    assert_eq!(
        shown(same),
        "eval: toml/encode: distinct map keys stringify to \"a\""
    );
    let deep = (0..100).fold(Value::TRUE, |inner, _| host.heap.list(&[inner]));
    assert_eq!(
        shown(in_map(deep)),
        "eval: toml/encode: cannot encode values nested deeper than 80"
    );
    let deep = (0..100).fold(in_map(Value::TRUE), |inner, _| in_map(inner));
    assert_eq!(
        shown(deep),
        "eval: toml/encode: cannot encode values nested deeper than 80"
    );
}
