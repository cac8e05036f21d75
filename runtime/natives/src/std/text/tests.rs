use super::chunk::{Sizes, pieces};
use super::excerpt::around;
use crate::testing::{Bench, call};
use sema_machine::memory::value::Value;

fn called(name: &str, texts: &[&str]) -> String {
    let bench = Bench::new();
    let args: Vec<Value> = texts.iter().map(|text| bench.text(text)).collect();
    call(&bench.host, name, &args)
}

fn chunked(text: &str, size: usize, overlap: usize) -> Vec<String> {
    pieces(text, Sizes { size, overlap })
}

#[test]
fn chunks_are_cut_at_the_best_places() {
    for (text, size, overlap, found) in [
        (
            "hello world foo bar",
            10,
            200,
            &["hello", "world foo", "bar"][..],
        ),
        (
            "aaaa bbbb cccc dddd",
            10,
            4,
            &["aaaa bbbb", "bbbbcccc dddd"],
        ),
        (
            "One. Two! Is it? Four",
            5,
            0,
            &["One", "Two", "Is it", "Four"],
        ),
        ("p1 a\n\np2 b\nc", 7, 0, &["p1 a", "p2 b\nc"]),
        ("a; b, c; d, e", 6, 0, &["a", "b, c", "d, e"]),
        ("aa, bb cc dd, ee", 9, 0, &["aa", "bb cc dd", "ee"]),
        ("äöüäöü", 4, 0, &["äöüä", "öü"]),
        (
            "abcdefghijklmnop",
            5,
            2,
            &["abcde", "defgh", "ghijk", "jklmn", "mnop", "p"],
        ),
        ("aa bb cc dd ee ff", 5, 2, &["aa bb", "bbcc dd", "ddee ff"]),
        (
            "aa bb\n\ncc dd ee ff gg",
            5,
            2,
            &["aa bb", "bbcc dd", "ddee ff", "ffgg"],
        ),
        ("   aaa   bbb   ", 4, 0, &["aaa ", "bbb "]),
        ("abcdef", 5, 5, &["abcde", "f"]),
        ("ab", 1, 0, &["a", "b"]),
        ("  ", 2, 0, &["  "]),
        ("", 10, 0, &[]),
        ("\n\n", 1, 0, &[]),
    ] {
        assert_eq!(chunked(text, size, overlap), found, "{text:?}");
    }
    for size in 1..40 {
        let text = "Lorem ipsum dolor. Sit amet\n\nconsectetur, adipiscing elit\nsed";
        for piece in chunked(text, size, 0) {
            assert!(
                piece.chars().count() <= size && text.contains(&piece),
                "{piece}"
            );
        }
    }
}

#[test]
fn excerpts_know_case_in_all_scripts() {
    for (text, query, radius, found) in [
        ("This is my name", "my", 3, Some("...is my na...")),
        ("Hello World", "WORLD", 0, Some("...World")),
        ("", "", 0, Some("")),
        ("", "x", 0, None),
        ("abcdef", "cde", 0, Some("...cde...")),
        ("㏗༼㏗", "༼", 0, Some("...༼...")),
        ("João Antônio", "JOÃO", 5, Some("João Antô...")),
        ("İéz", "é", 0, Some("...é...")),
        ("aİz", "i", 0, Some("...İ...")),
        ("ΟΣ éz", "ος", 0, Some("ΟΣ...")),
        ("aİézq", "é", 1, Some("...İéz...")),
        ("abc", "", 1, Some("a...")),
        ("abc", "C", usize::MAX, Some("abc")),
    ] {
        assert_eq!(
            around(text, query, radius, "...").as_deref(),
            found,
            "{text} {query}"
        );
    }
}

#[test]
fn sentences_end_before_spaces() {
    assert_eq!(
        called(
            "text/split-sentences",
            &["Dr. Smith went.  Then\n slept.Now?\nYes"]
        ),
        r#"("Dr." "Smith went." "Then\n slept.Now?" "Yes")"#
    );
    assert_eq!(called("text/split-sentences", &[" . é! "]), r#"("." "é!")"#);
}

#[test]
fn tags_and_entities_are_stripped() {
    for (text, stripped) in [
        ("<h1>T</h1>a &amp;lt; b&nbsp;c &copy;", "Ta &lt; b c &copy;"),
        ("1 < 2 && 3 > 2", "1 < 2 && 3 > 2"),
        ("<!-- c --><a href='x'>y</a", "y"),
        ("é<b>ü", "éü"),
    ] {
        assert_eq!(called("text/strip-html", &[text]), format!("{stripped:?}"));
    }
}

#[test]
fn lines_lose_what_they_share() {
    for (text, trimmed) in [
        ("  a\n\n    b\n \n  c\n", "a\n\n  b\n\nc\n"),
        ("  a\r\n  b", "a\r\nb"),
        ("a\n  b", "a\n  b"),
        ("", ""),
        ("\u{3000}é", "é"),
    ] {
        assert_eq!(called("text/trim-indent", &[text]), format!("{trimmed:?}"));
    }
}

#[test]
fn templates_are_filled_once() {
    let bench = Bench::new();
    let host = &bench.host;
    let entries = [
        host.keyword("a"),
        bench.text("{{b}}"),
        host.keyword("b"),
        host.heap.list(&[Value::small(1), bench.text("x")]),
        bench.text("c"),
        Value::NIL,
    ];
    let values = bench.call("hash-map", &entries);
    for (template, rendered) in [
        (
            "{{a}} {{b}} {{c}} {{ a }} {{",
            "{{b}} (1 \"x\") {{c}} {{ a }} {{",
        ),
        ("{{x{{b}}", "{{x{{b}}"),
        ("}}{{a", "}}{{a"),
    ] {
        let found = bench.call("prompt/render", &[bench.text(template), values]);
        assert_eq!(bench.string(found), rendered);
    }
}

#[test]
fn cut_texts_have_the_length() {
    let bench = Bench::new();
    let truncated = |text: &str, length: i32, suffix: &str| {
        bench.string(bench.call(
            "text/truncate",
            &[bench.text(text), Value::small(length), bench.text(suffix)],
        ))
    };
    assert_eq!(truncated("héllo wörld", 8, "…"), "héllo w…");
    assert_eq!(truncated("hello", 2, "..."), "...");
    assert_eq!(truncated("hello", -1, ""), "hello");
    assert_eq!(truncated("hello", 5, "..."), "hello");
}
