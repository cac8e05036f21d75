//! Letter case and identifier styles.

use sema_machine::host::Host;
use sema_machine::host::arguments::text;
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// A string in upper case, with the mappings of Unicode that may change its length.
    /// (string/upper "straße") => "STRASSE"
    "string/upper" | "string-upcase" (text: String) -> String, pure => upper;

    /// A string in lower case, with the mappings of Unicode that may change its length.
    /// (string/lower "ÀB c") => "àb c"
    "string/lower" | "string-downcase" (text: String) -> String, pure => lower;

    /// The full case folding of a string: equal for strings that differ in case only.
    /// (string/foldcase "Straße") => "strasse"
    "string/foldcase" (text: String) -> String, pure => foldcase;

    /// Whether two strings have the same full case folding.
    /// (string-ci=? "Ångström" "åNGSTRÖM") => #t
    "string-ci=?" (left: String, right: String) -> Bool, pure => ci_equal;

    /// The first character in upper case, all others in lower case.
    /// (string/capitalize "hELLO World") => "Hello world"
    "string/capitalize" (text: String) -> String, pure => capitalize;

    /// Capitalises every word. Words are separated by white space, of which one space remains
    /// between them.
    /// (string/title-case "the  old man") => "The Old Man"
    "string/title-case" (text: String) -> String, pure => title_case;

    /// The list of the words of a text or an identifier. A word ends at a space, `_`, `-` or `.`,
    /// before a capital that follows another character, and before the last of several capitals when
    /// lower case follows it.
    /// (string/words "parseXMLFile now") => ("parse" "XML" "File" "now")
    "string/words" (text: String) -> List, pure => words;

    /// The words of a text as one identifier; all but the first are capitalised.
    /// (string/camel-case "user id") => "userId"
    "string/camel-case" (text: String) -> String, pure => camel_case;

    /// The words of a text as one identifier, each capitalised.
    /// (string/pascal-case "user id") => "UserId"
    "string/pascal-case" (text: String) -> String, pure => pascal_case;

    /// The words of a text in lower case with `_` between them.
    /// (string/snake-case "userId") => "user_id"
    "string/snake-case" (text: String) -> String, pure => snake_case;

    /// The words of a text in lower case with `-` between them.
    /// (string/kebab-case "userId") => "user-id"
    "string/kebab-case" (text: String) -> String, pure => kebab_case;

    /// The words of a text capitalised with a space between them.
    /// (string/headline "last_user_id") => "Last User Id"
    "string/headline" (text: String) -> String, pure => headline;
}

fn upper(host: &Host, args: &[Value]) -> Outcome {
    Ok(host
        .heap
        .string(&text(host, "string/upper", args, 0)?.to_uppercase()))
}

fn lower(host: &Host, args: &[Value]) -> Outcome {
    Ok(host
        .heap
        .string(&text(host, "string/lower", args, 0)?.to_lowercase()))
}

/// Appends the full case folding of a character (CaseFolding.txt, statuses C and F).
///
/// Folding is lower(upper(lower(c))) except where the standard keeps a distinction that the case
/// mappings lose (dotless i) or folds towards upper case (Cherokee).
fn fold_char(original: char, out: &mut String) {
    match original {
        'ı' => out.push(original),
        '\u{13A0}'..='\u{13F5}' => out.push(original),
        '\u{13F8}'..='\u{13FD}' | '\u{AB70}'..='\u{ABBF}' => out.extend(original.to_uppercase()),
        _ => out.extend(
            original
                .to_lowercase()
                .flat_map(char::to_uppercase)
                .flat_map(char::to_lowercase),
        ),
    }
}

/// The full case folding of a text.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for original in text.chars() {
        fold_char(original, &mut folded);
    }
    folded
}

fn foldcase(host: &Host, args: &[Value]) -> Outcome {
    Ok(host
        .heap
        .string(&fold(text(host, "string/foldcase", args, 0)?)))
}

fn ci_equal(host: &Host, args: &[Value]) -> Outcome {
    let a = text(host, "string-ci=?", args, 0)?;
    let b = text(host, "string-ci=?", args, 1)?;
    if a.is_ascii() && b.is_ascii() {
        return Ok(Value::bool(a.eq_ignore_ascii_case(b)));
    }
    Ok(Value::bool(fold(a) == fold(b)))
}

/// Appends `word` with its first character in upper and the rest in lower case.
fn push_capitalized(word: &str, out: &mut String) {
    let mut chars = word.chars();
    if let Some(first) = chars.next() {
        out.extend(first.to_uppercase());
        out.push_str(&chars.as_str().to_lowercase());
    }
}

fn capitalize(host: &Host, args: &[Value]) -> Outcome {
    let mut result = String::new();
    push_capitalized(text(host, "string/capitalize", args, 0)?, &mut result);
    Ok(host.heap.string(&result))
}

fn title_case(host: &Host, args: &[Value]) -> Outcome {
    let mut result = String::new();
    for word in text(host, "string/title-case", args, 0)?.split_whitespace() {
        if !result.is_empty() {
            result.push(' ');
        }
        push_capitalized(word, &mut result);
    }
    Ok(host.heap.string(&result))
}

