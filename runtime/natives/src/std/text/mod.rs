//! Text: cleaning, cutting, sentences, templates.

pub mod chunk;
pub mod documents;
mod excerpt;
pub mod template;
#[cfg(test)]
mod tests;

use sema_machine::data::collections;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, integer, text};
use sema_machine::host::condition::{Outcome, type_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// The pieces of a text, each of at most `:size` characters (1000): cut between paragraphs if that is enough, else between lines,
    /// sentences, words, characters. What stands between pieces is dropped. Each begins with the last `:overlap` characters (200)
    /// of the one before, unless that is as much as the size.
    /// (text/chunk "hello world foo bar" {:size 10}) => ("hello" "world foo" "bar")
    "text/chunk" (text: String, options?: Any) -> List, pure, options(1, &["size", "overlap"]) => chunks;

    /// The pieces of a text between separators, without the empty ones. With an empty separator they are its characters.
    /// (text/chunk-by-separator "a--b----c" "--") => ("a" "b" "c")
    "text/chunk-by-separator" (text: String, separator: String) -> List, pure => chunks_by_separator;

    /// The sentences of a text: each ends behind `.`, `!` or `?` before white space. Abbreviations are not known.
    /// (text/split-sentences "Hello world. How are you? Fine!") => ("Hello world." "How are you?" "Fine!")
    "text/split-sentences" (text: String) -> List, pure => sentences;

    /// A text with one space in place of all white space between words, and none around them.
    /// (text/clean-whitespace "  hello \n  world ") => "hello world"
    "text/clean-whitespace" (text: String) -> String, pure => clean_white_space;

    /// A text with LF in place of the line ends CRLF and CR.
    /// (text/normalize-newlines "a\r\nb\rc") => "a\nb\nc"
    "text/normalize-newlines" (text: String) -> String, pure => normalize_newlines;

    /// The words of a text that white space separates, counted.
    /// (text/word-count " hello  world ") => 2
    "text/word-count" (text: String) -> Count, pure => word_count;

    /// A text cut to so many characters, the suffix ("...") included, if it is longer.
    /// (text/truncate "hello world" 8) => "hello..."
    /// (text/truncate "hello" 8) => "hello"
    "text/truncate" (text: String, length: Int, suffix?: Any) -> String, pure => truncate;

    /// A text without the indentation that all of its lines share; blank lines do not count.
    /// (text/trim-indent "    a\n      b") => "a\n  b"
    "text/trim-indent" (text: String) -> String, pure => trim_indent;

    /// A text without its HTML tags. The entities `&amp;`, `&lt;`, `&gt;`, `&quot;`, `&#39;`, `&apos;` and `&nbsp;` are decoded. The
    /// content of scripts is kept: see `html/text` for what a page shows.
    /// (text/strip-html "<p>a &amp; <b>b</b></p>") => "a & b"
    "text/strip-html" (text: String) -> String, pure => strip_html;

    /// The surroundings of the first place where a text contains another, whatever the case: `:radius` characters (100) on both sides,
    /// with an `:omission` ("...") where something is cut off. Nil if it is not contained.
    /// (text/excerpt "The quick brown fox jumps over" "FOX" {:radius 6}) => "...brown fox jumps..."
    /// (text/excerpt "abc" "x") => nil
    "text/excerpt" (text: String, query: String, options?: Any) -> OptionalString, pure, options(2, &["radius", "omission"]) => excerpt;

    /// The text itself: says that it is meant as a template for `prompt/render`.
    /// (prompt/template "Hello {{name}}") => "Hello {{name}}"
    "prompt/template" (text: String) -> String, pure => prompt_template;

    /// A text with the values of a map in place of `{{key}}`, for its keyword keys; other places stay as they are.
    /// (prompt/render "Hello {{name}}, {{other}}" {:name "Ada"}) => "Hello Ada, {{other}}"
    "prompt/render" (template: String, values: Map) -> String, pure => prompt_render;
}

/// A list of strings.
fn strings<'t>(host: &Host, texts: impl IntoIterator<Item = &'t str>) -> Value {
    let strings: Vec<Value> = (texts.into_iter())
        .map(|text| host.heap.string(text))
        .collect();
    host.heap.list(&strings)
}

/// The value of an option, if there is a map of them that has it.
fn option(host: &Host, options: Value, name: &str) -> Option<Value> {
    collections::get(host, options, host.keyword(name))
}

/// An option that is a count; negative numbers are 0, and what is no integer is not seen.
fn count_option(host: &Host, options: Value, name: &str, default: usize) -> usize {
    let number = option(host, options, name).and_then(|value| host.heap.as_i64(value));
    number.map_or(default, |number| usize::try_from(number).unwrap_or(0))
}

fn chunks(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "text/chunk", args, 0)?;
    let pieces = chunk::pieces(content, chunk_sizes(host, argument(args, 1)));
    Ok(strings(host, pieces.iter().map(String::as_str)))
}

