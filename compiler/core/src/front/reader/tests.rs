use super::*;
use crate::front::datum::{DatumKind, new_interner};

fn texts(source: &str) -> String {
    let mut interner = new_interner();
    let data = read_all(&mut interner, FileId(0), source).unwrap_or_else(|errors| {
        panic!(
            "{source}: {}",
            errors
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; ")
        )
    });
    data.iter()
        .map(|datum| datum_to_text(&interner, datum))
        .collect::<Vec<_>>()
        .join(" ")
}

fn messages(source: &str) -> Vec<String> {
    let errors = read_all(&mut new_interner(), FileId(0), source).expect_err(source);
    errors
        .iter()
        .map(|error| error.located_message(source))
        .collect()
}

#[track_caller]
fn check_texts(cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        assert_eq!(texts(source), *expected, "{source}");
    }
}

#[track_caller]
fn check_errors(cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        assert_eq!(
            messages(source).first().map(String::as_str),
            Some(*expected),
            "{source}"
        );
    }
}

#[test]
fn atoms() {
    check_texts(&[
        ("", ""),
        ("; only a comment", ""),
        ("#!/usr/bin/env sema\n1", "1"),
        ("nil true false #t #f #true #false", "nil #t #f #t #f #t #f"),
        ("NIL True null else =>", "NIL True null else =>"),
        (
            "inf +inf -inf Infinity nan -nan +Inf",
            "inf inf -inf inf NaN NaN +Inf",
        ),
        (
            "a->b *star* .5 .. ... a. - -> --1 ~x λ éa v# a#b",
            "a->b *star* .5 .. ... a. - -> --1 ~x λ éa v# a#b",
        ),
        (
            ":a :a/b.c :1 :x# :#a :nil a:b :a:b",
            ":a :a/b.c :1 :x# :#a :nil a :b :a :b",
        ),
        (
            "1 -0 +5 007 1e3 1/2 4/2 2i 1.5-2i +i -i",
            "1 0 5 7 1000.0 1/2 2 0+2i 1.5-2i 0+1i 0-1i",
        ),
        ("#xff #b-101 #e1.5 #i1/2 #i64", "255 -5 3/2 0.5 64.0"),
        ("1\"a\" 1'a 1[] 1#t", "1 \"a\" 1 (quote a) 1 [] 1 #t"),
        (
            r"#\a #\space #\newline #\tab #\return #\nul #\( #\; #\λ #\12",
            r"#\a #\space #\newline #\tab #\return #\nul #\( #\; #\λ #\1 2",
        ),
        (r"#\ ", r"#\space"),
        ("99999999999999999999", "99999999999999999999"),
    ]);
}