/// The words of an identifier: separated by space, `_`, `-` or `.`, before an upper-case letter
/// that follows anything else, and before the last letter of a run of capitals (`XMLHttp` is `XML`
/// and `Http`).
fn split_words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut previous_upper: Option<bool> = None;
    let mut end_word = |start: usize, end: usize| {
        if let Some(word) = text.get(start..end)
            && !word.is_empty()
        {
            words.push(word);
        }
    };
    let mut chars = text.char_indices().peekable();
    while let Some((offset, current)) = chars.next() {
        if matches!(current, ' ' | '_' | '-' | '.') {
            end_word(start, offset);
            start = offset + 1;
            previous_upper = None;
            continue;
        }
        let upper = current.is_uppercase();
        let begins = upper
            && match previous_upper {
                None => false,
                Some(false) => true,
                Some(true) => chars.peek().is_some_and(|(_, next)| next.is_lowercase()),
            };
        if begins {
            end_word(start, offset);
            start = offset;
        }
        previous_upper = Some(upper);
    }
    end_word(start, text.len());
    words
}

fn words(host: &Host, args: &[Value]) -> Outcome {
    let words: Vec<Value> = split_words(text(host, "string/words", args, 0)?)
        .into_iter()
        .map(|word| host.heap.string(word))
        .collect();
    Ok(host.heap.list(&words))
}

/// How one word is written.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    Lower,
    Capitalized,
}

/// The words of a text with `separator` between them.
fn styled(
    host: &Host,
    function: &str,
    args: &[Value],
    first: Style,
    others: Style,
    separator: &str,
) -> Outcome {
    let mut result = String::new();
    for (index, word) in split_words(text(host, function, args, 0)?)
        .into_iter()
        .enumerate()
    {
        if index > 0 {
            result.push_str(separator);
        }
        match if index == 0 { first } else { others } {
            Style::Lower => result.push_str(&word.to_lowercase()),
            Style::Capitalized => push_capitalized(word, &mut result),
        }
    }
    Ok(host.heap.string(&result))
}

fn camel_case(host: &Host, args: &[Value]) -> Outcome {
    styled(
        host,
        "string/camel-case",
        args,
        Style::Lower,
        Style::Capitalized,
        "",
    )
}

fn pascal_case(host: &Host, args: &[Value]) -> Outcome {
    styled(
        host,
        "string/pascal-case",
        args,
        Style::Capitalized,
        Style::Capitalized,
        "",
    )
}

fn snake_case(host: &Host, args: &[Value]) -> Outcome {
    styled(
        host,
        "string/snake-case",
        args,
        Style::Lower,
        Style::Lower,
        "_",
    )
}

fn kebab_case(host: &Host, args: &[Value]) -> Outcome {
    styled(
        host,
        "string/kebab-case",
        args,
        Style::Lower,
        Style::Lower,
        "-",
    )
}

fn headline(host: &Host, args: &[Value]) -> Outcome {
    styled(
        host,
        "string/headline",
        args,
        Style::Capitalized,
        Style::Capitalized,
        " ",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    #[test]
    fn case_mapping_is_full() {
        let bench = Bench::new();
        for (function, from, to) in [
            ("string/upper", "straße", "STRASSE"),
            ("string/lower", "ΑΣ ΟΔΟΣ", "ας οδος"),
            ("string/capitalize", "éCOLE ßx", "École ßx"),
            ("string/capitalize", "ßab", "SSab"),
            (
                "string/title-case",
                "  foo-bar  baz\tqux HELLO",
                "Foo-bar Baz Qux Hello",
            ),
            ("string/foldcase", "Straße ΣΑΣ İ ﬁ", "strasse σασ i̇ fi"),
        ] {
            assert_eq!(bench.on_texts(function, &[from]), to);
        }
    }

    #[test]
    fn folding_exceptions() {
        assert_eq!(
            fold("ı\u{13A0}\u{AB70}\u{1E9E}ϴ\u{212A}"),
            "ı\u{13A0}\u{13A0}ssθk"
        );
        let bench = Bench::new();
        let same = bench.call(
            "string-ci=?",
            &[bench.text("Straße"), bench.text("STRASSE")],
        );
        assert_eq!(same, Value::TRUE);
    }

    #[test]
    fn words_of_identifiers() {
        for (text, expected) in [
            (
                "helloWorld foo_bar-baz",
                &["hello", "World", "foo", "bar", "baz"][..],
            ),
            ("XMLHttpRequest", &["XML", "Http", "Request"]),
            ("a1b2C3 2Go", &["a1b2", "C3", "2", "Go"]),
            ("foo.bar!baz don't", &["foo", "bar!baz", "don't"]),
            ("ABC A1B --a--", &["ABC", "A1", "B", "a"]),
            ("日本語Ab", &["日本語", "Ab"]),
            ("", &[]),
        ] {
            assert_eq!(split_words(text), expected);
        }
    }

    #[test]
    fn identifier_styles() {
        let bench = Bench::new();
        for (function, expected) in [
            ("string/camel-case", "helloWorldFooXmlHttp"),
            ("string/pascal-case", "HelloWorldFooXmlHttp"),
            ("string/snake-case", "hello_world_foo_xml_http"),
            ("string/kebab-case", "hello-world-foo-xml-http"),
            ("string/headline", "Hello World Foo Xml Http"),
        ] {
            assert_eq!(
                bench.on_texts(function, &["hello world-foo XMLHttp"]),
                expected
            );
        }
    }
}