fn chunk_sizes(host: &Host, options: Value) -> chunk::Sizes {
    chunk::Sizes {
        size: count_option(host, options, "size", 1000).max(1),
        overlap: count_option(host, options, "overlap", 200),
    }
}

fn chunks_by_separator(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "text/chunk-by-separator", args, 0)?;
    let separator = text(host, "text/chunk-by-separator", args, 1)?;
    let pieces = content.split(separator).filter(|piece| !piece.is_empty());
    Ok(strings(host, pieces))
}

fn sentences(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "text/split-sentences", args, 0)?;
    let mut found = Vec::new();
    let mut start = 0;
    for (at, two) in content.as_bytes().windows(2).enumerate() {
        if let [b'.' | b'!' | b'?', b' ' | b'\t' | b'\n' | b'\r'] = two {
            found.push(content.get(start..=at).unwrap_or_default().trim());
            start = at + 1;
        }
    }
    found.push(content.get(start..).unwrap_or_default().trim());
    Ok(strings(
        host,
        found.into_iter().filter(|text| !text.is_empty()),
    ))
}

fn clean_white_space(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "text/clean-whitespace", args, 0)?;
    let words: Vec<&str> = content.split_whitespace().collect();
    Ok(host.heap.string(&words.join(" ")))
}

fn normalize_newlines(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "text/normalize-newlines", args, 0)?;
    if !content.contains('\r') {
        return Ok(argument(args, 0));
    }
    let normal = content.replace("\r\n", "\n").replace('\r', "\n");
    Ok(host.heap.string(&normal))
}

fn word_count(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "text/word-count", args, 0)?;
    Ok(Value::index(content.split_whitespace().count()))
}

fn truncate(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "text/truncate", args, 0)?;
    let length = integer(host, "text/truncate", args, 1)?;
    // A negative length cuts nothing.
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let suffix = host.heap.as_str(argument(args, 2)).unwrap_or("...");
    if host.heap.char_len(argument(args, 0)) <= length {
        return Ok(argument(args, 0));
    }
    let kept = length.saturating_sub(suffix.chars().count());
    let mut cut: String = content.chars().take(kept).collect();
    cut.push_str(suffix);
    Ok(host.heap.string(&cut))
}

fn trim_indent(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "text/trim-indent", args, 0)?;
    let indentation = |line: &str| {
        let rest = line.trim_start();
        (!rest.is_empty()).then(|| line.chars().count() - rest.chars().count())
    };
    let lines = content.split('\n');
    let shared = lines.clone().filter_map(indentation).min().unwrap_or(0);
    let lines: Vec<&str> = lines
        .map(|line| match line.char_indices().nth(shared) {
            Some((start, _)) => line.get(start..).unwrap_or_default(),
            None => "",
        })
        .collect();
    Ok(host.heap.string(&lines.join("\n")))
}

/// What the entities that `text/strip-html` knows stand for.
const ENTITIES: [(&str, &str); 7] = [
    ("&amp;", "&"),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&#39;", "'"),
    ("&apos;", "'"),
    ("&nbsp;", " "),
];

fn strip_html(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "text/strip-html", args, 0)?;
    let mut stripped = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = rest.find(['<', '&']) {
        let (plain, special) = rest.split_at(at);
        stripped.push_str(plain);
        let entity = (ENTITIES.iter()).find(|(entity, _)| special.starts_with(entity));
        rest = if let Some((entity, meaning)) = entity {
            stripped.push_str(meaning);
            special.get(entity.len()..).unwrap_or_default()
        } else if starts_tag(special) {
            // One that does not end takes the rest.
            let end = special.find('>').map_or(special.len(), |end| end + 1);
            special.get(end..).unwrap_or_default()
        } else {
            let (first, behind) = special.split_at(1);
            stripped.push_str(first);
            behind
        };
    }
    stripped.push_str(rest);
    Ok(host.heap.string(&stripped))
}

/// Whether a text begins with a tag, a comment or a declaration.
fn starts_tag(text: &str) -> bool {
    match text.as_bytes() {
        [b'<', next, ..] => next.is_ascii_alphabetic() || matches!(next, b'/' | b'!' | b'?'),
        _ => false,
    }
}

fn excerpt(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "text/excerpt", args, 0)?;
    let query = text(host, "text/excerpt", args, 1)?;
    let options = argument(args, 2);
    let radius = count_option(host, options, "radius", 100);
    let omission = option(host, options, "omission").and_then(|value| host.heap.as_str(value));
    Ok(
        match excerpt::around(content, query, radius, omission.unwrap_or("...")) {
            Some(excerpt) => host.heap.string(&excerpt),
            None => Value::NIL,
        },
    )
}

fn prompt_template(host: &Host, args: &[Value]) -> Outcome {
    text(host, "prompt/template", args, 0)?;
    Ok(argument(args, 0))
}

fn prompt_render(host: &Host, args: &[Value]) -> Outcome {
    let template = text(host, "prompt/render", args, 0)?;
    let values = argument(args, 1);
    if !collections::is_map(values) {
        return Err(type_error(host, "map", values));
    }
    Ok(host.heap.string(&template::render(host, template, values)))
}