#[test]
fn strings() {
    check_texts(&[
        (r#""a\n\x41;\u03BB\q""#, r#""a\nAλ\\q""#),
        ("\"two\nlines\"", r#""two\nlines""#),
        (r##"#"\d+\"x\\""##, r#""\\d+\"x\\\\""#),
        (r#"f"x${(+ 1 2)}y""#, r#"(__vm-str "x" (+ 1 2) "y")"#),
        (r#"f"""#, "(__vm-str)"),
        (
            r#"f"costs $5 \${no} {a}""#,
            r#"(__vm-str "costs $5 ${no} {a}")"#,
        ),
        (
            r#"f"${"}"}${#\}}${{:a f"${b}"}}""#,
            r#"(__vm-str "}" #\} {:a (__vm-str b)})"#,
        ),
        ("f\"${a;}\n}\"", "(__vm-str a)"),
        (r#"ff"x" f "x" -f"x""#, r#"ff "x" f "x" -f "x""#),
    ]);
}

#[test]
fn compound_data() {
    check_texts(&[
        ("() [] {}", "() [] {}"),
        (
            "(1 . 2) (1 2 . 3) (. 1) (a . 'b)",
            "(1 . 2) (1 2 . 3) (. 1) (a . (quote b))",
        ),
        (
            "'a `(b ,c ,@d) @e ''f",
            "(quote a) (quasiquote (b (unquote c) (unquote-splicing d))) (deref e) (quote (quote f))",
        ),
        ("[1, 2] {:a, 1}", "[1 (unquote 2)] {:a (unquote 1)}"),
        ("{:b 1 :a 2 :b 3}", "{:b 1 :a 2 :b 3}"),
        ("#u8(1 #xff) #u8()", "#u8(1 255) #u8()"),
        (
            "#f64(1 2.5 inf -0.0 1e22)",
            "#f64(1 2.5 inf -0 10000000000000000000000)",
        ),
        (
            "#i64(-9223372036854775808 2)",
            "#i64(-9223372036854775808 2)",
        ),
        ("(a ; comment )\n b)", "(a b)"),
    ]);
}

#[test]
fn short_lambdas() {
    check_texts(&[
        ("#()", "(lambda () ())"),
        ("#(+ % 1)", "(lambda (%1) (+ %1 1))"),
        ("#(f %3 %&)", "(lambda (%1 %2 %3 . %&) (f %3 %&))"),
        ("#(f %&)", "(lambda (. %&) (f %&))"),
        (
            "#(f [% {:a %2}] '%0 \"%\" :%)",
            "(lambda (%1 %2) (f [%1 {:a %2}] (quote %0) \"%\" :%))",
        ),
        (
            "#(f (fn (y) (+ y %)))",
            "(lambda (%1) (f (fn (y) (+ y %1))))",
        ),
        ("#(f (a . %))", "(lambda (%1) (f (a . %1)))"),
        (
            r#"#(f f"${#(g %2)}")"#,
            "(lambda (%1 %2) (f (__vm-str (lambda (%1 %2) (g %2)))))",
        ),
        (
            "(#(%) % #(%2))",
            "((lambda (%1) (%1)) % (lambda (%1 %2) (%2)))",
        ),
    ]);
    assert!(texts("#(%255)").ends_with("%254 %255) (%255))"));
}

#[test]
fn token_errors() {
    check_errors(&[
        ("$", "unexpected character: '$' at 1:1"),
        ("a|b", "unexpected character: '|' at 1:2"),
        ("1+", "invalid number literal: 1+ at 1:1"),
        ("(1_000)", "invalid number literal: 1_000 at 1:2"),
        ("1/0", "rational literal has zero denominator at 1:1"),
        ("#x", "expected a number after the `#` prefix at 1:1"),
        ("(#x)", "expected digits after radix-16 prefix at 1:2"),
        ("(#i)", "invalid integer:  at 1:2"),
        ("#e#z", "unexpected character after #: 'z' at 1:1"),
        ("::a", "expected keyword name after ':' at 1:1"),
        ("#", "unexpected end of input after `#` at 1:1"),
        ("#;x", "unexpected character after #: ';' at 1:1"),
        ("#|x|#", "unexpected character after #: '|' at 1:1"),
        (" #!x", "unexpected character after #: '!' at 1:2"),
        ("#tr", "invalid literal: #tr at 1:1"),
        ("#f64 (1)", "invalid literal: #f64 at 1:1"),
        ("#T", "unexpected character after #: 'T' at 1:1"),
        (r"#\", r"unexpected end of input after #\ at 1:1"),
        (r"#\x41", "unknown character name: x41 at 1:1"),
        ("\"abc", "unterminated string at 1:1"),
        (r#""\xZ;""#, r"empty hex escape \x; at 1:1"),
        ("#\"abc", "unterminated regex literal at 1:1"),
        ("f\"abc", "unterminated f-string at 1:1"),
        ("f\"${a", "unterminated interpolation in f-string at 1:1"),
        ("f\"${ }\"", "empty interpolation in f-string at 1:1"),
    ]);
}

#[test]
fn structure_errors() {
    check_errors(&[
        ("(a (b", "unterminated list at 1:4"),
        ("[1", "unterminated vector at 1:1"),
        ("{:a 1", "unterminated map at 1:1"),
        ("#(a", "unterminated short lambda #(...) at 1:1"),
        ("#u8(1", "unterminated bytevector at 1:1"),
        ("#f64(1", "unterminated f64 array at 1:1"),
        ("#i64(1", "unterminated i64 array at 1:1"),
        (")", "unexpected closing `)` at 1:1"),
        ("(')", "unexpected closing `)` at 1:3"),
        (
            "(list [1 2 3)",
            "mismatched bracket: expected `]` to close `[`, found `)` at 1:13",
        ),
        ("{:a '}", "unexpected closing `}` at 1:6"),
        ("#(a]", "unexpected closing `]` at 1:4"),
        (
            "{:a 1 :b}",
            "map literal must have even number of forms at 1:9",
        ),
        ("(1 . 2 3)", "expected `)`, got `integer` at 1:8"),
        ("(1 . 2 . 3)", "expected `)`, got `.` at 1:8"),
        ("(1 . 2 [])", "expected `)`, got `[` at 1:8"),
        ("(1 . 2 #t)", "expected `)`, got `boolean` at 1:8"),
        ("(1 . 2", "expected `)`, got end of input at 1:7"),
        ("(1 .)", "unexpected closing `)` at 1:5"),
        ("[1 . 2]", "unexpected `.` at 1:4"),
        ("'", "quote (') requires an expression after it at 1:1"),
        (
            "(,@",
            "unquote-splicing (,@) requires an expression after it at 1:2",
        ),
        (
            "#u8(256)",
            "#u8(...): byte value 256 out of range 0..255 at 1:5",
        ),
        ("#u8(1.0)", "#u8(...): expected integer byte value at 1:5"),
        ("#f64(1/2)", "#f64(...): expected a real number at 1:6"),
        ("#i64(1.5)", "#i64(...): expected an i64 integer at 1:6"),
        ("#(#(+ % 1))", "nested short lambdas are not allowed at 1:3"),
        (
            "#(%256)",
            "short lambda placeholder %256 exceeds the maximum of 255 at 1:1",
        ),
        (
            "f\"${a b}\"",
            "f-string interpolation must contain exactly one expression at 1:7",
        ),
        ("f\"${;c\n}\"", "f-string interpolation is empty at 1:5"),
        ("f\"before\n${(}\"", "unterminated list at 2:3"),
    ]);
}

#[test]
fn a_bad_token_is_reported_before_bad_structure() {
    assert_eq!(
        messages(") (] $"),
        [
            "unexpected character: '$' at 1:6",
            "unexpected closing `)` at 1:1",
            "mismatched bracket: expected `)` to close `(`, found `]` at 1:4",
        ]
    );
    // An interpolation is tokenised after the whole text and before its own structure is looked at.
    assert_eq!(messages("f\"${) $}\" \"")[0], "unterminated string at 1:11");
    assert_eq!(
        messages("f\"${) $}\" )")[0],
        "unexpected character: '$' at 1:7"
    );
}

#[test]
fn independent_errors_are_all_reported() {
    assert_eq!(
        messages("(define x 1_0)\n(f #tr (g ')\n[1 . 2] {:a}"),
        [
            "invalid number literal: 1_0 at 1:11",
            "invalid literal: #tr at 2:4",
            "unexpected closing `)` at 2:12",
            "unexpected `.` at 3:4",
            "map literal must have even number of forms at 3:12",
            "unterminated list at 2:1",
        ]
    );
}

#[test]
fn one_mistake_is_reported_once() {
    for source in [
        "((((",
        "(a (b \"c",
        "(a f\"${b",
        "(list [1 2 3)",
        "')",
        "(a {:b '} c)",
        "#u8(a b c)",
        "(a [b (c])",
    ] {
        assert_eq!(
            messages(source).len(),
            1,
            "{source}: {:?}",
            messages(source)
        );
    }
    assert_eq!(messages(&"$ ".repeat(1000)).len(), 20);
}

#[test]
fn a_form_at_the_margin_hints_at_the_missing_closer() {
    let source = "(define (f x)\n  (g x)\n\n(define (h) 1)\n";
    let errors = read_all(&mut new_interner(), FileId(0), source).unwrap_err();
    let place = errors[0].related.as_ref().unwrap().span;
    assert_eq!((errors[0].span.start, place.start, place.end), (0, 23, 24));
}

#[test]
fn nesting_limit() {
    let nested =
        |depth: usize, inner: &str| format!("{}{inner}{}", "[".repeat(depth), "]".repeat(depth));
    let too_deep = "input nested too deeply (limit 256)";
    for source in [
        nested(256, ""),
        nested(255, "a"),
        format!("{}a", "'".repeat(255)),
        format!("f\"${{{}}}\"", nested(255, "")),
    ] {
        texts(&source);
    }
    for (source, column) in [
        (nested(257, ""), 257),
        (nested(256, "a"), 257),
        (nested(100_000, ""), 257),
        (format!("{}a", "'".repeat(100_000)), 257),
        ("[".repeat(100_000), 257),
        (format!("f\"${{{}}}\"", nested(256, "")), 260),
        (format!("#({})", nested(256, "")), 258),
        (
            format!("{}{}", "f\"${".repeat(300), "}\"".repeat(300)).replace("${}", "${a}"),
            1025,
        ),
    ] {
        assert_eq!(messages(&source)[0], format!("{too_deep} at 1:{column}"));
    }
}

#[test]
fn limited_reading() {
    let read = |source: &str, limit| {
        let mut interner = new_interner();
        match read_many_limited(&mut interner, FileId(0), source, limit) {
            Ok(data) => data
                .iter()
                .map(|datum| datum_to_text(&interner, datum))
                .collect::<Vec<_>>()
                .join(" "),
            Err(error) => error.located_message(source),
        }
    };
    assert_eq!(read("a b", 1), "a");
    assert_eq!(read("", 1), "");
    assert_eq!(read("(a) ]", 1), "(a)");
    assert_eq!(read("a (", 1), "a");
    assert_eq!(read("a \"b", 1), "unterminated string at 1:3");
    assert_eq!(read("a b", usize::MAX), "a b");
    assert_eq!(read("a\n )", usize::MAX), "unexpected closing `)` at 2:2");
}

#[test]
fn spans() {
    let source = "(é '(x) #(f %) f\"a${ b }\")\n[#u8(1)]";
    let data = read_all(&mut new_interner(), FileId(7), source).unwrap();
    let text = |datum: &Datum| {
        assert_eq!(datum.span.file, FileId(7));
        source[datum.span.start as usize..datum.span.end as usize].to_owned()
    };
    let items = |datum: &Datum| match &datum.kind {
        DatumKind::List(items) | DatumKind::Vector(items) => {
            items.iter().cloned().collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let top = items(&data[0]);
    assert_eq!(text(&data[0]), "(é '(x) #(f %) f\"a${ b }\")");
    assert_eq!(
        top.iter().map(text).collect::<Vec<_>>(),
        ["é", "'(x)", "#(f %)", "f\"a${ b }\""]
    );
    assert_eq!(
        items(&top[1]).iter().map(text).collect::<Vec<_>>(),
        ["'", "(x)"]
    );
    assert_eq!(
        items(&top[2]).iter().map(text).collect::<Vec<_>>(),
        ["#(", "#(", "(f %)"]
    );
    assert_eq!(
        items(&items(&top[2])[2])
            .iter()
            .map(text)
            .collect::<Vec<_>>(),
        ["f", "%"]
    );
    assert_eq!(
        items(&top[3]).iter().map(text).collect::<Vec<_>>(),
        ["f", "a", "b"]
    );
    assert_eq!(text(&items(&data[1])[0]), "#u8(1)");
}
