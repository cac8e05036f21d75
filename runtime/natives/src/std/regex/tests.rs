use crate::testing::{Bench, call, eval_message};
use sema_machine::memory::value::Value;

fn called(name: &str, texts: &[&str]) -> String {
    let bench = Bench::new();
    let args: Vec<Value> = texts.iter().map(|text| bench.text(text)).collect();
    call(&bench.host, name, &args)
}

#[test]
fn matches_have_positions_in_bytes() {
    assert_eq!(
        called("regex/match", &["(é)(x)?", "aé"]),
        r#"{:end 3 :groups ("é" nil) :match "é" :start 1}"#
    );
    assert_eq!(called("regex/match", &["x", "aé"]), "nil");
    assert_eq!(called("regex/match?", &["(?i)ÉTÉ", "été"]), "#t");
    assert_eq!(called("regex/match?", &[r"^\p{Lu}\w+$", "Ärger"]), "#t");
    assert_eq!(called("regex/match?", &[r"\bé\b", "a é b"]), "#t");
}

#[test]
fn empty_matches_advance_by_characters() {
    assert_eq!(called("regex/find-all", &["", "é"]), r#"("" "")"#);
    assert_eq!(called("regex/split", &["", "éa"]), r#"("" "é" "a" "")"#);
    assert_eq!(called("regex/split", &[",", ""]), r#"("")"#);
    assert_eq!(called("regex/split", &[",", ",a,,"]), r#"("" "a" "" "")"#);
    assert_eq!(called("regex/replace-all", &["x*", "-", "éb"]), "\"-é-b-\"");
}

#[test]
fn replacements_name_groups() {
    for (replacement, result) in [
        ("$2-$1", "\"b-a c\""),
        ("${1}1", "\"a1 c\""),
        ("$11", "\" c\""),
        ("$y$x", "\"ba c\""),
        ("$$1", "\"$1 c\""),
        ("$0$0", "\"abab c\""),
        ("$", "\"$ c\""),
        ("$z", "\" c\""),
        ("-", "\"- c\""),
    ] {
        let found = called("regex/replace", &["(?P<x>a)(?P<y>b)", replacement, "ab c"]);
        assert_eq!(found, result, "{replacement}");
    }
    assert_eq!(called("regex/replace", &["q", "$1", "ab"]), "\"ab\"");
    assert_eq!(called("regex/replace", &["ab", "", "ab"]), "\"\"");
    assert_eq!(called("regex/replace-all", &["a", "", "aaa"]), "\"\"");
}

#[test]
fn bad_patterns_are_refused() {
    let bench = Bench::new();
    for pattern in ["(", "[z-a]", r"\1", "(?=a)", r"\p{Nope}", "a{2,1}"] {
        let message =
            eval_message(bench.error("regex/match?", &[bench.text(pattern), bench.text("a")]));
        assert!(
            message.starts_with("invalid regex pattern: regex parse error:\n"),
            "{message}"
        );
    }
    let large = eval_message(bench.error(
        "regex/match?",
        &[bench.text(r"(?:\w{100}){100}"), bench.text("a")],
    ));
    assert_eq!(
        large,
        "invalid regex pattern: compiled regex exceeds size limit of 10485760 bytes"
    );
    let nested = "(".repeat(100_000);
    let message =
        eval_message(bench.error("regex/match?", &[bench.text(&nested), bench.text("a")]));
    assert_eq!(message, "invalid regex pattern: error: unclosed group");
}

#[test]
fn patterns_that_explode_elsewhere_are_linear() {
    let text = "a".repeat(50_000) + "!";
    for pattern in ["(a+)+$", "(a|aa)+$", "(a*)*b", "(?:a?){50}a{50}b"] {
        assert_eq!(called("regex/match?", &[pattern, &text]), "#f", "{pattern}");
    }
}

#[test]
fn only_so_many_patterns_are_kept() {
    let bench = Bench::new();
    for round in 0..300 {
        let pattern = bench.text(&format!("{round}(x)"));
        let subject = bench.text(&format!("{round}x"));
        assert_eq!(bench.call("regex/match?", &[pattern, subject]), Value::TRUE);
    }
    for round in (0..300).rev() {
        let pattern = bench.text(&format!("{round}(x)"));
        assert_eq!(
            bench.call("regex/match?", &[pattern, bench.text("y")]),
            Value::FALSE
        );
    }
}

#[test]
fn dense_matches_are_the_same() {
    use super::compiled::compiled;
    let bench = Bench::new();
    let line = "2026-11-30T12:00 naïve é@b.com -\n";
    // Dense at first and rare later, longer than what is looked at.
    let mut text = line.repeat(12_000);
    text.push_str(&"nothing to find here -\n".repeat(20_000));
    text.push_str(line);
    for (pattern, is_dense) in [
        (r"\d{4}-\d\d-\d\d", true),
        (r"(\w+)@(\w+)\.com", true),
        (r"\b\w+@\w\.com\b", true),
        (r"2026-\d\d", false),
        (r"(\d*-?)*?", false),
        (r"\w*", false),
        ("(?m)$", false),
        (r"é|x*", false),
    ] {
        let regex = compiled(&bench.host, pattern).ok().unwrap();
        let expected: Vec<_> = regex.engine.find_iter(&text).collect();
        let found: Vec<_> = regex.matches(&text).collect();
        assert!(expected.len() > 12_000);
        assert_eq!(found, expected, "{pattern}");
        assert_eq!(regex.is_searched_densely(), is_dense, "{pattern}");
    }
    let regex = compiled(&bench.host, r"[ab]+-[ab]+").ok().unwrap();
    assert_eq!(regex.matches(&"a-b ".repeat(1000)).count(), 1000);
    assert!(!regex.is_searched_densely(), "the text is short");
}
